//! A guest's state, asked of Proxmox now: `status/current`.

use super::cluster::{ClusterApi, Refused};
use super::exchange::{Ask, NodeApi};
use super::loose::Text;
use super::status::operator_text;
use crate::id::Guest;
use crate::reason::{Failure, Reason};
use serde::Deserialize;

/// Largest answer taken.
const LIMIT: usize = 64 * 1024;

/// Whether a guest runs and what holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) running: bool,
    pub(super) lock: Option<String>,
}

/// What both amount to for whoever wants its console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Power<'s> {
    On,
    Off,
    /// Off, and a task holds it.
    Held(&'s str),
}

impl State {
    pub(super) fn power(&self) -> Power<'_> {
        match (self.running, self.lock.as_deref()) {
            (true, _) => Power::On,
            // Hibernated: off until somebody starts it.
            (false, None | Some("suspended")) => Power::Off,
            (false, Some(lock)) => Power::Held(lock),
        }
    }

    pub(super) fn is_migrating(&self) -> bool {
        self.lock.as_deref() == Some("migrate")
    }

    /// Why no console can be opened, if so.
    pub(super) fn refusal(&self, guest: &Guest) -> Option<Failure> {
        match self.power() {
            Power::On => None,
            Power::Off => Some(Failure::new(Reason::GuestStopped, format!("{guest} is not running"))),
            Power::Held(lock) => {
                Some(Failure::new(Reason::GuestLocked, format!("{guest} is not running and locked: {lock}")))
            }
        }
    }

    fn read(json: &[u8]) -> Result<Self, Failure> {
        let wrong = || Failure::new(Reason::PveAnswer, "the answer to status/current is not one");
        let Body { data } = serde_json::from_slice(json).map_err(|_| wrong())?;
        if data.status.0.is_empty() {
            return Err(wrong());
        }
        let lock = Some(operator_text(data.lock.0.as_bytes())).filter(|lock| !lock.is_empty());
        Ok(Self { running: data.status.0 != "stopped", lock })
    }
}

/// Asks the guest's own node.
pub(super) async fn current(cluster: &ClusterApi, node: &NodeApi, guest: &Guest) -> Result<State, Refused> {
    let path = format!("/api2/json/nodes/{}/{guest}/status/current", node.name);
    let ask = Ask { operation: "status", path, form: None, limit: LIMIT, once: false, sent: None };
    let granted = cluster.ask(node, &ask).await?;
    Ok(State::read(granted.answer.body.reveal())?)
}

#[derive(Deserialize)]
struct Body {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    status: Text,
    #[serde(default)]
    lock: Text,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Vmid;

    fn reason(json: &str) -> Option<Reason> {
        let guest = Guest::Qemu(Vmid::try_from(100).unwrap());
        State::read(json.as_bytes()).unwrap().refusal(&guest).map(|failure| failure.reason)
    }

    #[test]
    fn only_a_guest_that_does_not_run_is_refused() {
        assert_eq!(reason(r#"{"data":{"status":"running","lock":"backup"}}"#), None);
        assert_eq!(reason(r#"{"data":{"status":"running","qmpstatus":"paused"}}"#), None);
        assert_eq!(reason(r#"{"data":{"status":"stopped"}}"#), Some(Reason::GuestStopped));
        assert_eq!(reason(r#"{"data":{"status":"stopped","lock":null}}"#), Some(Reason::GuestStopped));
        assert_eq!(reason(r#"{"data":{"status":"stopped","lock":"suspended"}}"#), Some(Reason::GuestStopped));
        for lock in ["backup", "migrate", "clone", "create", "rollback"] {
            let json = format!(r#"{{"data":{{"status":"stopped","lock":"{lock}"}}}}"#);
            assert_eq!(reason(&json), Some(Reason::GuestLocked), "{lock}");
        }
        for wrong in ["{}", r#"{"data":null}"#, r#"{"data":{}}"#, "<html>"] {
            assert!(State::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
