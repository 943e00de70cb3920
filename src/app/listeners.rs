//! The tasks that accept connections: watched while they should run, awaited when they should end.
//!
//! Neither ends before it is told to. One that does leaves a process that says it is ready and takes nobody, so its end is
//! the end of the process (D07).

use tokio::task::{JoinError, JoinHandle};

/// Both listeners' tasks.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) public: JoinHandle<()>,
    pub(super) admin: JoinHandle<()>,
}

impl Listeners {
    /// Returns when one of them ended by itself, with its name and why.
    pub(super) async fn failed(&mut self) -> String {
        let (name, ended) = tokio::select! {
            ended = &mut self.public => ("listen", ended),
            ended = &mut self.admin => ("admin", ended),
        };
        format!("the task of [{name}] {}; no connection is accepted any more", why(ended))
    }

    /// Waits until both have ended as they were told.
    pub(super) async fn ended(self) {
        for task in [self.public, self.admin] {
            if let Err(error) = task.await {
                tracing::error!(%error, "a listener's task failed");
            }
        }
    }
}

fn why(ended: Result<(), JoinError>) -> &'static str {
    match ended {
        Err(error) if error.is_panic() => "panicked",
        Ok(()) | Err(_) => "ended by itself",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn f25_d07_a_listener_that_ends_by_itself_is_noticed_at_once() {
        let runs = || tokio::spawn(pending());
        let mut both = Listeners { public: runs(), admin: runs() };
        assert!(timeout(Duration::from_secs(3600), both.failed()).await.is_err(), "both run");
        for (mut one, said) in [
            (Listeners { public: tokio::spawn(async {}), admin: runs() }, "[listen] ended by itself"),
            (Listeners { public: runs(), admin: tokio::spawn(async { panic!("a bug") }) }, "[admin] panicked"),
        ] {
            let why = timeout(Duration::from_secs(1), one.failed()).await.expect("at once");
            assert!(why.contains(said), "{why}");
        }
    }
}
