//! TLS to a relay or to the node, with a read buffer in front of it: many records in one read, so that this side stays
//! cheaper than what is measured.

use crate::Outcome;
use crate::certificates::Certificates;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A client's stream.
pub type Stream = TlsStream<BufReader<TcpStream>>;

/// For few sessions that receive much, and for many that receive little.
const BUFFERS: (usize, usize) = (64 * 1024, 4 * 1024);
const FEW: u32 = 64;

/// The TLS of clients.
pub fn connector(certificates: &Certificates) -> Outcome<TlsConnector> {
    Ok(TlsConnector::from(Arc::new(certificates.client(true)?)))
}

/// Connects, one of `sessions`.
pub async fn connect(connector: &TlsConnector, address: SocketAddr, sessions: u32) -> Outcome<Stream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let buffer = if sessions <= FEW { BUFFERS.0 } else { BUFFERS.1 };
    let name = ServerName::IpAddress(address.ip().into());
    Ok(connector.connect(name, BufReader::with_capacity(buffer, stream)).await?)
}
