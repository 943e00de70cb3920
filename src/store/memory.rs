//! The store of one process: two tables under locks that nobody holds while waiting.

use super::Once;
use super::entry::{Entry, Outcome, Step};
use super::ledger::Ledger;
use super::spent::Spent;
use crate::id::SessionId;
use crate::reason::Failure;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Used names and sessions.
#[derive(Debug)]
pub(super) struct Memory {
    spent: Mutex<Spent>,
    pub(super) ledger: Mutex<Ledger>,
}

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        Self { spent: Mutex::new(Spent::new(capacity)), ledger: Mutex::new(Ledger::new(capacity)) }
    }

    /// One step of a session, which uses a name up where it needs one.
    pub(super) fn take(&self, session: SessionId, step: Step, once: Option<Once<'_>>) -> Result<u32, Failure> {
        // Held until the name is used up, so that nothing comes between.
        let mut ledger = lock(&self.ledger);
        let Outcome { entry, answer } = Entry::take(ledger.get(session), step, None);
        if let (Some(once), Ok(_)) = (once, &answer) {
            lock(&self.spent).spend(once.name, once.until, once.now)?;
        }
        if let Step::Begin { now, .. } | Step::Ended { now, .. } = step {
            ledger.sweep(now);
        }
        if let Some(entry) = entry {
            ledger.insert(session, entry);
        }
        answer
    }
}

/// A panic of another session while it held the lock leaves the maps whole: no method stops half-way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
