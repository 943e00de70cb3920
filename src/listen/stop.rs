//! A stop, as connections hear of it: at once for those who have been answered, a moment later for those who were accepted
//! and have not said yet what they want. They would be cut without a word, and a balancer answers 502 for each.

use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a connection that was accepted before the stop has for its first request, TLS included.
pub const LATE: Duration = Duration::from_secs(2);

/// The stop of a listener.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: CancellationToken,
    late: CancellationToken,
}

impl Stop {
    /// One that comes when `asked` does.
    #[must_use]
    pub fn new(asked: CancellationToken) -> Self {
        Self { asked, late: CancellationToken::new() }
    }

    /// Resolves when nobody new is accepted, and nothing more is taken from those who were answered.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Resolves when nothing is taken from those either, unless a request has begun: that one has its own deadline.
    pub async fn late(&self) {
        self.late.cancelled().await;
    }

    /// Waits for the last of these connections, though not for long, and makes it late for the rest.
    pub(super) async fn passes(&self, connections: &TaskTracker) {
        // Whoever is not done by then hears of it.
        let _ = timeout(LATE, connections.wait()).await;
        self.late.cancel();
    }
}
