//! How often a session may switch its guest: once in two seconds, so that an impatient finger is one request to a node.
//!
//! Pure: the clock is an argument. Sessions whose two seconds are over are forgotten as others come.

use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const BETWEEN: Duration = Duration::from_secs(2);

/// The sessions that switched their guest a moment ago.
#[derive(Debug, Default)]
pub(super) struct Presses(Mutex<HashMap<SessionId, Instant>>);

impl Presses {
    pub(super) fn press(&self, session: SessionId, now: Instant) -> Result<(), Failure> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |last: &Instant| now.duration_since(*last) < BETWEEN;
        if last.get(&session).is_some_and(is_recent) {
            return Err(Reason::PowerPace.into());
        }
        if last.len() == last.capacity() {
            last.retain(|_, last| is_recent(last));
        }
        last.insert(session, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_waits_two_seconds_and_no_other_waits_with_it() {
        let (presses, start) = (Presses::default(), Instant::now());
        let at = |session: u128, millis: u64| {
            presses.press(SessionId::from_bits(session), start + Duration::from_millis(millis)).is_ok()
        };
        assert!(at(1, 0) && at(2, 0));
        assert!(!at(1, 1999));
        assert!(at(1, 2000), "a refused one does not count");
        assert!(!at(1, 3999));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (presses, start) = (Presses::default(), Instant::now());
        for second in 0..10_000 {
            presses.press(SessionId::from_bits(second), start + BETWEEN * u32::try_from(second).unwrap()).unwrap();
        }
        assert!(presses.0.lock().unwrap().len() < 10);
    }
}
