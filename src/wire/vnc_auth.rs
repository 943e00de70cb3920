//! VNC authentication (RFC 6143 section 7.2.2): the one use of DES, kept in one place.

use des::Des;
use des::cipher::{Array, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroize;

/// The answer to a challenge: DES-ECB of its two halves under the password's first 8 bytes, zero-padded, with the bits
/// of each byte reversed.
#[must_use]
pub fn respond(password: &[u8], challenge: [u8; 16]) -> [u8; 16] {
    let mut key = [0_u8; 8];
    for (slot, byte) in key.iter_mut().zip(password) {
        *slot = byte.reverse_bits();
    }
    let cipher = Des::new(&Array(key));
    key.zeroize();
    let mut response = challenge;
    for half in response.chunks_exact_mut(8) {
        if let Ok(block) = <&mut Array<u8, _>>::try_from(half) {
            cipher.encrypt_block(block);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: [u8; 16]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn r10_known_answers() {
        let challenge: [u8; 16] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        for (password, expected) in [
            ("password", "b866924125c8eebb9debc1db61c538e2"),
            ("PVEVNC:6", "6cd546c0dcc738ca6c0274eae59a2bf2"),
            ("PVEVNC:65F0", "6cd546c0dcc738ca6c0274eae59a2bf2"),
            ("a", "449407fb6f71bd517aca76866568a4e2"),
            ("", "491e890de9ace932838a49792f2213f3"),
            ("!\"#$%&'(", "0f4e2915dbd800fe96be2cc30720b181"),
        ] {
            assert_eq!(hex(respond(password.as_bytes(), challenge)), expected, "{password}");
        }
    }
}
