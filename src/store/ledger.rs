//! Which sessions live and which just ended: what may be resumed.
//!
//! Bounded: where there is no room the session that ended first is forgotten, and a session nobody knows cannot be
//! resumed. A generation is one connection of a session; only the newest one's end is the session's end. Pure: the clock
//! is an argument.

use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use std::collections::{BTreeSet, HashMap};

/// A session's newest connection.
#[derive(Debug, Clone, Copy)]
struct Entry {
    generation: u32,
    /// Unix seconds; none while it lives.
    ended: Option<u64>,
}

/// The sessions.
#[derive(Debug)]
pub(super) struct Ledger {
    capacity: usize,
    sessions: HashMap<SessionId, Entry>,
    /// The ended ones, by time.
    ended: BTreeSet<(u64, SessionId)>,
}

impl Ledger {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, sessions: HashMap::new(), ended: BTreeSet::new() }
    }

    pub(super) fn live(&mut self, session: SessionId, generation: u32) {
        if let Some(known) = self.sessions.get(&session).copied() {
            if generation < known.generation {
                return;
            }
            self.forget(session);
        }
        if self.sessions.len() >= self.capacity {
            match self.ended.first().copied() {
                Some((_, oldest)) => self.forget(oldest),
                None => return,
            }
        }
        self.sessions.insert(session, Entry { generation, ended: None });
    }

    pub(super) fn ended(&mut self, session: SessionId, generation: u32, now: u64) {
        let Some(entry) = self.sessions.get_mut(&session).filter(|entry| entry.generation == generation) else {
            return;
        };
        if entry.ended.is_none() {
            entry.ended = Some(now);
            self.ended.insert((now, session));
        }
    }

    pub(super) fn may_resume(
        &self,
        session: SessionId,
        generation: u32,
        resume_seconds: u64,
        now: u64,
    ) -> Result<(), Failure> {
        let refused = |cause: String| Err(Failure::new(Reason::ResumeExpired, cause));
        let Some(entry) = self.sessions.get(&session) else {
            return refused("the session is not known here".to_owned());
        };
        if generation < entry.generation {
            return refused(format!("generation {generation}, the session is at {}", entry.generation));
        }
        match entry.ended.map(|ended| now.saturating_sub(ended)) {
            Some(ago) if ago > resume_seconds => {
                refused(format!("the session ended {ago} s ago; session.resume_seconds is {resume_seconds}"))
            }
            _ => Ok(()),
        }
    }

    fn forget(&mut self, session: SessionId) {
        if let Some(Entry { ended: Some(ended), .. }) = self.sessions.remove(&session) {
            self.ended.remove(&(ended, session));
        }
    }
}
