//! How often a guest may be switched: once in two seconds, whoever asks and in however many sessions, so that an impatient
//! finger is one request to a node.
//!
//! Pure: the clock is an argument. Guests whose two seconds are over are forgotten as others come.

use crate::id::{ClusterGuest, Console};
use crate::reason::{Failure, Reason};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const BETWEEN: Duration = Duration::from_secs(2);

/// The guests that were switched a moment ago.
#[derive(Debug, Default)]
pub(super) struct Presses(Mutex<HashMap<ClusterGuest, Instant>>);

impl Presses {
    pub(super) fn press(&self, console: &Console, now: Instant) -> Result<(), Failure> {
        let guest = console.cluster_guest();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |last: &Instant| now.duration_since(*last) < BETWEEN;
        if last.get(&guest).is_some_and(is_recent) {
            return Err(Reason::PowerPace.into());
        }
        if last.len() == last.capacity() {
            last.retain(|_, last| is_recent(last));
        }
        last.insert(guest, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Guest, Protocol, Vmid};

    fn console(vmid: u32, protocol: Protocol) -> Console {
        let guest = Guest::Qemu(Vmid::try_from(vmid).unwrap());
        Console { cluster: "eu1".parse().unwrap(), guest, protocol }
    }

    #[test]
    fn a_guest_waits_two_seconds_in_all_its_sessions_and_no_other_waits_with_it() {
        let (presses, start) = (Presses::default(), Instant::now());
        let at = |vmid, protocol, millis| {
            presses.press(&console(vmid, protocol), start + Duration::from_millis(millis)).is_ok()
        };
        assert!(at(100, Protocol::Vnc, 0) && at(101, Protocol::Vnc, 0));
        assert!(!at(100, Protocol::Term, 1999), "a terminal switches the same guest");
        assert!(at(100, Protocol::Vnc, 2000), "a refused one does not count");
        assert!(!at(100, Protocol::Vnc, 3999));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (presses, start) = (Presses::default(), Instant::now());
        for nth in 0..10_000 {
            presses.press(&console(100 + nth, Protocol::Vnc), start + BETWEEN * nth).unwrap();
        }
        assert!(presses.0.lock().unwrap().len() < 10);
    }
}
