//! What passed through a session, counted as it passes.
//!
//! Plain atomics with one writer (the session's task) and any number of readers (admin, metrics): relaxed order is
//! enough, and the hot path never touches a shared counter.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// One direction's counts.
#[derive(Debug, Default)]
pub struct Flow {
    bytes: AtomicU64,
    frames: AtomicU64,
    paused_micros: AtomicU64,
    /// Bytes that wait because the other side takes none.
    held: AtomicU64,
    /// When the first frame passed, in microseconds of the session and at least 1; 0: none has; the largest: it was told.
    first: AtomicU64,
    told: [AtomicU64; 3],
}

/// What a flow grew by since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Growth {
    /// Bytes.
    pub bytes: u64,
    /// Data frames.
    pub frames: u64,
    /// Paused time.
    pub paused: Duration,
}

impl AddAssign for Growth {
    fn add_assign(&mut self, other: Self) {
        self.bytes = self.bytes.wrapping_add(other.bytes);
        self.frames = self.frames.wrapping_add(other.frames);
        self.paused = self.paused.saturating_add(other.paused);
    }
}

/// What a session grew by since it was last asked, or several did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grown {
    /// From the browser to the node.
    pub up: Growth,
    /// From the node to the browser.
    pub down: Growth,
    /// Signs of life.
    pub keep_alives: u64,
}

impl AddAssign for Grown {
    fn add_assign(&mut self, other: Self) {
        self.up += other.up;
        self.down += other.down;
        self.keep_alives = self.keep_alives.wrapping_add(other.keep_alives);
    }
}

impl Flow {
    /// The growth since the last call: each byte is told once, to whoever asks first.
    pub fn growth(&self) -> Growth {
        let [bytes, frames, paused] = &self.told;
        let since = |told: &AtomicU64, now: u64| now.saturating_sub(told.fetch_max(now, Relaxed));
        Growth {
            bytes: since(bytes, self.bytes()),
            frames: since(frames, self.frames()),
            paused: Duration::from_micros(since(paused, self.paused_micros.load(Relaxed))),
        }
    }

    /// Adds payload-carrying bytes as they are on the wire, and whole data frames.
    pub fn add(&self, bytes: u64, frames: u64) {
        self.bytes.store(self.bytes.load(Relaxed).wrapping_add(bytes), Relaxed);
        self.frames.store(self.frames.load(Relaxed).wrapping_add(frames), Relaxed);
    }

    /// Adds time in which the source was not read because the other side was slow.
    pub fn add_paused(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.paused_micros.store(self.paused_micros.load(Relaxed).saturating_add(micros), Relaxed);
    }

    /// So many bytes wait for the other side now. While any do, the source is not read.
    pub fn holds(&self, bytes: usize) {
        self.held.store(bytes as u64, Relaxed);
    }

    /// Bytes that wait for the other side.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held.load(Relaxed)
    }

    /// The first frame passes, so long after the session opened.
    pub fn first_frame(&self, after: Duration) {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX - 1);
        self.first.store(micros.clamp(1, u64::MAX - 1), Relaxed);
    }

    /// When the first frame passed, once.
    pub fn take_first_frame(&self) -> Option<Duration> {
        let first = self.first.load(Relaxed);
        if matches!(first, 0 | u64::MAX) || self.first.swap(u64::MAX, Relaxed) == u64::MAX {
            return None;
        }
        Some(Duration::from_micros(first))
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Data frames so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    /// Time paused so far.
    #[must_use]
    pub fn paused(&self) -> Duration {
        Duration::from_micros(self.paused_micros.load(Relaxed))
    }
}

/// Events, each told once.
#[derive(Debug, Default)]
pub struct Count {
    total: AtomicU64,
    told: AtomicU64,
}

impl Count {
    /// One more.
    pub fn add(&self) {
        self.total.store(self.total().wrapping_add(1), Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// The growth since the last call.
    pub fn growth(&self) -> u64 {
        let total = self.total();
        total.saturating_sub(self.told.fetch_max(total, Relaxed))
    }
}

/// A session's counts, seen from the gateway.
#[derive(Debug, Default)]
pub struct Traffic {
    /// From the browser to the node.
    pub up: Flow,
    /// From the node to the browser.
    pub down: Flow,
    /// Round trips to the browser.
    pub rtt: Rtt,
    /// Signs of life that the gateway sent to the console by itself; no part of `up`.
    pub keep_alives: Count,
}

impl Traffic {
    /// The growth since the last call, as [`Flow::growth`] tells it.
    pub fn growth(&self) -> Grown {
        Grown { up: self.up.growth(), down: self.down.growth(), keep_alives: self.keep_alives.growth() }
    }

    /// Bytes both ways so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.up.bytes().wrapping_add(self.down.bytes())
    }
}

/// Round-trip times in power-of-two buckets of microseconds: 32 counters hold any session's figures without growing. One
/// round trip a second fills none of them in a lifetime.
#[derive(Debug)]
pub struct Rtt {
    buckets: [AtomicU32; 32],
}

impl Default for Rtt {
    fn default() -> Self {
        Self { buckets: [const { AtomicU32::new(0) }; 32] }
    }
}

impl Rtt {
    /// Records one round trip.
    pub fn record(&self, time: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let index = 32 - micros.leading_zeros();
        if let Some(bucket) = self.buckets.get(index.min(31) as usize) {
            bucket.store(bucket.load(Relaxed).wrapping_add(1), Relaxed);
        }
    }

    /// The upper bound of the bucket that holds the given share (0 to 1) of round trips; none before the first.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Relaxed).into()).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return None;
        }
        let mut seen = 0_u64;
        for (power, count) in counts.iter().enumerate() {
            seen += count;
            if seen as f64 >= share * total as f64 {
                return Some(Duration::from_micros(1_u64 << power));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_tells_each_byte_once() {
        let flow = Flow::default();
        flow.add(10, 1);
        assert_eq!(flow.growth(), Growth { bytes: 10, frames: 1, paused: Duration::ZERO });
        flow.add(5, 1);
        assert_eq!(flow.growth().bytes, 5);
        assert_eq!(flow.growth(), Growth::default());
    }

    #[test]
    fn the_first_frame_is_told_once_and_not_before_it_came() {
        let flow = Flow::default();
        assert_eq!(flow.take_first_frame(), None);
        flow.first_frame(Duration::from_millis(7));
        assert_eq!(flow.take_first_frame(), Some(Duration::from_millis(7)));
        assert_eq!(flow.take_first_frame(), None);
    }

    #[test]
    fn quantiles_bound_the_samples() {
        let rtt = Rtt::default();
        assert_eq!(rtt.quantile(0.5), None);
        for ms in [10, 10, 10, 900] {
            rtt.record(Duration::from_millis(ms));
        }
        let median = rtt.quantile(0.5).unwrap();
        assert!(median >= Duration::from_millis(10) && median < Duration::from_millis(20), "{median:?}");
        assert!(rtt.quantile(0.95).unwrap() >= Duration::from_millis(900));
    }
}
