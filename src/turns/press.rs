//! How often a guest may be switched: once in two seconds, whoever asks and in however many sessions, so that an impatient
//! finger is one request to a node.
//!
//! Pure: the clock is an argument. Guests whose two seconds are over are forgotten as others come.

use crate::id::{ClusterGuest, Console};
use crate::reason::{Failure, Reason};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two switches of a guest.
pub const BETWEEN: Duration = Duration::from_secs(2);

/// The guests that were switched a moment ago.
#[derive(Debug, Default)]
pub(super) struct Presses(Mutex<HashMap<ClusterGuest, Instant>>);

/// A guest that is about to be switched; dropped before it was, it may be switched at once again.
#[derive(Debug)]
#[must_use]
pub struct Press<'p> {
    of: &'p Presses,
    /// None: it was.
    noted: Option<(ClusterGuest, Instant)>,
}

impl Presses {
    pub(super) fn press(&self, console: &Console, now: Instant) -> Result<Press<'_>, Failure> {
        let guest = console.cluster_guest();
        let mut last = self.lock();
        let is_recent = |last: &Instant| now.duration_since(*last) < BETWEEN;
        if last.get(&guest).is_some_and(is_recent) {
            return Err(Reason::PowerPace.into());
        }
        if last.len() == last.capacity() {
            last.retain(|_, last| is_recent(last));
        }
        last.insert(guest.clone(), now);
        Ok(Press { of: self, noted: Some((guest, now)) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClusterGuest, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Press<'_> {
    /// The node is asked now, whatever comes of it.
    pub fn counts(mut self) {
        self.noted = None;
    }
}

impl Drop for Press<'_> {
    fn drop(&mut self) {
        let Some((guest, when)) = self.noted.take() else { return };
        let mut last = self.of.lock();
        // Later than its two seconds somebody else's may stand there.
        if last.get(&guest) == Some(&when) {
            last.remove(&guest);
        }
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
            presses.press(&console(vmid, protocol), start + Duration::from_millis(millis)).map(Press::counts).is_ok()
        };
        assert!(at(100, Protocol::Vnc, 0) && at(101, Protocol::Vnc, 0));
        assert!(!at(100, Protocol::Term, 1999), "a terminal switches the same guest");
        assert!(at(100, Protocol::Vnc, 2000), "a refused one does not count");
        assert!(!at(100, Protocol::Vnc, 3999));
    }

    #[test]
    fn a_press_that_came_to_nothing_does_not_count_and_keeps_others_out_only_meanwhile() {
        let (presses, now) = (Presses::default(), Instant::now());
        let press = presses.press(&console(100, Protocol::Vnc), now).unwrap();
        assert!(presses.press(&console(100, Protocol::Vnc), now).is_err(), "one at a time");
        drop(press);
        assert!(presses.press(&console(100, Protocol::Vnc), now).is_ok());
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (presses, start) = (Presses::default(), Instant::now());
        for nth in 0..10_000 {
            presses.press(&console(100 + nth, Protocol::Vnc), start + BETWEEN * nth).unwrap().counts();
        }
        assert!(presses.0.lock().unwrap().len() < 10);
    }
}
