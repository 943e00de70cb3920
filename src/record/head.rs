//! The head of a TLS 1.3 record and what a record may hold (RFC 8446 5.1, 5.2, 5.4). No I/O, no keys.

use std::io;

/// Bytes before the sealed ones.
pub(super) const HEADER: usize = 5;
/// Plaintext of one record at the most.
pub(super) const MAX_PLAIN: usize = 1 << 14;
/// The tag of every suite there is.
pub(super) const TAG: usize = 16;
/// What sealing adds behind the plaintext: its type and the tag.
pub(super) const TAIL: usize = 1 + TAG;
/// Sealed bytes of one record at the most: plaintext, type, padding and tag.
const MAX_SEALED: usize = MAX_PLAIN + 256;
/// A whole record at the most.
pub(super) const MAX_RECORD: usize = HEADER + MAX_SEALED;

/// What a record carries (RFC 8446 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentType {
    Alert,
    Handshake,
    Data,
}

const TYPES: [(u8, ContentType); 3] = [(21, ContentType::Alert), (22, ContentType::Handshake), (23, ContentType::Data)];

impl ContentType {
    pub(super) fn from_bits(bits: u8) -> Option<Self> {
        TYPES.iter().find(|(value, _)| *value == bits).map(|(_, kind)| *kind)
    }

    pub(super) fn bits(self) -> u8 {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or(0, |(value, _)| *value)
    }
}

/// Why a connection is over: what the peer broke, or what stands against going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broke {
    #[error("a TLS record that does not open: it was changed on its way, or sealed with another key")]
    Sealed,
    #[error("a TLS record larger than RFC 8446 allows")]
    TooLong,
    #[error("a TLS message that has no place here")]
    Unexpected,
    #[error("a TLS message that cannot be read")]
    Malformed,
    #[error("a KeyUpdate that asks for something unknown")]
    BadKeyUpdate,
    #[error("the peer ended TLS with alert {0}")]
    Alerted(u8),
    #[error("no key is left to seal with")]
    Exhausted,
}

impl Broke {
    /// The alert that tells the peer (RFC 8446 6.2); none to a peer that has ended the connection itself.
    pub(super) const fn alert(self) -> Option<u8> {
        match self {
            Self::Unexpected => Some(10),
            Self::Sealed => Some(20),
            Self::TooLong => Some(22),
            Self::BadKeyUpdate => Some(47),
            Self::Malformed => Some(50),
            Self::Exhausted => Some(80),
            Self::Alerted(_) => None,
        }
    }
}

impl From<Broke> for io::Error {
    fn from(broke: Broke) -> Self {
        Self::new(io::ErrorKind::InvalidData, broke)
    }
}

/// Size of the record that begins here, its header included; `None` until the header is there.
///
/// # Errors
/// A record that cannot come once a handshake is done, or a longer one than there is.
pub(super) fn size(bytes: &[u8]) -> Result<Option<usize>, Broke> {
    let Some([kind, _, _, high, low]) = bytes.first_chunk() else { return Ok(None) };
    // Everything is sealed by now, a change_cipher_spec is late, and the version is to be ignored (5.1, 5.2).
    if *kind != ContentType::Data.bits() {
        return Err(Broke::Unexpected);
    }
    let sealed = usize::from(u16::from_be_bytes([*high, *low]));
    if sealed > MAX_SEALED { Err(Broke::TooLong) } else { Ok(Some(HEADER + sealed)) }
}

/// The header of a record with this many sealed bytes.
pub(super) fn header(sealed: usize) -> Result<[u8; HEADER], Broke> {
    let [high, low] = u16::try_from(sealed).map_err(|_| Broke::TooLong)?.to_be_bytes();
    Ok([ContentType::Data.bits(), 3, 3, high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_long_as_it_says_within_the_limit() {
        assert_eq!(size(&[23, 3, 3, 0]), Ok(None));
        assert_eq!(size(&[23, 3, 3, 1, 2, 9]), Ok(Some(5 + 258)));
        assert_eq!(size(&[23, 9, 9, 0x41, 0x00]), Ok(Some(5 + MAX_SEALED)), "the version means nothing");
        assert_eq!(size(&[23, 3, 3, 0x41, 0x01]), Err(Broke::TooLong));
        for kind in [0, 20, 21, 22, 24, b'G'] {
            assert_eq!(size(&[kind, 3, 3, 0, 20]), Err(Broke::Unexpected), "{kind}");
        }
        assert_eq!(size(&header(258).unwrap()), Ok(Some(5 + 258)));
    }
}
