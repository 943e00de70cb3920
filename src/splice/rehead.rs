//! Re-heading for pveproxy, which takes neither fragments nor long frames: a fragment becomes its own FIN frame, a frame over 128 KiB becomes several
//! with the same mask key, an empty frame is left out. Payload is never copied or unmasked here.

use crate::record::Cuts;
use crate::wire::websocket::{Header, Opcode, rotate};

/// The largest payload pveproxy takes; a multiple of 4, so the mask key keeps its phase across a cut.
pub(super) const MAX_PIECE: u64 = 128 * 1024;

/// How frames of one direction leave.
#[derive(Debug)]
pub(super) struct Rehead {
    to_node: bool,
    /// The frame under way: opcode and key of its pieces, payload to come, and payload to come of its current piece.
    opcode: Opcode,
    key: Option<[u8; 4]>,
    left: u64,
    piece: u64,
}

impl Rehead {
    /// For frames that go to pveproxy.
    pub(super) const fn to_node() -> Self {
        Self { to_node: true, opcode: Opcode::Binary, key: None, left: 0, piece: 0 }
    }

    /// For frames that go to the browser: as they are.
    pub(super) const fn to_client() -> Self {
        Self { to_node: false, opcode: Opcode::Binary, key: None, left: 0, piece: 0 }
    }

    /// Goes on inside a frame whose first bytes were used by the handshake: what is left gets a header of its own.
    pub(super) fn resume(mut self, in_frame: Option<(Header, u64)>) -> Self {
        if let Some((header, left)) = in_frame {
            self.opcode = Opcode::Binary;
            self.key = header.mask.map(|key| rotate(key, header.len - left));
            self.left = left;
            self.piece = 0;
        }
        self
    }

    /// A data frame's header was read; `bytes` of it lie at `at` in the chunk.
    pub(super) fn frame(&mut self, header: Header, chunk: &mut [u8], at: usize, bytes: usize, cuts: &mut Cuts) {
        let fragment = !header.fin || header.opcode == Opcode::Continuation;
        self.opcode = if fragment { Opcode::Binary } else { header.opcode };
        self.key = header.mask;
        self.left = header.len;
        if self.to_node && header.len == 0 {
            return;
        }
        let out = self.next_piece();
        let is_here = bytes == header.size();
        if is_here && out == header {
            cuts.range(at..at + bytes);
            return;
        }
        let encoded = out.encode();
        match chunk.get_mut(at..at + bytes) {
            Some(place) if is_here && encoded.as_slice().len() == bytes => {
                place.copy_from_slice(encoded.as_slice());
                cuts.range(at..at + bytes);
            }
            _ => cuts.header(encoded),
        }
    }

    /// Payload of the frame lies at `at` in the chunk.
    pub(super) fn payload(&mut self, at: usize, bytes: usize, cuts: &mut Cuts) {
        let (mut at, end) = (at, at + bytes);
        while at < end {
            if self.left == 0 {
                // No frame was begun for these bytes.
                return;
            }
            if self.piece == 0 {
                cuts.header(self.next_piece().encode());
            }
            let step = (end - at).min(usize::try_from(self.piece).unwrap_or(usize::MAX));
            cuts.range(at..at + step);
            at += step;
            self.piece -= step as u64;
            self.left -= step as u64;
        }
    }

    fn next_piece(&mut self) -> Header {
        self.piece = if self.to_node { self.left.min(MAX_PIECE) } else { self.left };
        Header { fin: true, opcode: self.opcode, mask: self.key, len: self.piece }
    }
}
