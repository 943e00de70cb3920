//! Where a run is, for whoever waits for it.

use std::fmt::Display;
use std::sync::OnceLock;
use tokio::time::Instant;

static BEGAN: OnceLock<Instant> = OnceLock::new();

/// Says what is measured now, and how long the run has lasted.
pub fn say(what: impl Display) {
    let seconds = BEGAN.get_or_init(Instant::now).elapsed().as_secs();
    eprintln!("{:3}:{:02} {what}", seconds / 60, seconds % 60);
}
