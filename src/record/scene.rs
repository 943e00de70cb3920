//! Two ends of a TLS connection in one process, for the tests of this room.

use super::handshake::{accept, connect};
use super::stream::TlsStream;
use super::transport::Transport;
use crate::config::Engine;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version};
use std::future::poll_fn;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};

pub(super) const NAME: &str = "node.example";

/// The suites that are known here.
pub(super) const SUITES: [SupportedCipherSuite; 3] = [
    aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
    aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
    aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
];

/// Of the version before, whose records rustls keeps.
pub(super) const TLS12: [SupportedCipherSuite; 2] = [
    aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// A server and a client that trusts it, of one suite.
pub(super) fn configs(suite: SupportedCipherSuite) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let versions: &[&SupportedProtocolVersion] =
        if suite.tls13().is_some() { &[&version::TLS13] } else { &[&version::TLS12] };
    let provider = Arc::new(CryptoProvider { cipher_suites: vec![suite], ..aws_lc_rs::default_provider() });
    let made = rcgen::generate_simple_self_signed(vec![NAME.into()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server.enable_secret_extraction, client.enable_secret_extraction) = (true, true);
    (Arc::new(server), Arc::new(client))
}

pub(super) fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

/// A server and a client that have shaken hands, over a transport that takes `room` bytes.
pub(super) async fn shaken(
    suite: SupportedCipherSuite,
    engine: Engine,
    room: usize,
) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (server, client) = configs(suite);
    let (left, right) = duplex(room);
    let (server, (client, _)) = tokio::join!(accepted(left, server, engine), connected(right, client, engine));
    (server, client)
}

/// A server whose last words of the handshake have left.
pub(super) async fn accepted<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    server: Arc<ServerConfig>,
    engine: Engine,
) -> TlsStream<S> {
    let mut stream = accept(stream, server, engine).await.unwrap();
    said(&mut stream).await;
    stream
}

/// A client whose last words of the handshake have left, and the server's certificate.
pub(super) async fn connected<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    client: Arc<ClientConfig>,
    engine: Engine,
) -> (TlsStream<S>, Option<Vec<u8>>) {
    let (mut stream, leaf) = connect(stream, client, name(), engine).await.unwrap();
    said(&mut stream).await;
    (stream, leaf)
}

/// Lets the last words of its handshake leave, which would wait for its first data.
async fn said<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut TlsStream<S>) {
    poll_fn(|cx| stream.poll_drain(cx, &mut 0)).await.unwrap();
}
