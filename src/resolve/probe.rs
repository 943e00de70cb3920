//! What an operator asks of one node before customers do: its clock, its version, what the credential may there.
//!
//! Only questions; none changes anything on the node. Protocol reference 2 to 4 and 9.

use super::cluster::ClusterApi;
use super::exchange::{Ask, NodeApi};
use super::guests::{self, Guests};
use super::loose::{Flag, Text};
use crate::id::{Guest, NodeName};
use crate::reason::{Failure, Reason};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Largest answer taken to a short question.
const LIMIT: usize = 256 * 1024;

/// One configured node, ready for questions.
#[derive(Debug)]
pub struct Probe<'r> {
    cluster: &'r ClusterApi,
    node: &'r NodeApi,
}

impl<'r> Probe<'r> {
    pub(super) fn new(cluster: &'r ClusterApi, name: &NodeName) -> Result<Self, Failure> {
        Ok(Self { cluster, node: cluster.node(name)? })
    }

    /// The node's clock minus ours in seconds, by the `Date` of an answer that needs no credential; none without one.
    ///
    /// # Errors
    /// The node cannot be reached or does not answer.
    pub async fn skew(&self) -> Result<Option<i64>, Failure> {
        let ask = question("domains", "/api2/json/access/domains".into());
        Ok(self.node.exchange(&ask, None).await?.skew)
    }

    /// The version of Proxmox VE.
    ///
    /// # Errors
    /// `pve_auth` where the credential is refused, or what went wrong with the node.
    pub async fn version(&self) -> Result<String, Failure> {
        let answer: Data<Version> = self.ask("version", "/api2/json/version".into()).await?;
        Ok(super::status::operator_text(answer.data.version.0.as_bytes()))
    }

    /// The privileges that the credential has on a path such as `/vms/100`.
    ///
    /// # Errors
    /// As [`Self::version`].
    pub async fn privileges(&self, path: &str) -> Result<Vec<String>, Failure> {
        let query = format!("/api2/json/access/permissions?path={path}");
        let answer: Data<BTreeMap<String, BTreeMap<String, Flag>>> = self.ask("permissions", query).await?;
        // Proxmox answers with the path that was asked for, and names what is held there with 1, or 0 without propagation.
        Ok(answer.data.into_values().flat_map(BTreeMap::into_keys).collect())
    }

    /// The guests that run on the node now, in the order of their numbers, and which nodes have any, as far as the credential
    /// sees them.
    ///
    /// # Errors
    /// As [`Self::version`].
    pub async fn running(&self) -> Result<Running, Failure> {
        let path = "/api2/json/cluster/resources?type=vm".to_owned();
        let ask = Ask { limit: guests::LIMIT, ..question("resources", path) };
        let granted = self.cluster.ask(self.node, &ask).await.map_err(|refused| refused.failure)?;
        let listed = Guests::read(granted.answer.body.reveal())?;
        Ok(Running { here: listed.running_on(&self.node.name), nodes: listed.nodes() })
    }

    async fn ask<T>(&self, operation: &'static str, path: String) -> Result<T, Failure>
    where
        T: for<'de> Deserialize<'de>,
    {
        let granted =
            self.cluster.ask(self.node, &question(operation, path)).await.map_err(|refused| refused.failure)?;
        let wrong = |_| {
            Failure::new(Reason::PveAnswer, format!("node {}: the answer to {operation} is not one", self.node.name))
        };
        serde_json::from_slice(granted.answer.body.reveal()).map_err(wrong)
    }
}

/// What the credential sees of the cluster's guests.
#[derive(Debug)]
pub struct Running {
    /// Those that run at this node.
    pub here: Vec<Guest>,
    /// The nodes that have any, by the names that Proxmox gives them.
    pub nodes: BTreeSet<String>,
}

fn question(operation: &'static str, path: String) -> Ask {
    Ask { operation, path, form: None, limit: LIMIT, once: false, sent: None }
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Version {
    version: Text,
}
