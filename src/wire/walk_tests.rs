//! The walker against a slow parser that sees everything at once, over random frames and random cuts.

use super::*;
use crate::wire::websocket::frame;
use proptest::prelude::*;

/// Everything a walker reports, with payload pieces joined.
#[derive(Debug, PartialEq, Eq, Default)]
struct Seen {
    data: Vec<(Header, Vec<u8>, bool)>,
    controls: Vec<(Opcode, Vec<u8>)>,
    verdict: Option<Violation>,
}

fn walk(sender: Sender, max: u64, bytes: &[u8], cuts: &[usize]) -> Seen {
    let mut walker = Walker::new(sender, max);
    let mut seen = Seen::default();
    let mut start = 0;
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    for end in ends {
        if let Err(violation) = feed(&mut walker, &bytes[start..end], &mut seen) {
            seen.verdict = Some(violation);
            return seen;
        }
        start = end;
    }
    seen
}

fn feed(walker: &mut Walker, mut chunk: &[u8], seen: &mut Seen) -> Result<(), Violation> {
    loop {
        let used = match walker.step(chunk)? {
            Step::More { bytes } => {
                assert_eq!(bytes, chunk.len());
                return Ok(());
            }
            Step::Frame { header, bytes } => {
                seen.data.push((header, Vec::new(), false));
                bytes
            }
            Step::Payload { bytes, end, .. } => {
                let last = seen.data.last_mut().unwrap();
                last.1.extend_from_slice(&chunk[..bytes]);
                last.2 = end;
                bytes
            }
            Step::Control { control, bytes } => {
                seen.controls.push((control.opcode, control.payload().to_vec()));
                bytes
            }
        };
        chunk = &chunk[used..];
    }
}

/// The slow reference: written from RFC 6455 section 5.2 alone, a byte at a time, sharing no code with the walker.
fn reference(sender: Sender, max: u64, bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let mut in_message = false;
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let opcode = first & 15;
        let control = opcode >= 8;
        let fin = first >= 128;
        let refuse = |seen: Seen, violation| Seen { verdict: Some(violation), ..seen };
        if first / 16 % 8 != 0 {
            return refuse(seen, Violation::Rsv);
        }
        if ![0, 1, 2, 8, 9, 10].contains(&opcode) {
            return refuse(seen, Violation::Opcode);
        }
        if control && !fin {
            return refuse(seen, Violation::Control);
        }
        if !control && (opcode == 0) != in_message {
            return refuse(seen, Violation::Fragment);
        }
        let Some(&second) = rest.get(1) else { return seen };
        let masked = second >= 128;
        if control && second % 128 > 125 {
            return refuse(seen, Violation::Control);
        }
        if masked != (sender == Sender::Client) {
            return refuse(seen, if masked { Violation::Masked } else { Violation::Unmasked });
        }
        let extra = match second % 128 {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if extra == 8 && rest.get(2).is_some_and(|top| *top >= 128) {
            return refuse(seen, Violation::Length);
        }
        let Some(field) = rest.get(2..2 + extra) else { return seen };
        let mut len = u64::from(second % 128);
        if extra > 0 {
            len = field.iter().fold(0, |sum, byte| sum * 256 + u64::from(*byte));
            if len < 126 || (extra == 8 && len < 65536) {
                return refuse(seen, Violation::Length);
            }
        }
        let key_at = 2 + extra;
        let body_at = key_at + if masked { 4 } else { 0 };
        if rest.len() < body_at {
            return seen;
        }
        let key: Option<[u8; 4]> = masked.then(|| rest[key_at..body_at].try_into().unwrap());
        if !control && len > max {
            return refuse(seen, Violation::TooBig);
        }
        let body = &rest[body_at..rest.len().min(body_at + len as usize)];
        let whole = body.len() as u64 == len;
        if control {
            if !whole {
                return seen;
            }
            let plain = body.iter().enumerate().map(|(i, byte)| byte ^ key.map_or(0, |k| k[i % 4])).collect();
            let name = [Opcode::Close, Opcode::Ping, Opcode::Pong][usize::from(opcode - 8)];
            seen.controls.push((name, plain));
        } else {
            let name = [Opcode::Continuation, Opcode::Text, Opcode::Binary][usize::from(opcode)];
            in_message = !fin;
            seen.data.push((Header { fin, opcode: name, mask: key, len }, body.to_vec(), whole));
            if !whole {
                return seen;
            }
        }
        rest = &rest[body_at + body.len()..];
    }
    seen
}

fn any_frame(sender: Sender) -> impl Strategy<Value = Vec<u8>> {
    let good = (0..6_usize, any::<bool>(), any::<[u8; 4]>(), 0..400_usize).prop_map(move |(kind, fin, key, len)| {
        let opcode =
            [Opcode::Continuation, Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong][kind];
        let len = if opcode.is_control() { len % 126 } else { len };
        let mut bytes = frame(opcode, (sender == Sender::Client).then_some(key), &vec![7; len]);
        if !fin && !opcode.is_control() {
            bytes[0] &= 0x7F;
        }
        bytes
    });
    let message = any::<[u8; 4]>().prop_map(move |key| {
        let mask = (sender == Sender::Client).then_some(key);
        let mut bytes = frame(Opcode::Text, mask, b"begin");
        bytes[0] &= 0x7F;
        bytes.extend(frame(Opcode::Ping, mask, b"between"));
        bytes.extend(frame(Opcode::Continuation, mask, b"end"));
        bytes
    });
    let raw = prop::collection::vec(any::<u8>(), 1..16);
    prop_oneof![6 => good, 6 => message, 1 => raw]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn w14_any_client_frames_in_any_chunks_get_the_reference_verdict(
        frames in prop::collection::vec(any_frame(Sender::Client), 0..8),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let bytes = frames.concat();
        prop_assert_eq!(walk(Sender::Client, 300, &bytes, &cuts), reference(Sender::Client, 300, &bytes));
    }

    #[test]
    fn u16_any_node_frames_in_any_chunks_get_the_reference_verdict(
        frames in prop::collection::vec(any_frame(Sender::Server), 0..8),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let bytes = frames.concat();
        prop_assert_eq!(walk(Sender::Server, 300, &bytes, &cuts), reference(Sender::Server, 300, &bytes));
    }
}

#[test]
fn w05_a_huge_frame_is_refused_at_its_header() {
    let header = Header { fin: true, opcode: Opcode::Binary, mask: Some([0; 4]), len: 4 << 30 };
    let seen = walk(Sender::Client, 16 << 20, header.encode().as_slice(), &[]);
    assert_eq!(seen.verdict, Some(Violation::TooBig));
}

#[test]
fn w07_a_continuation_needs_a_start_and_a_start_an_end() {
    let mut open = frame(Opcode::Binary, Some([1; 4]), b"x");
    open[0] &= 0x7F;
    for second in [frame(Opcode::Binary, Some([1; 4]), b"x"), frame(Opcode::Text, Some([1; 4]), b"x")] {
        assert_eq!(walk(Sender::Client, 99, &[open.clone(), second].concat(), &[]).verdict, Some(Violation::Fragment));
    }
    let lonely = frame(Opcode::Continuation, Some([1; 4]), b"x");
    assert_eq!(walk(Sender::Client, 99, &lonely, &[]).verdict, Some(Violation::Fragment));
}
