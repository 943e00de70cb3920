//! What the resolver hands on: a [`Place`] that exists, a [`Target`] that waits. Made only in this folder.

use crate::id::{ClusterName, Console, NodeName};
use crate::net::NodeTls;
use crate::secret::Secret;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Where a console is: holding it proves that cluster and node are configured.
#[derive(Debug, Clone)]
pub struct Place {
    pub(super) console: Console,
    pub(super) node: NodeName,
    pub(super) asked: Arc<AtomicBool>,
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
    /// Set once the node was asked for a console: from then on it may keep a port for it.
    #[must_use]
    pub const fn asked(&self) -> &Arc<AtomicBool> {
        &self.asked
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
