//! When a node that cannot be reached is dialled again.
//!
//! Owns how long it is left alone: a second after one failure, and ten once [`MANY`] in a row failed; then one dials for all. A
//! dead node costs none of its sessions the whole time to connect, a live one is found within ten seconds (F03, F09, F10), and
//! one whose pveproxy is just restarted within one. Pure: the clock is an argument.

use crate::reason::Failure;
use std::time::Duration;
use tokio::time::Instant;

/// Failures in a row from which on it is seldom dialled.
const MANY: u32 = 5;
const REST: Duration = Duration::from_secs(1);
const LONG_REST: Duration = Duration::from_secs(10);

/// What came of dialling a node lately.
#[derive(Debug, Default)]
pub(super) struct Breaker(Option<Down>);

#[derive(Debug)]
struct Down {
    failures: u32,
    failure: Failure,
    /// When it is dialled again.
    again: Instant,
}

impl Breaker {
    /// Whether the node is to be dialled now, or how that failed the last time.
    ///
    /// # Errors
    /// The last failure.
    pub(super) fn admits(&mut self, now: Instant) -> Result<(), Failure> {
        let Some(down) = &mut self.0 else { return Ok(()) };
        if now < down.again {
            return Err(down.failure.clone());
        }
        if down.failures >= MANY {
            // Until it is known what this one finds.
            down.again = now + LONG_REST;
        }
        Ok(())
    }

    /// It could not be reached.
    pub(super) fn failed(&mut self, failure: Failure, now: Instant) {
        let (failures, rests) = self.0.take().map_or((0, false), |down| (down.failures, now < down.again));
        // Those that dialled together failed once.
        let failures = if rests && failures < MANY { failures } else { failures.saturating_add(1) };
        let rest = if failures < MANY { REST } else { LONG_REST };
        self.0 = Some(Down { failures, failure, again: now + rest });
    }

    /// It was reached.
    pub(super) fn answered(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;

    /// A node that failed so often, and when it did so last.
    fn failed(failures: u32) -> (Breaker, Instant) {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 0..failures {
            now += REST;
            breaker.failed(Reason::NodeUnreachable.into(), now);
        }
        (breaker, now)
    }

    /// How long it is left alone from now on.
    fn rest(breaker: &mut Breaker, now: Instant) -> Duration {
        let mut tenths = (0..).map(|tenth| Duration::from_millis(tenth * 100));
        tenths.find(|rest| breaker.admits(now + *rest).is_ok()).unwrap()
    }

    #[test]
    fn f03_a_node_is_left_alone_for_a_second_and_after_five_failures_for_ten() {
        let seconds = |failures| {
            let (mut breaker, last) = failed(failures);
            rest(&mut breaker, last).as_secs()
        };
        assert_eq!([0, 1, 4, 5, 6].map(seconds), [0, 1, 1, 10, 10]);
    }

    #[test]
    fn f03_those_that_dialled_together_failed_once() {
        let (mut breaker, last) = failed(1);
        for _ in 0..50 {
            breaker.failed(Reason::NodeRefused.into(), last);
        }
        assert_eq!(rest(&mut breaker, last), REST);
    }

    #[test]
    fn f03_then_one_dials_for_all_and_what_it_finds_counts_for_all() {
        let (mut breaker, last) = failed(MANY);
        let probe = last + rest(&mut breaker, last);
        for tenth in 0..100 {
            let failure = breaker.admits(probe + Duration::from_millis(tenth * 100)).unwrap_err();
            assert_eq!(failure.reason, Reason::NodeUnreachable, "the one that dials is not known to be back");
        }
        breaker.failed(Reason::NodeRefused.into(), probe);
        assert_eq!(breaker.admits(probe + REST).unwrap_err().reason, Reason::NodeRefused);
        breaker.answered();
        assert!((0..100).all(|_| breaker.admits(probe).is_ok()));
        breaker.failed(Reason::NodeRefused.into(), probe);
        assert_eq!(rest(&mut breaker, probe), REST, "counted from the beginning");
    }
}
