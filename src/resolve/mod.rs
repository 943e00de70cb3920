//! The Proxmox API: finds a guest, signs in, asks for a console.

use crate::config::{Cluster, Timeouts};
use crate::id::{ClusterName, Console, NodeName};
use crate::metrics::Metrics;
use crate::net::NodeTls;
use crate::reason::Failure;
use crate::secret::Secret;
use std::net::SocketAddr;
use std::sync::Arc;

/// All clusters' API clients, their caches and credentials.
#[derive(Debug)]
pub struct Resolver;

impl Resolver {
    /// A client for each cluster.
    ///
    /// # Errors
    /// A CA file that holds no certificate, or no system roots; named.
    pub fn new(_clusters: &[Cluster], _timeouts: &Timeouts, _metrics: Arc<Metrics>) -> Result<Self, String> {
        Err("not built".into())
    }

    /// Finds the node of a console: the node itself, or the guest's by `/cluster/resources` (cached for seconds, asked
    /// once however many wait), or the hint where the credential may not list.
    ///
    /// # Errors
    /// `guest_not_found`, `guest_stopped`, `guest_locked`, or what went wrong with the node.
    pub async fn locate(&self, _console: &Console, _hint: Option<&NodeName>) -> Result<Place, Failure> {
        Err(crate::reason::Reason::Internal.into())
    }

    /// Asks the place for a console: one POST, one ticket, one pinned address.
    ///
    /// # Errors
    /// The status table of protocol reference 8.1.
    pub async fn open(&self, _place: &Place) -> Result<Target, Failure> {
        Err(crate::reason::Reason::Internal.into())
    }

    /// What became of a guest whose console just ended: asks its state past the cache.
    /// `guest_stopped`, `guest_moved` (another node has it now), `guest_not_found`, or `guest_ended`.
    pub async fn why_ended(&self, _place: &Place) -> Failure {
        crate::reason::Reason::GuestEnded.into()
    }
}

/// Where a console is: holding it proves that cluster and node are configured.
#[derive(Debug, Clone)]
pub struct Place {
    console: Console,
    node: NodeName,
}

impl Place {
    /// The console.
    #[must_use]
    pub const fn console(&self) -> &Console {
        &self.console
    }
    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &ClusterName {
        &self.console.cluster
    }
    /// The node.
    #[must_use]
    pub const fn node(&self) -> &NodeName {
        &self.node
    }
}

/// A console that waits for us: one socket address, one TLS identity, one ticket. Consumed by `upstream::connect`.
#[derive(Debug)]
pub struct Target {
    /// The address that answered the POST; the WebSocket goes there and nowhere else.
    pub address: SocketAddr,
    /// How that node is verified.
    pub tls: NodeTls,
    /// SHA-256 of the leaf certificate seen during the POST; the WebSocket must see the same.
    pub leaf: [u8; 32],
    /// `Host` header: the node's configured host and port.
    pub authority: String,
    /// Path and query of `vncwebsocket`, ticket percent-encoded.
    pub path: Secret,
    /// The header that carries the identity: name and value.
    pub credential: (&'static str, Secret),
    /// VNC password: `password` of the reply, or the ticket's first 8 bytes.
    pub password: Secret,
    /// `user` and `ticket` of the reply, for terminals.
    pub login: (String, Secret),
}
