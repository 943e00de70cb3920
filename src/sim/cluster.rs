//! A cluster: what all its nodes share, and each node's own part.
//!
//! Nodes and guests are fixed at the start; what changes of them is behind their own locks, and no lock is held over
//! an await.

use super::certificates::{Authority, NodeIdentity};
use super::clock::Clock;
use super::counters::Ledger;
use super::door::{Door, Health};
use super::fault::Faults;
use super::guest::Guest;
use super::identity::Access;
use super::ports::Ports;
use super::setup::{Backend, GuestConfig, SimConfig};
use super::tasks::Tasks;
use super::tickets::Tickets;
use crate::id::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the nodes of a cluster share.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) config: SimConfig,
    pub(super) authority: Authority,
    pub(super) tickets: Tickets,
    pub(super) access: Access,
    pub(super) ledger: Ledger,
    pub(super) tasks: Tasks,
    pub(super) faults: Faults,
    pub(super) guests: BTreeMap<u32, Arc<Guest>>,
    pub(super) nodes: BTreeMap<String, Arc<Node>>,
    seen: Mutex<Vec<Seen>>,
}

/// A request as a node saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The node that was asked.
    pub node: String,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
}

/// More than any test looks at.
const KEPT: usize = 65_536;

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) clock: Clock,
    pub(super) shell: Arc<Guest>,
    pub(super) door: Door,
    identity: Mutex<NodeIdentity>,
    ports: Mutex<Ports>,
    /// States of OpenID logins begun here.
    openid: Mutex<BTreeSet<String>>,
}

impl Cluster {
    /// Builds it; `doors` are the nodes' own, in their order.
    pub(super) fn new(config: SimConfig, doors: Vec<Door>) -> io::Result<Self> {
        let authority = Authority::new()?;
        let mut nodes = BTreeMap::new();
        for (node, door) in config.nodes.iter().zip(doors) {
            let identity = authority.issue(&node.name, node.certificate)?;
            nodes.insert(node.name.clone(), Arc::new(Node::new(&node.name, door, identity)));
        }
        let guests = config.guests.iter().map(|guest| (guest.vmid, Arc::new(Guest::new(guest.clone()))));
        Ok(Self {
            authority,
            tickets: Tickets::new()?,
            access: Access::new(config.token_privsep)?,
            ledger: Ledger::new(),
            tasks: Tasks::default(),
            faults: Faults::default(),
            guests: guests.collect(),
            nodes,
            seen: Mutex::default(),
            config,
        })
    }

    /// A guest of a kind, if it is on this node now.
    pub(super) fn guest_on(&self, node: &str, kind: Kind, vmid: u32) -> Option<&Arc<Guest>> {
        let guest = self.guests.get(&vmid)?;
        (guest.config.kind == kind && guest.state().node == node).then_some(guest)
    }

    /// Whether a node can be reached by the others.
    pub(super) fn is_reachable(&self, node: &str) -> bool {
        self.nodes.get(node).is_some_and(|node| node.door.health() == Health::Up)
    }

    pub(super) fn note(&self, seen: Seen) {
        let mut list = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() < KEPT {
            list.push(seen);
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Node {
    fn new(name: &str, door: Door, identity: NodeIdentity) -> Self {
        let shell = GuestConfig { kind: Kind::Node, backend: Backend::Shell, ..GuestConfig::lxc(0, name) };
        Self {
            name: name.to_owned(),
            door,
            clock: Clock::new(),
            shell: Arc::new(Guest::new(shell.named(name))),
            identity: Mutex::new(identity),
            ports: Mutex::default(),
            openid: Mutex::default(),
        }
    }

    pub(super) fn identity(&self) -> NodeIdentity {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_identity(&self, identity: NodeIdentity) {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    pub(super) fn ports(&self) -> MutexGuard<'_, Ports> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn openid(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.openid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
