//! VNC authentication: DES of the challenge under the password, key bits mirrored (protocol reference 11.1).

use des::Des;
use des::cipher::{BlockCipherEncrypt as _, KeyInit as _};

/// The response to a challenge. Only the first eight bytes of the password count.
pub(in crate::sim) fn respond(password: &[u8], challenge: &[u8; 16]) -> [u8; 16] {
    let mut key = [0; 8];
    key.iter_mut().zip(password).for_each(|(slot, byte)| *slot = byte.reverse_bits());
    let cipher = Des::new(&key.into());
    let mut response = *challenge;
    for half in response.chunks_exact_mut(8) {
        if let Ok(block) = half.try_into() {
            cipher.encrypt_block(block);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::respond;

    #[test]
    fn the_vectors_of_the_reference() {
        let challenge: [u8; 16] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let hex = |password: &str| -> String {
            respond(password.as_bytes(), &challenge).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        assert_eq!(hex("password"), "b866924125c8eebb9debc1db61c538e2");
        assert_eq!(hex("PVEVNC:6"), "6cd546c0dcc738ca6c0274eae59a2bf2");
        assert_eq!(hex("PVEVNC:6553A1B2::abc"), "6cd546c0dcc738ca6c0274eae59a2bf2");
        assert_eq!(hex("a"), "449407fb6f71bd517aca76866568a4e2");
        assert_eq!(hex(""), "491e890de9ace932838a49792f2213f3");
        assert_eq!(hex("!\"#$%&'("), "0f4e2915dbd800fe96be2cc30720b181");
    }
}
