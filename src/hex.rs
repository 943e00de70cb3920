//! Bytes as people read them.

/// Two lower-case digits for each byte.
#[must_use]
pub fn lower(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bytes_keep_their_zero() {
        assert_eq!(lower(&[0, 0x0f, 0xa0, 0xff]), "000fa0ff");
    }
}
