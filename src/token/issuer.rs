//! One issuer as tokens meet it: its keys, and what it may open.
//!
//! Owns scope, names and assurance: a cluster, kind, guest number or node counts only if the configuration has it for
//! this issuer. Text of a token never becomes a name; names are looked up and the configuration's own are used.

use super::claims::Claims;
use super::console::Wish;
use super::grant::Grant;
use super::jwks::KeySet;
use super::jwks_file::JwksFile;
use super::jwks_url::{JwksUrl, KeySets};
use super::keys::VerifyKey;
use super::shown;
use crate::config::{self, Cluster, Origin};
use crate::id::{ClusterName, Console, Guest, Kind, NodeName, Vmid};
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use std::collections::HashMap;
use std::sync::Arc;

/// A panel's keys and rules.
#[derive(Debug)]
pub(super) struct Issuer {
    rules: config::Issuer,
    keys: HashMap<String, VerifyKey>,
    file: Option<JwksFile>,
    url: Option<Arc<JwksUrl>>,
    /// The issuer's clusters with the nodes of each.
    clusters: Vec<(ClusterName, Vec<NodeName>)>,
    /// The issuer's origins and the gateway's own.
    origins: Arc<[Origin]>,
}

impl Issuer {
    /// An issuer of the configuration, its keys read.
    pub(super) fn new(
        rules: &config::Issuer,
        clusters: &[Cluster],
        own: &Origin,
        sets: &KeySets,
    ) -> Result<Self, String> {
        let named = |what: &str| format!("issuer {:?}: {what}", rules.name);
        let mut keys = HashMap::new();
        for key in &rules.keys {
            let parsed = VerifyKey::configured(key).map_err(|error| named(&format!("key {:?}: {error}", key.id)))?;
            if keys.insert(key.id.clone(), parsed).is_some() {
                return Err(named(&format!("key {:?} comes twice", key.id)));
            }
        }
        let file = rules.jwks_file.clone().map(JwksFile::open).transpose().map_err(|error| named(&error))?;
        let url = rules.jwks_url.as_ref().map(|source| sets.of(&rules.name, source)).transpose();
        let url = url.map_err(|error| named(&error))?;
        let nodes = |name: &ClusterName| {
            let cluster = clusters.iter().find(|cluster| cluster.name == *name);
            let cluster = cluster.ok_or_else(|| named(&format!("cluster {name} is not configured")))?;
            Ok((name.clone(), cluster.nodes.iter().map(|node| node.name.clone()).collect()))
        };
        let clusters = rules.clusters.iter().map(nodes).collect::<Result<_, String>>()?;
        let mut origins = rules.origins.clone();
        if !origins.contains(own) {
            origins.push(own.clone());
        }
        Ok(Self { rules: rules.clone(), keys, file, url, clusters, origins: origins.into() })
    }

    /// `iss`.
    pub(super) fn name(&self) -> &str {
        &self.rules.name
    }

    /// `aud`.
    pub(super) fn audience(&self) -> &str {
        &self.rules.audience
    }

    /// The longest `exp - iat`.
    pub(super) const fn max_token_seconds(&self) -> u64 {
        self.rules.max_token.as_secs()
    }

    /// Pages that may bring its tokens.
    pub(super) const fn origins(&self) -> &Arc<[Origin]> {
        &self.origins
    }

    /// Asks for the keys of `jwks_url` from now on.
    pub(super) fn begin(&self, metrics: &Arc<Metrics>) {
        if let Some(url) = &self.url {
            url.begin(metrics);
        }
    }

    /// Whether it has a key of this name now; reads nothing.
    pub(super) fn has_key(&self, id: &str, now: u64) -> bool {
        self.has_own_key(id) || self.published(now).is_ok_and(|keys| keys.contains_key(id))
    }

    fn has_own_key(&self, id: &str) -> bool {
        self.keys.contains_key(id) || self.file.as_ref().is_some_and(|file| file.keys().contains_key(id))
    }

    /// Waits a moment where `jwks_url` alone could have the key.
    pub(super) async fn freshen(&self, id: &str, now: u64) {
        if let Some(url) = self.url.as_ref().filter(|_| !self.has_own_key(id)) {
            url.freshen(id, now, self.max_stale()).await;
        }
    }

    /// The keys of `jwks_url`; without one: none.
    fn published(&self, now: u64) -> Result<Arc<KeySet>, String> {
        self.url.as_ref().map_or_else(|| Ok(Arc::default()), |url| url.keys(now, self.max_stale()))
    }

    fn max_stale(&self) -> u64 {
        self.rules.jwks_url.as_ref().map_or(0, |source| source.max_stale.as_secs())
    }

    /// Some of the keys that the configuration names, for a panel that names another.
    fn named(&self) -> String {
        let mut names: Vec<String> = self.keys.keys().map(|id| shown(id)).collect();
        names.sort_unstable();
        names.truncate(4);
        if names.is_empty() { String::new() } else { format!("; configured: {}", names.join(", ")) }
    }

    /// Gives the key of this name to `check`. An unknown name may have `jwks_file` read again.
    pub(super) fn with_key<T>(&self, id: &str, now: u64, check: impl FnOnce(&VerifyKey) -> T) -> Result<T, Failure> {
        let unknown = |more: &str| {
            let cause = format!("issuer {:?} has no key {}{}{more}", self.rules.name, shown(id), self.named());
            Failure::new(Reason::TokenKeyId, cause)
        };
        if let Some(key) = self.keys.get(id) {
            return Ok(check(key));
        }
        if let Some(key) = self.file.as_ref().map(JwksFile::keys).unwrap_or_default().get(id) {
            return Ok(check(key));
        }
        let stale = match self.published(now) {
            Ok(keys) => match keys.get(id) {
                Some(key) => return Ok(check(key)),
                None => None,
            },
            Err(why) => Some(Failure::new(Reason::KeysStale, format!("issuer {:?}: {why}", self.rules.name))),
        };
        let unknown = match self.file.as_ref().and_then(|file| file.read_again(now)) {
            Some(Ok(keys)) => match keys.get(id) {
                Some(key) => return Ok(check(key)),
                None => unknown(""),
            },
            Some(Err(error)) => unknown(&format!("; the last good keys stay: {error}")),
            None => unknown(""),
        };
        Err(stale.unwrap_or(unknown))
    }

    /// Whether the user signed in as strongly as the issuer's rules ask.
    pub(super) fn check_assurance(&self, claims: &Claims) -> Result<(), Failure> {
        if let Some(missing) = self.rules.require_amr.iter().find(|method| !claims.amr.contains(method)) {
            return Err(Failure::new(
                Reason::TokenAssurance,
                format!("amr lacks {missing:?}, which require_amr asks for"),
            ));
        }
        let listed = |acr: &String| self.rules.require_acr.contains(acr);
        if !self.rules.require_acr.is_empty() && !claims.acr.as_ref().is_some_and(listed) {
            return Err(Failure::new(Reason::TokenAssurance, "acr is none of the issuer's require_acr"));
        }
        Ok(())
    }

    /// Whether the origin a token is bound to is one of the issuer's; gives it as the configuration writes it.
    pub(super) fn bound_origin(&self, claim: Option<&str>) -> Result<Option<String>, Failure> {
        let Some(claim) = claim else { return Ok(None) };
        match Origin::named(self.origins.iter(), claim) {
            Some(origin) => Ok(Some(origin.as_str().to_owned())),
            None => {
                let cause = format!("origin is {}, which the issuer does not list", shown(claim));
                Err(Failure::new(Reason::TokenBinding, cause))
            }
        }
    }

    /// The console a token asks for and the node it names, if the issuer may open it.
    pub(super) fn place(&self, wish: &Wish) -> Result<(Console, Option<NodeName>), Failure> {
        if wish.kind == Kind::Node && !self.rules.kinds.contains(&Kind::Node) {
            return Err(Failure::new(Reason::TokenKind, "the issuer's kinds do not have node"));
        }
        let (cluster, nodes) = self.cluster(wish.cluster.as_deref())?;
        if !self.rules.kinds.contains(&wish.kind) {
            return scope(format!("the issuer's kinds do not have {}", wish.kind.word()));
        }
        let node = wish.node.as_deref().map(|name| find_node(cluster, nodes, name)).transpose()?;
        let guest = match (wish.kind, wish.vmid, &node) {
            (Kind::Qemu, Some(vmid), _) => Guest::Qemu(self.allowed(vmid)?),
            (Kind::Lxc, Some(vmid), _) => Guest::Lxc(self.allowed(vmid)?),
            (Kind::Node, None, Some(node)) => Guest::Node(node.clone()),
            (Kind::Qemu | Kind::Lxc | Kind::Node, _, _) => {
                return Err(Failure::new(
                    Reason::TokenClaimType,
                    "console has neither a guest's vmid nor a node's name",
                ));
            }
        };
        Ok((Console { cluster: cluster.clone(), guest, protocol: wish.protocol }, node))
    }

    /// Whether the issuer may open, now, what was granted before.
    pub(super) fn check_grant(&self, grant: &Grant) -> Result<(), Failure> {
        let (console, _) = self.place(&Wish::of(grant))?;
        if console != grant.console {
            return scope("the grant's node is not that of its console".to_owned());
        }
        self.bound_origin(grant.origin()).map(drop)
    }

    fn cluster(&self, claim: Option<&str>) -> Result<(&ClusterName, &[NodeName]), Failure> {
        let found = match (claim, self.clusters.as_slice()) {
            (Some(claim), clusters) => clusters.iter().find(|(name, _)| name.as_str() == claim),
            (None, [only]) => Some(only),
            (None, _) => {
                let cause = "console.cluster is missing and the issuer has not exactly one cluster";
                return Err(Failure::new(Reason::TokenClaimType, cause));
            }
        };
        match (found, claim) {
            (Some((name, nodes)), _) => Ok((name, nodes)),
            (None, claim) => scope(format!("the issuer's clusters do not have {}", shown(claim.unwrap_or_default()))),
        }
    }

    fn allowed(&self, vmid: Vmid) -> Result<Vmid, Failure> {
        if self.rules.allows_vmid(vmid) { Ok(vmid) } else { scope(format!("the issuer's vmids do not have {vmid}")) }
    }
}

fn find_node(cluster: &ClusterName, nodes: &[NodeName], claim: &str) -> Result<NodeName, Failure> {
    nodes.iter().find(|node| node.as_str() == claim).cloned().ok_or_else(|| {
        let named = nodes.iter().map(NodeName::as_str).collect::<Vec<_>>().join(", ");
        let cause = format!("console.node is {}, which cluster {cluster} does not have; it has {named}", shown(claim));
        Failure::new(Reason::TokenClaimValue, cause)
    })
}

fn scope<T>(cause: String) -> Result<T, Failure> {
    Err(Failure::new(Reason::TokenScope, cause))
}
