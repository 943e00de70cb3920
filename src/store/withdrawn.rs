//! What is revoked at the moment: asked at every open, so it is kept in the process whatever store there is.
//!
//! Owns how long each is kept and how many there may be. Pure: the clock is an argument.

use super::memory::lock;
use crate::reason::{Failure, Reason};
use crate::revocation::{Facts, Revocation};
use std::collections::HashSet;
use std::sync::Mutex;

/// More than a panel withdraws within the life of a session.
const MOST: usize = 100_000;

/// The revocations that still mean something.
#[derive(Debug)]
pub(super) struct Withdrawn {
    most: usize,
    list: Mutex<HashSet<Revocation>>,
}

impl Default for Withdrawn {
    fn default() -> Self {
        Self { most: MOST, list: Mutex::default() }
    }
}

impl Withdrawn {
    /// Remembers one; whether it is new.
    ///
    /// # Errors
    /// `store_full`.
    pub(super) fn add(&self, revocation: &Revocation, now: u64) -> Result<bool, Failure> {
        let mut list = lock(&self.list);
        if list.contains(revocation) {
            return Ok(false);
        }
        if list.len() >= self.most {
            list.retain(|each| each.until >= now);
        }
        if list.len() >= self.most {
            return Err(Failure::new(Reason::StoreFull, format!("{} revocations are remembered already", self.most)));
        }
        list.insert(revocation.clone());
        Ok(true)
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Revocation> {
        lock(&self.list).iter().cloned().collect()
    }

    /// Whether none of them means this console.
    ///
    /// # Errors
    /// `revoked`.
    pub(super) fn check(&self, facts: &Facts<'_>) -> Result<(), Failure> {
        match lock(&self.list).iter().find(|revocation| revocation.means(facts)) {
            Some(revocation) => {
                Err(Failure::new(Reason::TokenRevoked, format!("a revocation of second {} means it", revocation.at)))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Console, Guest, Protocol, Vmid};

    fn of(subject: &str, until: u64) -> Revocation {
        let subject = Some(subject.to_owned());
        Revocation { issuer: None, subject, jti: None, cluster: None, vmid: None, at: 100, until }
    }

    #[test]
    fn e09_what_is_over_makes_room_and_without_room_it_is_said() {
        let withdrawn = Withdrawn { most: 100, ..Withdrawn::default() };
        for n in 0..100_u64 {
            assert_eq!(withdrawn.add(&of("a", n + 200), 100), Ok(true));
        }
        assert_eq!(withdrawn.add(&of("a", 200), 100), Ok(false), "known already");
        assert_eq!(withdrawn.add(&of("b", 900), 100).unwrap_err().reason, Reason::StoreFull);
        assert_eq!(withdrawn.add(&of("b", 900), 201), Ok(true), "one was over");
        let guest = Guest::Qemu(Vmid::try_from(100).unwrap());
        let console = Console { cluster: "eu1".parse().unwrap(), guest, protocol: Protocol::Vnc };
        let facts = |subject| Facts { issuer: "panel", subject, jti: "", console: &console, issued: 100 };
        assert_eq!(withdrawn.check(&facts("b")).unwrap_err().reason, Reason::TokenRevoked);
        assert_eq!(withdrawn.check(&facts("c")), Ok(()));
    }
}
