//! What a browser says to a terminal, written anew for a reader that has 4096 bytes of room and forgets a cut header.

use super::input::{Input, pieces};
use consolegate::record::Cuts;
use consolegate::splice::{Direction, Guard, Seen, TerminalGuard};
use consolegate::wire::term::{BLOCK, Parser, Step};
use consolegate::wire::walk::{Sender, Walker};
use consolegate::wire::websocket::{Header, Opcode, apply_mask, frame};
use std::time::Duration;
use tokio::time::Instant;

const KEY: [u8; 4] = [1, 2, 3, 4];

/// What was typed, as far as it can be followed, and whether all of it can.
#[derive(Debug, Default)]
struct Said {
    typed: Vec<u8>,
    broken: bool,
    /// Bytes that were announced and have not come.
    left: usize,
}

fn follow(stream: &[u8], mut at_header: impl FnMut(usize, usize)) -> Said {
    let (mut parser, mut said, mut at, mut began) = (Parser::default(), Said::default(), 0, 0);
    while at < stream.len() {
        let Ok(step) = parser.step(&stream[at..]) else {
            said.broken = true;
            return said;
        };
        let bytes = match step {
            Step::Input { bytes, .. } | Step::Resize { bytes, .. } => {
                at_header(began, at + bytes);
                bytes
            }
            Step::Data { bytes } => {
                said.typed.extend_from_slice(&stream[at..at + bytes]);
                bytes
            }
            Step::KeepAlive { bytes } | Step::More { bytes } => bytes,
        };
        assert!(bytes > 0, "{step:?} goes on");
        at += bytes;
        if !matches!(step, Step::More { .. }) {
            began = at;
        }
    }
    said.left = parser.left() as usize;
    said
}

/// The payload of a frame that is whole and leaves for the node.
fn payloads(mut sent: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while !sent.is_empty() {
        let (header, bytes) = Header::parse(sent).expect("a frame").expect("a whole header");
        let (mut payload, rest) = (sent[bytes..].to_vec(), header.len as usize);
        sent = &sent[bytes + rest..];
        payload.truncate(rest);
        apply_mask(&mut payload, header.mask.expect("a client's frame"), 0);
        all.push(payload);
    }
    all
}

/// What leaves is whole blocks with a header at the beginning of one, and nothing is typed but what was, in order.
pub fn terminal(data: &[u8]) {
    let mut input = Input(data);
    let (may_type, seed) = (input.byte() & 1 == 1, input.byte());
    let guard = Guard::Terminal(TerminalGuard::new(may_type));
    let mut up = Direction::up(Walker::new(Sender::Client, 1 << 20), true, guard);
    let (mut now, mut sent, mut broken) = (Instant::now(), Vec::new(), false);
    for piece in pieces(input.0, seed) {
        let mut chunk = frame(Opcode::Binary, Some(KEY), piece);
        let (mut own, mut cuts, mut seen) = (Vec::new(), Cuts::default(), Seen::default());
        let whole = 0..chunk.len();
        broken = up.feed((&mut chunk, &[whole]), &mut own, &mut cuts, &mut seen, now).is_err();
        for cut in cuts.as_slice() {
            sent.extend_from_slice(cut.of(&chunk));
        }
        if broken {
            break;
        }
        now += Duration::from_millis(u64::from(seed));
    }
    let frames = payloads(&sent);
    assert!(frames.iter().all(|payload| payload.len() % BLOCK == 0), "frames end with a block");
    let out = follow(&frames.concat(), |began, end| {
        assert!(began % BLOCK == 0 && end - began <= BLOCK, "a header from {began} to {end}");
    });
    let came = follow(input.0, |_, _| ());
    assert_eq!(broken, came.broken, "what cannot be followed ends the session, wherever it was cut");
    assert!(!out.broken, "the node can follow it");
    if !may_type {
        assert_eq!((out.typed.as_slice(), out.left), (&[][..], 0), "it may only look");
        return;
    }
    assert!(came.typed.starts_with(&out.typed), "nothing else is typed");
    if !broken {
        let held = came.typed.len() - out.typed.len();
        assert!(held < BLOCK && (held == 0 || came.left > 0), "{held} bytes wait of a message that is whole");
        // The header itself may wait, or be held back until something of its input comes.
        assert!(
            out.left == came.left + held || out.left == 0,
            "{} bytes are promised and {} to come",
            out.left,
            came.left + held
        );
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let typing = b"0:1:l0:1:s0:1:\r2".to_vec();
    let sizes = b"1:80:24:1:132:43:20:5:hello1:-1:99999:0:0:".to_vec();
    let paste = [b"0:300:".as_slice(), &[b'x'; 300], b"1:100:30:0:9:afterward"].concat();
    let cut = b"0:400:only a part of it".to_vec();
    let wrong = b"0:2:ok1:a:b:".to_vec();
    let streams = [typing, sizes, paste, cut, wrong];
    streams.iter().flat_map(|stream| [0, 1].map(|may| [&[may, 40][..], stream].concat())).collect()
}
