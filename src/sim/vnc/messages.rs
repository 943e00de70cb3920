//! The messages of a viewer, as QEMU takes them. Bytes in, values out.
//!
//! What QEMU does not know closes the connection (protocol reference 11.1 and 11.2).

use super::canvas::Rect;
use bytes::{Buf as _, BytesMut};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    PixelFormat([u8; 16]),
    Encodings(Vec<i32>),
    Update { incremental: bool, area: Rect },
    Key { down: bool, keysym: u32 },
    Pointer { mask: u8, x: u16, y: u16 },
    CutText(Vec<u8>),
    Power(u8),
    DesktopSize { width: u16, height: u16 },
    Audio,
}

/// A message QEMU closes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

/// QEMU refuses more.
const CUT_TEXT: usize = 1 << 20;

/// Takes one message off the buffer; none while it is not complete.
pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Message>, Unknown> {
    let Some(length) = length(buffer)? else { return Ok(None) };
    if buffer.len() < length {
        return Ok(None);
    }
    let mut body = buffer.split_to(length);
    let id = body.get_u8();
    Ok(Some(match id {
        0 => {
            body.advance(3);
            let mut format = [0; 16];
            body.copy_to_slice(&mut format);
            Message::PixelFormat(format)
        }
        2 => {
            body.advance(3);
            Message::Encodings(std::iter::from_fn(|| body.try_get_i32().ok()).collect())
        }
        3 => {
            let incremental = body.get_u8() != 0;
            let area = Rect { x: body.get_u16(), y: body.get_u16(), width: body.get_u16(), height: body.get_u16() };
            Message::Update { incremental, area }
        }
        4 => {
            let down = body.get_u8() != 0;
            body.advance(2);
            Message::Key { down, keysym: body.get_u32() }
        }
        5 => Message::Pointer { mask: body.get_u8(), x: body.get_u16(), y: body.get_u16() },
        6 => Message::CutText(body.split_off(7).to_vec()),
        250 => {
            body.advance(2);
            Message::Power(body.get_u8())
        }
        251 => {
            body.advance(1);
            Message::DesktopSize { width: body.get_u16(), height: body.get_u16() }
        }
        255 if body.get_u8() == 0 => {
            let down = body.get_u16() != 0;
            Message::Key { down, keysym: body.get_u32() }
        }
        _ => Message::Audio,
    }))
}

/// The length of the message at the front, once it can be told.
fn length(buffer: &[u8]) -> Result<Option<usize>, Unknown> {
    let Some(id) = buffer.first() else { return Ok(None) };
    Ok(match id {
        0 => Some(20),
        2 => short(buffer, 2).map(|count| 4 + 4 * usize::from(count)),
        3 => Some(10),
        4 => Some(8),
        5 => Some(6),
        6 => match buffer.get(4..8).and_then(|four| four.try_into().ok()).map(i32::from_be_bytes) {
            Some(length) => Some(8 + cut_text(length)?),
            None => None,
        },
        250 => Some(4),
        251 => buffer.get(6).map(|count| 8 + 16 * usize::from(*count)),
        255 => match (buffer.get(1), short(buffer, 2)) {
            (Some(0), _) => Some(12),
            (Some(1), Some(0 | 1)) => Some(4),
            (Some(1), Some(2)) => Some(10),
            (Some(1), None) | (None, _) => None,
            (Some(_), _) => return Err(Unknown),
        },
        _ => return Err(Unknown),
    })
}

/// Negative lengths are extended clipboard messages, at least their flags.
fn cut_text(length: i32) -> Result<usize, Unknown> {
    let size = usize::try_from(length.unsigned_abs()).map_err(|_| Unknown)?;
    if size > CUT_TEXT || (length < 0 && size < 4) { Err(Unknown) } else { Ok(size) }
}

fn short(buffer: &[u8], at: usize) -> Option<u16> {
    buffer.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sim_17_messages_are_read_at_any_cut_and_unknown_ones_refused() {
        let mut bytes = vec![0, 0, 0, 0];
        bytes.extend([7; 16]);
        bytes.extend([2, 0, 0, 2, 0, 0, 0, 0, 255, 255, 255, 0x21]);
        bytes.extend([4, 1, 0, 0, 0, 0, 0xff, 0x0d]);
        bytes.extend([5, 1, 0, 2, 0, 3]);
        bytes.extend([6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i']);
        bytes.extend([255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30]);
        bytes.extend([255, 1, 0, 2, 3, 2, 0, 0, 0xac, 0x44]);
        bytes.extend([250, 0, 1, 4]);
        let wanted = vec![
            Message::PixelFormat([7; 16]),
            Message::Encodings(vec![0, -223]),
            Message::Key { down: true, keysym: 0xff0d },
            Message::Pointer { mask: 1, x: 2, y: 3 },
            Message::CutText(b"hi".to_vec()),
            Message::Key { down: true, keysym: 65 },
            Message::Audio,
            Message::Power(4),
        ];
        for cut in 1..bytes.len() {
            let (mut buffer, mut found) = (BytesMut::new(), Vec::new());
            for piece in bytes.chunks(cut) {
                buffer.extend_from_slice(piece);
                while let Some(message) = take(&mut buffer).unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, wanted, "{cut}");
        }
        for bad in [&[150_u8][..], &[1], &[8], &[248], &[255, 2], &[6, 0, 0, 0, 0, 0x10, 0, 1]] {
            assert_eq!(take(&mut BytesMut::from(bad)), Err(Unknown), "{bad:?}");
        }
    }
}
