//! Which sessions live and which just ended: what may be resumed.
//!
//! An ended session is forgotten once nobody may resume it any more, sooner where there is no room (the one that ended
//! first), and at once where it is over for good. A session nobody knows cannot be resumed. A generation is one
//! connection of a session; only the newest one's end is the session's end. Pure: the clock is an argument.

use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use std::collections::{BTreeSet, HashMap};

/// How many are forgotten at each end: one for each that comes would do, and nobody waits long for the lock.
const SWEEP: usize = 8;

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
    /// Seconds after its end for which a session is remembered.
    keep: u64,
    sessions: HashMap<SessionId, Entry>,
    /// The ended ones, by time.
    ended: BTreeSet<(u64, SessionId)>,
}

impl Ledger {
    pub(super) fn new(capacity: usize, keep: u64) -> Self {
        Self { capacity, keep, sessions: HashMap::new(), ended: BTreeSet::new() }
    }

    pub(super) const fn keep(&mut self, seconds: u64) {
        self.keep = seconds;
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
        self.sweep(now);
        let Some(entry) = self.sessions.get_mut(&session).filter(|entry| entry.generation == generation) else {
            return;
        };
        if entry.ended.is_none() {
            entry.ended = Some(now);
            self.ended.insert((now, session));
        }
    }

    pub(super) fn over(&mut self, session: SessionId, generation: u32) {
        if self.sessions.get(&session).is_some_and(|entry| entry.generation <= generation) {
            self.forget(session);
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

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sessions.len().max(self.ended.len())
    }

    /// Forgets some of those nobody may resume any more.
    fn sweep(&mut self, now: u64) {
        for _ in 0..SWEEP {
            match self.ended.first().copied() {
                Some((ended, session)) if now.saturating_sub(ended) > self.keep => self.forget(session),
                _ => return,
            }
        }
    }

    fn forget(&mut self, session: SessionId) {
        if let Some(Entry { ended: Some(ended), .. }) = self.sessions.remove(&session) {
            self.ended.remove(&(ended, session));
        }
    }
}
