//! The WebSocket frame header (RFC 6455 section 5.2) and the close body (5.5.1).
//!
//! Owns parsing and encoding. An error is reported at the first byte that decides it, so that the verdict never depends
//! on how the bytes were chunked. Which side must mask is the walker's rule, not this file's.

/// The longest header: 2 bytes, an 8-byte length, a 4-byte key.
pub const MAX_HEADER: usize = 14;

/// The longest payload of a control frame (RFC 6455 5.5).
pub const MAX_CONTROL: usize = 125;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// More of a fragmented message.
    Continuation,
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
    /// The end.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

const OPCODES: [(u8, Opcode); 6] = [
    (0x0, Opcode::Continuation),
    (0x1, Opcode::Text),
    (0x2, Opcode::Binary),
    (0x8, Opcode::Close),
    (0x9, Opcode::Ping),
    (0xA, Opcode::Pong),
];

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        OPCODES.iter().find(|(value, _)| *value == bits).map(|(_, opcode)| *opcode)
    }

    fn bits(self) -> u8 {
        OPCODES.iter().find(|(_, opcode)| *opcode == self).map_or(0, |(value, _)| *value)
    }

    /// Close, ping or pong.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The message's last frame.
    pub fin: bool,
    /// What it carries.
    pub opcode: Opcode,
    /// The masking key, from clients only.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload.
    pub len: u64,
}

/// What RFC 6455 refuses about a header or the order of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// A reserved bit (no extension is ever negotiated).
    Rsv,
    /// A reserved opcode.
    Opcode,
    /// A control frame that is fragmented or over 125 bytes.
    Control,
    /// A length that is not minimal or has its top bit set.
    Length,
    /// An unmasked client frame.
    Unmasked,
    /// A masked server frame.
    Masked,
    /// A continuation without a start, or a start inside a message.
    Fragment,
    /// A frame above the limit.
    TooBig,
}

/// An encoded header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderBytes {
    bytes: [u8; MAX_HEADER],
    len: u8,
}

impl HeaderBytes {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Header {
    /// Reads a header from the front: `None` until enough bytes are there, then the header and its length.
    ///
    /// # Errors
    /// What the bytes seen so far already break.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let [first, rest @ ..] = bytes else { return Ok(None) };
        let fin = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err(Violation::Rsv);
        }
        let opcode = Opcode::from_bits(first & 0x0F).ok_or(Violation::Opcode)?;
        if opcode.is_control() && !fin {
            return Err(Violation::Control);
        }
        let [second, rest @ ..] = rest else { return Ok(None) };
        let masked = second & 0x80 != 0;
        let short = second & 0x7F;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL {
            return Err(Violation::Control);
        }
        let Some((len, len_bytes)) = parse_length(short, rest)? else { return Ok(None) };
        let rest = rest.get(len_bytes..).unwrap_or_default();
        let mask = match (masked, rest) {
            (false, _) => None,
            (true, [a, b, c, d, ..]) => Some([*a, *b, *c, *d]),
            (true, _) => return Ok(None),
        };
        let size = 2 + len_bytes + if masked { 4 } else { 0 };
        Ok(Some((Self { fin, opcode, mask, len }, size)))
    }

    /// Writes the header in its shortest form.
    #[must_use]
    pub fn encode(&self) -> HeaderBytes {
        let mut bytes = [0; MAX_HEADER];
        let mut len = 0;
        let mut push = |part: &[u8]| {
            for byte in part {
                if let Some(slot) = bytes.get_mut(len) {
                    *slot = *byte;
                    len += 1;
                }
            }
        };
        push(&[if self.fin { 0x80 } else { 0 } | self.opcode.bits()]);
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        match (u8::try_from(self.len), u16::try_from(self.len)) {
            (Ok(short @ 0..=125), _) => push(&[masked | short]),
            (_, Ok(medium)) => {
                push(&[masked | 126]);
                push(&medium.to_be_bytes());
            }
            _ => {
                push(&[masked | 127]);
                push(&self.len.to_be_bytes());
            }
        }
        if let Some(key) = self.mask {
            push(&key);
        }
        HeaderBytes { bytes, len: u8::try_from(len).unwrap_or_default() }
    }

    /// Bytes of the encoded header.
    #[must_use]
    pub const fn size(&self) -> usize {
        let length = match self.len {
            0..=125 => 0,
            126..=0xFFFF => 2,
            _ => 8,
        };
        2 + length + if self.mask.is_some() { 4 } else { 0 }
    }
}

/// The extended length: value and the bytes it took.
fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    match (short, rest) {
        (126, [a, b, ..]) => {
            let len = u16::from_be_bytes([*a, *b]);
            if len < 126 { Err(Violation::Length) } else { Ok(Some((u64::from(len), 2))) }
        }
        (127, [top, ..]) if top & 0x80 != 0 => Err(Violation::Length),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            let len = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            if len <= u64::from(u16::MAX) { Err(Violation::Length) } else { Ok(Some((len, 8))) }
        }
        (126 | 127, _) => Ok(None),
        (len, _) => Ok(Some((u64::from(len), 0))),
    }
}

/// Masks or unmasks in place; `phase` is how many bytes of the frame came before.
pub fn apply_mask(bytes: &mut [u8], key: [u8; 4], phase: u64) {
    let key = rotate(key, phase);
    for chunk in bytes.chunks_mut(4) {
        for (byte, k) in chunk.iter_mut().zip(key) {
            *byte ^= k;
        }
    }
}

/// The key as it stands `phase` bytes into a frame.
#[must_use]
pub fn rotate(mut key: [u8; 4], phase: u64) -> [u8; 4] {
    key.rotate_left((phase % 4) as usize);
    key
}

/// One whole small frame.
#[must_use]
pub fn frame(opcode: Opcode, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let header = Header { fin: true, opcode, mask, len: payload.len() as u64 };
    let mut bytes = header.encode().as_slice().to_vec();
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    if let (Some(key), Some(body)) = (mask, bytes.get_mut(start..)) {
        apply_mask(body, key, 0);
    }
    bytes
}

/// What a close frame said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseBody {
    /// Nothing.
    Empty,
    /// A code that may be on the wire, and a UTF-8 reason.
    Code(u16),
    /// One byte, or a code that may not be on the wire.
    BadCode,
    /// A reason that is not UTF-8.
    BadText,
}

/// Reads a close frame's payload (RFC 6455 5.5.1, 7.4).
#[must_use]
pub fn parse_close(payload: &[u8]) -> CloseBody {
    let (code, reason) = match payload {
        [] => return CloseBody::Empty,
        [_] => return CloseBody::BadCode,
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return CloseBody::BadCode;
    }
    if std::str::from_utf8(reason).is_err() { CloseBody::BadText } else { CloseBody::Code(code) }
}

/// A close frame's payload; the reason is cut to what fits.
#[must_use]
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    let mut end = reason.len().min(MAX_CONTROL - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes().get(..end).unwrap_or_default());
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6455 section 5.7.
    #[test]
    fn headers_of_the_rfc_read_and_write() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for (bytes, header) in [
            (&[0x81, 0x05][..], Header { fin: true, opcode: Opcode::Text, mask: None, len: 5 }),
            (
                &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d],
                Header { fin: true, opcode: Opcode::Text, mask: Some(key), len: 5 },
            ),
            (&[0x01, 0x03], Header { fin: false, opcode: Opcode::Text, mask: None, len: 3 }),
            (&[0x80, 0x02], Header { fin: true, opcode: Opcode::Continuation, mask: None, len: 2 }),
            (
                &[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d],
                Header { fin: true, opcode: Opcode::Pong, mask: Some(key), len: 5 },
            ),
            (&[0x82, 0x7E, 0x01, 0x00], Header { fin: true, opcode: Opcode::Binary, mask: None, len: 256 }),
            (
                &[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0],
                Header { fin: true, opcode: Opcode::Binary, mask: None, len: 65536 },
            ),
        ] {
            assert_eq!(Header::parse(bytes), Ok(Some((header, bytes.len()))));
            assert_eq!(header.encode().as_slice(), bytes);
            for cut in 0..bytes.len() {
                assert_eq!(Header::parse(&bytes[..cut]), Ok(None), "{cut} of {bytes:x?}");
            }
        }
        assert_eq!(frame(Opcode::Text, Some(key), b"Hello")[6..], [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn w02_reserved_bits_and_opcodes() {
        for bits in [0x40, 0x20, 0x10] {
            assert_eq!(Header::parse(&[0x82 | bits]), Err(Violation::Rsv));
        }
        for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
            assert_eq!(Header::parse(&[0x80 | opcode]), Err(Violation::Opcode));
        }
    }

    #[test]
    fn w03_control_frames_are_short_and_whole() {
        for opcode in [8, 9, 10] {
            assert_eq!(Header::parse(&[opcode]), Err(Violation::Control));
            assert_eq!(Header::parse(&[0x80 | opcode, 126]), Err(Violation::Control));
        }
    }

    #[test]
    fn w04_w06_lengths_are_minimal_and_have_no_top_bit() {
        assert_eq!(Header::parse(&[0x82, 127, 0x80]), Err(Violation::Length));
        assert_eq!(Header::parse(&[0x82, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), Err(Violation::Length));
        assert_eq!(Header::parse(&[0x82, 126, 0, 125]), Err(Violation::Length));
        assert_eq!(Header::parse(&[0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]), Err(Violation::Length));
    }

    #[test]
    fn w12_close_bodies() {
        assert_eq!(parse_close(&[]), CloseBody::Empty);
        assert_eq!(parse_close(&[3]), CloseBody::BadCode);
        for code in [0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            assert_eq!(parse_close(&code.to_be_bytes()), CloseBody::BadCode, "{code}");
        }
        for code in [1000_u16, 1003, 1007, 1014, 3000, 4999] {
            assert_eq!(parse_close(&code.to_be_bytes()), CloseBody::Code(code));
        }
        assert_eq!(parse_close(&[3, 232, 0xFF]), CloseBody::BadText);
    }

    #[test]
    fn a_close_reason_is_cut_between_characters() {
        let payload = close_payload(1000, &"é".repeat(100));
        assert_eq!(payload.len(), 2 + 122);
        assert_eq!(parse_close(&payload), CloseBody::Code(1000));
    }

    #[test]
    fn masking_continues_at_its_phase() {
        let mut whole = *b"a longer text than four bytes";
        let mut parts = whole;
        apply_mask(&mut whole, [1, 2, 3, 4], 0);
        let (head, tail) = parts.split_at_mut(7);
        apply_mask(head, [1, 2, 3, 4], 0);
        apply_mask(tail, [1, 2, 3, 4], 7);
        assert_eq!(whole, parts);
    }
}
