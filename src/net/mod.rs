//! Dialling nodes: TCP, socket options, and TLS that checks what the configuration says.
//!
//! The API client and the console's WebSocket both dial here, so they cannot differ in what they verify.

use crate::reason::Failure;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// How one node is verified.
#[derive(Debug, Clone)]
pub struct NodeTls {
    /// The client configuration: CA, pin or system roots.
    pub config: Arc<rustls::ClientConfig>,
    /// The name sent and checked.
    pub name: rustls::pki_types::ServerName<'static>,
}

/// A verified connection to a node.
#[derive(Debug)]
pub struct Dialled {
    /// The stream.
    pub stream: TlsStream<TcpStream>,
    /// SHA-256 of the leaf certificate.
    pub leaf: [u8; 32],
}

/// Connects to one address and checks who answers.
///
/// # Errors
/// `node_refused`, `node_unreachable`, `node_tls`, or `node_cert` with the fingerprint seen.
pub async fn dial(_address: SocketAddr, _tls: &NodeTls, _within: Duration) -> Result<Dialled, Failure> {
    Err(crate::reason::Reason::Internal.into())
}
