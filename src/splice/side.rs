//! A leg in the splice: its transport, and the frames of our own that wait for a place between two others.

use crate::record::Transport;
use crate::wire::walk::Control;
use crate::wire::websocket::{Opcode, frame};
use std::io;

/// The most that waits as frames of our own.
const MAX_OWN: usize = 2048;

/// A transport and what we have to say on it. Idle, it holds no buffer.
#[derive(Debug)]
pub(super) struct Side<T> {
    pub(super) transport: T,
    /// Frames of our own that wait for a boundary.
    pub(super) own: Vec<u8>,
}

impl<T: Transport> Side<T> {
    /// A leg after its handshake.
    pub(super) const fn new(transport: T) -> Self {
        Self { transport, own: Vec::new() }
    }

    /// Bytes that wait to be sent.
    pub(super) fn holds(&self) -> usize {
        self.transport.holds()
    }

    /// Queues a pong, unless so many wait that the peer does not read them.
    pub(super) fn answer(&mut self, mask: Option<[u8; 4]>, ping: &Control) {
        if self.own.len() < MAX_OWN {
            self.own.extend_from_slice(&frame(Opcode::Pong, mask, ping.payload()));
        }
    }

    /// Sends whole frames next; only between two frames.
    ///
    /// # Errors
    /// The transport cannot send any more.
    pub(super) fn hold(&mut self, frames: &[u8]) -> io::Result<()> {
        self.transport.hold(frames)
    }

    /// Sends frames of our own next; only between two frames.
    ///
    /// # Errors
    /// The transport cannot send any more.
    pub(super) fn push_own(&mut self) -> io::Result<()> {
        let own = std::mem::take(&mut self.own);
        self.transport.hold(&own)
    }
}
