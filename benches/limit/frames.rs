//! WebSocket frames as both ends of a measurement read and write them (RFC 6455 section 5.2).
//!
//! On purpose not the gateway's own codec: a mistake made here and there must not cancel out. Reads any chunking in
//! place and never buffers payload.

/// The longest header: 2 bytes, an 8-byte length, a 4-byte key.
const MOST_HEAD: usize = 14;

/// First bytes of the frames that are used: FIN and an opcode.
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8A;

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// FIN, reserved bits and opcode.
    pub first: u8,
    /// The key, where the frame is masked.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload.
    pub len: usize,
}

/// The next thing in a stream.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A frame begins; one without payload ends at once.
    Head(Head),
    /// Payload, `at` bytes into its frame.
    Data { bytes: &'a [u8], at: usize, last: bool },
}

/// Follows the frames of a stream.
#[derive(Debug, Default)]
pub struct Frames {
    head: [u8; MOST_HEAD],
    have: usize,
    at: usize,
    len: usize,
}

impl Frames {
    /// Takes the next piece off the front of `bytes`; none when they are used up.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        if self.at < self.len {
            return self.data(bytes);
        }
        while let Some((first, rest)) = bytes.split_first() {
            self.head[self.have] = *first;
            self.have += 1;
            *bytes = rest;
            if let Some(head) = parsed(&self.head[..self.have]) {
                (self.have, self.at, self.len) = (0, 0, head.len);
                return Some(Piece::Head(head));
            }
        }
        None
    }

    fn data<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        let count = bytes.len().min(self.len - self.at);
        if count == 0 {
            return None;
        }
        let (taken, rest) = bytes.split_at(count);
        let at = self.at;
        *bytes = rest;
        self.at += count;
        Some(Piece::Data { bytes: taken, at, last: self.at == self.len })
    }
}

/// The header, once it is whole.
fn parsed(bytes: &[u8]) -> Option<Head> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (len, rest) = match second & 0x7F {
        126 => {
            let (len, rest) = rest.split_first_chunk::<2>()?;
            (u64::from(u16::from_be_bytes(*len)), rest)
        }
        127 => {
            let (len, rest) = rest.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*len), rest)
        }
        short => (u64::from(short), rest),
    };
    let mask = match second & 0x80 {
        0 => None,
        _ => Some(*rest.first_chunk::<4>()?),
    };
    Some(Head { first: *first, mask, len: usize::try_from(len).unwrap_or(usize::MAX) })
}

/// Adds a header in its shortest form.
pub fn put_head(out: &mut Vec<u8>, first: u8, len: usize, mask: Option<[u8; 4]>) {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    out.push(first);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ 0..=125), _) => out.push(masked | short),
        (_, Ok(medium)) => {
            out.push(masked | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask.unwrap_or_default()[..if mask.is_some() { 4 } else { 0 }]);
}

/// Adds a client's frame.
pub fn put_masked(out: &mut Vec<u8>, first: u8, payload: &[u8], key: [u8; 4]) {
    put_head(out, first, payload.len(), Some(key));
    put_unmasked(out, payload, key, 0);
}

/// Adds a server's frame.
pub fn put(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    put_head(out, first, payload.len(), None);
    out.extend_from_slice(payload);
}

/// Adds payload with its mask taken off, or put on; `at`: how many bytes of the frame came before.
pub fn put_unmasked(out: &mut Vec<u8>, payload: &[u8], mut key: [u8; 4], at: usize) {
    key.rotate_left(at % 4);
    let key = u128::from_ne_bytes(std::array::from_fn(|index| key[index % 4]));
    let (chunks, rest) = payload.as_chunks::<16>();
    for chunk in chunks {
        out.extend_from_slice(&(u128::from_ne_bytes(*chunk) ^ key).to_ne_bytes());
    }
    out.extend(rest.iter().zip(key.to_ne_bytes()).map(|(byte, key)| byte ^ key));
}
