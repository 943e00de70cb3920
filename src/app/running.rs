//! A gateway that runs, in three steps: it serves until it is asked to stop, drains, and closes.
//!
//! Owns the tasks of the process. What a phase means for those who come is the lifecycle's.

use super::listeners::Listeners;
use super::signals::Signal;
use crate::console::{self, Shared};
use crate::reason::Reason;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long consoles and connections have to end when the gateway stops: what a session takes, and a moment for what was
/// just on its way to become one.
const GOODBYE: Duration = console::GOODBYE.saturating_add(Duration::from_secs(1));

/// The tasks of a gateway.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) listeners: Listeners,
    pub(super) connections: TaskTracker,
    pub(super) consoles: TaskTracker,
    /// Ends the public listener and idle connections.
    pub(super) shut: CancellationToken,
    /// Ends the admin listener.
    pub(super) ended: CancellationToken,
}

impl Running {
    /// Serves until it is asked to stop; ready from the given moment on.
    ///
    /// # Errors
    /// A listener's task ended by itself.
    pub(super) async fn serve(&mut self, signals: &mut mpsc::Receiver<Signal>, ready: Instant) -> Result<(), String> {
        let mut is_ready = false;
        loop {
            tokio::select! {
                signal = signals.recv() => match signal {
                    Some(Signal::Stop) | None => return Ok(()),
                    Some(Signal::Reload) => {
                        tracing::warn!("this version cannot reload its configuration; restart it");
                    }
                },
                () = sleep_until(ready), if !is_ready => {
                    is_ready = true;
                    self.shared.lifecycle.ready();
                    tracing::info!("consolegate is ready");
                }
                failed = self.listeners.failed() => return Err(failed),

            }
        }
    }

    /// Takes nothing new.
    pub(super) fn drain(&self) {
        self.shared.lifecycle.drain();
        tracing::info!(live = self.shared.sessions.len(), "stopping");
    }

    /// Ends what is live with 1001 and waits as long as a goodbye takes. The admin face answers to the end, so that a
    /// balancer sees the drain.
    pub(super) async fn close(self) {
        self.shared.lifecycle.close(Reason::Shutdown);
        self.shut.cancel();
        self.connections.close();
        self.consoles.close();
        let ended = async { tokio::join!(self.connections.wait(), self.consoles.wait()) };
        if timeout(GOODBYE, ended).await.is_err() {
            tracing::warn!(live = self.shared.sessions.len(), "connections that did not end in time are cut");
        }
        self.ended.cancel();
        self.listeners.ended().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Since;
    use crate::lifecycle::Phase;
    use crate::store::Store;
    use std::future::pending;

    fn running(listeners: Listeners) -> Running {
        let since = Since { tickets: 0, tokens: None };
        Running {
            shared: Shared::new(None, Store::memory(10), since).unwrap(),
            listeners,
            connections: TaskTracker::new(),
            consoles: TaskTracker::new(),
            shut: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    async fn served(running: &mut Running, signals: &[Signal]) -> Result<(), String> {
        let (tell, mut asked) = mpsc::channel(8);
        for signal in signals {
            tell.send(*signal).await.unwrap();
        }
        let serves = running.serve(&mut asked, Instant::now());
        timeout(Duration::from_secs(60), serves).await.unwrap_or_else(|_| Err("it goes on".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn d07_a_process_whose_listener_ended_by_itself_ends_with_an_error() {
        let listeners = Listeners { public: tokio::spawn(async {}), admin: tokio::spawn(pending()) };
        let failed = served(&mut running(listeners), &[]).await.unwrap_err();
        assert!(failed.contains("[listen] ended by itself"), "{failed}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_serves_through_what_is_no_stop_and_is_ready_meanwhile() {
        let mut running = running(Listeners { public: tokio::spawn(pending()), admin: tokio::spawn(pending()) });
        assert_eq!(running.shared.lifecycle.phase(), Phase::Starting);
        assert_eq!(served(&mut running, &[Signal::Reload]).await, Err("it goes on".to_owned()));
        assert_eq!(running.shared.lifecycle.phase(), Phase::Ready);
        assert_eq!(served(&mut running, &[Signal::Reload, Signal::Stop]).await, Ok(()));
        running.drain();
        assert_eq!(running.shared.lifecycle.phase(), Phase::Draining);
    }
}
