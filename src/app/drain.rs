//! How a gateway leaves: balancers first, then nothing new, then what is live, spread over a while.
//!
//! Owns the order and the times of the steps. Each can be called off by dropping the future. Ends no process.

use crate::config;
use crate::console::Shared;
use crate::reason::Reason;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Takes the steps; returns when no session is live, or the last one was asked to end.
pub(super) async fn drain(shared: Arc<Shared>, times: config::Drain) {
    let (life, sessions) = (&shared.lifecycle, &shared.sessions);
    if life.leave() {
        let lame_duck = times.lame_duck.as_secs();
        tracing::info!(live = sessions.len(), lame_duck, "readiness says no; consoles still open");
        sleep(times.lame_duck).await;
    }
    life.drain();
    tracing::info!(live = sessions.len(), deadline = times.deadline.as_secs(), "nothing new is taken any more");
    if timeout(times.deadline, sessions.emptied()).await.is_ok() {
        tracing::info!("drained: no session is live");
        return;
    }
    tracing::info!(
        live = sessions.len(),
        spread = times.spread.as_secs(),
        "ending what is live, to be resumed elsewhere"
    );
    disperse(&shared, times.spread).await;
    tracing::info!("drained: every session was asked to end");
}

/// Ends the live sessions one by one, evenly over the time: pages that come back all at once would be a flood of opens.
async fn disperse(shared: &Shared, spread: Duration) {
    let live = shared.sessions.list();
    let gap = spread.checked_div(u32::try_from(live.len()).unwrap_or(u32::MAX)).unwrap_or_default();
    let mut next = Instant::now();
    for session in live {
        shared.sessions.stop(session.id, Reason::Draining);
        next += gap;
        sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Since, scene};
    use crate::lifecycle::Phase;
    use crate::session::SessionGuard;
    use crate::store::Store;
    use futures_util::FutureExt;

    const TIMES: config::Drain = config::Drain {
        lame_duck: Duration::from_secs(5),
        deadline: Duration::from_secs(60),
        spread: Duration::from_secs(10),
    };

    fn shared() -> Arc<Shared> {
        Shared::new(None, Store::memory(10), Since { tickets: 0, tokens: None }).unwrap()
    }

    fn live(shared: &Shared, count: usize) -> Vec<SessionGuard> {
        (0..count).map(|_| scene::admitted(&shared.sessions)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn d05_balancers_hear_first_then_nothing_new_is_taken_and_without_sessions_it_is_over() {
        let (shared, began) = (shared(), Instant::now());
        let mut leaves = Box::pin(drain(Arc::clone(&shared), TIMES));
        assert!(leaves.as_mut().now_or_never().is_none());
        assert_eq!(shared.lifecycle.phase(), Phase::Leaving);
        leaves.await;
        assert_eq!((shared.lifecycle.phase(), began.elapsed()), (Phase::Draining, TIMES.lame_duck));
    }

    #[tokio::test(start_paused = true)]
    async fn f19_what_is_live_at_the_deadline_ends_with_1012_one_by_one() {
        let (shared, began) = (shared(), Instant::now());
        let guards = live(&shared, 5);
        let watch = tokio::spawn(async move {
            let mut ends = Vec::new();
            for guard in &guards {
                let why = guard.stopped().await;
                assert_eq!((why.reason, why.reason.public().close), (Reason::Draining, 1012));
                ends.push(began.elapsed().as_secs());
            }
            ends
        });
        drain(Arc::clone(&shared), TIMES).await;
        let mut ends = watch.await.unwrap();
        ends.sort_unstable();
        let last = ends.last().copied();
        assert!(ends.first() >= Some(&65) && last <= Some(75) && last >= Some(71), "{ends:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a08_a_drain_that_is_called_off_ends_nobody() {
        let shared = shared();
        let guards = live(&shared, 2);
        assert!(timeout(Duration::from_secs(30), drain(Arc::clone(&shared), TIMES)).await.is_err());
        shared.lifecycle.ready();
        sleep(Duration::from_secs(3600)).await;
        assert!(guards.iter().all(|guard| guard.stopped().now_or_never().is_none()));
    }
}
