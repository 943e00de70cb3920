//! A cluster's list of guests: which node has which, as Proxmox said within the last seconds.
//!
//! Asked once however many wait: who holds the lock asks, the others find the answer, good or bad. If the asker leaves,
//! the next waiter takes over. Keeps nodes and states, never the text. Protocol reference 9.

use super::loose::{Flag, Text};
use crate::id::{Guest, Kind, NodeName, Vmid};
use crate::reason::{Failure, Reason};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a list is believed.
const FRESH: Duration = Duration::from_secs(3);
/// How long a failure answers for those who come after it.
const FAILED: Duration = Duration::from_secs(1);
/// The largest list taken: several times what 10,000 guests need.
pub(super) const LIMIT: usize = 32 * 1024 * 1024;

/// What the list says of one guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) node: NodeName,
    pub(super) template: bool,
    /// The list is up to 10 s old: a hint, to be confirmed.
    pub(super) stopped: bool,
}

/// The guests of a cluster that the credential may see.
#[derive(Debug, Default)]
pub struct Guests(HashMap<(Kind, u32), Listed>);

impl Guests {
    /// Reads an answer to `/cluster/resources?type=vm`.
    ///
    /// # Errors
    /// `pve_answer`: it is none.
    pub fn read(json: &[u8]) -> Result<Self, Failure> {
        let answer: Resources = serde_json::from_slice(json).map_err(|error| {
            // The error's own words may quote the answer.
            let place = format!("the list of guests is not JSON as expected, line {}", error.line());
            Failure::new(Reason::PveAnswer, format!("{place}, column {}", error.column()))
        })?;
        let items = answer.data.into_iter().filter_map(|item| {
            let kind = match item.kind.0.as_str() {
                "qemu" => Kind::Qemu,
                "lxc" => Kind::Lxc,
                _ => return None,
            };
            let node = NodeName::try_from(item.node.0).ok()?;
            let vmid = item.vmid.0.parse().ok()?;
            let stopped = item.status.0 == "stopped";
            Some(((kind, vmid), Listed { node, template: item.template.is_set(), stopped }))
        });
        Ok(Self(items.collect()))
    }

    /// What the list says of this guest.
    pub(super) fn find(&self, guest: &Guest) -> Option<&Listed> {
        self.0.get(&(guest.kind(), guest.vmid()?.get()))
    }

    /// The names of the nodes that have guests.
    pub(super) fn nodes(&self) -> BTreeSet<String> {
        self.0.values().map(|listed| listed.node.to_string()).collect()
    }

    /// The guests that a node runs, by number; templates never run.
    pub(super) fn running_on(&self, node: &NodeName) -> Vec<Guest> {
        let runs = |listed: &Listed| listed.node == *node && !listed.stopped && !listed.template;
        let mut found: Vec<(Vmid, Kind)> = self
            .0
            .iter()
            .filter(|(_, listed)| runs(listed))
            .filter_map(|((kind, number), _)| Some((Vmid::try_from(*number).ok()?, *kind)))
            .collect();
        found.sort_unstable_by_key(|(vmid, _)| vmid.get());
        found
            .into_iter()
            .map(|(vmid, kind)| if kind == Kind::Lxc { Guest::Lxc(vmid) } else { Guest::Qemu(vmid) })
            .collect()
    }

    /// Whether the number belongs to a guest of the other kind.
    pub(super) fn has_other_kind(&self, guest: &Guest) -> bool {
        let other = if guest.kind() == Kind::Qemu { Kind::Lxc } else { Kind::Qemu };
        guest.vmid().is_some_and(|vmid| self.0.contains_key(&(other, vmid.get())))
    }
}

/// The list as last seen.
#[derive(Debug, Default)]
pub(super) struct GuestList {
    last: Mutex<Option<Seen>>,
}

#[derive(Debug)]
struct Seen {
    asked: Instant,
    answered: Instant,
    list: Result<Arc<Guests>, Unlisted>,
}

/// Why there is no list.
#[derive(Debug, Clone)]
pub(super) struct Unlisted {
    /// The credential may not list, as opposed to nobody answering.
    pub(super) forbidden: bool,
    pub(super) failure: Failure,
}

impl GuestList {
    /// The list, at most seconds old.
    pub(super) async fn get<F>(&self, ask: impl FnOnce() -> F) -> Result<Arc<Guests>, Unlisted>
    where
        F: Future<Output = Result<Guests, Unlisted>>,
    {
        self.get_if(ask, |seen| seen.answered.elapsed() < if seen.list.is_ok() { FRESH } else { FAILED }).await
    }

    /// The list as it is from now on: one asked for after this call began.
    pub(super) async fn get_new<F>(&self, ask: impl FnOnce() -> F) -> Result<Arc<Guests>, Unlisted>
    where
        F: Future<Output = Result<Guests, Unlisted>>,
    {
        let now = Instant::now();
        self.get_if(ask, |seen| seen.asked >= now).await
    }

    async fn get_if<F>(&self, ask: impl FnOnce() -> F, good: impl Fn(&Seen) -> bool) -> Result<Arc<Guests>, Unlisted>
    where
        F: Future<Output = Result<Guests, Unlisted>>,
    {
        let mut last = self.last.lock().await;
        if let Some(seen) = last.as_ref().filter(|seen| good(seen)) {
            return seen.list.clone();
        }
        let asked = Instant::now();
        let list = ask().await.map(Arc::new);
        *last = Some(Seen { asked, answered: Instant::now(), list: list.clone() });
        list
    }
}

#[derive(Deserialize)]
struct Resources {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type", default)]
    kind: Text,
    #[serde(default)]
    vmid: Text,
    #[serde(default)]
    node: Text,
    #[serde(default)]
    status: Text,
    #[serde(default)]
    template: Flag,
}
