//! How a guest is, for the page that waits for it: asked of the guest's own node, and remembered for seconds.
//!
//! Where the guest is comes from the cluster's one list; how it is, from one question in two seconds, however many pages
//! ask. Says nothing of nodes and causes: only what a customer may know. Protocol reference 9.

use super::cluster::{ClusterApi, Refused};
use super::exchange::Ask;
use super::state::{Power, State};
use super::{locate, state};
use crate::id::{Guest, NodeName};
use crate::reason::{Failure, Reason};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer is believed.
const FRESH: Duration = Duration::from_secs(2);

/// What a page may know of its guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestState {
    /// It runs, as far as anybody may see: a console is worth a try.
    Running,
    /// It is off.
    Stopped,
    /// It is off, and a task holds it.
    Locked,
    /// It is on its way to another node.
    Migrating,
    /// There is no such guest any more.
    Missing,
    /// Whoever could say does not answer.
    Unreachable,
}

impl GuestState {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Locked => "locked",
            Self::Migrating => "migrating",
            Self::Missing => "missing",
            Self::Unreachable => "unreachable",
        }
    }
}

impl From<State> for GuestState {
    fn from(state: State) -> Self {
        match state.power() {
            _ if state.is_migrating() => Self::Migrating,
            Power::On => Self::Running,
            Power::Off => Self::Stopped,
            Power::Held(_) => Self::Locked,
        }
    }
}

type Seen = Arc<tokio::sync::Mutex<Option<(Instant, GuestState)>>>;

/// The states that were asked for a moment ago; others are forgotten as new ones come.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<HashMap<Guest, Seen>>);

impl Watched {
    /// What was seen, or what is seen now. Who comes first asks, in a task of its own that holds the lock: whoever leaves
    /// before the answer leaves it to those who come next, so that leaving makes no question more.
    async fn get<F>(&self, guest: &Guest, look: F) -> GuestState
    where
        F: Future<Output = GuestState> + Send + 'static,
    {
        let mut last = self.seen(guest).lock_owned().await;
        if let Some((_, state)) = last.filter(|(when, _)| when.elapsed() < FRESH) {
            return state;
        }
        let asked = tokio::spawn(async move {
            let state = look.await;
            *last = Some((Instant::now(), state));
            state
        });
        // One that panicked has said so where it did.
        asked.await.unwrap_or(GuestState::Unreachable)
    }

    /// What was seen no longer holds.
    pub(super) fn forget(&self, guest: &Guest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(guest);
    }

    fn seen(&self, guest: &Guest) -> Seen {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            // Before the map grows: nobody waits for these, and they are stale.
            let is_fresh = |seen: &Seen| {
                let last = seen.try_lock().ok().and_then(|last| *last);
                last.is_some_and(|(when, _)| when.elapsed() < FRESH)
            };
            all.retain(|_, seen| Arc::strong_count(seen) > 1 || is_fresh(seen));
        }
        Arc::clone(all.entry(guest.clone()).or_default())
    }
}

/// How a guest is, or whether a node answers.
pub(super) async fn state(cluster: &Arc<ClusterApi>, guest: &Guest, hint: Option<&NodeName>) -> GuestState {
    let (asked, its, hint) = (Arc::clone(cluster), guest.clone(), hint.cloned());
    let look = async move {
        match &its {
            Guest::Node(name) => node_answers(&asked, name).await,
            Guest::Qemu(_) | Guest::Lxc(_) => look(&asked, &its, hint.as_ref()).await,
        }
    };
    cluster.watched.get(guest, look).await
}

async fn look(cluster: &ClusterApi, guest: &Guest, hint: Option<&NodeName>) -> GuestState {
    // It may have moved since the list, so what a new one says counts.
    for anew in [false, true] {
        let node = match locate::home(cluster, guest, hint, anew).await {
            Ok(node) => node,
            Err(failure) => return nowhere(&failure),
        };
        match state::current(cluster, node, guest).await {
            Ok(state) => return state.into(),
            Err(Refused { failure, .. }) if failure.reason == Reason::GuestNotFound => {}
            // The credential may open consoles of it and not see how it is.
            Err(Refused { status: 403, .. }) => return GuestState::Running,
            Err(_) => return GuestState::Unreachable,
        }
    }
    GuestState::Missing
}

fn nowhere(failure: &Failure) -> GuestState {
    if failure.reason == Reason::GuestNotFound { GuestState::Missing } else { GuestState::Unreachable }
}

/// The one question that every identity may ask.
async fn node_answers(cluster: &ClusterApi, name: &NodeName) -> GuestState {
    let Ok(node) = cluster.node(name) else { return GuestState::Missing };
    let ask = Ask {
        operation: "status",
        path: "/api2/json/version".to_owned(),
        form: None,
        limit: 4096,
        once: false,
        sent: None,
    };
    match cluster.ask(node, &ask).await {
        Ok(_) => GuestState::Running,
        Err(_) => GuestState::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Vmid;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    fn guest(vmid: u32) -> Guest {
        Guest::Qemu(Vmid::try_from(vmid).unwrap())
    }

    #[test]
    fn what_holds_a_guest_is_told_in_plain_words() {
        for (running, lock, state) in [
            (true, None, GuestState::Running),
            (true, Some("backup"), GuestState::Running),
            (true, Some("migrate"), GuestState::Migrating),
            (false, Some("migrate"), GuestState::Migrating),
            (false, None, GuestState::Stopped),
            (false, Some("suspended"), GuestState::Stopped),
            (false, Some("rollback"), GuestState::Locked),
        ] {
            assert_eq!(GuestState::from(State { running, lock: lock.map(str::to_owned) }), state, "{running} {lock:?}");
        }
    }

    /// A question that takes a while, counted.
    fn asking(asked: &Arc<AtomicUsize>) -> impl Future<Output = GuestState> + Send + 'static {
        let asked = Arc::clone(asked);
        async move {
            asked.fetch_add(1, SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            GuestState::Stopped
        }
    }

    #[tokio::test(start_paused = true)]
    async fn e05_those_who_leave_before_the_answer_make_no_question_more() {
        let (watched, asked, one) = (Watched::default(), Arc::new(AtomicUsize::new(0)), guest(100));
        for _ in 0..100 {
            let left = tokio::time::timeout(Duration::from_millis(1), watched.get(&one, asking(&asked))).await;
            assert!(left.is_err() || asked.load(SeqCst) == 1);
        }
        assert_eq!(watched.get(&one, asking(&asked)).await, GuestState::Stopped);
        assert_eq!(asked.load(SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_are_one_question_until_it_is_stale_or_forgotten() {
        let (watched, asked) = (Watched::default(), Arc::new(AtomicUsize::new(0)));
        let look = || asking(&asked);
        let one = guest(100);
        let all = tokio::join!(watched.get(&one, look()), watched.get(&one, look()), watched.get(&one, look()));
        assert_eq!(all, (GuestState::Stopped, GuestState::Stopped, GuestState::Stopped));
        let count = || asked.load(SeqCst);
        assert_eq!(count(), 1);
        watched.forget(&one);
        watched.get(&one, look()).await;
        assert_eq!(count(), 2);
        tokio::time::advance(FRESH).await;
        watched.get(&one, look()).await;
        assert_eq!(count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn stale_states_are_forgotten() {
        let watched = Watched::default();
        for vmid in 100..5000 {
            watched.get(&guest(vmid), async { GuestState::Running }).await;
            tokio::time::advance(FRESH).await;
        }
        assert!(watched.0.lock().unwrap().len() < 10);
    }
}
