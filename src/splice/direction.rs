//! One direction of a splice: a chunk in, the parts that leave and what it meant out. No I/O, no clock.

use super::guard::Guard;
use super::leg::fresh_key;
use super::rehead::{MAX_PIECE, Rehead};
use crate::reason::{Failure, Reason};
use crate::record::Cuts;
use crate::wire::utf8::{NotUtf8, Utf8};
use crate::wire::walk::{Control, Sender, Step, Walker};
use crate::wire::websocket::{Header, Opcode, Violation, apply_mask, frame};
use std::convert::Infallible;
use std::ops::Range;
use tokio::time::Instant;

/// The largest frame a browser may send (a paste); larger ones are refused at their header.
pub(crate) const MAX_CLIENT_FRAME: u64 = 16 * 1024 * 1024;
/// The largest frame a node may send; pveproxy's are at most 128 KiB.
pub(crate) const MAX_NODE_FRAME: u64 = 1024 * 1024;

/// Pings of one chunk that are answered (RFC 6455 5.5.3 lets the others go unanswered).
const MAX_PINGS: usize = 16;

/// What a chunk held besides payload.
#[derive(Debug, Default)]
pub struct Seen {
    /// Data frames that began.
    pub frames: u64,
    /// Control frames.
    pub controls: u64,
    /// Something a person did: anything but the requests and answers a viewer makes by itself.
    pub active: bool,
    /// Payload goes out.
    pub moved: bool,
    /// Pings to be answered; more than a person's browser sends at once are not.
    pub pings: Vec<Control>,
    /// The newest pong.
    pub pong: Option<Control>,
    /// The close frame; nothing after it was read.
    pub close: Option<Control>,
}

/// The state of one direction.
#[derive(Debug)]
pub struct Direction {
    walker: Walker,
    rehead: Rehead,
    from: Sender,
    text: bool,
    /// The text message under way.
    utf8: Option<Utf8>,
    guard: Guard,
    /// What the guard let out and no frame holds yet.
    passed: Vec<u8>,
    finishing: bool,
    /// The frame under way.
    frame: Option<Header>,
    /// What came was refused: nothing more is read, and the frame it was found in has not gone out unless it had before.
    broken: Option<Broken>,
}

/// Where a direction was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    AtHeader,
    InFrame,
}

impl Direction {
    /// From the node, where the handshake's walker stopped.
    pub(super) fn down(walker: Walker) -> Self {
        Self::new(Sender::Server, walker, Rehead::to_client(), true, Guard::Open)
    }

    /// From the browser, where the handshake's walker stopped. `text`: whether it may send text frames.
    pub fn up(walker: Walker, text: bool, guard: Guard) -> Self {
        Self::new(Sender::Client, walker, Rehead::to_node(), text, guard)
    }

    fn new(from: Sender, walker: Walker, rehead: Rehead, text: bool, guard: Guard) -> Self {
        let under_way = walker.in_frame();
        let rehead = rehead.resume(under_way);
        let frame = under_way.map(|(header, _)| header);
        Self {
            walker,
            rehead,
            from,
            text,
            utf8: None,
            guard,
            passed: Vec::new(),
            finishing: false,
            frame,
            broken: None,
        }
    }

    /// What went out ends between two frames, so frames of our own may follow. A header or a control frame that is under
    /// way here has not gone out.
    pub(super) const fn between_frames(&self) -> bool {
        self.walker.in_frame().is_none() || self.guard.rewrites() || matches!(self.broken, Some(Broken::AtHeader))
    }

    /// The sender was refused: it is not read any more.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// What went out ends between two frames and two RFB messages, so an RFB message of our own may follow in a frame of
    /// its own. Never so where messages are not known.
    pub(super) const fn between_messages(&self) -> bool {
        self.between_frames() && self.guard.between_messages()
    }

    /// Frames with what the handshake read too far.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub(super) fn first(&mut self, plain: &[u8], now: Instant) -> Result<Vec<u8>, Failure> {
        self.guard.pass(plain, now, &mut self.passed)?;
        Ok(self.flushed(now))
    }

    /// Until when nothing more is to be read.
    pub(super) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.guard.paused_until().filter(|until| *until > now)
    }

    /// When to look again even if nothing comes. `free`: what is overdue could go.
    pub(super) fn next(&self, now: Instant, free: bool) -> Option<Instant> {
        let due = self.guard.due().filter(|_| free);
        [due, self.paused_until(now)].into_iter().flatten().min()
    }

    /// Frames with what the guard held back for a time that is over.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<u8> {
        if self.guard.due().is_some_and(|at| at <= now) { self.flushed(now) } else { Vec::new() }
    }

    fn flushed(&mut self, now: Instant) -> Vec<u8> {
        self.guard.flush(now, &mut self.passed);
        self.framed()
    }

    /// The sender stopped between two frames.
    pub(super) const fn at_boundary(&self) -> bool {
        self.walker.at_boundary()
    }

    /// Lets out no more than the frame under way: a close frame of our own comes behind it.
    pub(super) const fn finish(&mut self) {
        self.finishing = true;
    }

    /// Follows the pieces of a chunk. `own` holds frames that leave at the first boundary.
    ///
    /// # Errors
    /// What the sender broke. What came before it is in `cuts`.
    pub fn feed(
        &mut self,
        (chunk, pieces): (&mut [u8], &[Range<usize>]),
        own: &mut Vec<u8>,
        cuts: &mut Cuts,
        seen: &mut Seen,
        now: Instant,
    ) -> Result<(), Failure> {
        let mut verdict = Ok(());
        for piece in pieces {
            verdict = self.walk(chunk, piece.clone(), own, cuts, seen, now);
            if verdict.is_err() || seen.close.is_some() {
                break;
            }
        }
        if verdict.is_err() {
            self.broken.get_or_insert(Broken::InFrame);
        }
        let frames = self.flushed(now);
        if !frames.is_empty() {
            seen.moved = true;
            cuts.own(frames);
        }
        verdict
    }

    fn walk(
        &mut self,
        chunk: &mut [u8],
        piece: Range<usize>,
        own: &mut Vec<u8>,
        cuts: &mut Cuts,
        seen: &mut Seen,
        now: Instant,
    ) -> Result<(), Failure> {
        let mut at = piece.start;
        loop {
            if self.between_frames() {
                if self.finishing {
                    return Ok(());
                }
                if !own.is_empty() {
                    cuts.own(std::mem::take(own));
                }
            }
            let rest = chunk.get(at..piece.end).unwrap_or_default();
            match self.walker.step(rest).map_err(|violation| self.broke(violation))? {
                Step::More { .. } => return Ok(()),
                Step::Frame { header, bytes } => {
                    self.admit(header).inspect_err(|_| self.broken = Some(Broken::AtHeader))?;
                    if !self.guard.rewrites() {
                        self.rehead.frame(header, chunk, at, bytes, cuts);
                    }
                    self.begin(header);
                    seen.frames += 1;
                    at += bytes;
                }
                Step::Payload { bytes, before, end } => {
                    let payload = chunk.get_mut(at..at + bytes).unwrap_or_default();
                    self.check_text(payload, before, end)?;
                    if self.guard.rewrites() {
                        seen.active |= self.guarded(payload, before, now)?;
                    } else {
                        seen.active |= self.watched(payload, before);
                        seen.moved |= bytes > 0;
                        self.rehead.payload(at, bytes, cuts);
                    }
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

    fn begin(&mut self, header: Header) {
        self.frame = Some(header);
        match header.opcode {
            Opcode::Text if self.from == Sender::Client => self.utf8 = Some(Utf8::default()),
            Opcode::Binary | Opcode::Text => self.utf8 = None,
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => {}
        }
    }

    /// A browser's text is text (RFC 6455 8.1), told at the first byte that is not.
    fn check_text(&mut self, payload: &[u8], before: u64, end: bool) -> Result<(), Failure> {
        let (Some(text), Some(header)) = (&mut self.utf8, self.frame) else { return Ok(()) };
        let not_text = |NotUtf8| Failure::new(Reason::WsUtf8, "a text message that is not UTF-8");
        plain_parts(payload, header.mask, before, |part| text.feed(part)).map_err(not_text)?;
        if end && header.fin && !text.whole() {
            return Err(not_text(NotUtf8));
        }
        Ok(())
    }

    /// Shows the guard what goes out as it came.
    fn watched(&mut self, payload: &[u8], before: u64) -> bool {
        let guard = &mut self.guard;
        if !guard.watches() {
            return guard.watch(payload).active;
        }
        let mut active = false;
        let key = self.frame.and_then(|header| header.mask);
        let all: Result<(), Infallible> = plain_parts(payload, key, before, |part| {
            active |= guard.watch(part).active;
            Ok(())
        });
        match all {
            Ok(()) => active,
        }
    }

    fn guarded(&mut self, payload: &mut [u8], before: u64, now: Instant) -> Result<bool, Failure> {
        if let Some(key) = self.frame.and_then(|header| header.mask) {
            apply_mask(payload, key, before);
        }
        Ok(self.guard.pass(payload, now, &mut self.passed)?.active)
    }

    /// Frames with what the guard let out, as large as pveproxy takes them.
    fn framed(&mut self) -> Vec<u8> {
        let passed = std::mem::take(&mut self.passed);
        #[allow(clippy::cast_possible_truncation, reason = "128 KiB")]
        let pieces = passed.chunks(MAX_PIECE as usize);
        pieces.flat_map(|piece| frame(Opcode::Binary, Some(fresh_key()), piece)).collect()
    }

    fn broke(&self, violation: Violation) -> Failure {
        match self.from {
            Sender::Client => client_reason(violation).into(),
            Sender::Server => Failure::new(Reason::NodeWs, format!("the node broke RFC 6455: {violation:?}")),
        }
    }
}

/// Reads payload a part at a time, unmasked in a copy.
fn plain_parts<E>(
    payload: &[u8],
    key: Option<[u8; 4]>,
    before: u64,
    mut read: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    // Small enough to cost nothing where a frame is a key press.
    let mut plain = [0; 128];
    for (part, at) in payload.chunks(plain.len()).zip((before..).step_by(plain.len())) {
        let plain = plain.get_mut(..part.len()).unwrap_or_default();
        plain.copy_from_slice(part);
        if let Some(key) = key {
            apply_mask(plain, key, at);
        }
        read(plain)?;
    }
    Ok(())
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

#[cfg(test)]
#[path = "direction_tests.rs"]
mod tests;
