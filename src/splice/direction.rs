//! One direction of a splice: a chunk in, the parts that leave and what it meant out. No I/O, no clock.

use super::cuts::{Cuts, Rehead};
use crate::reason::{Failure, Reason};
use crate::wire::walk::{Control, Sender, Step, Walker};
use crate::wire::websocket::{Header, Opcode, Violation, apply_mask};

/// The largest frame a browser may send (a paste); larger ones are refused at their header.
pub(crate) const MAX_CLIENT_FRAME: u64 = 16 * 1024 * 1024;
/// The largest frame a node may send; pveproxy's are at most 128 KiB.
pub(crate) const MAX_NODE_FRAME: u64 = 1024 * 1024;

/// Pings of one chunk that are answered (RFC 6455 5.5.3 lets the others go unanswered).
const MAX_PINGS: usize = 16;

/// What a chunk held besides payload.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Data frames that began.
    pub(super) frames: u64,
    /// Control frames.
    pub(super) controls: u64,
    /// Something a person did: anything but the requests and answers a viewer makes by itself.
    pub(super) active: bool,
    /// Pings to be answered; more than a person's browser sends at once are not.
    pub(super) pings: Vec<Control>,
    /// The newest pong.
    pub(super) pong: Option<Control>,
    /// The close frame; nothing after it was read.
    pub(super) close: Option<Control>,
}

/// The state of one direction.
#[derive(Debug)]
pub(super) struct Direction {
    walker: Walker,
    rehead: Rehead,
    from: Sender,
    text: bool,
    finishing: bool,
    /// The frame that began but whose first payload byte, which tells what it is, has not come.
    fresh: Option<Header>,
}

impl Direction {
    /// Goes on where the handshake's walker stopped. `text`: whether the browser may send text frames.
    pub(super) fn new(from: Sender, walker: Walker, text: bool) -> Self {
        let rehead = match from {
            Sender::Client => Rehead::to_node(),
            Sender::Server => Rehead::to_client(),
        };
        let rehead = rehead.resume(walker.in_frame());
        Self { walker, rehead, from, text, finishing: false, fresh: None }
    }

    /// What went out ends between two frames, so frames of our own may follow. A header or a control frame that is under
    /// way here has not gone out.
    pub(super) const fn between_frames(&self) -> bool {
        self.walker.in_frame().is_none()
    }

    /// The sender stopped between two frames.
    pub(super) const fn at_boundary(&self) -> bool {
        self.walker.at_boundary()
    }

    /// Lets out no more than the frame under way: a close frame of our own comes behind it.
    pub(super) const fn finish(&mut self) {
        self.finishing = true;
    }

    /// Follows a chunk. `own` holds frames that leave at the first boundary.
    ///
    /// # Errors
    /// What the sender broke. What came before it is in `cuts`.
    pub(super) fn feed(
        &mut self,
        chunk: &mut [u8],
        own: &mut Vec<u8>,
        cuts: &mut Cuts,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        let mut at = 0;
        loop {
            if self.between_frames() {
                if self.finishing {
                    return Ok(());
                }
                if !own.is_empty() {
                    cuts.own(std::mem::take(own));
                }
            }
            let rest = chunk.get(at..).unwrap_or_default();
            match self.walker.step(rest).map_err(|violation| self.broke(violation))? {
                Step::More { .. } => return Ok(()),
                Step::Frame { header, bytes } => {
                    self.admit(header)?;
                    self.rehead.frame(header, chunk, at, bytes, cuts);
                    self.fresh = Some(header);
                    seen.frames += 1;
                    at += bytes;
                }
                Step::Payload { bytes, .. } => {
                    if let (Some(header), Some(first)) = (self.fresh.take_if(|_| bytes > 0), chunk.get(at)) {
                        seen.active |= is_activity(header, *first);
                    }
                    self.rehead.payload(at, bytes, cuts);
                    at += bytes;
                }
                Step::Control { control, bytes } => {
                    seen.controls += 1;
                    at += bytes;
                    match control.opcode {
                        Opcode::Ping if seen.pings.len() < MAX_PINGS => seen.pings.push(control),
                        Opcode::Ping => {}
                        Opcode::Pong => seen.pong = Some(control),
                        Opcode::Close => {
                            seen.close = Some(control);
                            return Ok(());
                        }
                        Opcode::Continuation | Opcode::Text | Opcode::Binary => {}
                    }
                }
            }
        }
    }

    fn admit(&self, header: Header) -> Result<(), Failure> {
        let whole = header.fin && header.opcode != Opcode::Continuation;
        match self.from {
            Sender::Client if header.opcode == Opcode::Text && !self.text => Err(Reason::WsText.into()),
            Sender::Server if !whole => Err(Failure::new(Reason::NodeWs, "the node sent a fragment")),
            Sender::Client | Sender::Server => Ok(()),
        }
    }

    fn broke(&self, violation: Violation) -> Failure {
        match self.from {
            Sender::Client => client_reason(violation).into(),
            Sender::Server => Failure::new(Reason::NodeWs, format!("the node broke RFC 6455: {violation:?}")),
        }
    }
}

/// The reason for what a browser broke.
pub(crate) const fn client_reason(violation: Violation) -> Reason {
    match violation {
        Violation::Rsv => Reason::WsRsv,
        Violation::Opcode => Reason::WsOpcode,
        Violation::Control => Reason::WsControl,
        Violation::Length => Reason::WsLength,
        Violation::Unmasked | Violation::Masked => Reason::WsUnmasked,
        Violation::Fragment => Reason::WsFragment,
        Violation::TooBig => Reason::WsTooBig,
    }
}

/// Whether a client frame is a person's doing. A viewer by itself sends update requests (RFB type 3), fences (248) and
/// continuous-update switches (150), each in a frame of its own of at most 73 bytes.
fn is_activity(header: Header, first: u8) -> bool {
    let mut kind = [first];
    if let Some(key) = header.mask {
        apply_mask(&mut kind, key, 0);
    }
    !(matches!(kind, [3 | 150 | 248]) && header.len <= 73)
}

#[cfg(test)]
#[path = "direction_tests.rs"]
mod tests;
