//! The buffered engine: gathered reads, one write, flush when the source is dry; both directions in one task.
//!
//! Back-pressure is not reading: a direction reads only while its destination holds nothing, so at most one chunk is
//! held each way, and while the client is stuck its own requests wait too.

use super::clock::{Clock, Due, Leg as Which};
use super::cuts::Cuts;
use super::direction::{Direction, Seen};
use super::ending::{Departing, Ended, GRACE, client_closed};
use super::guard::Guard;
use super::leg::{failed, fresh_key};
use super::side::Side;
use super::{Pair, Rules};
use crate::reason::{Failure, Reason};
use crate::traffic::{Flow, Traffic};
use crate::wire::rfb_client::SMALLEST_REQUEST;
use crate::wire::websocket::{CloseBody, Opcode, frame, parse_close};
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// The most that is read, and so held, at once for each direction.
const CHUNK: usize = 64 * 1024;

thread_local! {
    /// Borrowed for one read and the write that follows it, never across an await: an idle session holds no buffer.
    static SCRATCH: RefCell<(Vec<u8>, Cuts)> = RefCell::new((vec![0; CHUNK], Cuts::default()));
}

/// Splices until one side ends, time asks for it, or `stop` says why.
pub async fn run<C, N, F>(pair: Pair<C, N>, rules: Rules, guard: Guard, traffic: &Traffic, stop: F) -> Ended<C, N>
where
    C: AsyncRead + AsyncWrite + Unpin,
    N: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Failure>,
{
    let mut splice = Splice::new(pair, rules, guard, Instant::now());
    let mut stop = pin!(stop);
    let mut timer = pin!(sleep_until(splice.clock.next(Instant::now())));
    let why = poll_fn(|cx| {
        if let Poll::Ready(failure) = stop.as_mut().poll(cx) {
            return Poll::Ready(failure);
        }
        splice.poll(cx, traffic, timer.as_mut())
    })
    .await;
    splice.down.finish();
    // A node that stopped inside a frame for good leaves no place for a close frame.
    let _ = timeout(GRACE, poll_fn(|cx| splice.poll_frame_end(cx, traffic))).await;
    splice.end(why, traffic)
}

struct Splice<C, N> {
    client: Side<C>,
    node: Side<N>,
    up: Direction,
    down: Direction,
    clock: Clock,
    /// What was wrong with what the browser had said before its console was ready.
    broke: Option<Failure>,
    /// Pings to the client; its pong carries the number of the one it answers.
    pings: u64,
    pinged: Option<Instant>,
    client_code: Option<u16>,
}

/// What a pump did.
enum Pumped {
    /// It moved something; try again.
    Moved,
    /// The source is dry or the destination full; the context wakes us.
    Waits,
}

impl<C, N> Splice<C, N>
where
    C: AsyncRead + AsyncWrite + Unpin,
    N: AsyncRead + AsyncWrite + Unpin,
{
    fn new(pair: Pair<C, N>, rules: Rules, guard: Guard, now: Instant) -> Self {
        let Pair { client, node } = pair;
        let mut up = Direction::up(client.walker, rules.text, guard);
        // What a handshake had not written yet, then what the other one read too far.
        let (early, broke) = match up.first(&client.plain, now) {
            Ok(early) => (early, None),
            Err(failure) => (Vec::new(), Some(failure)),
        };
        let to_node = [node.out.to_vec(), early].concat();
        let to_client = match node.plain.as_ref() {
            [] => client.out.to_vec(),
            bytes => [client.out.as_ref(), &frame(Opcode::Binary, None, bytes)].concat(),
        };
        Self {
            client: Side::new(client.stream, to_client),
            node: Side::new(node.stream, to_node),
            up,
            down: Direction::down(node.walker),
            broke,
            clock: Clock::new(rules, now),
            pings: 0,
            pinged: None,
            client_code: None,
        }
    }

    /// Passes the rest of a node frame that is under way, so that a close frame can follow it.
    fn poll_frame_end(&mut self, cx: &mut Context<'_>, traffic: &Traffic) -> Poll<()> {
        while !self.down.between_frames() {
            match self.pump_down(cx, traffic, Instant::now()) {
                Ok(Pumped::Moved) => {}
                Ok(Pumped::Waits) => return Poll::Pending,
                Err(_) => break,
            }
        }
        Poll::Ready(())
    }

    fn end(mut self, why: Failure, traffic: &Traffic) -> Ended<C, N> {
        let now = Instant::now();
        for (leg, flow) in [(Which::Client, &traffic.down), (Which::Node, &traffic.up)] {
            flow.add_paused(self.clock.free(leg, now).unwrap_or_default());
        }
        Ended {
            reason: why.reason,
            cause: why.cause,
            client_code: self.client_code,
            client: Departing::new(self.client, self.down.between_frames(), None),
            node: Departing::new(self.node, self.up.between_frames(), Some(fresh_key())),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, traffic: &Traffic, mut timer: Pin<&mut Sleep>) -> Poll<Failure> {
        if let Some(failure) = self.broke.take() {
            return Poll::Ready(failure);
        }
        let now = Instant::now();
        // A node that is stuck gets it with what comes then.
        if self.node_can_hear() {
            self.node.queue(&self.up.overdue(now));
        }
        loop {
            self.push_own();
            let down = match self.pump_down(cx, traffic, now) {
                Ok(pumped) => pumped,
                Err(failure) => return Poll::Ready(failure),
            };
            let up = match self.pump_up(cx, traffic, now) {
                Ok(pumped) => pumped,
                Err(failure) => return Poll::Ready(failure),
            };
            if matches!((up, down), (Pumped::Waits, Pumped::Waits)) && !self.own_could_go() {
                break;
            }
        }
        loop {
            match self.clock.due(now) {
                Due::End(reason) => return Poll::Ready(reason.into()),
                Due::Ping => self.ping(now),
                Due::Nothing => break,
            }
        }
        if self.own_could_go() || self.keep_alive(traffic, now) {
            cx.waker().wake_by_ref();
        }
        let next = self.up.next(now, self.node_can_hear()).into_iter().fold(self.clock.next(now), Instant::min);
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        if timer.poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn client_can_hear(&self) -> bool {
        self.down.between_frames() && self.client.holds() == 0
    }

    fn node_can_hear(&self) -> bool {
        self.up.between_frames() && self.node.holds() == 0
    }

    fn own_could_go(&self) -> bool {
        (!self.client.own.is_empty() && self.client_can_hear()) || (!self.node.own.is_empty() && self.node_can_hear())
    }

    /// Frames of our own wait until a leg has taken what came before, so they never pile up.
    fn push_own(&mut self) {
        if self.client_can_hear() {
            self.client.push_own();
        }
        if self.node_can_hear() && !self.node.own.is_empty() {
            self.node.push_own();
            self.clock.asked_node();
        }
    }

    /// Asks both legs for a sign of life, unless they have not even taken the last one.
    fn ping(&mut self, now: Instant) {
        if self.client.holds() == 0 && self.client.own.is_empty() {
            self.pings += 1;
            self.client.own = frame(Opcode::Ping, None, &self.pings.to_be_bytes());
            self.pinged = Some(now);
        }
        if self.node.holds() == 0 && self.node.own.is_empty() {
            self.node.own = frame(Opcode::Ping, Some(fresh_key()), b"");
        }
    }

    /// Proxmox ends a screen after 15 minutes without a byte of RFB (protocol reference 6.1). The sign of life goes out
    /// where nothing else is under way; a browser that stopped inside a message gets none.
    fn keep_alive(&mut self, traffic: &Traffic, now: Instant) -> bool {
        if !self.clock.too_quiet(now) || !self.node_can_hear() || !self.up.between_messages() {
            return false;
        }
        self.push_own();
        self.node.own = frame(Opcode::Binary, Some(fresh_key()), &SMALLEST_REQUEST);
        self.node.push_own();
        self.clock.moved(now);
        traffic.keep_alives.add();
        true
    }

    fn pump_down(&mut self, cx: &mut Context<'_>, traffic: &Traffic, now: Instant) -> Result<Pumped, Failure> {
        let to = (&mut self.client, Which::Client);
        let mut pump =
            Pump { from: (&mut self.node, Which::Node), to, direction: &mut self.down, clock: &mut self.clock };
        let (pumped, seen) = pump.run(cx, &traffic.down, now)?;
        for ping in &seen.pings {
            self.node.answer(Some(fresh_key()), ping);
        }
        match seen.close {
            Some(_) => Err(Failure::new(Reason::GuestEnded, "the node sent a close frame")),
            None => Ok(pumped),
        }
    }

    fn pump_up(&mut self, cx: &mut Context<'_>, traffic: &Traffic, now: Instant) -> Result<Pumped, Failure> {
        let client_stuck = self.client.holds() > 0;
        let paused = self.up.paused_until(now).is_some();
        let to = (&mut self.node, Which::Node);
        let mut pump =
            Pump { from: (&mut self.client, Which::Client), to, direction: &mut self.up, clock: &mut self.clock };
        if client_stuck || paused {
            pump.settle(cx, &traffic.up, now)?;
            return Ok(Pumped::Waits);
        }
        let (pumped, seen) = pump.run(cx, &traffic.up, now)?;
        if seen.active {
            self.clock.acted(now);
        }
        if !self.clock.admit(seen.frames, seen.controls, now) {
            return Err(Reason::WsFlood.into());
        }
        for ping in &seen.pings {
            self.client.answer(None, ping);
        }
        let ours = self.pings.to_be_bytes();
        let answered = seen.pong.is_some_and(|pong| pong.payload() == ours);
        if let Some(sent) = self.pinged.take_if(|_| answered) {
            traffic.rtt.record(now - sent);
        }
        let Some(close) = seen.close else { return Ok(pumped) };
        let body = parse_close(close.payload());
        if let CloseBody::Code(code) = body {
            self.client_code = Some(code);
        }
        Err(client_closed(body))
    }
}

/// One direction at work.
struct Pump<'a, S, D> {
    from: (&'a mut Side<S>, Which),
    to: (&'a mut Side<D>, Which),
    direction: &'a mut Direction,
    clock: &'a mut Clock,
}

impl<S, D> Pump<'_, S, D>
where
    S: AsyncRead + AsyncWrite + Unpin,
    D: AsyncRead + AsyncWrite + Unpin,
{
    fn run(&mut self, cx: &mut Context<'_>, flow: &Flow, now: Instant) -> Result<(Pumped, Seen), Failure> {
        let mut seen = Seen::default();
        if self.drain(cx, flow, now)?.is_pending() {
            return Ok((Pumped::Waits, seen));
        }
        let read = SCRATCH.with_borrow_mut(|(chunk, cuts)| self.chunk(cx, flow, now, chunk, cuts, &mut seen))?;
        if read == 0 {
            self.flush(cx)?;
            return Ok((Pumped::Waits, seen));
        }
        let _ = self.drain(cx, flow, now)?;
        Ok((Pumped::Moved, seen))
    }

    /// Writes and flushes what waits for the destination, without reading more.
    fn settle(&mut self, cx: &mut Context<'_>, flow: &Flow, now: Instant) -> Result<(), Failure> {
        match self.drain(cx, flow, now)? {
            Poll::Ready(()) => self.flush(cx),
            Poll::Pending => Ok(()),
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        match self.to.0.poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(failed(self.to.1, &error)),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Writes what waits for the destination and keeps account of how long it made us wait.
    fn drain(&mut self, cx: &mut Context<'_>, flow: &Flow, now: Instant) -> Result<Poll<()>, Failure> {
        let mut left = 0;
        let drained = self.to.0.poll_drain(cx, &mut left);
        self.clock.progress(self.to.1, left, now);
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

    /// Reads until the source is dry or the chunk is full, and writes what may leave; 0: nothing was there.
    fn chunk(
        &mut self,
        cx: &mut Context<'_>,
        flow: &Flow,
        now: Instant,
        chunk: &mut [u8],
        cuts: &mut Cuts,
        seen: &mut Seen,
    ) -> Result<usize, Failure> {
        let (len, ended) = self.gather(cx, chunk);
        if len > 0 {
            self.clock.heard(self.from.1, now);
            cuts.clear();
            let chunk = chunk.get_mut(..len).unwrap_or_default();
            let verdict = self.direction.feed(chunk, &mut self.to.0.own, cuts, seen, now);
            flow.add(len as u64, seen.frames);
            if seen.moved {
                self.clock.moved(now);
            }
            self.to.0.write(cx, chunk, cuts).map_err(|error| failed(self.to.1, &error))?;
            verdict?;
        }
        match ended {
            Some(end) if seen.close.is_none() => Err(self.source_ended(end)),
            Some(_) | None => Ok(len),
        }
    }

    fn gather(&mut self, cx: &mut Context<'_>, chunk: &mut [u8]) -> (usize, Option<io::Result<()>>) {
        let mut len = 0;
        while let Some(room) = chunk.get_mut(len..).filter(|room| !room.is_empty()) {
            match self.from.0.poll_read(cx, room) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => return (len, Some(Ok(()))),
                Poll::Ready(Ok(count)) => len += count,
                Poll::Ready(Err(error)) => return (len, Some(Err(error))),
            }
        }
        (len, None)
    }

    fn source_ended(&self, end: io::Result<()>) -> Failure {
        match (self.from.1, end) {
            (leg, Err(error)) => failed(leg, &error),
            (Which::Client, Ok(())) => Reason::ClientGone.into(),
            (Which::Node, Ok(())) if self.direction.at_boundary() => {
                Failure::new(Reason::GuestEnded, "the node ended the stream")
            }
            (Which::Node, Ok(())) => {
                Failure::new(Reason::NodeCut, "the node ended the stream in the middle of a frame")
            }
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
