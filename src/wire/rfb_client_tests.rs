//! Every message by its bytes, at every cut.

use super::*;

/// One of each, as they are on the wire, with their kinds.
fn vectors() -> Vec<(Kind, Vec<u8>)> {
    let with = |head: &[u8], len: usize| {
        let mut bytes = head.to_vec();
        bytes.resize(len, 0xEE);
        bytes
    };
    vec![
        (Kind::PixelFormat { bits: 32 }, with(&[0, 0, 0, 0, 32, 24, 0, 1], 20)),
        (Kind::Encodings { count: 0 }, vec![2, 0, 0, 0]),
        (Kind::Encodings { count: 2 }, vec![2, 0, 0, 2, 0, 0, 0, 0, 255, 255, 255, 0x21]),
        (Kind::Encodings { count: 65_535 }, with(&[2, 0, 255, 255], 4 + 4 * 65_535)),
        (Kind::UpdateRequest, vec![3, 1, 0, 0, 0, 0, 0, 1, 0, 1]),
        (Kind::Key, vec![4, 1, 0, 0, 0, 0, 0xff, 0x0d]),
        (Kind::Pointer, vec![5, 0xff, 0, 1, 0, 2]),
        (Kind::CutText, vec![6, 0, 0, 0, 0, 0, 0, 0]),
        (Kind::CutText, vec![6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i']),
        (Kind::CutText, vec![6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 0, 0, 1]),
        (Kind::ContinuousUpdates, vec![150, 1, 0, 0, 0, 0, 2, 128, 1, 144]),
        (Kind::Fence, vec![248, 0, 0, 0, 0x80, 0, 0, 1, 0]),
        (Kind::Fence, with(&[248, 0, 0, 0, 0x80, 0, 0, 1, 64], 9 + 64)),
        (Kind::Power, vec![250, 0, 1, 4]),
        (Kind::DesktopSize, vec![251, 0, 3, 32, 2, 88, 0, 0]),
        (Kind::DesktopSize, with(&[251, 0, 3, 32, 2, 88, 2, 0], 8 + 32)),
        (Kind::Gii, with(&[253, 0x81, 0, 4], 8)),
        (Kind::Gii, with(&[253, 0x01, 4, 0], 8)),
        (Kind::Gii, vec![253, 0x80, 0, 0]),
        (Kind::QemuKey, vec![255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30]),
        (Kind::QemuAudio, vec![255, 1, 0, 0]),
        (Kind::QemuAudio, vec![255, 1, 0, 1]),
        (Kind::QemuAudio, vec![255, 1, 0, 2, 3, 2, 0, 0, 0xac, 0x44]),
    ]
}

#[test]
fn r12_every_message_is_told_by_its_first_bytes_and_more_bytes_change_nothing() {
    for (kind, bytes) in vectors() {
        let told = (0..=bytes.len().min(20)).find(|len| measure(&bytes[..*len], false) != Ok(None)).unwrap();
        assert!(told <= MOST_HEAD.min(bytes.len()), "{kind:?} is told within itself");
        let message = Message { kind, len: bytes.len() as u64 };
        for len in told..=bytes.len().min(40) {
            assert_eq!(measure(&bytes[..len], false), Ok(Some(message)), "{kind:?} from {len} bytes");
        }
    }
}

#[test]
fn r12_messages_are_followed_at_any_cut() {
    let all: Vec<u8> = vectors().into_iter().filter(|(_, b)| b.len() < 100).flat_map(|(_, bytes)| bytes).collect();
    let wanted: Vec<Kind> = vectors().into_iter().filter(|(_, b)| b.len() < 100).map(|(kind, _)| kind).collect();
    for cut in 1..=all.len() {
        let (mut messages, mut found, mut body) = (Messages::default(), Vec::new(), Vec::new());
        for mut piece in all.chunks(cut) {
            while !piece.is_empty() {
                let used = match messages.step(piece).unwrap() {
                    Step::Begin { message, head, bytes } => {
                        found.push(message.kind);
                        body.extend_from_slice(head.as_slice());
                        bytes
                    }
                    Step::Body { bytes } => {
                        body.extend_from_slice(&piece[..bytes]);
                        bytes
                    }
                    Step::More => piece.len(),
                };
                piece = &piece[used..];
            }
        }
        assert_eq!(found, wanted, "pieces of {cut}");
        assert_eq!(body, all, "pieces of {cut}");
        assert!(messages.at_boundary() && !messages.in_body());
    }
}

#[test]
fn r13_the_longest_cut_texts_have_their_length() {
    for (len, size) in [(0x7fff_ffff_u32, 0x7fff_ffff_u64), (0x8000_0000, 0x8000_0000), (0xffff_ffff, 1)] {
        let [a, b, c, d] = len.to_be_bytes();
        let message = Message { kind: Kind::CutText, len: 8 + size };
        assert_eq!(measure(&[6, 0, 0, 0, a, b, c, d], false), Ok(Some(message)));
    }
}

#[test]
fn a_pointer_is_longer_only_where_it_may_be_and_says_so() {
    let len = |bytes: &[u8], long| measure(bytes, long).unwrap().map(|message| message.len);
    assert_eq!(len(&[5], false), Some(6));
    assert_eq!(len(&[5], true), None);
    assert_eq!(len(&[5, 0x7f], true), Some(6));
    assert_eq!(len(&[5, 0x80], true), Some(7));
    assert_eq!(len(&[5, 0x80], false), Some(6));
}

#[test]
fn r12_what_has_no_known_length_is_unknown_at_the_byte_that_shows_it() {
    let known = [0, 2, 3, 4, 5, 6, 150, 248, 250, 251, 253, 255];
    for first in 0..=255 {
        assert_eq!(measure(&[first], false).is_err(), !known.contains(&first), "{first}");
    }
    for bytes in [&[255_u8, 2][..], &[255, 1, 1], &[255, 1, 0, 3], &[248, 0, 0, 0, 0, 0, 0, 0, 65]] {
        assert_eq!(measure(&bytes[..bytes.len() - 1], false), Ok(None), "{bytes:?}");
        assert_eq!(measure(bytes, false), Err(Unknown), "{bytes:?}");
    }
}
