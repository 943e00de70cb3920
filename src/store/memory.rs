//! The store of one process: two tables under locks that nobody holds while waiting.

use super::Once;
use super::ledger::Ledger;
use super::spent::Spent;
use crate::id::{Machine, SessionId};
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

    pub(super) fn begin(
        &self,
        token: Once<'_>,
        session: SessionId,
        ends: u64,
        keep: u64,
        now: u64,
    ) -> Result<(), Failure> {
        lock(&self.spent).spend(token.name, token.until, now)?;
        lock(&self.ledger).begun(session, ends, keep, now);
        Ok(())
    }

    pub(super) fn open_ticket(
        &self,
        ticket: Once<'_>,
        session: SessionId,
        generation: u32,
        now: u64,
    ) -> Result<(), Failure> {
        // Held until the ticket is used up, so that no resume comes between.
        let ledger = lock(&self.ledger);
        ledger.may_open(session, generation)?;
        lock(&self.spent).spend(ticket.name, ticket.until, now)
    }

    pub(super) fn resume(&self, session: SessionId, generation: u32, within: u64, now: u64) -> Result<u32, Failure> {
        lock(&self.ledger).resume(session, generation, within, now)
    }

    pub(super) fn may_return(&self, session: SessionId, within: u64, now: u64) -> Result<(), Failure> {
        lock(&self.ledger).may_return(session, within, now)
    }

    pub(super) fn connecting(
        &self,
        session: SessionId,
        generation: u32,
        ends: u64,
        keep: u64,
        now: u64,
    ) -> Result<(), Failure> {
        lock(&self.ledger).connecting(session, generation, ends, keep, now);
        Ok(())
    }

    pub(super) fn meets(&self, session: SessionId, machine: Option<Machine>) -> Result<(), Failure> {
        lock(&self.ledger).meets(session, machine)
    }

    pub(super) fn live(&self, session: SessionId, generation: u32, ends: u64) -> Result<(), Failure> {
        lock(&self.ledger).live(session, generation, ends);
        Ok(())
    }

    pub(super) fn ended(&self, session: SessionId, generation: u32, keep: u64, now: u64) -> Result<(), Failure> {
        lock(&self.ledger).ended(session, generation, keep, now);
        Ok(())
    }

    pub(super) fn over(&self, session: SessionId, generation: u32) -> Result<(), Failure> {
        lock(&self.ledger).over(session, generation);
        Ok(())
    }
}

/// A panic of another session while it held the lock leaves the maps whole: no method stops half-way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
