//! Where the process is in its life, and everything that follows from it: one owner of what balancers are told, of the
//! registry's end and of the draining metric.
//!
//! ```text
//! Starting ──▶ Ready ◀──▶ Leaving ──▶ Draining ──▶ closed
//!     │          ▲────────────────────────┘ │
//!     └──────────┴──────────────────────────┘
//! ```
//! A drain can be called off, an end cannot. Whoever wants either says so here; when the steps come is `app`'s.

use crate::metrics::Metrics;
use crate::reason::Reason;
use crate::session::Sessions;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What the process does with those who come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is answered, but tokens may still come that were used before this process began; they are refused.
    Starting,
    /// New sessions are welcome.
    Ready,
    /// Balancers are told to go elsewhere; whoever still comes is served, because they notice a moment later.
    Leaving,
    /// What is there goes on, nothing new is taken.
    Draining,
}

/// The life of a process.
#[derive(Debug)]
pub struct Lifecycle {
    state: Mutex<State>,
    /// Whether a drain is wanted.
    wish: watch::Sender<bool>,
    sessions: Arc<Sessions>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    is_ending: bool,
    is_closed: bool,
}

impl Lifecycle {
    /// The beginning.
    #[must_use]
    pub fn new(sessions: Arc<Sessions>, metrics: Arc<Metrics>) -> Self {
        let state = Mutex::new(State { phase: Phase::Starting, is_ending: false, is_closed: false });
        Self { state, wish: watch::Sender::new(false), sessions, metrics }
    }

    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).phase
    }

    /// New sessions are welcome: after the start, or because a drain is called off. Once closed, nothing happens.
    pub fn ready(&self) {
        self.enter(Phase::Ready);
    }

    /// Asks for a drain, or calls one off unless the process ends; returns whether that is anything new.
    pub fn want_drain(&self, wanted: bool) -> bool {
        if !wanted && self.state.lock().unwrap_or_else(PoisonError::into_inner).is_ending {
            return false;
        }
        self.wish.send_if_modified(|wish| std::mem::replace(wish, wanted) != wanted)
    }

    /// Whether a drain is wanted, for whoever takes the steps.
    #[must_use]
    pub fn wishes(&self) -> watch::Receiver<bool> {
        self.wish.subscribe()
    }

    /// Tells balancers to go elsewhere; false where that was done already and nothing new is taken.
    pub fn leave(&self) -> bool {
        let is_first = self.phase() != Phase::Draining;
        if is_first {
            self.enter(Phase::Leaving);
        }
        is_first
    }

    /// Whether a drain is wanted.
    #[must_use]
    pub fn wants_drain(&self) -> bool {
        *self.wish.borrow()
    }

    /// The process ends: a drain cannot be called off any more.
    pub fn ends(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_ending = true;
        self.want_drain(true);
    }

    /// Takes nothing new; what is there goes on. Twice is once.
    pub fn drain(&self) {
        self.enter(Phase::Draining);
    }

    /// Ends what is live for this reason and admits no more.
    pub fn close(&self, reason: Reason) {
        self.drain();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.sessions.close(reason);
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_closed {
            state.phase = phase;
            self.metrics.draining(matches!(phase, Phase::Leaving | Phase::Draining));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a08_a_drain_is_called_off_and_an_end_is_not() {
        let (sessions, metrics) = (Sessions::new(), Arc::new(Metrics::new().unwrap()));
        let life = Lifecycle::new(Arc::clone(&sessions), Arc::clone(&metrics));
        let draining = || {
            let text = String::from_utf8(metrics.render(std::iter::empty()).unwrap()).unwrap();
            text.contains("consolegate_draining 1\n")
        };
        assert_eq!((life.phase(), draining()), (Phase::Starting, false));
        life.ready();
        assert!(life.leave());
        assert_eq!((life.phase(), draining()), (Phase::Leaving, true));
        life.drain();
        life.drain();
        assert!(!life.leave(), "nothing new is taken again because of a second drain");
        assert_eq!((life.phase(), draining()), (Phase::Draining, true));
        life.ready();
        assert_eq!((life.phase(), draining()), (Phase::Ready, false));
        life.close(Reason::Shutdown);
        life.ready();
        assert_eq!((life.phase(), draining()), (Phase::Draining, true));
    }

    #[test]
    fn a08_asking_twice_for_a_drain_is_asking_once() {
        let life = Lifecycle::new(Sessions::new(), Arc::new(Metrics::new().unwrap()));
        let wishes = life.wishes();
        assert!(!life.want_drain(false) && life.want_drain(true) && !life.want_drain(true));
        assert!(wishes.has_changed().unwrap() && *wishes.borrow());
        assert!(life.want_drain(false));
        life.ends();
        assert!(!life.want_drain(false) && life.wants_drain(), "an end cannot be called off");
    }
}
