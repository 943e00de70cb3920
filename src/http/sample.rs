//! One in a second: what may happen thousands of times is logged as often as a person can read.

use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(1);

/// When the last one was let through.
#[derive(Debug, Default)]
pub(super) struct Sample(Mutex<Option<Instant>>);

impl Sample {
    /// Whether this one is let through.
    pub(super) fn is_due(&self) -> bool {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.is_some_and(|last| now.duration_since(last) < EVERY) {
            return false;
        }
        *last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_and_then_one_a_second() {
        let sample = Sample::default();
        assert!(sample.is_due());
        assert!(!sample.is_due());
        tokio::time::advance(EVERY).await;
        assert!(sample.is_due());
    }
}
