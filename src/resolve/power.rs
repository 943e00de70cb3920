//! Switching a guest: `status/start`, `shutdown`, `reset` and `stop`.
//!
//! Asked once and never again by itself: a reset that is sent twice is two resets. Proxmox answers with the name of a
//! task, so what is known then is that it began. Protocol reference 5 and 8.1.

use super::cluster::{ClusterApi, Granted, Refused};
use super::exchange::{Ask, NodeApi};
use super::locate;
use crate::id::{Guest, NodeName};
use crate::reason::{Failure, Reason};
use crate::secret::Secret;
use serde::Deserialize;

/// Largest answer taken.
const LIMIT: usize = 4096;

/// What a guest is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Switch it on.
    Start,
    /// Ask it to switch itself off.
    Shutdown,
    /// Press its reset button; containers have none.
    Reset,
    /// Switch it off.
    Stop,
}

impl Action {
    /// The word in requests, logs and Proxmox's paths.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Shutdown => "shutdown",
            Self::Reset => "reset",
            Self::Stop => "stop",
        }
    }
}

/// Switches the guest at the node that has it.
pub(super) async fn switch(
    cluster: &ClusterApi,
    guest: &Guest,
    hint: Option<&NodeName>,
    action: Action,
) -> Result<(), Failure> {
    let node = locate::home(cluster, guest, hint, false).await?;
    let done = match ask(cluster, node, guest, action).await {
        // The node does not have it, so nothing happened: it may have moved since the list.
        Err(failure) if failure.reason == Reason::GuestNotFound => {
            let node = locate::home(cluster, guest, hint, true).await?;
            ask(cluster, node, guest, action).await
        }
        done => done,
    };
    // What was seen of it is of before, whatever came of this.
    cluster.watched.forget(guest);
    done
}

async fn ask(cluster: &ClusterApi, node: &NodeApi, guest: &Guest, action: Action) -> Result<(), Failure> {
    let path = format!("/api2/json/nodes/{}/{guest}/status/{}", node.name, action.word());
    let ask = Ask { operation: "power", path, form: Some(Secret::new("")), limit: LIMIT, once: true, sent: None };
    match cluster.ask(node, &ask).await {
        Ok(granted) => began(&granted),
        Err(refused) if is_so_already(action, &refused.failure) => Ok(()),
        Err(Refused { status: 403, failure }) => Err(Failure::new(Reason::PvePower, failure.cause)),
        Err(Refused { failure, .. }) => Err(failure),
    }
}

/// Containers refuse what is so already; virtual machines do not.
fn is_so_already(action: Action, failure: &Failure) -> bool {
    match action {
        Action::Start => failure.reason == Reason::PveAnswer && failure.cause.contains("already running"),
        Action::Shutdown | Action::Stop => failure.reason == Reason::GuestStopped,
        Action::Reset => false,
    }
}

fn began(granted: &Granted) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Body {
        data: String,
    }
    match serde_json::from_slice::<Body>(granted.answer.body.reveal()) {
        Ok(body) if body.data.starts_with("UPID:") => Ok(()),
        Ok(_) | Err(_) => {
            Err(Failure::new(Reason::PveAnswer, "the answer names no task, so nobody knows what happened"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::status::refusal;
    use super::*;

    #[test]
    fn what_is_so_already_is_no_refusal() {
        let already = |action, text: &str| is_so_already(action, &refusal(500, text));
        assert!(already(Action::Start, "CT 101 already running"));
        assert!(already(Action::Stop, "CT 101 not running"));
        assert!(already(Action::Shutdown, "CT 101 not running"));
        assert!(!already(Action::Reset, "VM 100 not running"));
        assert!(!already(Action::Start, "VM is locked (backup)"));
        assert!(!already(Action::Stop, "CT 101 already running"));
        assert!(!already(Action::Stop, "something new"));
    }
}
