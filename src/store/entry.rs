//! What is known of one session, and what each step makes of it: issued, connected, ended, over.
//!
//! A generation is one connection of a session; the newest one issued is the only one whose ticket opens and whose resume
//! token resumes, so each opens once and costs no memory of its own. A session that is over stays known until its
//! longest end, so that no ticket in a pocket undoes a kill or a limit. Nor does a ticket outlive its machine: Proxmox gives
//! a number again, so a session is of the machine that it met first, and one whose machine nobody could name is not kept
//! alive by opens that fail. A connection is its gateway's to end; one whose gateway is gone without a word ended with the last
//! one. Pure, and the same whoever keeps the entry: the clock is an argument.

use crate::id::Machine;
use crate::reason::{Failure, Reason};
use serde::{Deserialize, Serialize};

/// Resumes that may come at once, and the seconds that give one more. A page that waits for its machine is slower; and
/// they are fewer than the opens of a guest may be, so that one session alone never takes the guest's whole pace.
const BURST: u64 = 6;
const REFILL: u64 = 8;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Connected at this gateway; none: there is only one.
    Live(Option<String>),
    /// Not connected since then, in Unix seconds, and remembered for so many seconds from then.
    Away(u64, u64),
    Over,
}

/// What is known of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
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
}

/// One whole step of a session. Times are Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A connect token begins it; it is remembered for `keep` seconds without a connection.
    Begin { ends: u64, keep: u64, now: u64 },
    /// A ticket of this generation opens.
    OpenTicket { generation: u32 },
    /// The next generation is issued to the holder of this one.
    Resume { generation: u32, within: u64, now: u64 },
    /// It is asked whether it is connected or may be resumed.
    MayReturn { within: u64, now: u64 },
    /// It is about to connect.
    Connecting { generation: u32, ends: u64, keep: u64, now: u64 },
    /// Its guest's number is this machine's now.
    Meets { machine: Option<Machine> },
    /// It is connected.
    Live { generation: u32, ends: u64 },
    /// Its connection ended and may come back.
    Ended { generation: u32, keep: u64, now: u64 },
    /// It ended for good.
    Over { generation: u32 },
}

/// What a step comes to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What is known from now on; none: as before.
    pub(super) entry: Option<Entry>,
    /// The answer; a number where a generation was issued.
    pub(super) answer: Result<u32, Failure>,
}

impl Outcome {
    const fn unchanged() -> Self {
        Self { entry: None, answer: Ok(0) }
    }

    const fn now(entry: Entry) -> Self {
        Self { entry: Some(entry), answer: Ok(0) }
    }

    fn of(answer: Result<(), Failure>) -> Self {
        Self { entry: None, answer: answer.map(|()| 0) }
    }
}

impl Entry {
    const fn new(generation: u32, state: State, ends: u64) -> Self {
        Self { issued: generation, connected: generation, state, ends, paid: 0, machine: None }
    }

    /// The step, from what is known of the session so far. `here`: the gateway that takes it, where there are several.
    pub(super) fn take(known: Option<Self>, step: Step, here: Option<&str>) -> Outcome {
        match step {
            Step::Begin { ends, keep, now } => {
                Outcome::now(Self { paid: now, ..Self::new(0, State::Away(now, keep), ends) })
            }
            Step::OpenTicket { generation } => Outcome::of(Self::may_open(known, generation)),
            Step::Resume { generation, within, now } => match Self::resumed(known, generation, within, now) {
                Ok(entry) => Outcome { answer: Ok(entry.issued), entry: Some(entry) },
                Err(failure) => Outcome { entry: None, answer: Err(failure) },
            },
            Step::MayReturn { within, now } => Outcome::of(Self::may_return(known, within, now)),
            Step::Connecting { generation, ends, keep, now } => match known {
                None => Outcome::now(Self::new(generation, State::Away(now, keep), ends)),
                Some(entry) => entry.connects(generation, None),
            },
            Step::Meets { machine } => known.map_or(Outcome::unchanged(), |entry| entry.meets(machine)),
            Step::Live { generation, ends } => {
                let live = State::Live(here.map(str::to_owned));
                match known {
                    None => Outcome::now(Self::new(generation, live, ends)),
                    Some(entry) => entry.connects(generation, Some(live)),
                }
            }
            Step::Ended { generation, keep, now } => {
                known.map_or(Outcome::unchanged(), |entry| entry.ended(generation, keep, now))
            }
            Step::Over { generation } => match known {
                // The end of an older connection says nothing about the session.
                Some(entry) if generation >= entry.connected => Outcome::now(Self { state: State::Over, ..entry }),
                Some(_) | None => Outcome::unchanged(),
            },
        }
    }

    /// When nobody need know it any more, in Unix seconds; none while it is live.
    pub(super) const fn leaves(&self) -> Option<u64> {
        match self.state {
            State::Live(_) => None,
            State::Away(since, keep) => Some(since.saturating_add(keep)),
            State::Over => Some(self.ends),
        }
    }

    /// When it ends whatever happens, in Unix seconds.
    pub(super) const fn ends(&self) -> u64 {
        self.ends
    }

    /// The gateway at which it is connected, where there are several.
    pub(super) fn gateway(&self) -> Option<&str> {
        match &self.state {
            State::Live(gateway) => gateway.as_deref(),
            State::Away(..) | State::Over => None,
        }
    }

    /// The same once that gateway is gone: not connected since its last word.
    pub(super) fn left_behind(self, since: u64) -> Self {
        match self.state {
            State::Live(_) => Self { state: State::Away(since, self.ends.saturating_sub(since)), ..self },
            State::Away(..) | State::Over => self,
        }
    }

    /// The next generation of a session, for the holder of the newest one.
    ///
    /// The holder of the one before gets the newest again as long as it has not connected: the answer that brought it may
    /// have been lost, and the page then has only the old resume token. That makes no second connection, because a ticket
    /// is spent under its generation's name and so opens once however often it was sealed. Whoever stole the old token
    /// gains nothing either: until the connection it could as well have resumed first.
    fn resumed(known: Option<Self>, generation: u32, within: u64, now: u64) -> Result<Self, Failure> {
        let refused = |cause: String| Err(Failure::new(Reason::ResumeExpired, cause));
        let Some(mut entry) = known else {
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
            State::Away(..) | State::Live(_) => {}
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
        Ok(entry)
    }

    /// Whether a session ticket of this generation may open. A first ticket of a session nobody knows here was sealed by
    /// another gateway.
    fn may_open(known: Option<Self>, generation: u32) -> Result<(), Failure> {
        match known {
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
    fn may_return(known: Option<Self>, within: u64, now: u64) -> Result<(), Failure> {
        let refused = |cause| Err(Failure::new(Reason::TicketRefused, cause));
        match known.map(|entry| entry.state) {
            None => refused("the session is not known here"),
            Some(State::Over) => refused("the session is over"),
            Some(State::Away(since, _)) if now.saturating_sub(since) > within => {
                refused("the session was not connected for longer than session.resume_seconds")
            }
            Some(State::Away(..) | State::Live(_)) => Ok(()),
        }
    }

    /// A connection comes about, or is about to, unless the session was ended or came back elsewhere meanwhile.
    fn connects(self, generation: u32, state: Option<State>) -> Outcome {
        if self.state == State::Over {
            return Outcome::of(Err(Failure::new(Reason::TicketRefused, "the session is over")));
        }
        if generation < self.connected {
            return Outcome::of(Err(Reason::TakenOver.into()));
        }
        // What connects was issued, whatever a store that lost some of its memory knows of that.
        let issued = self.issued.max(generation);
        Outcome::now(Self { issued, connected: generation, state: state.unwrap_or(self.state), ..self })
    }

    fn meets(self, machine: Option<Machine>) -> Outcome {
        if self.machine.is_none() || self.machine == machine {
            return Outcome::now(Self { machine, ..self });
        }
        let cause = match machine {
            Some(_) => "the number was given to another machine since the session began",
            None => "Proxmox no longer says which machine has the number; does the credential still have VM.Audit",
        };
        let entry = Some(Self { state: State::Over, ..self });
        Outcome { entry, answer: Err(Failure::new(Reason::GuestNotFound, cause)) }
    }

    fn ended(self, generation: u32, keep: u64, now: u64) -> Outcome {
        match self.state {
            _ if generation < self.connected => Outcome::unchanged(),
            State::Over => Outcome::unchanged(),
            // It never came to a connection: were that to count, the next owner of the number could be waited for.
            State::Away(..) if self.machine.is_none() => Outcome::unchanged(),
            State::Away(..) | State::Live(_) => {
                let issued = self.issued.max(generation);
                Outcome::now(Self { issued, connected: generation, state: State::Away(now, keep), ..self })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_300_000;
    const ENDS: u64 = NOW + 8 * 3600;
    const WITHIN: u64 = 120;

    /// A session that was connected at `gateway`.
    fn live_at(gateway: &str) -> Entry {
        let begun = Entry::take(None, Step::Begin { ends: ENDS, keep: WITHIN, now: NOW }, Some(gateway)).entry;
        Entry::take(begun, Step::Live { generation: 0, ends: ENDS }, Some(gateway)).entry.unwrap()
    }

    fn resume(entry: Entry, now: u64) -> Outcome {
        Entry::take(Some(entry), Step::Resume { generation: 0, within: WITHIN, now }, Some("other"))
    }

    fn may_return(entry: Entry, now: u64) -> bool {
        Entry::take(Some(entry), Step::MayReturn { within: WITHIN, now }, Some("other")).answer.is_ok()
    }

    #[test]
    fn f20_a_session_whose_gateway_is_gone_comes_back_as_long_as_any_other_and_no_longer() {
        let (killed, hours) = (NOW + 600, NOW + 3 * 3600);
        assert_eq!(live_at("one").gateway(), Some("one"));
        assert!(resume(live_at("one"), hours).answer.is_ok(), "its gateway is there");
        let left = live_at("one").left_behind(killed);
        assert_eq!(left.gateway(), None);
        assert!(may_return(left.clone(), killed + WITHIN) && !may_return(left.clone(), killed + WITHIN + 1));
        assert_eq!(resume(left.clone(), hours).answer.unwrap_err().reason, Reason::ResumeExpired);
        assert_eq!(resume(left, killed + WITHIN).answer, Ok(1));
    }

    #[test]
    fn f20_it_is_not_forgotten_before_its_end_and_resumes_that_lead_nowhere_lengthen_nothing() {
        let killed = NOW + 600;
        let left = live_at("one").left_behind(killed);
        assert_eq!(left.leaves(), Some(ENDS), "a generation that was issued is not issued again");
        let resumed = resume(left, killed + 100).entry.unwrap();
        assert!(!may_return(resumed, killed + WITHIN + 1));
    }

    #[test]
    fn a_gateway_that_is_gone_takes_nothing_along_that_was_away_or_over() {
        let away = Entry::take(Some(live_at("one")), Step::Ended { generation: 0, keep: WITHIN, now: NOW + 9 }, None);
        let over = Entry::take(Some(live_at("one")), Step::Over { generation: 0 }, None);
        for entry in [away.entry.unwrap(), over.entry.unwrap()] {
            assert_eq!(entry.clone().left_behind(NOW + 500), entry);
        }
    }
}
