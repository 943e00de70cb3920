//! Which sessions there are, and which may come back: issued, connected, ended, over.
//!
//! A generation is one connection of a session; the newest one issued is the only one whose ticket opens and whose resume
//! token resumes, so each opens once and costs no memory of its own. A session that is over stays known until its
//! longest end, so that no ticket in a pocket undoes a kill or a limit. Nor does a ticket outlive its machine: Proxmox gives
//! a number again, so a session is of the machine that it met first, and one whose machine nobody could name is not kept
//! alive by opens that fail. Pure: the clock is an argument.

use crate::id::{Machine, SessionId};
use crate::reason::{Failure, Reason};
use std::collections::{BTreeSet, HashMap};

/// How many are forgotten at each change: one for each that comes would do, and nobody waits long for the lock.
const SWEEP: usize = 8;
/// Resumes that may come at once, and the seconds that give one more. A page that waits for its machine is slower; and
/// they are fewer than the opens of a guest may be, so that one session alone never takes the guest's whole pace.
const BURST: u64 = 4;
const REFILL: u64 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Live,
    /// Not connected since then, in Unix seconds, and remembered for so many seconds from then.
    Away(u64, u64),
    Over,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The newest generation that was handed out, and the newest that connected.
    issued: u32,
    connected: u32,
    state: State,
    /// Unix seconds at which the session ends whatever happens.
    ends: u64,
    /// When the resumes so far are paid off, in Unix seconds.
    paid: u64,
    /// The machine behind its guest's number, once it was seen.
    machine: Option<Machine>,
    /// Its place among those that will be forgotten.
    leaves: Option<u64>,
}

impl Entry {
    const fn new(generation: u32, state: State, ends: u64) -> Self {
        Self { issued: generation, connected: generation, state, ends, paid: 0, machine: None, leaves: None }
    }
}

/// The sessions.
#[derive(Debug)]
pub(super) struct Ledger {
    capacity: usize,
    sessions: HashMap<SessionId, Entry>,
    leaving: BTreeSet<(u64, SessionId)>,
}

impl Ledger {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, sessions: HashMap::new(), leaving: BTreeSet::new() }
    }

    pub(super) fn begun(&mut self, session: SessionId, ends: u64, keep: u64, now: u64) {
        self.sweep(now);
        self.insert(session, Entry { paid: now, ..Entry::new(0, State::Away(now, keep), ends) });
    }

    /// The next generation of a session, for the holder of the newest one.
    ///
    /// The holder of the one before gets the newest again as long as it has not connected: the answer that brought it may
    /// have been lost, and the page then has only the old resume token. That makes no second connection, because a ticket
    /// is spent under its generation's name and so opens once however often it was sealed. Whoever stole the old token
    /// gains nothing either: until the connection it could as well have resumed first.
    pub(super) fn resume(
        &mut self,
        session: SessionId,
        generation: u32,
        within: u64,
        now: u64,
    ) -> Result<u32, Failure> {
        let refused = |cause: String| Err(Failure::new(Reason::ResumeExpired, cause));
        let Some(mut entry) = self.sessions.get(&session).copied() else {
            return refused("the session is not known here".to_owned());
        };
        let is_lost = generation.checked_add(1) == Some(entry.issued) && entry.connected < entry.issued;
        if generation < entry.issued && !is_lost {
            let cause = format!("the resume token of generation {generation} was used; {} is the newest", entry.issued);
            return Err(Failure::new(Reason::TokenReplay, cause));
        }
        match entry.state {
            State::Over => return refused("the session is over".to_owned()),
            State::Away(since, _) if now.saturating_sub(since) > within => {
                let ago = now.saturating_sub(since);
                return refused(format!("the session ended {ago} s ago; session.resume_seconds is {within}"));
            }
            State::Away(..) | State::Live => {}
        }
        // Further ahead than any burst: the clock was set back.
        let paid = if entry.paid > now + BURST * REFILL { now } else { entry.paid.max(now) };
        if paid - now > (BURST - 1) * REFILL {
            return Err(Reason::ResumeRate.into());
        }
        entry.paid = paid + REFILL;
        entry.issued = generation.saturating_add(1);
        if let State::Away(since, _) = entry.state {
            // Its new ticket has a time of its own, in which the session must not be forgotten.
            entry.state = match entry.machine {
                Some(_) => State::Away(now, within),
                None => State::Away(since, within.saturating_add(now.saturating_sub(since))),
            };
        }
        self.insert(session, entry);
        Ok(entry.issued)
    }

    /// Whether a session ticket of this generation may open. A first ticket of a session nobody knows here was sealed by
    /// another gateway.
    pub(super) fn may_open(&self, session: SessionId, generation: u32) -> Result<(), Failure> {
        match self.sessions.get(&session) {
            Some(entry) if entry.state == State::Over => {
                Err(Failure::new(Reason::TicketRefused, "the session is over"))
            }
            Some(entry) if entry.issued == generation => Ok(()),
            None if generation == 0 => Ok(()),
            Some(_) => Err(Failure::new(Reason::TicketRefused, "a later ticket of the session was issued")),
            None => Err(Failure::new(Reason::TicketRefused, "the session is not known here")),
        }
    }

    /// Whether the session is connected or may still be resumed.
    pub(super) fn may_return(&self, session: SessionId, within: u64, now: u64) -> Result<(), Failure> {
        let refused = |cause| Err(Failure::new(Reason::TicketRefused, cause));
        match self.sessions.get(&session).map(|entry| entry.state) {
            None => refused("the session is not known here"),
            Some(State::Over) => refused("the session is over"),
            Some(State::Away(since, _)) if now.saturating_sub(since) > within => {
                refused("the session was not connected for longer than session.resume_seconds")
            }
            Some(State::Away(..) | State::Live) => Ok(()),
        }
    }

    pub(super) fn connecting(&mut self, session: SessionId, generation: u32, ends: u64, keep: u64, now: u64) {
        let Some(mut entry) = self.sessions.get(&session).copied() else {
            return self.insert(session, Entry::new(generation, State::Away(now, keep), ends));
        };
        if generation >= entry.connected {
            entry.connected = generation;
            self.insert(session, entry);
        }
    }

    pub(super) fn meets(&mut self, session: SessionId, machine: Option<Machine>) -> Result<(), Failure> {
        let Some(mut entry) = self.sessions.get(&session).copied() else { return Ok(()) };
        if entry.machine.is_some() && entry.machine != machine {
            entry.state = State::Over;
            self.insert(session, entry);
            let cause = match machine {
                Some(_) => "the number was given to another machine since the session began",
                None => "Proxmox no longer says which machine has the number; does the credential still have VM.Audit",
            };
            return Err(Failure::new(Reason::GuestNotFound, cause));
        }
        entry.machine = machine;
        self.insert(session, entry);
        Ok(())
    }

    pub(super) fn live(&mut self, session: SessionId, generation: u32, ends: u64) {
        let Some(mut entry) = self.sessions.get(&session).copied() else {
            return self.insert(session, Entry::new(generation, State::Live, ends));
        };
        if generation >= entry.connected && entry.state != State::Over {
            (entry.connected, entry.state) = (generation, State::Live);
            self.insert(session, entry);
        }
    }

    pub(super) fn ended(&mut self, session: SessionId, generation: u32, keep: u64, now: u64) {
        self.sweep(now);
        let Some(mut entry) = self.sessions.get(&session).copied() else { return };
        entry.state = match entry.state {
            _ if generation < entry.connected => return,
            State::Over => return,
            // It never came to a connection: were that to count, the next owner of the number could be waited for.
            State::Away(..) if entry.machine.is_none() => return,
            State::Away(..) | State::Live => State::Away(now, keep),
        };
        self.insert(session, entry);
    }

    pub(super) fn over(&mut self, session: SessionId, generation: u32) {
        // The end of an older connection says nothing about the session.
        if let Some(mut entry) = self.sessions.get(&session).copied()
            && generation >= entry.connected
        {
            entry.state = State::Over;
            self.insert(session, entry);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sessions.len().max(self.leaving.len())
    }

    /// Puts an entry and its place among the leaving in step. Without room the one that leaves first is forgotten.
    fn insert(&mut self, session: SessionId, mut entry: Entry) {
        self.forget(session);
        if self.sessions.len() >= self.capacity {
            match self.leaving.first().copied() {
                Some((_, oldest)) => self.forget(oldest),
                None => return,
            }
        }
        entry.leaves = match entry.state {
            State::Live => None,
            State::Away(since, keep) => Some(since.saturating_add(keep)),
            State::Over => Some(entry.ends),
        };
        if let Some(leaves) = entry.leaves {
            self.leaving.insert((leaves, session));
        }
        self.sessions.insert(session, entry);
    }

    fn sweep(&mut self, now: u64) {
        for _ in 0..SWEEP {
            match self.leaving.first().copied() {
                Some((leaves, session)) if leaves < now => self.forget(session),
                _ => return,
            }
        }
    }

    fn forget(&mut self, session: SessionId) {
        if let Some(Entry { leaves: Some(leaves), .. }) = self.sessions.remove(&session) {
            self.leaving.remove(&(leaves, session));
        }
    }
}
