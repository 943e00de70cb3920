//! The public listener: accepts connections, shakes hands in TLS, knows whose connection it is.
//!
//! The accept loop does nothing but accept: whatever can wait on a peer runs in a task of its own, within a deadline.
//! Accept errors slow the loop down and never end it. Knows nothing of HTTP beyond the two headers in which a trusted
//! proxy names its client; what serves a connection is a [`Handler`]. Design sections 5 and 7.

mod accept;
mod admission;
mod block;
mod forwarded;
mod inherited;
mod not_after;
mod options;
mod patience;
mod tls;

pub use accept::Accept;
pub use admission::{Admission, Admissions};
pub use forwarded::client_address;
pub use inherited::inherited;
pub use patience::Patience;
pub use tls::Tls;

use crate::record::IntoTransport;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Unauthenticated connections in all; one more takes the place of the oldest.
const UNAUTHENTICATED: usize = 4_096;

/// A client's byte stream: plain TCP or TLS over it.
pub trait Stream: IntoTransport<Transport: Send> + Send + 'static {}

impl<T: IntoTransport<Transport: Send> + Send + 'static> Stream for T {}

/// What a connection must keep to, as the configuration of the moment says.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The certificate; none: the connection is plain.
    pub tls: Option<Tls>,
    /// Deadline of the TLS handshake.
    pub handshake: Duration,
    /// How long sent bytes may stay unacknowledged.
    pub dead: Duration,
    /// Unauthenticated connections of one address block; none for a trusted proxy, whose clients are counted one by
    /// one when their requests name them.
    pub per_client: Option<usize>,
}

/// Serves connections.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The rules for a connection from this address.
    fn rules(&self, peer: IpAddr) -> Rules;

    /// A connection was closed at once, because its address block has its share already.
    fn turned_away(&self, peer: IpAddr);

    /// Serves one connection to its end. After `stop` it takes no further request.
    fn serve<S: Stream>(self, stream: S, peer: Arc<Peer>, stop: CancellationToken) -> impl Future<Output = ()> + Send;
}

/// Who is at the other end, and the place it takes among the unauthenticated.
#[derive(Debug)]
pub struct Peer {
    ip: IpAddr,
    admission: Mutex<Option<Admission>>,
    admissions: Arc<Admissions>,
    evicted: CancellationToken,
}

impl Peer {
    /// The address of the TCP connection; an IPv4 address is never written as IPv6.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// A token was accepted: the connection no longer counts as unauthenticated and cannot be evicted.
    pub fn authenticated(&self) {
        drop(self.admission.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Counts a request that a trusted proxy passed on against its own client, for as long as it is not authenticated.
    #[must_use]
    pub fn admit(&self, client: IpAddr, per_client: usize) -> Option<Admission> {
        Admissions::admit(&self.admissions, client, per_client)
    }

    /// Resolves when a newer connection needs this one's place.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

/// Accepts until `stop`, then closes the listener. The connections run on in `tasks`.
pub async fn serve<H: Handler>(listener: TcpListener, handler: H, tasks: TaskTracker, stop: CancellationToken) {
    let admissions = Arc::new(Admissions::new(UNAUTHENTICATED));
    let mut accept = Accept::new(listener, "public");
    loop {
        let (stream, ip) = tokio::select! {
            accepted = accept.next() => accepted,
            () = stop.cancelled() => return,
        };
        let rules = handler.rules(ip);
        let Some(peer) = admit(&admissions, ip, &rules) else {
            handler.turned_away(ip);
            continue;
        };
        tasks.spawn(connection(stream, rules, handler.clone(), Arc::new(peer), stop.clone()));
    }
}

fn admit(admissions: &Arc<Admissions>, ip: IpAddr, rules: &Rules) -> Option<Peer> {
    let evicted = CancellationToken::new();
    let admission = match rules.per_client {
        None => None,
        Some(most) => Some(Admissions::admit_evictable(admissions, ip, most, &evicted)?),
    };
    Some(Peer { ip, admission: Mutex::new(admission), admissions: Arc::clone(admissions), evicted })
}

async fn connection<H: Handler>(stream: TcpStream, rules: Rules, handler: H, peer: Arc<Peer>, stop: CancellationToken) {
    options::set(&stream, rules.dead);
    let Some(tls) = rules.tls else { return handler.serve(stream, peer, stop).await };
    let shaken = tokio::select! {
        shaken = tls.accept(stream, rules.handshake) => shaken,
        () = peer.evicted() => return,
        () = stop.cancelled() => return,
    };
    match shaken {
        Ok(stream) => handler.serve(stream, peer, stop).await,
        // Scanners and balancers' checks end here all day: not an error.
        Err(error) => tracing::debug!(target: "consolegate::listen", src = %peer.ip, %error, "no TLS handshake"),
    }
}
