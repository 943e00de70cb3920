//! The public listener: accepts connections, shakes hands in TLS, knows whose connection it is.
//!
//! The accept loop does nothing but accept: whatever can wait on a peer runs in a task of its own, within a deadline.
//! Accept errors slow the loop down and never end it. Knows nothing of HTTP beyond the two headers in which a trusted
//! proxy names its client; what serves a connection is a [`Handler`].
//!
//! One rule says whose a connection is: the hop nearest to us is believed, and what it says of the one before it only if
//! it is a trusted proxy. So the address in a PROXY header takes the place of the connection's own, and forwarded headers
//! count only where that address is a trusted proxy in its turn.

mod accept;
mod admission;
mod block;
mod forwarded;
mod options;
mod patience;
mod preface;
mod room;
mod stop;
mod tls;

pub use accept::Accept;
pub use admission::{Admission, Admissions};
pub use block::Block;
pub use forwarded::client_address;
pub use patience::Patience;
pub use room::{Place, Room};
pub use stop::{LATE, Stop};
pub use tls::Tls;

use crate::reason::{Failure, Reason};
use crate::record::IntoTransport;
use crate::wire::proxy::{Versions, Whose};
use preface::Missing;
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
    /// What comes before TLS.
    pub preface: Preface,
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

/// What a connection from an address begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preface {
    /// The client's own bytes.
    None,
    /// A PROXY header.
    Header {
        /// Of one of these versions.
        versions: Versions,
        /// Complete after so long.
        within: Duration,
    },
    /// Nothing: whoever comes from there may not send the header that every connection must begin with.
    Refused,
}

/// Serves connections.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The rules for a connection from this address.
    fn rules(&self, peer: IpAddr) -> Rules;

    /// A connection was closed before it could ask for anything, and why.
    fn turned_away(&self, peer: IpAddr, failure: Failure);

    /// Serves one connection to its end. After `stop` it takes no further request, but may take the first.
    fn serve<S: Stream>(self, stream: S, peer: Arc<Peer>, stop: Stop) -> impl Future<Output = ()> + Send;
}

/// Who is at the other end, and the place it takes among the unauthenticated.
#[derive(Debug)]
pub struct Peer {
    ip: IpAddr,
    admission: Mutex<Option<Admission>>,
    /// Where connections are counted: its own, for as long as it is one.
    place: Mutex<Option<Place>>,
    admissions: Arc<Admissions>,
    evicted: CancellationToken,
}

impl Peer {
    /// One that takes a place, or the oldest one's, unless its address block holds `per_client` already. None: it takes none.
    #[must_use]
    pub fn admitted(admissions: &Arc<Admissions>, ip: IpAddr, per_client: Option<usize>) -> Option<Self> {
        let evicted = CancellationToken::new();
        let admission = match per_client {
            None => None,
            Some(most) => Some(Admissions::admit_evictable(admissions, ip, most, &evicted)?),
        };
        let (admission, place) = (Mutex::new(admission), Mutex::default());
        Some(Self { ip, admission, place, admissions: Arc::clone(admissions), evicted })
    }

    /// The place that the connection takes, for whoever goes on with it when HTTP ends.
    #[must_use]
    pub fn hand_over_place(&self) -> Option<Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The address of the TCP connection, or the client's that its PROXY header names; an IPv4 address is never written
    /// as IPv6.
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

/// Accepts until `stop`, then closes the listener. The connections, no more than `room` has places, run on in `tasks`; those
/// that have said nothing yet hear of it a moment later.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    handler: H,
    room: Room,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let stop = Stop::new(stop);
    tokio::select! {
        // First, so that who is in the kernel's queue already is not reset.
        biased;
        () = accept(listener, handler, room, &tasks, &stop) => {}
        () = stop.asked() => {}
    }
    stop.passes(&tasks).await;
}

/// Never ends by itself.
async fn accept<H: Handler>(listener: TcpListener, handler: H, room: Room, tasks: &TaskTracker, stop: &Stop) {
    let admissions = Arc::new(Admissions::new(UNAUTHENTICATED));
    let mut accept = Accept::new(listener, "public");
    loop {
        let (stream, ip) = accept.next().await;
        let place = room.place(&admissions).await;
        let Some(place) = place else {
            let cause =
                "the process may open no more file descriptors than its sessions need (LimitNOFILE, ulimit -Hn)";
            handler.turned_away(ip, Failure::new(Reason::GatewayFull, cause));
            continue;
        };
        let rules = handler.rules(ip);
        let arrival = Arrival { stream, ip, place, handler: handler.clone(), admissions: Arc::clone(&admissions) };
        match rules.preface {
            Preface::None => arrival.admitted(rules, tasks, stop),
            Preface::Refused => handler.turned_away(ip, Reason::ProxyPeer.into()),
            Preface::Header { versions, within } => {
                let (spawner, stop) = (tasks.clone(), stop.clone());
                tasks.spawn(async move { arrival.introduced(versions, within, &spawner, &stop).await });
            }
        }
    }
}

/// A connection that has no place yet.
struct Arrival<H> {
    stream: TcpStream,
    /// Of the connection, until a header names another.
    ip: IpAddr,
    place: Place,
    handler: H,
    admissions: Arc<Admissions>,
}

impl<H: Handler> Arrival<H> {
    /// Reads whose it is from its header. Only then is it counted, and by the rules of its client.
    async fn introduced(mut self, versions: Versions, within: Duration, tasks: &TaskTracker, stop: &Stop) {
        let whose = tokio::select! {
            whose = preface::read(&mut self.stream, versions, within) => whose,
            () = stop.late() => return,
        };
        match whose {
            Ok(Whose::Client(client)) => self.ip = client,
            Ok(Whose::Balancer) => {}
            Err(Missing::Silent) => return,
            Err(Missing::Wrong(why)) => {
                return self.handler.turned_away(self.ip, Failure::new(Reason::ProxyHeader, why));
            }
        }
        let rules = self.handler.rules(self.ip);
        self.admitted(rules, tasks, stop);
    }

    /// Takes its place and goes on in a task of its own.
    fn admitted(self, rules: Rules, tasks: &TaskTracker, stop: &Stop) {
        let Self { stream, ip, place, handler, admissions } = self;
        match Peer::admitted(&admissions, ip, rules.per_client) {
            Some(peer) => {
                let peer = Arc::new(Peer { place: Mutex::new(Some(place)), ..peer });
                tasks.spawn(connection(stream, rules, handler, peer, stop.clone()));
            }
            None => handler.turned_away(ip, Reason::ClientLimit.into()),
        }
    }
}

async fn connection<H: Handler>(stream: TcpStream, rules: Rules, handler: H, peer: Arc<Peer>, stop: Stop) {
    options::set(&stream, rules.dead);
    let Some(tls) = rules.tls else { return handler.serve(stream, peer, stop).await };
    let shaken = tokio::select! {
        shaken = tls.accept(stream, rules.handshake) => shaken,
        () = peer.evicted() => return,
        () = stop.late() => return,
    };
    match shaken {
        Ok(stream) => handler.serve(stream, peer, stop).await,
        // Scanners and balancers' checks end here all day: not an error.
        Err(error) => tracing::debug!(target: "consolegate::listen", src = %peer.ip, %error, "no TLS handshake"),
    }
}
