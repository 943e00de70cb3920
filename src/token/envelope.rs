//! The [`Envelope`]: what an opened ticket, resume token or control token says.
//!
//! Owns what each is good for once its seal held: a ticket and a resume token become a [`Pass`] when the store has used
//! them up, a control token stays what it is. Only a seal that held makes one.

use super::{Grant, LEEWAY_SECONDS, Pass, Purpose, TICKET_SECONDS};
use crate::audit::About;
use crate::config::Session;
use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use crate::store::{Once, Store};

/// What was inside a sealed text.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope {
    pub(super) session: SessionId,
    pub(super) generation: u32,
    /// Unix seconds after which it no longer opens.
    pub(super) expires: u64,
    pub(super) ends: u64,
    pub(super) grant: Grant,
}

impl Envelope {
    /// The session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Counts resumes.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// What the session may do.
    #[must_use]
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What audit lines say of it.
    #[must_use]
    pub fn about(&self) -> About {
        About { session: Some(self.session), generation: Some(self.generation), ..self.grant.about() }
    }

    /// The same with no more time than these rules give, whatever it says: those of its beginning may have given more, and
    /// whoever has the session key writes anything. The session is taken to have begun in the last moment of its connect
    /// token, which is good for at most `token` seconds; the clocks of the panel and of the gateway that sealed it may each
    /// be off by the leeway.
    ///
    /// # Errors
    /// `lifetime` where nothing is left.
    pub(super) fn cut(self, rules: &Session, token: u64, now: u64) -> Result<Self, Failure> {
        let (issued, longest) = (self.grant.issued, self.grant.longest(rules.max));
        if issued > now.saturating_add(2 * LEEWAY_SECONDS) {
            return Err(Failure::new(Reason::TokenLifetime, "it is of a connect token that was made later than now"));
        }
        let over = issued.saturating_add(token + 2 * LEEWAY_SECONDS).saturating_add(longest);
        if over <= now {
            let cause =
                format!("its session began longer ago than the {longest} s that session.max_seconds allows it now");
            return Err(Failure::new(Reason::TokenLifetime, cause));
        }
        // A ticket may outlast its session.
        let expires = self.expires.min(over.saturating_add(TICKET_SECONDS));
        Ok(Self { ends: self.ends.min(over), expires, ..self })
    }

    /// Uses a session ticket up. `since`: where the store's memory begins, in Unix seconds.
    ///
    /// # Errors
    /// `before_boot`, `revoked`, `ticket`, `replay`, or what is wrong with the store.
    pub async fn open(self, store: &Store, since: u64, now: u64) -> Result<Pass, Failure> {
        // One sealed in the very second of the start may have been used by the process before.
        if self.expires <= since + TICKET_SECONDS {
            return Err(Reason::TokenBeforeBoot.into());
        }
        store.check(&self.grant.facts())?;
        let name = format!("{}:{}:{}", Purpose::Ticket.word(), self.session, self.generation);
        let ticket = Once { name: &name, until: self.expires, now, made: self.expires.saturating_sub(TICKET_SECONDS) };
        store.open_ticket(ticket, self.session, self.generation).await?;
        Ok(self.pass())
    }

    /// Uses a resume token up, by the rules of the configuration: the next generation of its session, with no later an end.
    ///
    /// # Errors
    /// `revoked`, `resume_expired`, `replay`, `resume_rate`, or what is wrong with the store.
    pub async fn resume(self, store: &Store, rules: &Session, now: u64) -> Result<Pass, Failure> {
        store.check(&self.grant.facts())?;
        let generation = store.resume(self.session, self.generation, rules.resume.as_secs(), now).await?;
        Ok(Self { generation, ..self }.pass())
    }

    fn pass(self) -> Pass {
        Pass { session: self.session, generation: self.generation, ends: self.ends, grant: self.grant }
    }
}
