//! WebSocket frames as pveproxy reads and writes them, its faults included (protocol reference section 3.2 and 3.3).
//!
//! Bytes in, values out; no I/O. This is on purpose not the gateway's own codec.

use bytes::{Buf as _, Bytes, BytesMut};

/// The largest payload pveproxy takes and sends.
pub(super) const LARGEST: usize = 131_072;

/// What the front of a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Not yet a whole frame.
    Partial,
    /// Payload of a text or binary frame.
    Data(Bytes),
    /// A ping's payload.
    Ping(Bytes),
    /// A pong.
    Pong,
    /// A close frame.
    Close,
    /// An opcode that is skipped.
    Dropped,
    /// What pveproxy dies on: nothing is consumed.
    Fatal,
}

/// Takes one client frame off the buffer.
pub(super) fn take(buffer: &mut BytesMut) -> Frame {
    let (Some(&first), Some(&second)) = (buffer.first(), buffer.get(1)) else { return Frame::Partial };
    let (fin, reserved, masked) = (first & 0x80 != 0, first & 0x70 != 0, second & 0x80 != 0);
    if !fin || reserved || !masked {
        return Frame::Fatal;
    }
    let (length, head) = match second & 0x7f {
        126 => match number(buffer, 2) {
            Some(length) => (length, 4),
            None => return Frame::Partial,
        },
        127 => match number(buffer, 8) {
            Some(length) => (length, 10),
            None => return Frame::Partial,
        },
        short => (u64::from(short), 2),
    };
    let Some(length) = usize::try_from(length).ok().filter(|length| *length <= LARGEST) else { return Frame::Fatal };
    if buffer.len() < head + 4 + length {
        return Frame::Partial;
    }
    buffer.advance(head);
    let mask = buffer.split_to(4);
    let mut payload = buffer.split_to(length);
    unmask(&mut payload, &mask);
    match first & 0x0f {
        1 | 2 => Frame::Data(payload.freeze()),
        8 => Frame::Close,
        9 => Frame::Ping(payload.freeze()),
        10 => Frame::Pong,
        _ => Frame::Dropped,
    }
}

/// Four bytes at a time, so that the compiler can take more.
fn unmask(payload: &mut [u8], mask: &[u8]) {
    let mut whole = payload.chunks_exact_mut(4);
    whole.by_ref().for_each(|four| four.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key));
    whole.into_remainder().iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
}

/// A big-endian number of `size` bytes behind the first two.
fn number(buffer: &[u8], size: usize) -> Option<u64> {
    let bytes = buffer.get(2..2 + size)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Writes a frame for the client: FIN, unmasked, the shortest length.
pub(super) fn put(out: &mut BytesMut, opcode: u8, payload: &[u8]) {
    out.reserve(payload.len() + 10);
    out.extend_from_slice(&[0x80 | opcode]);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..=125), _) => out.extend_from_slice(&[short]),
        (_, Ok(length)) => {
            out.extend_from_slice(&[126]);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            out.extend_from_slice(&[127]);
            out.extend_from_slice(&u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bytes: &[u8]) -> Frame {
        take(&mut BytesMut::from(bytes))
    }

    #[test]
    fn sim_13_what_wedges() {
        assert_eq!(taken(&[0x02, 0x80]), Frame::Fatal, "FIN=0");
        assert_eq!(taken(&[0xc2, 0x80]), Frame::Fatal, "RSV1");
        assert_eq!(taken(&[0x82, 0x01]), Frame::Fatal, "unmasked");
        assert_eq!(taken(&[0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 1]), Frame::Fatal, "131073");
        assert_eq!(taken(&[0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 0]), Frame::Partial, "131072");
    }

    #[test]
    fn sim_14_what_is_dropped_and_what_passes() {
        for opcode in [0, 3, 7, 11, 15] {
            assert_eq!(taken(&[0x80 | opcode, 0x81, 0, 0, 0, 0, 7]), Frame::Dropped, "{opcode}");
        }
        assert_eq!(taken(&[0x81, 0x81, 1, 0, 0, 0, 7]), Frame::Data(Bytes::from_static(&[6])));
        assert_eq!(taken(&[0x82, 0xfe, 0, 1, 0, 0, 0, 0, 7]), Frame::Data(Bytes::from_static(&[7])), "not minimal");
        assert_eq!(taken(&[0x89, 0x80, 0, 0, 0, 0]), Frame::Ping(Bytes::new()));
    }

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        for (length, head) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut out = BytesMut::new();
            put(&mut out, 2, &vec![0; length]);
            assert_eq!(out.len(), head + length);
        }
    }
}
