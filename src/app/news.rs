//! What the fleet's news mean for the sessions that are live here.

use crate::console::Shared;
use crate::reason::{Failure, Reason};
use crate::store::News;

/// Follows the news for as long as it is polled.
pub(super) async fn follow(shared: &Shared) {
    shared.store.follow(|news| hear(shared, &news)).await;
}

fn hear(shared: &Shared, news: &News) {
    let sessions = &shared.sessions;
    let ended = match news {
        News::Revoked(revocation) => {
            let cause = format!("a revocation of second {} means it", revocation.at);
            sessions.stop_each(|live| revocation.means(&live.facts()), &Failure::new(Reason::Revoked, cause))
        }
        News::Killed(id) => usize::from(sessions.stop(*id, Reason::Killed)),
        News::Returned(id, generation) => {
            let is_older = |live: &crate::session::Listed| live.id == *id && live.generation < *generation;
            sessions.stop_each(is_older, &Reason::TakenOver.into())
        }
    };
    tracing::info!(?news, ended, "heard");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Since, scene};
    use crate::id::Vmid;
    use crate::revocation::Revocation;
    use crate::store::Store;
    use std::time::Duration;
    use tokio::time::{Instant, timeout};

    fn of_guest(vmid: u32) -> Revocation {
        let guest = Some(Vmid::try_from(vmid).unwrap());
        let cluster = Some("eu1".parse().unwrap());
        Revocation { issuer: None, subject: None, jti: None, cluster, vmid: guest, at: 0, until: 9 }
    }

    /// What each of them says at its end is one line (D07, I10).
    #[tokio::test]
    async fn a07_ten_thousand_sessions_of_a_guest_are_over_within_five_seconds_and_no_others() {
        let shared = Shared::new(None, Store::memory(10), Since { tickets: 0, tokens: None }).unwrap();
        let live: Vec<_> = (0..10_000).map(|_| scene::admitted(&shared.sessions)).collect();
        let its = std::sync::Arc::clone(&shared);
        let news = tokio::spawn(async move { follow(&its).await });
        shared.store.revoke(of_guest(101), 0).await.unwrap();
        let first = live.first().unwrap();
        assert!(timeout(Duration::from_millis(50), first.stopped()).await.is_err(), "another guest was meant");
        let began = Instant::now();
        shared.store.revoke(of_guest(100), 0).await.unwrap();
        for each in &live {
            let left = Duration::from_secs(5).saturating_sub(began.elapsed());
            let stopped = timeout(left, each.stopped()).await.expect("it is over within five seconds");
            assert_eq!(stopped.reason, Reason::Revoked);
        }
        drop(live);
        assert!(shared.sessions.is_empty());
        news.abort();
    }
}
