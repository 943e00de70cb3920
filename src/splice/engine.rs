//! The engine: gathered reads, one write, flush when the source is dry; both directions in one task.
//!
//! Back-pressure is not reading: a direction reads only while its destination holds nothing, so at most one chunk is
//! held each way, and while the client is stuck its own requests wait too.

use super::clock::{Clock, Due, Leg as Which};
use super::direction::Direction;
use super::ending::{Departing, Ended, GRACE, client_closed};
use super::guard::Guard;
use super::leg::{failed, fresh_key};
use super::pump::{Pump, Pumped};
use super::side::Side;
use super::{Pair, Rules};
use crate::reason::{Failure, Reason};
use crate::record::{IntoTransport, Transport};
use crate::traffic::Traffic;
use crate::wire::rfb_client::SMALLEST_REQUEST;
use crate::wire::websocket::{CloseBody, Opcode, frame, parse_close};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// Rounds of a turn, each a batch both ways, and the bytes after which a turn is over all the same: two sides that never
/// pause must not keep a thread for themselves, and what waits behind them is somebody's key.
const ROUNDS: u32 = 32;
const MUCH: u64 = 64 * 1024;
/// A turn that moved less leaves a session that may be idle: what can be made again is given back.
const LITTLE: u64 = 512;

/// A wake that is further away than this may come late by up to a tick, so that many idle sessions wake in one round.
const FAR: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(16);
/// What ticks are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The tick at or after a time that is far away; any other time as it is.
fn together(at: Instant, now: Instant) -> Instant {
    if at.saturating_duration_since(now) < FAR {
        return at;
    }
    let past = at.saturating_duration_since(*START).as_micros() % TICK.as_micros();
    let left = TICK.as_micros().saturating_sub(past) % TICK.as_micros();
    at + Duration::from_micros(u64::try_from(left).unwrap_or_default())
}

/// Two legs at work on each other.
#[derive(Debug)]
pub struct Splice<C, N> {
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

impl<C: Transport, N: Transport> Splice<C, N> {
    /// Takes over from the handshakes. In a box, because it is as large as it is long-lived, and moved on its way.
    pub fn new<A, B>(pair: Pair<A, B>, rules: Rules, guard: Guard) -> Box<Self>
    where
        A: IntoTransport<Transport = C>,
        B: IntoTransport<Transport = N>,
    {
        let now = Instant::now();
        let Pair { mut client, mut node } = pair;
        // A handshake that ended before it looked at what came with it leaves that here.
        let broken = [
            client.decode().map_err(|error| (error.client_reason(), error)),
            node.decode().map_err(|error| (error.node_reason(), error)),
        ];
        let unread =
            broken.into_iter().find_map(Result::err).map(|(reason, error)| Failure::new(reason, error.to_string()));
        let mut up = Direction::up(client.walker, rules.text, guard);
        // What a handshake had not written yet, then what the other one read too far.
        let (early, mut broke) = match up.first(&client.plain, now) {
            Ok(early) => (early, unread),
            Err(failure) => (Vec::new(), Some(failure)),
        };
        let to_node = [node.out.to_vec(), early].concat();
        let to_client = match node.plain.as_ref() {
            [] => client.out.to_vec(),
            bytes => [client.out.as_ref(), &frame(Opcode::Binary, None, bytes)].concat(),
        };
        let (mut client_side, mut node_side) =
            (Side::new(client.stream.into_transport()), Side::new(node.stream.into_transport()));
        for (held, leg) in [(client_side.hold(&to_client), Which::Client), (node_side.hold(&to_node), Which::Node)] {
            broke = broke.or(held.err().map(|error| failed(leg, &error)));
        }
        Box::new(Self {
            client: client_side,
            node: node_side,
            up,
            down: Direction::down(node.walker),
            broke,
            clock: Clock::new(rules, now),
            pings: 0,
            pinged: None,
            client_code: None,
        })
    }

    /// Splices until one side ends, time asks for it, or `stop` says why.
    pub async fn run<F: Future<Output = Failure>>(mut self: Box<Self>, traffic: &Traffic, stop: F) -> Box<Ended<C, N>> {
        let mut stop = pin!(stop);
        let mut timer = pin!(sleep_until(self.clock.next(Instant::now())));
        let why = poll_fn(|cx| {
            if let Poll::Ready(failure) = stop.as_mut().poll(cx) {
                return Poll::Ready(failure);
            }
            self.poll(cx, traffic, timer.as_mut())
        })
        .await;
        self.down.finish();
        // A node that stopped inside a frame for good leaves no place for a close frame.
        let _ = timeout(GRACE, poll_fn(|cx| self.poll_frame_end(cx, traffic))).await;
        (*self).end(why, traffic)
    }

    /// Passes the rest of a node frame that is under way, so that a close frame can follow it.
    fn poll_frame_end(&mut self, cx: &mut Context<'_>, traffic: &Traffic) -> Poll<()> {
        while !self.down.between_frames() && !self.down.is_broken() {
            match self.pump_down(cx, traffic, Instant::now()) {
                Ok(Pumped::Moved) => {}
                Ok(Pumped::Waits) => return Poll::Pending,
                Err(_) => break,
            }
        }
        Poll::Ready(())
    }

    fn end(mut self, why: Failure, traffic: &Traffic) -> Box<Ended<C, N>> {
        let now = Instant::now();
        for (leg, flow) in [(Which::Client, &traffic.down), (Which::Node, &traffic.up)] {
            flow.add_paused(self.clock.free(leg, now).unwrap_or_default());
        }
        Box::new(Ended {
            reason: why.reason,
            cause: why.cause,
            client_code: self.client_code,
            client: Departing::new(self.client, self.down.between_frames(), None),
            node: Departing::new(self.node, self.up.between_frames(), Some(fresh_key())),
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>, traffic: &Traffic, mut timer: Pin<&mut Sleep>) -> Poll<Failure> {
        if let Some(failure) = self.broke.take() {
            return Poll::Ready(failure);
        }
        let (now, before) = (Instant::now(), traffic.bytes());
        // What is due goes out in the same call; a peer that always has something due lets the others go first.
        let mut again = self.pass(cx, traffic, now);
        if let Ok(true) = again {
            again = self.pass(cx, traffic, now);
        }
        match again {
            Ok(true) => cx.waker().wake_by_ref(),
            Ok(false) => {}
            Err(failure) => return Poll::Ready(failure),
        }
        if traffic.bytes().wrapping_sub(before) < LITTLE {
            self.client.transport.rest();
            self.node.transport.rest();
        }
        let next = self.up.next(now, self.node_can_hear()).into_iter().fold(self.clock.next(now), Instant::min);
        let next = together(next, now);
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        if timer.poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Moves what can be moved, then sees what time asks for; whether something of ours could go out now.
    fn pass(&mut self, cx: &mut Context<'_>, traffic: &Traffic, now: Instant) -> Result<bool, Failure> {
        self.turn(cx, traffic, now)?;
        loop {
            match self.clock.due(now) {
                Due::End(reason) => return Err(reason.into()),
                Due::Ping => self.ping(now),
                Due::Nothing => break,
            }
        }
        Ok(self.keep_alive(traffic, now)? || self.own_could_go())
    }

    /// Moves what can be moved now, both ways.
    fn turn(&mut self, cx: &mut Context<'_>, traffic: &Traffic, now: Instant) -> Result<(), Failure> {
        // A node that is stuck gets it with what comes then.
        if self.node_can_hear() {
            let overdue = self.up.overdue(now);
            self.node.hold(&overdue).map_err(|error| failed(Which::Node, &error))?;
        }
        let before = traffic.bytes();
        for _ in 0..ROUNDS {
            self.push_own(now)?;
            let down = self.pump_down(cx, traffic, now)?;
            let up = self.pump_up(cx, traffic, now)?;
            if matches!((up, down), (Pumped::Waits, Pumped::Waits)) && !self.own_could_go() {
                return Ok(());
            }
            if traffic.bytes().wrapping_sub(before) >= MUCH {
                break;
            }
        }
        // More is there: the others first.
        cx.waker().wake_by_ref();
        Ok(())
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
    fn push_own(&mut self, now: Instant) -> Result<(), Failure> {
        if self.client_can_hear() && !self.client.own.is_empty() {
            self.client.push_own().map_err(|error| failed(Which::Client, &error))?;
            self.clock.asked(Which::Client, now);
        }
        if self.node_can_hear() && !self.node.own.is_empty() {
            self.node.push_own().map_err(|error| failed(Which::Node, &error))?;
            self.clock.asked(Which::Node, now);
        }
        Ok(())
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
    fn keep_alive(&mut self, traffic: &Traffic, now: Instant) -> Result<bool, Failure> {
        if !self.clock.too_quiet(now) || !self.node_can_hear() || !self.up.between_messages() {
            return Ok(false);
        }
        self.push_own(now)?;
        let request = frame(Opcode::Binary, Some(fresh_key()), &SMALLEST_REQUEST);
        self.node.hold(&request).map_err(|error| failed(Which::Node, &error))?;
        self.clock.moved(now);
        traffic.keep_alives.add();
        Ok(true)
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

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
