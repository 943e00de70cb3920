//! The Proxmox API: finds a guest, signs in, asks for a console.
//!
//! ```text
//!  locate ─▶ Place ─▶ open ─▶ Target ─▶ (upstream)          why_ended
//!    │ guests (one list a cluster)  │ console (checks the answer)  │
//!    │ watch (a guest's state)      │ power (switches it)          │
//!    └───────────── cluster ── signin ── exchange ── net ──────────┘
//! ```
//!
//! Never follows a redirect, never passes on a word of an answer except in a [`Failure`]'s cause, and never lets the
//! second call of a console go anywhere but to the address that answered the first. Protocol reference 4 to 9.

mod answer;
mod breaker;
mod cluster;
mod console;
mod counted;
mod ended;
mod exchange;
mod guests;
mod heard;
mod locate;
mod loose;
mod machine;
mod place;
mod power;
mod probe;
mod signin;
mod state;
mod status;
mod watch;

pub use guests::Guests;
pub use place::{Place, Target};
pub use power::Action;
pub use probe::{Probe, Running};
pub use status::refused_upgrade;
pub use watch::GuestState;

use crate::config::{Cluster, Timeouts};
use crate::id::{ClusterName, Console, Machine, NodeName};
use crate::metrics::Metrics;
use crate::net::Lookup;
use crate::reason::{Failure, Reason};
use cluster::ClusterApi;
use std::collections::HashMap;
use std::sync::Arc;

/// All clusters' API clients, their caches and credentials.
#[derive(Debug)]
pub struct Resolver {
    clusters: HashMap<ClusterName, Arc<ClusterApi>>,
}

impl Resolver {
    /// A client for each cluster.
    ///
    /// # Errors
    /// A CA file that holds no certificate, or no system roots; named.
    pub fn new(clusters: &[Cluster], timeouts: &Timeouts, metrics: Arc<Metrics>) -> Result<Self, String> {
        Self::with_lookup(clusters, timeouts, metrics, &Lookup::system())
    }

    /// The same with another way to turn names into addresses.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_lookup(
        clusters: &[Cluster],
        timeouts: &Timeouts,
        metrics: Arc<Metrics>,
        lookup: &Lookup,
    ) -> Result<Self, String> {
        let mut built = HashMap::new();
        for cluster in clusters {
            let api = ClusterApi::new(cluster, timeouts, Arc::clone(&metrics), lookup)?;
            built.insert(cluster.name.clone(), Arc::new(api));
        }
        Ok(Self { clusters: built })
    }

    /// Finds the node of a console: the node itself, or the guest's by `/cluster/resources` (cached for seconds, asked
    /// once however many wait), or the hint where the credential may not list.
    ///
    /// # Errors
    /// `guest_not_found`, `guest_stopped`, `guest_locked`, or what went wrong with the node.
    pub async fn locate(&self, console: &Console, hint: Option<&NodeName>) -> Result<Place, Failure> {
        let node = locate::locate(self.cluster(&console.cluster)?, &console.guest, hint).await?;
        Ok(Place { console: console.clone(), node, asked: Arc::default() })
    }

    /// Asks the place for a console: one POST, one ticket, one pinned address.
    ///
    /// # Errors
    /// The status table of protocol reference 8.1.
    pub async fn open(&self, place: &Place) -> Result<Target, Failure> {
        console::open(self.cluster(place.cluster())?, place).await
    }

    /// What became of a guest whose console just ended: asks its state past the cache.
    /// `guest_stopped`, `guest_moved` (another node has it now), `guest_locked`, `guest_not_found`, or `guest_ended`.
    pub async fn why_ended(&self, place: &Place) -> Failure {
        match self.cluster(place.cluster()) {
            Ok(cluster) => ended::why(cluster, place).await,
            Err(failure) => failure,
        }
    }

    /// Which machine has the guest's number now; none where Proxmox does not say. A host is its own.
    ///
    /// # Errors
    /// `guest_not_found`, or what went wrong with the node.
    pub async fn machine(&self, console: &Console, hint: Option<&NodeName>) -> Result<Option<Machine>, Failure> {
        machine::machine(self.cluster(&console.cluster)?, &console.guest, hint).await
    }

    /// How a guest is now, at most seconds old; asked once however many pages ask and however soon they leave.
    pub async fn state(&self, console: &Console, hint: Option<&NodeName>) -> GuestState {
        match self.cluster(&console.cluster) {
            Ok(cluster) => watch::state(cluster, &console.guest, hint).await,
            Err(_) => GuestState::Missing,
        }
    }

    /// Switches a guest. Proxmox says that it has begun, not that it is done.
    ///
    /// # Errors
    /// `pve_power` where the credential may not, `guest_not_found`, `guest_stopped`, `guest_locked`, or what went wrong
    /// with the node.
    pub async fn power(&self, console: &Console, hint: Option<&NodeName>, action: Action) -> Result<(), Failure> {
        power::switch(self.cluster(&console.cluster)?, &console.guest, hint, action).await
    }

    /// One node, for an operator's questions.
    ///
    /// # Errors
    /// It is not configured.
    pub fn probe(&self, cluster: &ClusterName, node: &NodeName) -> Result<Probe<'_>, Failure> {
        Probe::new(self.cluster(cluster)?, node)
    }

    fn cluster(&self, name: &ClusterName) -> Result<&Arc<ClusterApi>, Failure> {
        let missing = || Failure::new(Reason::GuestNotFound, format!("cluster {name} is not configured"));
        self.clusters.get(name).ok_or_else(missing)
    }
}
