//! The wall clock. What decides takes its seconds as an argument and never comes here.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970: what tokens and tickets are dated in; 0 where the clock stands before that.
#[must_use]
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
