//! Whether a token's times fit the clock: pure arithmetic on Unix seconds.
//!
//! Owns the boundaries of `exp`, `nbf` and `iat` (RFC 7519 sections 4.1.4 to 4.1.6): valid up to but not at `exp` plus
//! the leeway, from `nbf` less the leeway. Clock skew is the most common fault, so each cause says the seconds.

use super::{LEEWAY_SECONDS, Rejected};
use crate::reason::{Failure, Reason};

/// A token's times, Unix seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// `iat`.
    pub(super) issued: u64,
    /// `exp`.
    pub(super) expires: u64,
    /// `nbf`.
    pub(super) not_before: Option<u64>,
}

impl Times {
    /// The first second at which no gateway accepts the token any more.
    pub(super) const fn over(self) -> u64 {
        self.expires.saturating_add(LEEWAY_SECONDS)
    }

    /// Whether the token may be used at `now`. `started`: tokens made before it may have been used before it.
    pub(super) fn check(self, now: u64, max_seconds: u64, started: Option<u64>) -> Result<(), Rejected> {
        if now >= self.over() {
            let late = now - self.expires;
            return Err(Rejected {
                seconds: Some(late),
                ..skewed(Reason::TokenExpired, format!("expired {late} s ago"))
            });
        }
        let latest = now.saturating_add(LEEWAY_SECONDS);
        if let Some(not_before) = self.not_before.filter(|not_before| *not_before > latest) {
            let early = not_before - now;
            let cause = format!("valid only in {early} s");
            return Err(Rejected { seconds: Some(early), ..skewed(Reason::TokenNotYet, cause) });
        }
        if self.issued > latest {
            let cause = format!("iat is {} s ahead of the gateway's clock", self.issued - now);
            return Err(skewed(Reason::TokenLifetime, cause));
        }
        match self.expires.checked_sub(self.issued) {
            None | Some(0) => Err(Failure::new(Reason::TokenLifetime, "exp is not after iat").into()),
            Some(life) if life > max_seconds => {
                let cause = format!("lives {life} s, the issuer's max_token_seconds is {max_seconds}");
                Err(Failure::new(Reason::TokenLifetime, cause).into())
            }
            Some(_) => self.check_start(started),
        }
    }

    fn check_start(self, started: Option<u64>) -> Result<(), Rejected> {
        match started {
            Some(started) if self.issued < started => {
                let cause = format!(
                    "made {} s too early: one from before /readyz said ok may have been used before this gateway \
                     started; make a new one",
                    started - self.issued
                );
                Err(Failure::new(Reason::TokenBeforeBoot, cause).into())
            }
            _ => Ok(()),
        }
    }
}

fn skewed(reason: Reason, cause: String) -> Rejected {
    Failure::new(reason, format!("{cause}; check the clocks of panel and gateway (NTP)")).into()
}
