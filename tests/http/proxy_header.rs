//! L03 to L08: a listener whose connections begin with a PROXY header.

use super::client::{PATIENCE, exchange, head, until_end};
use super::face::{Face, certificate, token};
use consolegate::config::Config;
use consolegate::wire::proxy::Versions;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const SHORT: Duration = Duration::from_millis(300);
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// Everybody on loopback is a balancer.
async fn behind(versions: Versions, change: impl FnOnce(&mut Config)) -> Face {
    Face::with(|config| {
        config.listen.proxy_protocol = Some(versions);
        config.listen.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        change(config);
    })
    .await
}

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 10.0.0.1 50000 443\r\n").into_bytes()
}

/// Version 2 with an extension that nobody knows.
fn v2(client: [u8; 4]) -> Vec<u8> {
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x11", &client[..], &[10, 0, 0, 1, 0xc3, 0x50, 1, 0xbb], &[0xee, 0, 2, 1, 2]]
        .concat()
}

/// A connection that sent these bytes and goes on, and the beginning of its answer.
async fn held(face: &Face, bytes: &[u8]) -> Option<(TcpStream, String)> {
    let mut stream = face.connect().await;
    stream.write_all(bytes).await.ok()?;
    let mut answer = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("an answer or an end").ok()?;
    Some((stream, String::from_utf8(answer.to_vec()).unwrap()))
}

/// Nothing comes but the end.
async fn closes(face: &Face, bytes: &[u8]) -> bool {
    let mut stream = face.connect().await;
    // It may be closed before all is sent.
    drop(stream.write_all(bytes).await);
    until_end(&mut stream).await.is_empty()
}

/// How many were turned away for this.
fn refused(face: &Face, reason: &str) -> u64 {
    let line = format!("consolegate_requests_refused_total{{reason=\"{reason}\"}} ");
    face.metrics().lines().find_map(|each| each.strip_prefix(&line)?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn l03_whoever_is_no_listed_proxy_is_closed_before_tls() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let face = behind(Versions::Any, |config| {
        config.listen.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        config.listen.tls = Some(files);
    })
    .await;
    for header in [&v1("192.0.2.7")[..], &v2([192, 0, 2, 7]), LOCAL, b""] {
        assert!(closes(&face, header).await, "not even a TLS alert");
    }
    assert_eq!(refused(&face, "proxy_peer"), 4);
}

#[tokio::test]
async fn l03_a_header_on_a_listener_without_the_setting_is_no_header() {
    let request = head("GET /console", "close", &[]);
    let face = Face::with(|config| config.listen.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    for header in [v1("192.0.2.7"), v2([192, 0, 2, 7])] {
        let answer = face.raw([&header[..], request.as_bytes()].concat()).await;
        assert_eq!((answer.status, answer.count()), (400, 1), "it is a bad request line, and the end");
    }
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let secure = Face::with(|config| config.listen.tls = Some(files)).await;
    let all = secure.raw([&v1("192.0.2.7")[..], request.as_bytes()].concat()).await.all;
    assert!(!all.windows(4).any(|part| part == b"HTTP"), "{all:?}");
}

#[tokio::test]
async fn l04_an_absent_late_or_unfinished_header_is_the_end() {
    let face = behind(Versions::Any, |config| config.timeouts.header = SHORT).await;
    let request = head("GET /console", "close", &[]);
    for bytes in [request.as_bytes(), b"", b"PROXY TCP4 192.0.2.7", &LOCAL[..15], b"\x16\x03\x01\x02\0\x01"] {
        assert!(closes(&face, bytes).await, "{bytes:?}");
    }
    assert_eq!(refused(&face, "proxy_header"), 5);
    for (versions, other) in [(Versions::V2, v1("192.0.2.7")), (Versions::V1, v2([192, 0, 2, 7]))] {
        let face = behind(versions, |_| ()).await;
        assert!(closes(&face, &[&other[..], request.as_bytes()].concat()).await, "{versions:?}");
    }
}

#[tokio::test]
async fn l05_l06_what_the_specification_does_not_have_is_the_end() {
    let face = behind(Versions::Any, |_| ()).await;
    let request = head("GET /console", "close", &[]);
    let mut short = v2([192, 0, 2, 7]);
    short[15] = 11;
    let mut overlong = v2([192, 0, 2, 7]);
    overlong[30] = 3;
    let long = [b"PROXY UNKNOWN ", &[b'x'; 93][..], b"\r\n"].concat();
    for (count, header) in (1..).zip([short, overlong, long, b"PROXY TCP4 192.0.2.7 nowhere 1 2\r\n".to_vec()]) {
        assert!(closes(&face, &[&header[..], request.as_bytes()].concat()).await, "{header:?}");
        assert_eq!(refused(&face, "proxy_header"), count);
    }
}

#[tokio::test]
async fn the_client_of_the_header_is_the_one_that_is_counted() {
    let face = behind(Versions::Any, |config| config.limits.per_client = 1).await;
    let request = head("GET /console", "keep-alive", &[]);
    let from = |header: Vec<u8>| [&header[..], request.as_bytes()].concat();
    let (first, answer) = held(&face, &from(v1("192.0.2.7"))).await.unwrap();
    assert_eq!(answer, "HTTP/1.1 200");
    assert!(closes(&face, &from(v2([192, 0, 2, 7]))).await, "by whatever version it comes, it has one place");
    assert_eq!(refused(&face, "limit_client"), 1);
    let other = held(&face, &from(v2([192, 0, 2, 8]))).await;
    assert!(other.is_some(), "another client has its own");
    drop(first);
    // Its place is free once the server has noticed.
    let noticed = async { while held(&face, &from(v1("192.0.2.7"))).await.is_none() {} };
    timeout(Duration::from_secs(5), noticed)
        .await
        .expect("half of timeouts.header, which would free its place as well");
}

#[tokio::test]
async fn l01_forwarded_headers_count_only_where_the_header_names_a_trusted_proxy() {
    let face = behind(Versions::Any, |config| config.limits.per_client = 1).await;
    let lying = |client: &str, forwarded: &str| {
        let line = format!("X-Forwarded-For: {forwarded}");
        [&v1(client)[..], head("GET /console", "keep-alive", &[&line]).as_bytes()].concat()
    };
    let held_place = held(&face, &lying("192.0.2.7", "198.51.100.1")).await;
    assert!(held_place.is_some());
    assert!(closes(&face, &lying("192.0.2.7", "198.51.100.2")).await, "the client writes what it likes");
    let mut chained = Vec::new();
    for last in 1..=3 {
        let (stream, answer) = held(&face, &lying("127.0.0.9", &format!("198.51.100.{last}"))).await.unwrap();
        assert_eq!(answer, "HTTP/1.1 200", "a proxy behind the balancer names its clients");
        chained.push(stream);
    }
}

#[tokio::test]
async fn l05_l08_the_balancers_own_checks_are_neither_counted_nor_complained_of() {
    let face = behind(Versions::Any, |config| config.limits.per_client = 1).await;
    let mut checks = Vec::new();
    for header in [LOCAL, b"PROXY UNKNOWN\r\n", LOCAL] {
        let check = [header, head("GET /healthz", "keep-alive", &[]).as_bytes()].concat();
        let (stream, answer) = held(&face, &check).await.unwrap();
        assert_eq!(answer, "HTTP/1.1 200");
        checks.push(stream);
    }
    // A look whether the port is open, and one that says its header and leaves.
    drop(face.connect().await);
    let mut leaves = face.connect().await;
    leaves.write_all(LOCAL).await.unwrap();
    drop(leaves);
    drop(checks);
    face.connections.close();
    face.stop.cancel();
    timeout(PATIENCE, face.connections.wait()).await.expect("all of them end");
    assert!(!face.metrics().contains("consolegate_requests_refused_total{"), "{}", face.metrics());
}

/// A face behind TLS behind a header, and what a client needs to shake hands with it.
async fn behind_tls() -> (Face, TlsConnector) {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(&files.certificate).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let face = behind(Versions::V2, |config| config.listen.tls = Some(files)).await;
    (face, TlsConnector::from(Arc::new(client)))
}

/// Says whose the connection is, shakes hands and asks for a session.
async fn session(mut stream: TcpStream, connector: &TlsConnector) -> u16 {
    stream.write_all(&v2([192, 0, 2, 7])).await.unwrap();
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let bearer = format!("Authorization: Bearer {}", token());
    exchange(stream, head("POST /v1/sessions", "close", &[&bearer]).as_bytes()).await.status
}

#[tokio::test]
async fn tls_and_tokens_come_behind_the_header() {
    let (face, connector) = behind_tls().await;
    assert_eq!(session(face.connect().await, &connector).await, 201);
}

#[tokio::test]
async fn d05_who_was_accepted_before_a_stop_may_still_say_its_header_shake_hands_and_ask() {
    let (face, connector) = behind_tls().await;
    let stream = face.connect().await;
    face.accepted(1).await;
    face.stop.cancel();
    let closed = async { while TcpStream::connect(face.address).await.is_ok() {} };
    timeout(PATIENCE, closed).await.expect("nobody else is accepted");
    assert_eq!(session(stream, &connector).await, 201);
}
