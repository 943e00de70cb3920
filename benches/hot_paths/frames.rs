//! Frames: followed, re-headed, and filtered by rights.

use consolegate::id::Right;
use consolegate::record::Cuts;
use consolegate::splice::{Direction, Guard, Seen};
use consolegate::wire::walk::{Sender, Step, Walker};
use consolegate::wire::websocket::{Header, Opcode, frame};
use std::hint::black_box;
use tokio::time::Instant;

pub const SMALL: u64 = 1000;
pub const LARGE: u64 = 1000;
pub const FRAGMENTS: u64 = 64;
pub const TYPED: u64 = 600;

const KEY: Option<[u8; 4]> = Some([0x12, 0x34, 0x56, 0x78]);
const MOST: u64 = 16 * 1024 * 1024;

/// Key presses and pointer movements of a browser.
pub fn walk_small() -> Box<dyn FnMut()> {
    walk(Sender::Client, frame(Opcode::Binary, KEY, &[5, 0, 1, 2, 3, 4]).repeat(SMALL as usize))
}

/// A picture as Proxmox sends it.
pub fn walk_large() -> Box<dyn FnMut()> {
    walk(Sender::Server, frame(Opcode::Binary, None, &[7; 4096]).repeat(LARGE as usize))
}

/// Chunks of 64 KiB, as a splice has them.
fn walk(sender: Sender, stream: Vec<u8>) -> Box<dyn FnMut()> {
    Box::new(move || {
        let mut walker = Walker::new(sender, MOST);
        for chunk in stream.chunks(64 * 1024) {
            let mut rest = chunk;
            while !rest.is_empty() {
                let step = walker.step(rest).expect("frames as they should be");
                let (Step::Frame { bytes, .. }
                | Step::Payload { bytes, .. }
                | Step::Control { bytes, .. }
                | Step::More { bytes }) = step;
                rest = &rest[bytes..];
            }
        }
        assert!(black_box(&walker).at_boundary());
    })
}

/// A paste in fragments of 1 KiB, each of which becomes a frame of its own.
pub fn rehead() -> Box<dyn FnMut()> {
    let fragments = (0..FRAGMENTS).map(|number| {
        let opcode = if number == 0 { Opcode::Binary } else { Opcode::Continuation };
        let header = Header { fin: number + 1 == FRAGMENTS, opcode, mask: KEY, len: 1000 };
        [header.encode().as_slice(), &[9; 1000]].concat()
    });
    up(fragments.collect::<Vec<_>>().concat(), || Guard::Open)
}

/// A viewer that may only look, and moves, types, pastes and asks for pictures.
pub fn filter() -> Box<dyn FnMut()> {
    let pointer: &[u8] = &[5, 0, 1, 2, 3, 4];
    let key: &[u8] = &[4, 1, 0, 0, 0, 0, 0, 65];
    let request: &[u8] = &[3, 1, 0, 0, 0, 0, 4, 0, 3, 0];
    let paste = [&[6, 0, 0, 0, 0, 0, 0, 200][..], &[b'x'; 200]].concat();
    let encodings = [&[2, 0, 0, 20][..], &[0, 0, 0, 7].repeat(20)].concat();
    let messages = [pointer, key, request, pointer, &paste, &encodings];
    let stream = messages.iter().cycle().take(TYPED as usize).flat_map(|message| frame(Opcode::Binary, KEY, message));
    up(stream.collect(), || Guard::screen(&[Right::Clipboard]))
}

/// What a browser says on its way to the node.
fn up(stream: Vec<u8>, guard: fn() -> Guard) -> Box<dyn FnMut()> {
    let now = Instant::now();
    let mut chunk = stream.clone();
    let mut cuts = Cuts::default();
    Box::new(move || {
        // What leaves as it came is changed where it lies.
        chunk.copy_from_slice(&stream);
        cuts.clear();
        let mut direction = Direction::up(Walker::new(Sender::Client, MOST), false, guard());
        let (mut own, mut seen) = (Vec::new(), Seen::default());
        let piece = 0..chunk.len();
        direction.feed((&mut chunk, &[piece]), &mut own, &mut cuts, &mut seen, now).expect("nothing is wrong with it");
        assert!(!black_box(&cuts).as_slice().is_empty());
    })
}
