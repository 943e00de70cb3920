//! Names that are used up, in memory.
//!
//! Owns when a name may be forgotten: an hour after its time, so that a clock set back by less re-opens nothing; sooner
//! where room is needed, but never before its time. A name whose time is not after that of one already forgotten is
//! refused, because nobody can say any more whether it was used: so no clock jump re-opens anything at all. Pure: the
//! clock is an argument.

use crate::reason::{Failure, Reason};
use crate::sha256;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// How long names are kept beyond their time, in memory while there is room: a clock that was set back by less opens nothing
/// again.
pub(super) const KEEP_SECONDS: u64 = 3600;

/// How many forgotten at once: two for each that comes would do, and nobody waits long for the lock.
const SWEEP: usize = 32;

type Name = [u8; 32];

/// The used names; the heap and the set hold the same ones.
#[derive(Debug)]
pub(super) struct Spent {
    capacity: usize,
    names: HashSet<Name>,
    by_time: BinaryHeap<Reverse<(u64, Name)>>,
    /// The latest time of a forgotten name.
    forgotten: Option<u64>,
}

impl Spent {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, names: HashSet::new(), by_time: BinaryHeap::new(), forgotten: None }
    }

    /// Uses a name up until `until`.
    pub(super) fn spend(&mut self, name: &str, until: u64, now: u64) -> Result<(), Failure> {
        self.forget(now.saturating_sub(KEEP_SECONDS));
        // Every name takes the same room, whoever chose it.
        let name = sha256::of(name.as_bytes());
        if self.names.contains(&name) {
            return Err(Reason::TokenReplay.into());
        }
        if self.forgotten.is_some_and(|forgotten| until <= forgotten) {
            let cause = "it ends before names that are already forgotten, so nobody knows whether it was used; \
                         the clock was set back by more than an hour";
            return Err(Failure::new(Reason::TokenReplay, cause));
        }
        if self.names.len() >= self.capacity {
            self.forget(now);
        }
        if self.names.len() >= self.capacity {
            return Err(Failure::new(
                Reason::StoreFull,
                format!("{} unexpired names are remembered", self.names.len()),
            ));
        }
        self.names.insert(name);
        self.by_time.push(Reverse((until, name)));
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.names.len().max(self.by_time.len())
    }

    /// Forgets some names whose time is `before` or earlier.
    fn forget(&mut self, before: u64) {
        for _ in 0..SWEEP {
            let Some(Reverse((until, name))) =
                self.by_time.peek().copied().filter(|Reverse((until, _))| *until <= before)
            else {
                return;
            };
            self.by_time.pop();
            self.names.remove(&name);
            self.forgotten = self.forgotten.max(Some(until));
        }
    }
}
