//! What a viewer says, filtered by the rights of its token.

use super::input::{Input, pieces};
use consolegate::id::Right;
use consolegate::splice::Guard;
use consolegate::wire::rfb_client::{Kind, Messages, Step};
use tokio::time::Instant;

const ALL: [Right; 4] = [Right::Input, Right::Clipboard, Right::Resize, Right::Power];

fn filtered(rights: &[Right], pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let (mut guard, mut out, now) = (Guard::screen(rights), Vec::new(), Instant::now());
    let passed = pieces.iter().try_for_each(|piece| guard.pass(piece, now, &mut out).map(|_| ()));
    (out, passed.is_ok())
}

/// Only what is granted passes, whole and in order, wherever the stream is cut; all rights change nothing.
pub fn rights(data: &[u8]) {
    let mut input = Input(data);
    let (bits, seed) = (input.byte(), input.byte());
    let rights: Vec<Right> = (0..).zip(ALL).filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, right)| right).collect();
    let (out, passed) = filtered(&rights, &[input.0]);
    assert_eq!(filtered(&rights, &pieces(input.0, seed)), (out.clone(), passed));
    if rights.len() == ALL.len() {
        assert_eq!(out, input.0);
        return;
    }
    let (mut messages, mut rest) = (Messages::default(), out.as_slice());
    while !rest.is_empty() {
        rest = match messages.step(rest).expect("only what is known passes") {
            Step::More => break,
            Step::Body { bytes } => &rest[bytes..],
            Step::Begin { message, bytes, .. } => {
                assert!(may_pass(message.kind, &rights), "{message:?} with {rights:?}");
                &rest[bytes..]
            }
        };
    }
}

/// What each right is for, said once more.
fn may_pass(kind: Kind, rights: &[Right]) -> bool {
    let input = rights.contains(&Right::Input);
    match kind {
        Kind::PixelFormat { .. } | Kind::Encodings { .. } | Kind::UpdateRequest => true,
        Kind::ContinuousUpdates | Kind::Fence => true,
        Kind::Key | Kind::Pointer | Kind::QemuKey | Kind::Gii | Kind::QemuAudio => input,
        Kind::CutText => input && rights.contains(&Right::Clipboard),
        Kind::DesktopSize => input && rights.contains(&Right::Resize),
        Kind::Power => input && rights.contains(&Right::Power),
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let messages: [&[u8]; 12] = [
        &[0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0],
        &[2, 0, 0, 3, 0, 0, 0, 0, 255, 255, 254, 254, 0xc0, 0xa1, 0xe5, 0xce],
        &[3, 0, 0, 0, 0, 0, 4, 0, 3, 0],
        &[4, 1, 0, 0, 0, 0, 0, 65],
        &[5, 1, 0, 10, 0, 10],
        b"\x06\0\0\0\0\0\0\x05paste",
        &[150, 1, 0, 0, 0, 0, 4, 0, 3, 0],
        &[248, 0, 0, 0, 0, 0, 0, 1, 2, 9, 9],
        &[250, 0, 1, 2],
        &[251, 0, 4, 0, 3, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 3, 0, 0, 0, 0, 0],
        &[255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30],
        &[255, 1, 0, 2, 0, 2, 0, 0, 172, 68],
    ];
    (0..16).map(|bits| [&[bits, 5][..], &messages.concat()].concat()).collect()
}
