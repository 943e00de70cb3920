//! Where a node is: its configured host and port, and the addresses its name has.
//!
//! Asks the resolver once however many dial, keeps the answer for seconds, and falls back on the address that answered
//! last when names fail: TLS says who is there, a name never does. Hostile inputs U12, F16.

use super::{Dialled, NodeTls, dial};
use crate::reason::{Failure, Reason};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

/// How long the addresses of a name are kept.
const KEPT: Duration = Duration::from_secs(10);
/// More addresses of one name than this are not tried.
const ADDRESSES: usize = 8;

type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Turns host names into addresses.
#[derive(Clone)]
pub struct Lookup(Arc<dyn Fn(String, u16) -> Found + Send + Sync>);

impl Lookup {
    /// The system's resolver.
    #[must_use]
    pub fn system() -> Self {
        Self::by(|host, port| async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }

    /// Another one.
    pub fn by<F, A>(find: F) -> Self
    where
        F: Fn(String, u16) -> A + Send + Sync + 'static,
        A: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self(Arc::new(move |host, port| Box::pin(find(host, port))))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }
}

/// A node's configured host and port.
#[derive(Debug)]
pub struct Endpoint {
    host: String,
    port: u16,
    lookup: Lookup,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    until: Option<Instant>,
}

impl Endpoint {
    /// The endpoint of this host, an IP address or a DNS name.
    #[must_use]
    pub fn new(host: &str, port: u16, lookup: Lookup) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Self { host, port, lookup, known: Mutex::default() }
    }

    /// Host and port as in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Connects to the first address that takes the connection, and says which one did. Who answers wrongly ends the
    /// search: the next address must not hide it.
    ///
    /// # Errors
    /// As [`dial`]; a name without addresses is `node_unreachable`.
    pub async fn dial(&self, tls: &NodeTls, within: Duration) -> Result<(Dialled, SocketAddr), Failure> {
        let deadline = Instant::now() + within;
        let addresses = self.addresses(deadline).await?;
        let mut last = Failure::new(Reason::NodeUnreachable, format!("{} has no address", self.host));
        for (at, address) in addresses.iter().enumerate() {
            // Each address gets its share of the time left, so a silent first one leaves time for the others.
            let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            match dial(*address, tls, share).await {
                Ok(dialled) => {
                    self.answered(*address);
                    return Ok((dialled, *address));
                }
                Err(failure) => last = failure,
            }
            if !matches!(last.reason, Reason::NodeRefused | Reason::NodeUnreachable) {
                break;
            }
        }
        Err(last)
    }

    async fn addresses(&self, deadline: Instant) -> Result<Vec<SocketAddr>, Failure> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.port)]);
        }
        let nameless = |why: &dyn fmt::Display| {
            Failure::new(Reason::NodeUnreachable, format!("no address for {}: {why}", self.host))
        };
        let Ok(mut known) = timeout_at(deadline, self.known.lock()).await else {
            return Err(nameless(&"the resolver does not answer"));
        };
        if known.until.is_some_and(|until| Instant::now() < until) {
            return Ok(known.addresses.clone());
        }
        // With something to fall back on, a slow resolver may not use up the time to connect.
        let left = deadline.saturating_duration_since(Instant::now());
        let patience = if known.addresses.is_empty() { deadline } else { deadline - left / 2 };
        let why: Box<dyn fmt::Display + Send> =
            match timeout_at(patience, (self.lookup.0)(self.host.clone(), self.port)).await {
                Ok(Ok(mut found)) if !found.is_empty() => {
                    found.truncate(ADDRESSES);
                    *known = Known { addresses: found.clone(), until: Some(Instant::now() + KEPT) };
                    return Ok(found);
                }
                Ok(Ok(_)) => Box::new("the name has none"),
                Ok(Err(error)) => Box::new(error),
                Err(_) => Box::new("the resolver does not answer"),
            };
        if known.addresses.is_empty() {
            return Err(nameless(&*why));
        }
        tracing::warn!(host = %self.host, cause = %why, "name lookup failed; using the addresses known before");
        known.until = Some(Instant::now() + KEPT);
        Ok(known.addresses.clone())
    }

    /// Puts the address that answered first.
    fn answered(&self, address: SocketAddr) {
        // Only an order of preference: not worth waiting for while somebody asks the resolver.
        let Ok(mut known) = self.known.try_lock() else { return };
        if let Some(at) = known.addresses.iter().position(|one| *one == address) {
            known.addresses.swap(0, at);
        }
    }
}
