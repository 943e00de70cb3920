//! The sessions that a process knows of, in memory.
//!
//! Owns how many there may be and which one goes first. What is known of each is an [`Entry`]'s. Pure: the clock is an
//! argument.

use super::entry::Entry;
use crate::id::SessionId;
use std::collections::{BTreeSet, HashMap};

/// How many are forgotten at each change: one for each that comes would do, and nobody waits long for the lock.
const SWEEP: usize = 8;

/// The sessions.
#[derive(Debug)]
pub(super) struct Ledger {
    capacity: usize,
    sessions: HashMap<SessionId, Entry>,
    /// Those that are not live, by when they may be forgotten.
    leaving: BTreeSet<(u64, SessionId)>,
}

impl Ledger {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, sessions: HashMap::new(), leaving: BTreeSet::new() }
    }

    /// What is known of a session.
    pub(super) fn get(&self, session: SessionId) -> Option<Entry> {
        self.sessions.get(&session).cloned()
    }

    /// Puts an entry and its place among the leaving in step. Without room the one that leaves first is forgotten.
    pub(super) fn insert(&mut self, session: SessionId, entry: Entry) {
        self.forget(session);
        if self.sessions.len() >= self.capacity {
            match self.leaving.first().copied() {
                Some((_, oldest)) => self.forget(oldest),
                None => return,
            }
        }
        if let Some(leaves) = entry.leaves() {
            self.leaving.insert((leaves, session));
        }
        self.sessions.insert(session, entry);
    }

    /// Forgets some of those that nobody need know any more.
    pub(super) fn sweep(&mut self, now: u64) {
        for _ in 0..SWEEP {
            match self.leaving.first().copied() {
                Some((leaves, session)) if leaves < now => self.forget(session),
                _ => return,
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sessions.len().max(self.leaving.len())
    }

    fn forget(&mut self, session: SessionId) {
        if let Some(leaves) = self.sessions.remove(&session).and_then(|entry| entry.leaves()) {
            self.leaving.remove(&(leaves, session));
        }
    }
}
