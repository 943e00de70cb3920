//! Frames: followed and re-headed.

use super::input::{Input, pieces};
use consolegate::record::Cuts;
use consolegate::splice::{Direction, Guard, Seen};
use consolegate::wire::walk::{Control, Sender, Step, Walker};
use consolegate::wire::websocket::{Header, Opcode, Violation, frame};
use tokio::time::Instant;

/// The largest frame that a walker here lets pass.
const MOST: u64 = 1 << 20;
/// The largest frame pveproxy takes.
const MOST_TO_NODE: u64 = 128 * 1024;

/// What a walker says of a stream, however it was cut.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Frame(Header),
    Payload(u64),
    Control(Control),
}

fn walk(sender: Sender, pieces: &[&[u8]]) -> (Vec<Said>, Option<Violation>) {
    let (mut walker, mut said) = (Walker::new(sender, MOST), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let used = match walker.step(rest) {
                Err(violation) => return (said, Some(violation)),
                Ok(Step::Frame { header, bytes }) => {
                    said.push(Said::Frame(header));
                    bytes
                }
                Ok(Step::Payload { bytes, before, .. }) => {
                    match said.last_mut() {
                        Some(Said::Payload(sum)) => {
                            assert_eq!(*sum, before);
                            *sum += bytes as u64;
                        }
                        _ => said.push(Said::Payload(bytes as u64)),
                    }
                    bytes
                }
                Ok(Step::Control { control, bytes }) => {
                    said.push(Said::Control(control));
                    bytes
                }
                Ok(Step::More { bytes }) => {
                    assert_eq!(bytes, rest.len(), "all that was left");
                    bytes
                }
            };
            rest = &rest[used..];
        }
    }
    (said, None)
}

/// The verdict on a stream does not depend on where it was cut.
pub fn walker(data: &[u8]) {
    let mut input = Input(data);
    let sender = if input.byte() & 1 == 0 { Sender::Client } else { Sender::Server };
    let seed = input.byte();
    let (mut whole, verdict) = walk(sender, &[input.0]);
    let (mut cut, same) = walk(sender, &pieces(input.0, seed));
    assert_eq!(verdict, same);
    // An empty frame's end may be told with the next byte only.
    for said in [&mut whole, &mut cut] {
        said.retain(|said| *said != Said::Payload(0));
    }
    assert_eq!(whole, cut);
}

pub fn walker_seeds() -> Vec<Vec<u8>> {
    let key = Some([1, 2, 3, 4]);
    let client = [frame(Opcode::Binary, key, b"hello"), frame(Opcode::Ping, key, b"12345678"), fragments()].concat();
    let server = [frame(Opcode::Binary, None, &[7; 300]), frame(Opcode::Close, None, &[3, 232])].concat();
    vec![[&[0, 7][..], &client].concat(), [&[1, 3][..], &server].concat()]
}

fn fragments() -> Vec<u8> {
    let part = |fin, opcode| {
        let header = Header { fin, opcode, mask: Some([9, 8, 7, 6]), len: 5 };
        [header.encode().as_slice(), b"parts"].concat()
    };
    [part(false, Opcode::Binary), part(false, Opcode::Continuation), part(true, Opcode::Continuation)].concat()
}

/// Whatever a browser sends, what leaves for the node are frames as pveproxy takes them.
pub fn reheading(data: &[u8]) {
    let mut input = Input(data);
    let (guarded, seed) = (input.byte() & 1 == 1, input.byte());
    let guard = if guarded { Guard::screen(&[]) } else { Guard::Open };
    let mut up = Direction::up(Walker::new(Sender::Client, MOST), true, guard);
    let (now, mut sent) = (Instant::now(), Vec::new());
    for piece in pieces(input.0, seed) {
        let (mut chunk, mut own, mut cuts, mut seen) = (piece.to_vec(), Vec::new(), Cuts::default(), Seen::default());
        let whole = 0..chunk.len();
        let fed = up.feed((&mut chunk, &[whole]), &mut own, &mut cuts, &mut seen, now);
        for cut in cuts.as_slice() {
            sent.extend_from_slice(cut.of(&chunk));
        }
        if fed.is_err() || seen.close.is_some() {
            break;
        }
    }
    let (frames, violation) = walk(Sender::Client, &[&sent]);
    assert_eq!(violation, None, "what leaves obeys RFC 6455");
    for said in frames {
        match said {
            Said::Frame(header) => {
                assert!(header.fin && header.opcode != Opcode::Continuation, "{header:?}");
                assert!((1..=MOST_TO_NODE).contains(&header.len), "{header:?}");
            }
            Said::Payload(_) => {}
            Said::Control(control) => panic!("{control:?} is for us alone"),
        }
    }
}

pub fn reheading_seeds() -> Vec<Vec<u8>> {
    let key = Some([1, 2, 3, 4]);
    let typed = [frame(Opcode::Binary, key, &[4, 1, 0, 0, 0, 0, 0, 65]), frame(Opcode::Text, key, b"text")].concat();
    let mut large = Header { fin: true, opcode: Opcode::Binary, mask: key, len: 200_000 }.encode().as_slice().to_vec();
    large.resize(200_000, 5);
    [fragments(), typed, large].iter().flat_map(|stream| [0, 1].map(|way| [&[way, 200][..], stream].concat())).collect()
}
