//! SHA-256 (FIPS 180-4), by aws-lc.

use aws_lc_rs::digest::{SHA256, digest};

/// The hash of these bytes.
#[must_use]
pub fn of(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_the_standard() {
        assert_eq!(of(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(of(b"abc")[28..], [0xf2, 0x00, 0x15, 0xad]);
    }
}
