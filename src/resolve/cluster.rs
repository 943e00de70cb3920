//! One cluster's API: asks one node, or any that answers, as the configured identity, and counts it.
//!
//! A node that does not answer rightly, or not soon, is passed over for cluster-wide questions; the one that did answer
//! is asked first the next time. A refused login is renewed once, never more.

use super::answer::Answer;
use super::counted::Counted;
use super::exchange::{Ask, Identity, NodeApi};
use super::guests::GuestList;
use super::signin::SignIn;
use super::status::refusal;
use super::watch::Watched;
use crate::config::{Cluster, Timeouts};
use crate::id::{ClusterName, NodeName};
use crate::metrics::Metrics;
use crate::net::{ClusterTls, Endpoint, Lookup};
use crate::reason::{Failure, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A difference of clocks above this breaks tickets soon: Proxmox allows 20 s.
const SKEW: i64 = 10;
/// How long a question that any node can answer waits for one of them while there is another to ask.
const SHARE: Duration = Duration::from_secs(4);

/// One cluster: its nodes, its identity, its list of guests.
#[derive(Debug)]
pub(super) struct ClusterApi {
    pub(super) name: ClusterName,
    /// The cached list of guests.
    pub(super) guests: GuestList,
    /// The cached states of guests.
    pub(super) watched: Watched,
    nodes: Vec<NodeApi>,
    /// Index of the node to ask first.
    preferred: AtomicUsize,
    sign_in: SignIn,
    /// For a question to one node.
    patience: Duration,
    /// For a question to any node, all attempts together.
    patience_any: Duration,
    metrics: Arc<Metrics>,
}

/// A refused request: the status, 0 where no answer came.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) failure: Failure,
}

impl Refused {
    /// Whether the API works, though it refused. The refusal of a login comes without its status.
    fn is_answer(&self) -> bool {
        matches!(self.status, 200..=499) || (self.status == 0 && self.failure.reason == Reason::PveAuth)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { status: 0, failure }
    }
}

/// A 200, and who asked.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) answer: Answer,
    pub(super) identity: Arc<Identity>,
}

impl ClusterApi {
    pub(super) fn new(
        cluster: &Cluster,
        timeouts: &Timeouts,
        metrics: Arc<Metrics>,
        lookup: &Lookup,
    ) -> Result<Self, String> {
        let roots = ClusterTls::new(cluster)?;
        let mut nodes = Vec::new();
        for node in &cluster.nodes {
            let tls = roots.node(node).map_err(|error| format!("cluster {}: {error}", cluster.name))?;
            let endpoint = Endpoint::new(&node.host, node.port, lookup.clone());
            nodes.push(NodeApi::new(node, tls, endpoint, timeouts));
        }
        let patience = timeouts.node_connect + timeouts.node_answer;
        Ok(Self {
            name: cluster.name.clone(),
            guests: GuestList::default(),
            watched: Watched::default(),
            nodes,
            preferred: AtomicUsize::new(0),
            sign_in: SignIn::new(&cluster.credential, &cluster.name, Arc::clone(&metrics)),
            patience,
            // Over before the open that asks gives up, so that its end is an answer and the cluster counts as down.
            patience_any: patience.min(timeouts.handshake * 9 / 10),
            metrics,
        })
    }

    /// The configured node of this name.
    pub(super) fn node(&self, name: &NodeName) -> Result<&NodeApi, Failure> {
        self.nodes.iter().find(|node| node.name == *name).ok_or_else(|| {
            let named = self.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
            let cause = format!(
                "cluster {} has no [[cluster.node]] of the name {name}; it has {named}; add one, or correct the name to \
                 the one that Proxmox gives the node",
                self.name
            );
            Failure::new(Reason::NodeUnreachable, cause)
        })
    }

    /// Asks one node; anything but 200 is refused.
    pub(super) async fn ask(&self, node: &NodeApi, ask: &Ask) -> Result<Granted, Refused> {
        self.ask_until(node, ask, Instant::now() + self.patience).await
    }

    /// Asks nodes until one answers, beginning with the one that did last.
    pub(super) async fn ask_any(&self, ask: &Ask) -> Result<Granted, Refused> {
        let deadline = Instant::now() + self.patience_any;
        let count = self.nodes.len();
        let first = self.preferred.load(Relaxed);
        let mut last = Refused::from(Failure::new(Reason::NodeUnreachable, format!("{} has no nodes", self.name)));
        let mut up = false;
        for step in 0..count {
            let at = (first + step) % count;
            let Some(node) = self.nodes.get(at) else { continue };
            // The next caller begins elsewhere, even if this one leaves while the node is silent.
            self.preferred.store((at + 1) % count, Relaxed);
            let is_last = step + 1 == count;
            let until = if is_last { deadline } else { deadline.min(Instant::now() + SHARE) };
            match self.ask_until(node, ask, until).await {
                Ok(granted) => {
                    self.preferred.store(at, Relaxed);
                    return Ok(granted);
                }
                Err(refused) => last = refused,
            }
            up |= last.is_answer();
            if last.failure.reason == Reason::PveAuth {
                self.preferred.store(at, Relaxed);
                break;
            }
            tracing::warn!(cluster = %self.name, node = %node.name, reason = %last.failure.reason,
                cause = %last.failure.cause, "a node was passed over");
            if Instant::now() >= deadline {
                break;
            }
        }
        if !up {
            self.metrics.pve_up(self.name.as_str(), false);
        }
        Err(last)
    }

    /// Counts whatever happens, so a question never goes unseen.
    async fn ask_until(&self, node: &NodeApi, ask: &Ask, deadline: Instant) -> Result<Granted, Refused> {
        let counted = Counted::new(&self.metrics, &self.name, ask.operation);
        let late =
            || Failure::new(Reason::NodeSlow, format!("node {}: no answer to {} in time", node.name, ask.operation));
        let asked = timeout_at(deadline, self.ask_signed_in(node, ask)).await.unwrap_or_else(|_| Err(late().into()));
        counted.ended(asked.as_ref().err().map(|refused| refused.failure.reason));
        if asked.as_ref().err().is_none_or(Refused::is_answer) {
            self.metrics.pve_up(self.name.as_str(), true);
        }
        asked
    }

    async fn ask_signed_in(&self, node: &NodeApi, ask: &Ask) -> Result<Granted, Refused> {
        let identity = self.sign_in.identity(node, None).await?;
        let answer = node.exchange(ask, Some(&identity)).await?;
        let (answer, identity) = if answer.status == 401 && self.sign_in.renewable() {
            let renewed = self.sign_in.identity(node, Some(&identity)).await?;
            (node.exchange(ask, Some(&renewed)).await?, renewed)
        } else {
            (answer, identity)
        };
        watch_clock(&self.name, node, answer.skew);
        if answer.status == 200 {
            return Ok(Granted { answer, identity });
        }
        let mut failure = refusal(answer.status, &answer.text);
        failure.cause = format!("node {}: {}", node.name, failure.cause);
        if let (Reason::PveAuth, Some(skew)) = (failure.reason, answer.skew.filter(|skew| skew.abs() >= SKEW)) {
            failure.cause.push_str(&format!("; its clock is {skew} s off ours"));
        }
        Err(Refused { status: answer.status, failure })
    }
}

/// Says once when a node's clock goes wrong, and again after it was right.
fn watch_clock(cluster: &ClusterName, node: &NodeApi, skew: Option<i64>) {
    let Some(skew) = skew else { return };
    let wrong = skew.abs() >= SKEW;
    if wrong != node.skewed.swap(wrong, Relaxed) && wrong {
        tracing::warn!(%cluster, node = %node.name, seconds = skew,
            "the node's clock differs from ours; Proxmox refuses tickets above 20 s");
    }
}
