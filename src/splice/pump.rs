//! One direction at work: gathers what the source has, sends what of it may leave, and keeps account of who waits for whom.
//!
//! Back-pressure is not reading: a pump gathers only while its destination holds nothing. What the bytes mean is the
//! direction's to say.

use super::clock::{Clock, Leg as Which};
use super::direction::{Direction, Seen};
use super::leg::failed;
use super::side::Side;
use crate::reason::{Failure, Reason};
use crate::record::{Batch, Cuts, Gathered, Transport, with_batch};
use crate::traffic::Flow;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// What a pump did.
pub(super) enum Pumped {
    /// It moved something; try again.
    Moved,
    /// The source is dry or the destination full; the context wakes us.
    Waits,
}

/// One direction at work.
pub(super) struct Pump<'a, S, D> {
    pub(super) from: (&'a mut Side<S>, Which),
    pub(super) to: (&'a mut Side<D>, Which),
    pub(super) direction: &'a mut Direction,
    pub(super) clock: &'a mut Clock,
}

impl<S: Transport, D: Transport> Pump<'_, S, D> {
    /// Gathers and sends once, unless the destination is full.
    ///
    /// # Errors
    /// How a leg ended, or what the source broke.
    pub(super) fn run(&mut self, cx: &mut Context<'_>, flow: &Flow, now: Instant) -> Result<(Pumped, Seen), Failure> {
        let mut seen = Seen::default();
        if self.drain(cx, flow, now)?.is_pending() {
            return Ok((Pumped::Waits, seen));
        }
        let chunk = with_batch(|batch, cuts| self.chunk(cx, flow, now, batch, cuts, &mut seen))?;
        if let Chunk::Nothing = chunk {
            self.flush(cx)?;
            return Ok((Pumped::Waits, seen));
        }
        let _ = self.drain(cx, flow, now)?;
        Ok((Pumped::Moved, seen))
    }

    /// Writes and flushes what waits for the destination, without reading more.
    pub(super) fn settle(&mut self, cx: &mut Context<'_>, flow: &Flow, now: Instant) -> Result<(), Failure> {
        match self.drain(cx, flow, now)? {
            Poll::Ready(()) => self.flush(cx),
            Poll::Pending => Ok(()),
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        match self.to.0.transport.poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(failed(self.to.1, &error)),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Writes what waits for the destination and keeps account of how long it made us wait.
    fn drain(&mut self, cx: &mut Context<'_>, flow: &Flow, now: Instant) -> Result<Poll<()>, Failure> {
        let mut left = 0;
        let drained = self.to.0.transport.poll_drain(cx, &mut left);
        self.clock.progress(self.to.1, left, now);
        flow.holds(self.to.0.holds());
        match drained {
            Poll::Pending => {
                self.clock.stuck(self.to.1, now);
                Ok(Poll::Pending)
            }
            Poll::Ready(Err(error)) => Err(failed(self.to.1, &error)),
            Poll::Ready(Ok(())) => {
                if let Some(paused) = self.clock.free(self.to.1, now) {
                    flow.add_paused(paused);
                }
                Ok(Poll::Ready(()))
            }
        }
    }

    /// Gathers what the source has, and sends what of it may leave.
    fn chunk(
        &mut self,
        cx: &mut Context<'_>,
        flow: &Flow,
        now: Instant,
        batch: &mut Batch,
        cuts: &mut Cuts,
        seen: &mut Seen,
    ) -> Result<Chunk, Failure> {
        let gathered = self.from.0.transport.poll_gather(cx, batch);
        if !batch.is_empty() {
            self.clock.heard(self.from.1, now);
            let own_waited = !self.to.0.own.is_empty();
            let verdict = self.direction.feed(batch.parts(), &mut self.to.0.own, cuts, seen, now);
            if own_waited && self.to.0.own.is_empty() {
                // It left between two frames of the source's.
                self.clock.asked(self.to.1, now);
            }
            if flow.frames() == 0 && seen.frames > 0 {
                flow.first_frame(self.clock.lasted(now));
            }
            flow.add(batch.total() as u64, seen.frames);
            if seen.moved {
                self.clock.moved(now);
            }
            if !cuts.as_slice().is_empty() {
                let sent = self.to.0.transport.send(cx, batch, cuts);
                sent.map_err(|error| failed(self.to.1, &error))?;
            }
            verdict?;
        }
        match gathered {
            Gathered::End if seen.close.is_none() => Err(self.source_ended()),
            Gathered::Broken(error) if seen.close.is_none() => Err(failed(self.from.1, &error)),
            Gathered::Open if batch.is_empty() => Ok(Chunk::Nothing),
            Gathered::Open | Gathered::Full | Gathered::End | Gathered::Broken(_) => Ok(Chunk::Some),
        }
    }

    fn source_ended(&self) -> Failure {
        match self.from.1 {
            Which::Client => Reason::ClientGone.into(),
            Which::Node if self.direction.at_boundary() => {
                Failure::new(Reason::GuestEnded, "the node ended the stream")
            }
            Which::Node => Failure::new(Reason::NodeCut, "the node ended the stream in the middle of a frame"),
        }
    }
}

/// What a source had.
enum Chunk {
    Nothing,
    Some,
}
