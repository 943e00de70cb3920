//! Whether new work is welcome: one word shared by the listeners, the drain and whoever asks `/readyz`.

use std::sync::atomic::{AtomicU8, Ordering};

/// Where the process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Not everything is built yet.
    Starting,
    /// Takes new sessions.
    Ready,
    /// Keeps what it has and takes nothing new.
    Draining,
}

/// The shared word.
#[derive(Debug, Default)]
pub struct Readiness(AtomicU8);

impl Readiness {
    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    /// Enters a phase. A drain can be called off: `Ready` may follow `Draining`.
    pub fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_as_starting_and_keeps_what_it_was_told() {
        let readiness = Readiness::default();
        assert_eq!(readiness.phase(), Phase::Starting);
        for phase in [Phase::Ready, Phase::Draining, Phase::Ready] {
            readiness.enter(phase);
            assert_eq!(readiness.phase(), phase);
        }
    }
}
