//! The rights of a screen over every message, any cut and any framing, and the values nobody sends.

use super::super::direction::{Direction, Seen};
use super::super::guard::Guard;
use super::*;
use crate::record::{Cut, Cuts};
use crate::wire::walk::{Sender, Walker};
use crate::wire::websocket::{Header, Opcode, apply_mask, frame};
use proptest::prelude::*;

const ALL: [Right; 4] = [Right::Input, Right::Clipboard, Right::Resize, Right::Power];

/// What noVNC asks for.
const NOVNC: [i32; 14] = [7, 0, -258, -261, -308, -309, -312, -313, -307, -316, EXTENDED_CLIPBOARD, -223, -224, -239];

fn list(encodings: &[i32]) -> Vec<u8> {
    let count = u16::try_from(encodings.len()).unwrap().to_be_bytes();
    let numbers = encodings.iter().flat_map(|encoding| encoding.to_be_bytes());
    [2, 0].into_iter().chain(count).chain(numbers).collect()
}

fn subset(bits: u8) -> Vec<Right> {
    ALL.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, right)| right).collect()
}

/// Whether rights are enough for a message, told apart from the code under test.
type Needs = fn(&[Right]) -> bool;

/// A message and what it needs.
fn message() -> impl Strategy<Value = (Vec<u8>, Needs)> {
    let always: Needs = |_| true;
    let input: Needs = |rights| rights.contains(&Right::Input);
    let clipboard: Needs = |r| r.contains(&Right::Input) && r.contains(&Right::Clipboard);
    let resize: Needs = |r| r.contains(&Right::Input) && r.contains(&Right::Resize);
    let power: Needs = |r| r.contains(&Right::Input) && r.contains(&Right::Power);
    let filled = |head: Vec<u8>, len: usize| {
        prop::collection::vec(any::<u8>(), len - head.len()).prop_map(move |rest| [&head[..], &rest].concat())
    };
    let cut_text = (any::<bool>(), 0..3000_usize).prop_flat_map(move |(extended, len)| {
        let size = i32::try_from(len).unwrap();
        let [a, b, c, d] = if extended { -size } else { size }.to_be_bytes();
        filled(vec![6, 0, 0, 0, a, b, c, d], 8 + len)
    });
    let gii = (any::<bool>(), 0..300_usize).prop_flat_map(move |(big, len)| {
        let [high, low] = u16::try_from(len).unwrap().to_be_bytes();
        filled(if big { vec![253, 0x80, high, low] } else { vec![253, 0, low, high] }, 4 + len)
    });
    let screens = (0..4_u8).prop_flat_map(move |n| filled(vec![251, 0, 3, 32, 2, 88, n], 8 + 16 * usize::from(n)));
    let fence = (0..=64_u8).prop_flat_map(move |n| filled(vec![248, 0, 0, 0, 0x80, 0, 0, 1, n], 9 + usize::from(n)));
    let bits = prop_oneof![Just(8_u8), Just(16), Just(32)];
    prop_oneof![
        bits.prop_flat_map(move |bits| filled(vec![0, 0, 0, 0, bits], 20)).prop_map(move |m| (m, always)),
        prop::collection::vec(-240..1000_i32, 0..20).prop_map(move |encodings| (list(&encodings), always)),
        filled(vec![3], 10).prop_map(move |m| (m, always)),
        filled(vec![150], 10).prop_map(move |m| (m, always)),
        fence.prop_map(move |m| (m, always)),
        filled(vec![4], 8).prop_map(move |m| (m, input)),
        filled(vec![5], 6).prop_map(move |m| (m, input)),
        filled(vec![255, 0], 12).prop_map(move |m| (m, input)),
        filled(vec![255, 1, 0, 2], 10).prop_map(move |m| (m, input)),
        Just((vec![255, 1, 0, 1], input)),
        gii.prop_map(move |m| (m, input)),
        cut_text.prop_map(move |m| (m, clipboard)),
        screens.prop_map(move |m| (m, resize)),
        filled(vec![250, 0, 1], 4).prop_map(move |m| (m, power)),
    ]
}

/// A stream in frames that begin and end anywhere, some of them fragments, with pings between.
fn framed(stream: &[u8], ends: &[usize], key: [u8; 4]) -> Vec<u8> {
    let mut ends: Vec<usize> = ends.iter().map(|end| end % (stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let (mut bytes, mut at, mut open) = (Vec::new(), 0, false);
    for (number, end) in ends.iter().enumerate() {
        let last = number + 1 == ends.len();
        let opcode = if open { Opcode::Continuation } else { Opcode::Binary };
        let mut one = frame(opcode, Some(key), &stream[at..*end]);
        open = !last && number % 3 == 1;
        if open {
            one[0] &= 0x7F;
        }
        bytes.extend(one);
        if number % 4 == 2 {
            bytes.extend(frame(Opcode::Ping, Some(key), b"p"));
        }
        at = *end;
    }
    bytes
}

/// What leaves a direction under a guard, chunked as given: its payload.
fn payload_out(guard: Guard, bytes: &[u8], chunk: usize) -> Result<Vec<u8>, Reason> {
    let mut direction = Direction::up(Walker::new(Sender::Client, 1 << 24), false, guard);
    let mut out = Vec::new();
    for piece in bytes.chunks(chunk) {
        let (mut piece, mut cuts) = (piece.to_vec(), Cuts::default());
        let fed = direction.feed_whole(&mut piece, &mut Vec::new(), &mut cuts, &mut Seen::default());
        fed.map_err(|failure| failure.reason)?;
        for cut in cuts.as_slice() {
            match cut {
                Cut::Range(range) => out.extend_from_slice(&piece[range.clone()]),
                Cut::Header(header) => out.extend_from_slice(header.as_slice()),
                Cut::Own(own) => out.extend_from_slice(own),
            }
        }
    }
    let (mut rest, mut payload) = (&out[..], Vec::new());
    while let Ok(Some((header, size))) = Header::parse(rest) {
        let end = size + usize::try_from(header.len).unwrap();
        let mut body = rest[size..end].to_vec();
        assert!(header.fin && header.opcode == Opcode::Binary, "as pveproxy takes it");
        apply_mask(&mut body, header.mask.expect("masked"), 0);
        payload.extend(body);
        rest = &rest[end..];
    }
    assert!(rest.is_empty(), "whole frames");
    Ok(payload)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn r12_r13_exactly_what_is_granted_comes_out_however_it_is_framed_and_cut(
        messages in prop::collection::vec(message(), 0..12),
        ends in prop::collection::vec(any::<usize>(), 0..12),
        key in any::<[u8; 4]>(),
        rights in 0..16_u8,
        chunk in 1..500_usize,
    ) {
        let rights = subset(rights);
        let stream: Vec<u8> = messages.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let wanted: Vec<u8> =
            messages.iter().filter(|(_, granted)| granted(&rights)).flat_map(|(bytes, _)| bytes.clone()).collect();
        let bytes = framed(&stream, &ends, key);
        prop_assert_eq!(payload_out(Guard::screen(&rights), &bytes, chunk), Ok(wanted.clone()));
        if stream.len() < 400 {
            let one_byte_frames: Vec<u8> = stream.iter().flat_map(|b| frame(Opcode::Binary, Some(key), &[*b])).collect();
            prop_assert_eq!(payload_out(Guard::screen(&rights), &one_byte_frames, 1), Ok(wanted));
        }
    }
}

/// What passes, or why not; the same for every cut into two and byte by byte.
fn pass(rights: &[Right], bytes: &[u8]) -> Result<Vec<u8>, (Reason, Vec<u8>)> {
    let at_once = |cuts: &[&[u8]]| {
        let (mut guard, mut out) = (ScreenGuard::new(rights), Vec::new());
        for piece in cuts {
            if let Err(failure) = guard.pass(piece, &mut out) {
                return Err((failure.reason, out));
            }
        }
        Ok(out)
    };
    let whole = at_once(&[bytes]);
    for cut in 0..bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(at_once(&[left, right]), whole, "cut at {cut}");
    }
    assert_eq!(at_once(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    whole
}

#[test]
fn r12_a_watcher_asks_for_nothing_it_may_not_use() {
    let kept = |rights: &[Right]| {
        let message = pass(rights, &list(&NOVNC)).unwrap();
        assert_eq!(usize::from(u16::from_be_bytes([message[2], message[3]])) * 4 + 4, message.len());
        NOVNC
            .into_iter()
            .filter(|number| !message[4..].chunks(4).any(|b| b == number.to_be_bytes()))
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(&[]), [-258, -308, -309, -316, EXTENDED_CLIPBOARD]);
    assert_eq!(kept(&ALL[1..]), [-258, -308, -309, -316, EXTENDED_CLIPBOARD], "nothing counts without input");
    assert_eq!(kept(&[Right::Input]), [-308, -309, -316, EXTENDED_CLIPBOARD]);
    assert_eq!(kept(&[Right::Input, Right::Clipboard]), [-308, -309, -316]);
    assert_eq!(kept(&[Right::Input, Right::Resize]), [-309, -316, EXTENDED_CLIPBOARD]);
    assert_eq!(kept(&[Right::Input, Right::Power, Right::Clipboard]), [-308, -316]);
    assert_eq!(pass(&[], &list(&[-259, -305, 0])), Ok(list(&[0])));
    assert_eq!(pass(&[], &list(&[-316])), Ok(list(&[])));
}

#[test]
fn r12_an_unknown_message_ends_it_and_what_came_before_has_passed() {
    for unknown in [1_u8, 7, 8, 9, 10, 11, 12, 15, 80, 127, 252, 254] {
        let bytes = [&SMALLEST[..], &[unknown, 0, 0, 0]].concat();
        assert_eq!(pass(&[Right::Input], &bytes), Err((Reason::RfbUnknown, SMALLEST.to_vec())), "{unknown}");
    }
    assert_eq!(Reason::RfbUnknown.public().close, 1008);
}

#[test]
fn r13_the_longest_cut_texts_are_dropped_whole_and_cost_no_memory() {
    for len in [0_u32, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 30] {
        let mut guard = ScreenGuard::new(&[Right::Input]);
        let mut out = Vec::new();
        guard.pass(&[6, 0, 0, 0], &mut out).unwrap();
        guard.pass(&len.to_be_bytes(), &mut out).unwrap();
        let mut left = u64::from(i32::from_be_bytes(len.to_be_bytes()).unsigned_abs());
        let text = vec![4; 1 << 20];
        while left > 0 {
            let part = usize::try_from(left).unwrap().min(text.len());
            guard.pass(&text[..part], &mut out).unwrap();
            left -= part as u64;
        }
        assert_eq!((out.len(), guard.held.capacity()), (0, 0));
        guard.pass(&[4, 1, 0, 0, 0, 0, 0, 65], &mut out).unwrap();
        assert_eq!(out, [4, 1, 0, 0, 0, 0, 0, 65], "the next message is read as one");
    }
}

#[test]
fn r15_formats_and_lists_no_viewer_sends_end_a_filtered_session() {
    let format = |bits: u8| [&[0, 0, 0, 0, bits][..], &[0; 15]].concat();
    for bits in [8, 16, 32] {
        assert_eq!(pass(&[], &format(bits)), Ok(format(bits)));
    }
    for bits in [0, 1, 24, 64, 255] {
        assert_eq!(pass(&[], &format(bits)), Err((Reason::RfbValue, Vec::new())), "{bits}");
    }
    assert!(pass(&[], &list(&[5; 1024])).is_ok());
    assert_eq!(pass(&[], &[2, 0, 4, 1]), Err((Reason::RfbValue, Vec::new())));
    assert_eq!(pass(&[], &[2, 0, 255, 255]), Err((Reason::RfbValue, Vec::new())));
    assert_eq!(Reason::RfbValue.public().close, 1008);
}

#[test]
fn r15_a_session_that_may_do_everything_passes_what_the_server_may_judge() {
    let bytes = frame(Opcode::Binary, Some([9; 4]), &[&[0_u8; 20][..], &[2, 0, 255, 255, 7, 7], &[1, 2]].concat());
    let out = payload_out(Guard::screen(&ALL), &bytes, 5).unwrap();
    assert_eq!(out, [&[0_u8; 20][..], &[2, 0, 255, 255, 7, 7], &[1, 2]].concat());
}

#[test]
fn a_message_of_ours_never_lands_in_one_that_passes() {
    let mut guard = ScreenGuard::new(&[]);
    for (bytes, between) in [
        (&SMALLEST[..], true),
        (&SMALLEST[..4], false),
        (&SMALLEST[4..], true),
        (&[4, 1], true),
        (&[0, 0, 0, 0, 0, 0, 2, 0, 0], true),
        (&[1, 0, 0], true),
        (&[0, 5, 248, 0, 0, 0, 0, 0, 0, 0], true),
    ] {
        guard.pass(bytes, &mut Vec::new()).unwrap();
        assert_eq!(guard.between_messages(), between, "{bytes:?}");
    }
}

const SMALLEST: [u8; 10] = crate::wire::rfb_client::SMALLEST_REQUEST;
