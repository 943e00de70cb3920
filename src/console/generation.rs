//! What one configuration makes: built whole or not at all, before anything of it counts.
//!
//! A start, `check`, a reload and the tests all come through [`Generation::build`], so that the verdict of one is that of
//! all. Built beside a running one it changes nothing until [`Generation::enter`].

use super::Shared;
use crate::clock::unix_now;
use crate::config::Config;
use crate::id::SessionId;
use crate::listen::Tls;
use crate::reason::Failure;
use crate::resolve::Resolver;
use crate::token::{Grant, LEEWAY_SECONDS, Verifier};
use std::sync::Arc;

/// One generation of the configuration. A request keeps the one it began with; a session keeps only its clusters'.
#[derive(Debug)]
pub struct Generation {
    /// The configuration.
    pub config: Config,
    /// Checks connect tokens.
    pub verifier: Verifier,
    /// Proxmox.
    pub resolver: Arc<Resolver>,
    /// The certificate of the public listener; none: plain HTTP.
    pub tls: Option<Tls>,
    /// The certificate of the admin listener; none: plain HTTP.
    pub admin_tls: Option<Tls>,
    /// What outlives it.
    pub shared: Arc<Shared>,
}

impl Generation {
    /// Makes everything the configuration names: keys, certificates, credentials.
    ///
    /// # Errors
    /// In the operator's words: a key, certificate or CA that cannot be used.
    pub fn build(config: Config, shared: &Arc<Shared>) -> Result<Self, String> {
        Ok(Self {
            verifier: Verifier::new(
                &config.issuers,
                &config.clusters,
                &config.public_url,
                shared.since.tokens,
                &shared.keys,
            )?,
            resolver: Arc::new(Resolver::new(&config.clusters, &config.timeouts, Arc::clone(&shared.metrics))?),
            tls: config.listen.tls.as_ref().map(|files| Tls::new(files, unix_now())).transpose()?,
            admin_tls: config.admin.tls.as_ref().map(|files| Tls::new(files, unix_now())).transpose()?,
            shared: Arc::clone(shared),
            config,
        })
    }

    /// The generation of another configuration in the same process. What did not change is kept with what it knows: the
    /// way to the clusters with its sign-ins and kept connections, and what was fetched of each `jwks_url`.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn succeeded_by(&self, config: Config) -> Result<Self, String> {
        let is_same = self.config.clusters == config.clusters && self.config.timeouts == config.timeouts;
        let next = Self::build(config, &self.shared)?;
        Ok(if is_same { Self { resolver: Arc::clone(&self.resolver), ..next } } else { next })
    }

    /// The seconds after which nothing is left of a token that was signed now: neither itself nor a session.
    #[must_use]
    pub fn longest(&self) -> u64 {
        let token = self.config.issuers.iter().map(|issuer| issuer.max_token.as_secs()).max();
        self.config.session.max.as_secs() + token.unwrap_or_default() + 2 * LEEWAY_SECONDS
    }

    /// Whether the number of a session's guest is still that of the session's machine. The first one it meets is its own.
    ///
    /// # Errors
    /// `guest_not_found` where it is another's by now, and the session is over; what went wrong with the node; `store_down`.
    pub async fn meet(&self, session: SessionId, grant: &Grant) -> Result<(), Failure> {
        let machine = self.resolver.machine(grant.console(), grant.node()).await?;
        self.shared.store.meets(session, machine).await
    }

    /// It is the one that counts from now on: the metrics follow it, and the keys of every `jwks_url` are asked for.
    pub fn enter(&self) {
        self.verifier.begin(&self.shared.metrics);
        let names: Vec<_> = self.config.clusters.iter().map(|cluster| cluster.name.clone()).collect();
        self.shared.sessions.keep_gone(self.config.per_session);
        self.shared.metrics.configured(&names, self.config.limits.sessions);
        for (name, tls) in [("public", &self.tls), ("admin", &self.admin_tls)] {
            if let Some(tls) = tls {
                self.shared.metrics.certificate(name, tls.not_after());
            }
        }
    }
}
