//! What must be remembered: used tokens and tickets, and which sessions may be resumed.
//!
//! Fails closed: what cannot be remembered is not accepted, and what is not known is not resumed. Knows names and times,
//! never what a name stands for. Asynchronous because a store may be shared by a fleet; the memory store never waits.

mod ledger;
mod spent;
#[cfg(test)]
mod tests;

use crate::id::SessionId;
use crate::reason::Failure;
use ledger::Ledger;
use spent::Spent;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where used tokens are remembered, and which sessions may be resumed.
#[derive(Debug)]
pub struct Store {
    spent: Mutex<Spent>,
    ledger: Mutex<Ledger>,
}

impl Store {
    /// In this process, for at most `capacity` unexpired names and as many sessions.
    #[must_use]
    pub fn memory(capacity: usize) -> Self {
        Self { spent: Mutex::new(Spent::new(capacity)), ledger: Mutex::new(Ledger::new(capacity)) }
    }

    /// Uses `name` up until `until` (Unix seconds). The first caller wins.
    ///
    /// # Errors
    /// `replay` when it was used or that is no longer known, `store_full` or `store_down` when it cannot be remembered.
    pub async fn spend(&self, name: &str, until: u64, now: u64) -> Result<(), Failure> {
        lock(&self.spent).spend(name, until, now)
    }

    /// A connect token began a session; its first ticket is issued. `ends`: when it ends whatever happens; `keep`: seconds
    /// for which it is remembered without a connection.
    pub async fn session_begun(&self, session: SessionId, ends: u64, keep: u64, now: u64) {
        lock(&self.ledger).begun(session, ends, keep, now);
    }

    /// Issues the next generation to the holder of the newest resume token: of a session that is live, or that ended at
    /// most `within` seconds ago. Each token resumes once, and not faster than a page does.
    ///
    /// # Errors
    /// `resume_expired`, `replay` or `resume_rate`.
    pub async fn resume(&self, session: SessionId, generation: u32, within: u64, now: u64) -> Result<u32, Failure> {
        lock(&self.ledger).resume(session, generation, within, now)
    }

    /// Whether a session ticket of this generation may open: none was issued after it, and the session is not over.
    ///
    /// # Errors
    /// `ticket`.
    pub async fn may_open(&self, session: SessionId, generation: u32) -> Result<(), Failure> {
        lock(&self.ledger).may_open(session, generation)
    }

    /// Whether the session is live, or ended at most `within` seconds ago and may be resumed.
    ///
    /// # Errors
    /// `ticket`.
    pub async fn may_return(&self, session: SessionId, within: u64, now: u64) -> Result<(), Failure> {
        lock(&self.ledger).may_return(session, within, now)
    }

    /// A session runs here with this generation. An older generation's later end does not count.
    pub async fn session_live(&self, session: SessionId, generation: u32, ends: u64) {
        lock(&self.ledger).live(session, generation, ends);
    }

    /// The session's connection of this generation ended at `now` (Unix seconds); it is remembered for `keep` more.
    pub async fn session_ended(&self, session: SessionId, generation: u32, keep: u64, now: u64) {
        lock(&self.ledger).ended(session, generation, keep, now);
    }

    /// The session ended for good (an idle limit, a kill, ...): nothing of it opens or resumes again. Call it in place of
    /// [`Self::session_ended`], or any time after. An older generation's call does not end a newer one.
    pub async fn session_over(&self, session: SessionId, generation: u32) {
        lock(&self.ledger).over(session, generation);
    }
}

/// A panic of another session while it held the lock leaves the maps whole: no method stops half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
