//! The RFB handshake's values (RFC 6143 sections 7.1 and 7.3). Messages after it are not read here.

/// A protocol version as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 3.3, and what must be treated as it.
    V33,
    /// 3.7.
    V37,
    /// 3.8 and everything above it.
    V38,
}

/// Bytes of a version message.
pub const VERSION_LEN: usize = 12;

/// What the gateway says, to both sides.
pub const VERSION_38: &[u8; VERSION_LEN] = b"RFB 003.008\n";

impl Version {
    /// Reads a version message (7.1.1): `RFB xxx.yyy\n`. Unknown minors count as 3.3, as the RFC asks; Apple's 3.889
    /// and the 4.x of RealVNC as 3.8.
    #[must_use]
    pub fn parse(bytes: &[u8; VERSION_LEN]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_prefix("RFB ")?.strip_suffix('\n')?;
        let (major, minor) = text.split_once('.')?;
        let digits = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(major) || !digits(minor) {
            return None;
        }
        match (major, minor) {
            ("003", "007") => Some(Self::V37),
            ("003", "008" | "889") | ("004", "000" | "001") | ("005", "000") => Some(Self::V38),
            ("003", _) => Some(Self::V33),
            _ => None,
        }
    }
}

/// Security type None (7.2.1).
pub const SECURITY_NONE: u8 = 1;
/// Security type VNC authentication (7.2.2).
pub const SECURITY_VNC: u8 = 2;

/// SecurityResult: ok.
pub const RESULT_OK: [u8; 4] = [0, 0, 0, 0];
/// SecurityResult: failed.
pub const RESULT_FAILED: [u8; 4] = [0, 0, 0, 1];

/// A reason string with its length before it (7.1.2).
#[must_use]
pub fn reason(text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).unwrap_or_default();
    [&len.to_be_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r01_versions() {
        for (text, expected) in [
            (b"RFB 003.003\n", Some(Version::V33)),
            (b"RFB 003.005\n", Some(Version::V33)),
            (b"RFB 003.007\n", Some(Version::V37)),
            (b"RFB 003.008\n", Some(Version::V38)),
            (b"RFB 003.889\n", Some(Version::V38)),
            (b"RFB 004.000\n", Some(Version::V38)),
            (b"RFB 004.001\n", Some(Version::V38)),
            (b"RFB 002.008\n", None),
            (b"RFB 003.0x8\n", None),
            (b"RFB 003.008 ", None),
            (b"HTTP/1.1 400", None),
        ] {
            assert_eq!(Version::parse(text), expected, "{}", text.escape_ascii());
        }
    }
}
