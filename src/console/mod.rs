//! The pipeline of a console: from an accepted upgrade to the audited end.

use crate::config::Config;
use crate::metrics::Metrics;
use crate::resolve::Resolver;
use crate::session::Sessions;
use crate::store::Store;
use crate::token::{Envelope, Sealer, Verifier};
use bytes::Bytes;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// What every session shares: one generation of the configuration.
#[derive(Debug)]
pub struct Gateway {
    /// The configuration.
    pub config: Config,
    /// Checks connect tokens.
    pub verifier: Verifier,
    /// Seals tickets.
    pub sealer: Sealer,
    /// Used tokens.
    pub store: Store,
    /// Live sessions.
    pub sessions: Arc<Sessions>,
    /// Proxmox.
    pub resolver: Resolver,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// An accepted upgrade, about to become a console.
#[derive(Debug)]
pub struct Opening {
    /// The grant, with session and deadline.
    pub envelope: Envelope,
    /// The client's address, derived from trusted headers only.
    pub client: IpAddr,
}

/// Runs a console to its end on an upgraded stream. `early` is what the client sent right behind its request.
pub async fn run<S>(_gateway: Arc<Gateway>, _opening: Opening, _stream: S, _early: Bytes)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
}
