//! A gateway that runs, in three steps: it serves until it is asked to stop, leaves, and closes.
//!
//! Owns the tasks of the process. What a phase means for those who come is the lifecycle's.

use super::drain::drain;
use super::listeners::Listeners;
use super::reload::Reload;
use super::signals::Signal;
use super::supervisor;
use crate::config::Drain;
use crate::console::{self, Shared};
use crate::listen;
use crate::reason::Reason;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long consoles and connections have to end when the gateway stops: what a session takes, behind the last request that
/// is taken, and a moment for what was just on its way to become one.
const GOODBYE: Duration = console::GOODBYE.saturating_add(listen::LATE).saturating_add(Duration::from_secs(1));

/// A drain on its way.
type Leaving = Pin<Box<dyn Future<Output = ()> + Send>>;

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
    /// Hears the fleet's news.
    pub(super) news: JoinHandle<()>,
    /// How the configuration is read again; none where it came from no file.
    pub(super) reload: Option<Reload>,
}

impl Running {
    /// Serves until it is asked to stop, ready from the given moment on; then leaves as it is told, until that is done or
    /// it is asked again.
    ///
    /// # Errors
    /// A listener's task ended by itself.
    pub(super) async fn serve(
        &mut self,
        signals: &mut mpsc::Receiver<Signal>,
        ready: Instant,
        times: impl Fn() -> Drain,
    ) -> Result<(), String> {
        let (mut is_ready, mut stops) = (false, false);
        let (mut wishes, mut leaving): (_, Option<Leaving>) = (self.shared.lifecycle.wishes(), None);
        loop {
            tokio::select! {
                biased;
                signal = signals.recv() => match signal {
                    Some(Signal::Stop) | None if stops => return Ok(()),
                    Some(Signal::Stop) => {
                        tracing::info!("asked to stop; once more, and it stops at once");
                        supervisor::stopping();
                        stops = true;
                        self.shared.lifecycle.ends();
                        leaving.get_or_insert_with(|| Box::pin(drain(Arc::clone(&self.shared), times())));
                        wishes.mark_unchanged();
                    }
                    // Nobody is left who could ask: there is nothing to wait for.
                    None => return Ok(()),
                    Some(Signal::Reload) => self.reloaded(is_ready && !stops).await,
                },
                () = finished(&mut leaving), if leaving.is_some() => {
                    if stops {
                        return Ok(());
                    }
                    leaving = None;
                }
                Ok(()) = wishes.changed(), if !stops => {
                    leaving = None;
                    if *wishes.borrow_and_update() {
                        leaving = Some(Box::pin(drain(Arc::clone(&self.shared), times())));
                    } else {
                        self.shared.lifecycle.ready();
                        tracing::info!("the drain was called off; consoles open again");
                    }
                }
                () = sleep_until(ready), if !is_ready => {
                    is_ready = true;
                    if leaving.is_none() && !*wishes.borrow() {
                        self.shared.lifecycle.ready();
                        tracing::info!("consolegate is ready");
                    }
                    // A drain that was asked for meanwhile is no failed start.
                    if !stops {
                        supervisor::ready();
                    }
                }
                failed = self.listeners.failed() => return Err(failed),
                // Without it a revocation of another gateway would never come here.
                _ = &mut self.news => return Err("the task that hears the fleet's news ended by itself".to_owned()),
            }
        }
    }

    /// `is_ready`: nothing else is to be told of the process meanwhile.
    async fn reloaded(&self, is_ready: bool) {
        let Some(reload) = &self.reload else {
            return tracing::warn!("there is no configuration file to read again");
        };
        if !is_ready {
            return reload.run().await;
        }
        supervisor::reloading();
        reload.run().await;
        supervisor::ready();
    }

    /// Ends what is still live and waits as long as a goodbye takes. It may come back: to another gateway, or to the next
    /// process. The admin face answers to the end, so that a balancer sees the drain.
    pub(super) async fn close(self) {
        self.shared.lifecycle.close(Reason::Draining);
        self.shut.cancel();
        self.connections.close();
        self.consoles.close();
        // In this order: a connection may still begin what is to be finished without it.
        let ended = async {
            self.connections.wait().await;
            self.consoles.wait().await;
        };
        if timeout(GOODBYE, ended).await.is_err() {
            tracing::warn!(live = self.shared.sessions.len(), "connections that did not end in time are cut");
        }
        self.news.abort();
        self.ended.cancel();
        self.listeners.ended().await;
    }
}

/// Waits for a drain; for ever without one.
async fn finished(leaving: &mut Option<Leaving>) {
    match leaving {
        Some(leaving) => leaving.as_mut().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Since, scene};
    use crate::lifecycle::Phase;
    use crate::store::Store;
    use futures_util::FutureExt;
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
            news: tokio::spawn(pending()),
            reload: None,
        }
    }

    const TIMES: Drain =
        Drain { lame_duck: Duration::from_secs(5), deadline: Duration::from_secs(60), spread: Duration::from_secs(10) };

    fn idle() -> Listeners {
        Listeners { public: tokio::spawn(pending()), admin: tokio::spawn(pending()) }
    }

    /// Serves with these signals, each after the seconds before it, and says how long that took.
    async fn served(running: &mut Running, signals: &[(u64, Signal)]) -> (Result<(), String>, u64) {
        let (began, (tell, mut asked)) = (Instant::now(), mpsc::channel(8));
        let signals = signals.to_vec();
        let asks = async move {
            for (seconds, signal) in signals {
                sleep_until(began + Duration::from_secs(seconds)).await;
                tell.send(signal).await.unwrap();
            }
            tell.closed().await;
        };
        let serves = running.serve(&mut asked, began, || TIMES);
        let end = tokio::select! {
            end = timeout(Duration::from_secs(600), serves) => end.unwrap_or_else(|_| Err("it goes on".to_owned())),
            () = asks => unreachable!("it is served as long as somebody may ask"),
        };
        (end, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn f25_d07_a_process_of_which_a_task_that_serves_all_ended_by_itself_ends_with_an_error() {
        let listeners = Listeners { public: tokio::spawn(async {}), admin: tokio::spawn(pending()) };
        let failed = served(&mut running(listeners), &[]).await.0.unwrap_err();
        assert!(failed.contains("[listen] ended by itself"), "{failed}");
        let mut deaf = Running { news: tokio::spawn(async { panic!("a bug") }), ..running(idle()) };
        let failed = served(&mut deaf, &[]).await.0.unwrap_err();
        assert!(failed.contains("hears the fleet's news"), "{failed}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_serves_through_what_is_no_stop_and_is_ready_meanwhile() {
        let mut running = running(idle());
        assert_eq!(running.shared.lifecycle.phase(), Phase::Starting);
        assert_eq!(served(&mut running, &[(0, Signal::Reload)]).await.0, Err("it goes on".to_owned()));
        assert_eq!(running.shared.lifecycle.phase(), Phase::Ready);
    }

    #[tokio::test(start_paused = true)]
    async fn d05_a_stop_waits_for_balancers_and_for_the_live_and_a_second_one_for_nobody() {
        let mut empty = running(idle());
        assert_eq!(served(&mut empty, &[(1, Signal::Stop)]).await, (Ok(()), 6), "nothing is live");
        let mut busy = running(idle());
        let _guard = scene::admitted(&busy.shared.sessions);
        assert_eq!(served(&mut busy, &[(1, Signal::Stop)]).await, (Ok(()), 76), "one is live");
        let mut hurried = running(idle());
        assert_eq!(served(&mut hurried, &[(1, Signal::Stop), (3, Signal::Stop)]).await, (Ok(()), 3), "asked twice");
        assert_eq!(hurried.shared.lifecycle.phase(), Phase::Leaving);
    }

    #[tokio::test(start_paused = true)]
    async fn a08_a_drain_ends_no_process_and_can_be_called_off() {
        let mut running = running(idle());
        let (life, began) = (Arc::clone(&running.shared), Instant::now());
        let asks = tokio::spawn(async move {
            let life = &life.lifecycle;
            assert!(life.want_drain(true) && !life.want_drain(true));
            sleep_until(began + Duration::from_secs(30)).await;
            assert_eq!(life.phase(), Phase::Draining);
            assert!(life.want_drain(false));
            sleep_until(began + Duration::from_secs(31)).await;
            assert_eq!(life.phase(), Phase::Ready);
        });
        assert_eq!(served(&mut running, &[]).await.0, Err("it goes on".to_owned()));
        asks.await.unwrap();
    }

    /// Such as pressing a machine's power button, which is done and written down whether its client waits or not.
    #[tokio::test(start_paused = true)]
    async fn d05_what_a_connection_begins_behind_the_stop_is_finished_though_the_connection_has_gone() {
        let running = running(Listeners { public: tokio::spawn(async {}), admin: tokio::spawn(async {}) });
        let (shut, consoles) = (running.shut.clone(), running.consoles.clone());
        let (done, is_done) = tokio::sync::oneshot::channel();
        running.connections.spawn(async move {
            shut.cancelled().await;
            consoles.spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                done.send(()).unwrap();
            });
        });
        running.close().await;
        assert!(is_done.now_or_never().is_some_and(|done| done.is_ok()));
    }
}
