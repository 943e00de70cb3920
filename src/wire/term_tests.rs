//! The parser over every cut, and the blocks against a model of termproxy's reader.

use super::*;
use proptest::prelude::*;

/// What a series of chunks said: input joined, sizes as text.
fn said(chunks: &[&[u8]]) -> Result<(Vec<u8>, String), Violation> {
    let (mut parser, mut input, mut rest) = (Parser::default(), Vec::new(), String::new());
    for chunk in chunks {
        let mut chunk = *chunk;
        loop {
            let used = match parser.step(chunk)? {
                Step::More { .. } => break,
                Step::Input { bytes, .. } => bytes,
                Step::Data { bytes } => {
                    input.extend_from_slice(&chunk[..bytes]);
                    bytes
                }
                Step::Resize { size, bytes } => {
                    rest += &format!("{}x{} ", size.columns, size.rows);
                    bytes
                }
                Step::KeepAlive { bytes } => {
                    rest.push_str("alive ");
                    bytes
                }
            };
            chunk = &chunk[used..];
        }
    }
    Ok((input, rest))
}

#[test]
fn messages_of_every_type_are_told_apart_wherever_they_are_cut() {
    let all = ["0:6:h\u{e9}llo".as_bytes(), b"2", b"1:80:24:", b"0:0:", b"0:1:2", b"22"].concat();
    let wanted = Ok(("h\u{e9}llo2".as_bytes().to_vec(), "alive 80x24 alive alive ".to_owned()));
    assert_eq!(said(&[&all]), wanted);
    for cut in 0..=all.len() {
        assert_eq!(said(&[&all[..cut], &all[cut..]]), wanted, "cut at {cut}");
    }
    let single: Vec<&[u8]> = all.chunks(1).collect();
    assert_eq!(said(&single), wanted);
}

#[test]
fn x04_x06_what_no_client_says_is_told_at_its_first_wrong_byte() {
    use Violation::{Colon, Length, Number, Type};
    for (wrong, violation) in [
        (&b"0:999999999:x"[..], Length(999_999_999)),
        (b"0:16777217:", Length(16_777_217)),
        (b"0:-1:", Number),
        (b"0:+1:", Number),
        (b"0:abc:", Number),
        (b"0::", Number),
        (b"0:12345678901", Number),
        (b"0:00000000001", Number),
        (b"1:80:", Number),
        (b"1:--1:", Number),
        (b"05:hello", Colon),
        (b"1x", Colon),
        (b"3", Type(b'3')),
        (b"/", Type(b'/')),
        (b"\0", Type(0)),
        (b"root@pam:PVEVNC:", Type(b'r')),
        ("€".as_bytes(), Type(0xE2)),
    ] {
        let wrong = [wrong, &b"x"[..]].concat();
        assert_eq!(said(&[&wrong]), Err(violation), "{}", wrong.escape_ascii());
        let single: Vec<&[u8]> = wrong.chunks(1).collect();
        assert_eq!(said(&single), Err(violation), "{}", wrong.escape_ascii());
    }
    assert_eq!(said(&[b"0:16777216:"]), Ok((Vec::new(), String::new())));
}

#[test]
fn x05_sizes_are_clamped() {
    for (message, size) in [
        ("1:0:0:", "1x1 "),
        ("1:-1:24:", "1x24 "),
        ("1:65536:24:", "1000x24 "),
        ("1:80:1000000000:", "80x1000 "),
        ("1:080:0024:", "80x24 "),
    ] {
        assert_eq!(said(&[message.as_bytes()]), Ok((Vec::new(), size.to_owned())), "{message}");
    }
}

/// termproxy's reader: 4096 bytes of room, handles what is there, throws an unfinished header away.
#[derive(Default)]
struct Reader {
    buffer: Vec<u8>,
    remaining: usize,
    typed: Vec<u8>,
}

const ROOM: usize = 4096;

impl Reader {
    /// Bytes that came in one write; it may read them with the next ones only.
    fn read(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(ROOM - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            self.handle();
            bytes = later;
        }
    }

    fn handle(&mut self) {
        while !self.buffer.is_empty() {
            if self.remaining == 0 {
                match self.header() {
                    Some(len) => self.remaining = len,
                    None => break,
                }
            }
            let len = self.remaining.min(self.buffer.len());
            self.typed.extend(self.buffer.drain(..len));
            self.remaining -= len;
        }
    }

    fn header(&mut self) -> Option<usize> {
        while self.buffer.len() >= 2 {
            match self.buffer[0] {
                b'0' => {
                    self.buffer.drain(..2);
                    if let Some(len) = self.number() {
                        return Some(len);
                    }
                }
                b'1' => {
                    self.buffer.drain(..2);
                    if self.number().is_some() {
                        self.number();
                    }
                }
                _ => {
                    self.buffer.drain(..1);
                }
            }
        }
        None
    }

    fn number(&mut self) -> Option<usize> {
        let colon = self.buffer.iter().position(|byte| *byte == b':')?;
        let digits: Vec<u8> = self.buffer.drain(..=colon).collect();
        String::from_utf8(digits[..colon].to_vec()).ok()?.parse().ok()
    }
}

/// Lays messages out in frames: each a list of inputs that leave together, cut into writes of the given sizes.
fn laid_out(frames: &[Vec<usize>], byte: &mut impl FnMut() -> u8) -> (Vec<Vec<u8>>, Vec<u8>) {
    let (mut all, mut typed) = (Vec::new(), Vec::new());
    for frame in frames {
        let (mut blocks, mut out) = (Blocks::default(), Vec::new());
        for len in frame {
            Blocks::input(&mut out, *len);
            let data: Vec<u8> = (0..*len).map(|_| byte()).collect();
            typed.extend_from_slice(&data);
            out.extend_from_slice(&data);
            Blocks::resize(&mut out, Size::clamped(1000, 1000));
        }
        blocks.finish(&mut out, false);
        all.push(out);
    }
    (all, typed)
}

#[test]
fn messages_as_they_come_are_cut_by_termproxy_and_blocks_are_not() {
    let pieces = [vec![0; 131_056], vec![0; 131_056]];
    let mut reader = Reader::default();
    let plain: Vec<u8> =
        pieces.iter().flat_map(|piece| [format!("0:{}:", piece.len()).as_bytes(), piece].concat()).collect();
    reader.read(&plain);
    assert_ne!(reader.typed.len(), 2 * 131_056, "the model has termproxy's fault");
    let mut reader = Reader::default();
    let (frames, typed) = laid_out(&[vec![131_056, 131_056]], &mut || b'x');
    frames.iter().for_each(|frame| reader.read(frame));
    assert_eq!(reader.typed, typed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn x07_no_header_is_cut_however_frames_join(
        frames in prop::collection::vec(prop::collection::vec(prop_oneof![1..40_usize, 1..5000_usize], 1..20), 1..8),
        joins in prop::collection::vec(1..4_usize, 12),
        seed: u8,
    ) {
        let mut next = seed;
        let mut byte = move || { next = next.wrapping_mul(31).wrapping_add(7); next };
        let (frames, typed) = laid_out(&frames, &mut byte);
        let mut reader = Reader::default();
        // What termproxy finds when it reads is any number of frames.
        let mut frames = frames.into_iter();
        for join in joins {
            let together: Vec<u8> = frames.by_ref().take(join).flatten().collect();
            prop_assert_eq!(together.len() % BLOCK, 0);
            reader.read(&together);
        }
        prop_assert_eq!(reader.typed, typed);
    }

    #[test]
    fn any_cut_says_the_same(bytes in prop::collection::vec(prop::sample::select(b"012:-9a".to_vec()), 0..60), cut in 0..60_usize) {
        let cut = cut.min(bytes.len());
        prop_assert_eq!(said(&[&bytes[..cut], &bytes[cut..]]), said(&[&bytes]));
    }
}
