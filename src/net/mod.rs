//! Dialling nodes: TCP, socket options, and TLS that checks what the configuration says.
//!
//! The API client and the console's WebSocket both dial here, so they cannot differ in what they verify. Never connects
//! to whom it has not checked, never learns a fingerprint. Hostile inputs U01 to U04.

mod believed;
mod endpoint;
mod group;
mod verify;

pub use endpoint::{Endpoint, Lookup};
pub use verify::{ClusterTls, fingerprint, node_tls, server_tls};

use crate::config::Engine;
use crate::reason::{Failure, Reason};
use crate::record::{TlsStream, connect};
use rustix::io::Errno;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// Silence before the kernel asks whether the node is still there, between its questions, and how many go unanswered.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 3);
/// How long sent bytes may stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// How one node is verified.
#[derive(Debug, Clone)]
pub struct NodeTls {
    /// The client configuration: CA, pin or system roots.
    pub config: Arc<rustls::ClientConfig>,
    /// The name sent and checked.
    pub name: rustls::pki_types::ServerName<'static>,
    /// Whose keys seal and open what is said to it.
    pub engine: Engine,
}

/// A verified connection to a node.
#[derive(Debug)]
pub struct Dialled {
    /// The stream.
    pub stream: TlsStream,
    /// SHA-256 of the leaf certificate.
    pub leaf: [u8; 32],
}

/// Connects to one address and checks who answers.
///
/// # Errors
/// `node_refused`, `node_unreachable`, `node_tls`, or `node_cert` with the fingerprint seen.
pub async fn dial(address: SocketAddr, tls: &NodeTls, within: Duration) -> Result<Dialled, Failure> {
    let deadline = Instant::now() + within;
    let tcp = match timeout_at(deadline, TcpStream::connect(address)).await {
        Ok(Ok(tcp)) => tcp,
        Ok(Err(error)) => return Err(connect_failure(address, &error)),
        Err(_) => return Err(late(address, "no answer to the connection", within)),
    };
    prepare(&tcp).map_err(|error| connect_failure(address, &error))?;
    let connecting = connect(tcp, Arc::clone(&tls.config), tls.name.clone(), tls.engine);
    let (stream, leaf) = match timeout_at(deadline, connecting).await {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => return Err(tls_failure(address, &error)),
        Err(_) => return Err(late(address, "TCP connected but TLS did not get ready", within)),
    };
    match leaf {
        Some(leaf) => Ok(Dialled { stream, leaf: verify::sha256(&leaf) }),
        None => Err(Failure::new(Reason::NodeTls, format!("{address} showed no certificate"))),
    }
}

fn prepare(tcp: &TcpStream) -> io::Result<()> {
    let (idle, every, times) = KEEPALIVE;
    let socket = SockRef::from(tcp);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle).with_interval(every).with_retries(times))?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))
}

fn connect_failure(address: SocketAddr, error: &io::Error) -> Failure {
    let reason = match error.raw_os_error().map(Errno::from_raw_os_error) {
        // Ours, and no sign of the node.
        Some(Errno::MFILE | Errno::NFILE) => Reason::GatewayFull,
        Some(Errno::CONNREFUSED) => Reason::NodeRefused,
        _ => Reason::NodeUnreachable,
    };
    Failure::new(reason, format!("{address}: {error}"))
}

fn late(address: SocketAddr, what: &str, within: Duration) -> Failure {
    Failure::new(Reason::NodeUnreachable, format!("{address}: {what} within {} s", within.as_secs_f32()))
}

/// rustls hides its own error, and ours in it, in an I/O error.
fn tls_failure(address: SocketAddr, error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner.and_then(verify::Refused::of) {
        Some(refused) => Failure::new(Reason::NodeCert, format!("{address}: {refused}")),
        None if matches!(inner, Some(rustls::Error::InvalidCertificate(_))) => {
            Failure::new(Reason::NodeCert, format!("{address}: {error}"))
        }
        None => Failure::new(Reason::NodeTls, format!("{address}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e05_a_lack_of_descriptors_is_ours_and_says_nothing_of_the_node() {
        let address = SocketAddr::from(([192, 0, 2, 1], 8006));
        let rows = [
            (Errno::MFILE, Reason::GatewayFull),
            (Errno::NFILE, Reason::GatewayFull),
            (Errno::CONNREFUSED, Reason::NodeRefused),
            (Errno::HOSTUNREACH, Reason::NodeUnreachable),
        ];
        for (errno, reason) in rows {
            assert_eq!(connect_failure(address, &errno.into()).reason, reason, "{errno:?}");
        }
    }
}
