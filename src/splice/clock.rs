//! What time asks of a session: pings, and the ends that only time brings. No clock of its own: `now` is an argument.

use super::Rules;
use crate::reason::Reason;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes that must leave within each `stall`, so that a peer reading a byte a second is stuck too.
const STALL_PROGRESS: u64 = 16 * 1024;
/// Data frames a second from a browser, on average; a person with a 1,000 Hz mouse makes far fewer.
const FRAMES_A_SECOND: f64 = 5_000.0;
/// Control frames a second from a browser, on average.
const CONTROLS_A_SECOND: f64 = 20.0;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// Ping both legs.
    Ping,
    End(Reason),
}

/// A leg's sending side that does not take what waits for it.
#[derive(Debug, Clone, Copy)]
struct Stuck {
    since: Instant,
    /// Start of the current stall window, and what has left since.
    window: Instant,
    left: u64,
}

/// The times of one session.
#[derive(Debug)]
pub(super) struct Clock {
    rules: Rules,
    began: Instant,
    ping_at: Instant,
    client_heard: Instant,
    node_heard: Instant,
    /// When a ping went to a leg from which nothing came since.
    client_asked: Option<Instant>,
    node_asked: Option<Instant>,
    active: Instant,
    /// Payload went on, in either direction.
    moved: Instant,
    client_stuck: Option<Stuck>,
    node_stuck: Option<Stuck>,
    frames: Bucket,
    controls: Bucket,
}

/// Which leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leg {
    Client,
    Node,
}

impl Clock {
    pub(super) fn new(rules: Rules, now: Instant) -> Self {
        Self {
            began: now,
            ping_at: now + rules.ping,
            client_heard: now,
            node_heard: now,
            client_asked: None,
            node_asked: None,
            active: now,
            moved: now,
            client_stuck: None,
            node_stuck: None,
            frames: Bucket::full(FRAMES_A_SECOND, now),
            controls: Bucket::full(CONTROLS_A_SECOND, now),
            rules,
        }
    }

    /// Bytes came from a leg.
    pub(super) const fn heard(&mut self, leg: Leg, now: Instant) {
        match leg {
            Leg::Client => (self.client_heard, self.client_asked) = (now, None),
            Leg::Node => (self.node_heard, self.node_asked) = (now, None),
        }
    }

    /// How long the session has been open.
    pub(super) fn lasted(&self, now: Instant) -> Duration {
        now.duration_since(self.began)
    }

    /// A ping went out to a leg: from here on its silence means something.
    pub(super) fn asked(&mut self, leg: Leg, now: Instant) {
        let asked = match leg {
            Leg::Client => &mut self.client_asked,
            Leg::Node => &mut self.node_asked,
        };
        asked.get_or_insert(now);
    }

    /// A person did something.
    pub(super) const fn acted(&mut self, now: Instant) {
        self.active = now;
    }

    /// Payload went on, in either direction.
    pub(super) const fn moved(&mut self, now: Instant) {
        self.moved = now;
    }

    /// Nothing has moved for so long that the node should get a sign of life. It stays so until something moves: whoever
    /// cannot send one now asks again after the next event.
    pub(super) fn too_quiet(&self, now: Instant) -> bool {
        self.quiet_until().is_some_and(|at| at <= now)
    }

    fn quiet_until(&self) -> Option<Instant> {
        self.rules.keep_alive.map(|time| self.moved + time)
    }

    /// A browser sent this many frames; false when that is more than any person makes (W09, W10, W19).
    pub(super) fn admit(&mut self, frames: u64, controls: u64, now: Instant) -> bool {
        !self.rules.flood || (self.frames.take(frames, now) && self.controls.take(controls, now))
    }

    /// A leg does not take more.
    pub(super) fn stuck(&mut self, leg: Leg, now: Instant) {
        self.place(leg).get_or_insert(Stuck { since: now, window: now, left: 0 });
    }

    /// A leg that may be stuck took bytes.
    pub(super) fn progress(&mut self, leg: Leg, bytes: u64, now: Instant) {
        if let Some(stuck) = self.place(leg) {
            stuck.left += bytes;
            if stuck.left >= STALL_PROGRESS {
                (stuck.window, stuck.left) = (now, 0);
            }
        }
    }

    /// A leg took all; how long it was stuck.
    pub(super) fn free(&mut self, leg: Leg, now: Instant) -> Option<Duration> {
        let stuck = self.place(leg).take()?;
        // While one leg was stuck neither was read, so silence until now proves nothing.
        (self.client_heard, self.node_heard) = (now, now);
        Some(now - stuck.since)
    }

    fn place(&mut self, leg: Leg) -> &mut Option<Stuck> {
        match leg {
            Leg::Client => &mut self.client_stuck,
            Leg::Node => &mut self.node_stuck,
        }
    }

    /// What is due now. A ping is due once for each interval.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if let Some((_, reason)) = self.ends().into_iter().flatten().find(|(at, _)| *at <= now) {
            return Due::End(reason);
        }
        if self.ping_at <= now {
            self.ping_at = now + self.rules.ping;
            return Due::Ping;
        }
        Due::Nothing
    }

    /// When to look again at the latest.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let quiet = self.quiet_until().filter(|at| *at > now);
        self.ends().into_iter().flatten().map(|(at, _)| at).chain(quiet).fold(self.ping_at, Instant::min)
    }

    fn ends(&self) -> [Option<(Instant, Reason)>; 6] {
        let rules = &self.rules;
        let read = self.client_stuck.is_none() && self.node_stuck.is_none();
        [
            Some((rules.ends, Reason::Lifetime)),
            rules.idle.map(|idle| (self.active + idle, Reason::Idle)),
            self.client_stuck.map(|stuck| (stuck.window + rules.stall, Reason::ClientStalled)),
            self.node_stuck.map(|stuck| (stuck.window + rules.stall, Reason::NodeStalled)),
            // While a leg is stuck, `stall` judges: nothing is read and no ping arrives.
            self.silent_until(self.client_heard, self.client_asked).filter(|_| read).map(|at| (at, Reason::ClientDead)),
            self.silent_until(self.node_heard, self.node_asked).filter(|_| read).map(|at| (at, Reason::NodeDead)),
        ]
    }

    /// When a leg that was asked counts as dead. A ping waits for the end of the frame under way, which a slow line makes
    /// long: whoever was asked late has as long to answer as whoever was asked in time.
    fn silent_until(&self, heard: Instant, asked: Option<Instant>) -> Option<Instant> {
        let answers = self.rules.dead.saturating_sub(self.rules.ping);
        asked.map(|asked| (heard + self.rules.dead).max(asked + answers))
    }
}

/// A token bucket that holds two seconds' worth.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    const fn full(rate: f64, now: Instant) -> Self {
        Self { rate, level: rate * 2.0, at: now }
    }

    fn take(&mut self, count: u64, now: Instant) -> bool {
        let refill = (now - self.at).as_secs_f64() * self.rate;
        self.level = (self.level + refill).min(self.rate * 2.0) - count as f64;
        self.at = now;
        self.level >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn rules(now: Instant) -> Rules {
        Rules {
            ping: S * 20,
            dead: S * 60,
            stall: S * 30,
            idle: None,
            keep_alive: None,
            ends: now + S * 28800,
            flood: true,
            text: false,
        }
    }

    #[test]
    fn pings_come_once_an_interval() {
        let now = Instant::now();
        let mut clock = Clock::new(rules(now), now);
        assert_eq!(clock.due(now), Due::Nothing);
        assert_eq!(clock.next(now), now + S * 20);
        assert_eq!(clock.due(now + S * 20), Due::Ping);
        assert_eq!(clock.due(now + S * 20), Due::Nothing);
    }

    #[test]
    fn u17_a_silent_leg_ends_after_dead_and_a_pong_keeps_it() {
        let now = Instant::now();
        let mut clock = Clock::new(rules(now), now);
        clock.heard(Leg::Client, now + S * 59);
        assert_ne!(clock.due(now + S * 60), Due::End(Reason::NodeDead), "it was not asked");
        clock.asked(Leg::Node, now + S * 20);
        clock.asked(Leg::Node, now + S * 40);
        assert_eq!(clock.due(now + S * 60), Due::End(Reason::NodeDead));
        clock.heard(Leg::Node, now + S * 60);
        assert_ne!(clock.due(now + S * 60), Due::End(Reason::NodeDead));
        assert_ne!(clock.due(now + S * 119), Due::End(Reason::ClientDead), "it was not asked");
        clock.asked(Leg::Client, now + S * 79);
        assert_eq!(clock.due(now + S * 119), Due::End(Reason::ClientDead));
    }

    #[test]
    fn f07_whoever_is_asked_late_because_a_frame_was_under_way_has_time_to_answer() {
        let now = Instant::now();
        for (leg, other, dead) in
            [(Leg::Client, Leg::Node, Reason::ClientDead), (Leg::Node, Leg::Client, Reason::NodeDead)]
        {
            let mut clock = Clock::new(rules(now), now);
            clock.heard(other, now + S * 100);
            clock.asked(leg, now + S * 100);
            assert_ne!(clock.due(now + S * 139), Due::End(dead));
            assert_eq!(clock.due(now + S * 140), Due::End(dead));
        }
    }

    #[test]
    fn w16_w17_a_stuck_leg_ends_after_stall_unless_it_moves() {
        let now = Instant::now();
        for (leg, reason) in [(Leg::Client, Reason::ClientStalled), (Leg::Node, Reason::NodeStalled)] {
            let mut clock = Clock::new(rules(now), now);
            clock.stuck(leg, now);
            clock.progress(leg, 30, now + S * 20);
            assert_eq!(clock.due(now + S * 30), Due::End(reason), "a byte a second is stuck");
            clock.progress(leg, STALL_PROGRESS, now + S * 29);
            assert_ne!(clock.due(now + S * 30), Due::End(reason));
            assert_eq!(clock.free(leg, now + S * 31), Some(S * 31));
            clock.heard(leg, now + S * 50);
            assert_eq!(clock.ends()[2], None);
        }
    }

    #[test]
    fn idle_and_lifetime() {
        let now = Instant::now();
        let mut clock = Clock::new(Rules { idle: Some(S * 10), ends: now + S * 15, ..rules(now) }, now);
        clock.acted(now + S * 4);
        assert_eq!(clock.due(now + S * 13), Due::Nothing);
        assert_eq!(clock.due(now + S * 14), Due::End(Reason::Idle));
        clock.acted(now + S * 14);
        assert_eq!(clock.due(now + S * 15), Due::End(Reason::Lifetime));
    }

    #[test]
    fn a_sign_of_life_is_due_until_something_moves_and_wakes_nobody_twice() {
        let now = Instant::now();
        let mut clock = Clock::new(Rules { ping: S * 60, keep_alive: Some(S * 30), ..rules(now) }, now);
        assert_eq!(clock.next(now), now + S * 30);
        clock.moved(now + S * 5);
        assert!(!clock.too_quiet(now + S * 34));
        assert_eq!(clock.next(now + S * 34), now + S * 35);
        assert!(clock.too_quiet(now + S * 35) && clock.too_quiet(now + S * 40));
        assert_eq!(clock.next(now + S * 40), now + S * 60, "not a time that has passed");
        clock.moved(now + S * 41);
        assert_eq!((clock.too_quiet(now + S * 41), clock.next(now + S * 41)), (false, now + S * 60));
        assert!(!Clock::new(rules(now), now).too_quiet(now + S * 9999));
    }

    #[test]
    fn w10_w19_floods_are_more_than_any_person_makes() {
        let now = Instant::now();
        let mut clock = Clock::new(rules(now), now);
        let mouse = (1..10_000).all(|ms| clock.admit(1, 0, now + Duration::from_millis(ms)));
        assert!(mouse, "a 1,000 Hz mouse is fine");
        let flood = (0..20_000).all(|n| clock.admit(1, 0, now + S * 20 + Duration::from_micros(n * 50)));
        assert!(!flood, "20,000 frames a second are not");
        let pings = (0..10_000).all(|n| clock.admit(0, 1, now + S * 60 + Duration::from_micros(n * 100)));
        assert!(!pings);
    }
}
