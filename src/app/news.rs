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
