//! The connections that count against the limits of the whole fleet, and are in its list.
//!
//! Owns when one is counted and when no more: told to Redis now, or later.

use super::super::scripts::{ENTER, LEAVE};
use super::{LEASE_SECONDS, LONGEST_SECONDS, Redis};
use crate::config::Limits;
use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use redis::cmd;

/// A connection that counts, as the fleet knows it.
#[derive(Debug, Clone)]
pub(in crate::store) struct Counted {
    pub(in crate::store) session: SessionId,
    pub(in crate::store) generation: u32,
    /// Names of its guest and its subject.
    pub(in crate::store) guest: String,
    pub(in crate::store) subject: String,
    /// What a list says of it: a JSON object.
    pub(in crate::store) facts: String,
}

impl Redis {
    /// Counts a connection against the limits of the whole fleet.
    pub(in crate::store) async fn enter(&self, counted: Counted, limits: &Limits) -> Result<(), Failure> {
        let mut enter = cmd("EVAL");
        enter.arg(ENTER).arg(3).arg(self.key(&counted.guest)).arg(self.key(&counted.subject));
        enter.arg(self.key(&format!("live:{}", self.gateway))).arg(counted.session.to_string());
        enter.arg(self.member(&counted)).arg(limits.per_guest).arg(limits.per_subject).arg(self.key("lease:"));
        enter.arg(&counted.facts).arg(LONGEST_SECONDS).arg(LEASE_SECONDS);
        // Whether it happened is not known without an answer, so it is undone.
        let lost = |_: &Failure| self.follows().left.push(counted.clone());
        let said: String = self.connection.ask(&enter).await.inspect_err(lost)?;
        let over = |reason, limit| Err(Failure::new(reason, format!("{limit} sessions are live in the fleet already")));
        match said.as_str() {
            "in" => {
                self.follows().counted.insert(counted.session, counted);
                Ok(())
            }
            "guest" => over(Reason::LimitGuest, limits.per_guest),
            _ => over(Reason::LimitSubject, limits.per_subject),
        }
    }

    /// The connection is over. Where Redis cannot be told now, it is told later.
    pub(in crate::store) async fn leave(&self, session: SessionId, generation: u32) {
        let counted = {
            let mut follows = self.follows();
            match follows.counted.get(&session) {
                Some(counted) if counted.generation == generation => follows.counted.remove(&session),
                _ => None,
            }
        };
        let Some(counted) = counted else { return };
        // It stays among those to be told until Redis has heard it, whoever stops waiting.
        self.follows().left.push(counted.clone());
        match self.left(&counted).await {
            Ok(()) => self.follows().left.retain(|each| each.session != session || each.generation != generation),
            Err(failure) => {
                tracing::warn!(%session, cause = failure.cause, "the store is told later that a connection ended");
            }
        }
    }

    pub(super) async fn left(&self, counted: &Counted) -> Result<(), Failure> {
        let mut leave = cmd("EVAL");
        leave.arg(LEAVE).arg(3).arg(self.key(&counted.guest)).arg(self.key(&counted.subject));
        leave.arg(self.key(&format!("live:{}", self.gateway))).arg(counted.session.to_string());
        leave.arg(self.member(counted));
        self.connection.ask::<String>(&leave).await.map(drop)
    }

    pub(super) fn member(&self, counted: &Counted) -> String {
        format!("{} {}", self.gateway, counted.generation)
    }
}
