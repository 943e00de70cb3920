//! Which node has the guest now, and whether its console can be opened at all.
//!
//! What the list says of a stopped guest is confirmed before it is believed; a hint counts only where the list is
//! silent. Protocol reference 4 (VM.Audit) and 9.

use super::cluster::{ClusterApi, Refused};
use super::exchange::{Ask, NodeApi};
use super::guests::{self, Guests, Listed, Unlisted};
use super::state;
use crate::id::{Guest, Kind, NodeName};
use crate::reason::{Failure, Reason};
use std::sync::Arc;

/// The guest's node, or the node itself.
pub(super) async fn locate(cluster: &ClusterApi, guest: &Guest, hint: Option<&NodeName>) -> Result<NodeName, Failure> {
    if let Guest::Node(name) = guest {
        return Ok(cluster.node(name)?.name.clone());
    }
    let listed = cluster.guests.get(|| list(cluster)).await;
    match confirmed(cluster, guest, hint, listed).await {
        // It moved since the list: what a new one says counts.
        Err(Unsettled::Moved) => {
            let listed = cluster.guests.get_new(|| list(cluster)).await;
            confirmed(cluster, guest, hint, listed).await.map_err(|unsettled| match unsettled {
                Unsettled::Moved => Failure::new(Reason::GuestMoved, format!("{guest} is on the move")),
                Unsettled::Refused(failure) => failure,
            })
        }
        Err(Unsettled::Refused(failure)) => Err(failure),
        Ok(node) => Ok(node),
    }
}

/// The node to ask about a guest, running or not: by the list, which `anew` asks for, or by the hint.
pub(super) async fn home<'c>(
    cluster: &'c ClusterApi,
    guest: &Guest,
    hint: Option<&NodeName>,
    anew: bool,
) -> Result<&'c NodeApi, Failure> {
    let ask = || list(cluster);
    let listed = if anew { cluster.guests.get_new(ask).await } else { cluster.guests.get(ask).await };
    let listed = chosen(guest, hint, listed)?.map(|listed| listed.node);
    match listed.as_ref().or(hint) {
        Some(name) => cluster.node(name),
        None => Err(Reason::GuestNotFound.into()),
    }
}

/// The node a fresh list names for the guest, if any.
pub(super) async fn node_now(cluster: &ClusterApi, guest: &Guest) -> Result<Option<NodeName>, Failure> {
    let guests = cluster.guests.get_new(|| list(cluster)).await.map_err(|unlisted| unlisted.failure)?;
    Ok(guests.find(guest).map(|listed| listed.node.clone()))
}

enum Unsettled {
    Moved,
    Refused(Failure),
}

impl From<Failure> for Unsettled {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

async fn confirmed(
    cluster: &ClusterApi,
    guest: &Guest,
    hint: Option<&NodeName>,
    listed: Result<Arc<Guests>, Unlisted>,
) -> Result<NodeName, Unsettled> {
    let Some(listed) = chosen(guest, hint, listed)? else {
        // By hint: nothing is known of its state, so the node itself is asked by opening.
        let hint = hint.ok_or_else(|| Failure::from(Reason::GuestNotFound))?;
        return Ok(cluster.node(hint)?.name.clone());
    };
    let node = cluster.node(&listed.node)?;
    if !listed.stopped {
        return Ok(node.name.clone());
    }
    match state::current(cluster, node, guest).await {
        Ok(state) => state.refusal(guest).map_or_else(|| Ok(node.name.clone()), |failure| Err(failure.into())),
        Err(Refused { failure, .. }) if failure.reason == Reason::GuestNotFound => Err(Unsettled::Moved),
        Err(Refused { failure, .. }) => Err(failure.into()),
    }
}

/// What the list says, or none where the hint decides.
fn chosen(
    guest: &Guest,
    hint: Option<&NodeName>,
    listed: Result<Arc<Guests>, Unlisted>,
) -> Result<Option<Listed>, Failure> {
    let not_found = |why: String| Err(Failure::new(Reason::GuestNotFound, why));
    let guests = match listed {
        Ok(guests) => guests,
        Err(unlisted) if unlisted.forbidden && hint.is_some() => return Ok(None),
        Err(unlisted) => return Err(unlisted.failure),
    };
    match guests.find(guest) {
        Some(listed) if listed.template => not_found(format!("{guest} is a template")),
        Some(listed) => Ok(Some(listed.clone())),
        None if guests.has_other_kind(guest) => {
            let other = if guest.kind() == Kind::Qemu { Kind::Lxc } else { Kind::Qemu };
            not_found(format!(
                "the number of {guest} is another kind's; the panel's token needs kind {:?}",
                other.word()
            ))
        }
        None if hint.is_some() => Ok(None),
        None => not_found(format!("{guest} is not in the list; it is gone, or the credential lacks VM.Audit on it")),
    }
}

async fn list(cluster: &ClusterApi) -> Result<Guests, Unlisted> {
    let path = "/api2/json/cluster/resources?type=vm".to_owned();
    let ask = Ask { operation: "resources", path, form: None, limit: guests::LIMIT, once: false, sent: None };
    let granted = cluster.ask_any(&ask).await.map_err(|Refused { status, failure }| {
        let forbidden = status == 403;
        Unlisted { forbidden, failure }
    })?;
    // Thousands of guests are megabytes of JSON: not on the threads that move bytes.
    let read = tokio::task::spawn_blocking(move || Guests::read(granted.answer.body.reveal())).await;
    let lost = |error| Err(Failure::new(Reason::Internal, format!("reading the list of guests: {error}")));
    read.unwrap_or_else(lost).map_err(|failure| Unlisted { forbidden: false, failure })
}
