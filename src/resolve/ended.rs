//! Why a console ended that nobody closed: what Proxmox says of the guest now.
//!
//! Always an answer: where Proxmox does not say, the console just ended. Protocol reference 9 (migration).

use super::cluster::{ClusterApi, Refused};
use super::place::Place;
use super::{locate, state};
use crate::id::Guest;
use crate::reason::{Failure, Reason};

/// `guest_stopped`, `guest_moved`, `guest_locked`, `guest_not_found`, or `guest_ended`.
pub(super) async fn why(cluster: &ClusterApi, place: &Place) -> Failure {
    let guest = &place.console.guest;
    if matches!(guest, Guest::Node(_)) {
        return Reason::GuestEnded.into();
    }
    let asked = match cluster.node(&place.node) {
        Ok(node) => state::current(cluster, node, guest).await,
        Err(failure) => Err(failure.into()),
    };
    match asked {
        Ok(state) if state.is_migrating() => {
            let locked = Failure::new(Reason::GuestLocked, format!("{guest} is being migrated"));
            moved(cluster, place).await.unwrap_or(locked)
        }
        Ok(state) => state.refusal(guest).unwrap_or_else(|| Reason::GuestEnded.into()),
        Err(Refused { failure, .. }) if failure.reason == Reason::GuestNotFound => {
            moved(cluster, place).await.unwrap_or(failure)
        }
        Err(Refused { failure, .. }) => unknown(&failure),
    }
}

/// Where the guest is now, if that is another node; or that nobody knows.
pub(super) async fn moved(cluster: &ClusterApi, place: &Place) -> Option<Failure> {
    let guest = &place.console.guest;
    match locate::node_now(cluster, guest).await {
        Ok(Some(node)) if node != place.node => {
            Some(Failure::new(Reason::GuestMoved, format!("{guest} moved from {} to {node}", place.node)))
        }
        Ok(_) => None,
        Err(failure) => Some(unknown(&failure)),
    }
}

fn unknown(failure: &Failure) -> Failure {
    Failure::new(Reason::GuestEnded, format!("why is unknown: {failure}"))
}
