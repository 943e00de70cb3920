//! Moves bytes between the two legs of a session until one side ends.
//!
//! Owns frame boundaries, re-heading, ping, pong and close on each leg, back-pressure, and the times of a session. Never
//! parses, unmasks or copies payload it can send as it is. A [`Pair`] proves that both handshakes are done; what comes
//! out is an [`Ended`] whose legs still have to be closed with the final reason.
//!
//! ```text
//!   client ──chunk──▶ Direction(up) ──cuts──▶ node          Clock: pings, stall, dead, idle, lifetime
//!   client ◀──cuts── Direction(down) ◀──chunk── node
//! ```

mod clock;
mod direction;
mod ending;
mod engine;
mod guard;
mod heard;
mod leg;
mod observer;
mod pump;
mod rehead;
mod screen;
mod side;
mod terminal;

pub use direction::{Direction, Seen};
pub use ending::{Departing, Ended};
pub use engine::Splice;
pub use guard::Guard;
pub use heard::Heard;
pub use leg::{Leg, LegError};
pub use observer::Observer;
pub use screen::ScreenGuard;
pub use terminal::TerminalGuard;

use std::time::Duration;
use tokio::time::Instant;

/// Both legs after their handshakes.
#[derive(Debug)]
pub struct Pair<C, N> {
    client: Leg<C>,
    node: Leg<N>,
}

impl<C, N> Pair<C, N> {
    /// Two legs that have logged in. What they read too far goes out first.
    pub const fn new(client: Leg<C>, node: Leg<N>) -> Self {
        Self { client, node }
    }
}

/// The rules of one session.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Between our pings.
    pub ping: Duration,
    /// Without a byte from a leg.
    pub dead: Duration,
    /// Without a leg taking what waits for it.
    pub stall: Duration,
    /// Without a person doing something.
    pub idle: Option<Duration>,
    /// Without a byte of RFB in either direction, after which the node gets a sign of life; none: it never does.
    pub keep_alive: Option<Duration>,
    /// When the session ends whatever happens.
    pub ends: Instant,
    /// Whether frame rates are limited; off only where a conformance suite must flood.
    pub flood: bool,
    /// Whether the browser may send text frames.
    pub text: bool,
}
