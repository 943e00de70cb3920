//! What one configuration makes: built whole or not at all, before anything of it counts.
//!
//! A start, `check`, a reload and the tests all come through [`Generation::build`], so that the verdict of one is that of
//! all. Built beside a running one it changes nothing until [`Generation::enter`].

use super::Shared;
use crate::clock::unix_now;
use crate::config::Config;
use crate::listen::Tls;
use crate::resolve::Resolver;
use crate::token::Verifier;
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
            shared: Arc::clone(shared),
            config,
        })
    }

    /// It is the one that counts from now on: the metrics follow it, and the keys of every `jwks_url` are asked for.
    pub fn enter(&self) {
        self.verifier.begin(&self.shared.metrics);
        let names: Vec<_> = self.config.clusters.iter().map(|cluster| cluster.name.clone()).collect();
        self.shared.metrics.configured(&names, self.config.limits.sessions);
        if let Some(tls) = &self.tls {
            self.shared.metrics.certificate("public", tls.not_after());
        }
    }
}
