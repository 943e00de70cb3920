//! S01 to S08: our TLS listener against clients that are old, odd or broken.

use super::client::{exchange, head, until_end};
use super::face::{Face, certificate};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

struct Secure {
    face: Face,
    client: ClientConfig,
    _folder: tempfile::TempDir,
}

async fn secure() -> Secure {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.certificate).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let face = Face::with(|config| {
        config.listen.tls = Some(files);
        config.timeouts.tls = Duration::from_millis(500);
    })
    .await;
    Secure { face, client, _folder: folder }
}

impl Secure {
    async fn status(&self, change: impl FnOnce(&mut ClientConfig), name: &'static str) -> Result<u16, String> {
        let mut config = self.client.clone();
        change(&mut config);
        let name = ServerName::try_from(name).unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, self.face.connect().await).await.map_err(|error| error.to_string())?;
        Ok(exchange(stream, head("GET /console", "close", &[]).as_bytes()).await.status)
    }

    fn hello(&self) -> Vec<u8> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::new(self.client.clone()), name).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }
}

/// The smallest `ClientHello` of an old version: one cipher suite, no extensions.
fn old_hello(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([0x42; 32]);
    body.extend([0, 0, 2, 0x00, 0x2f, 1, 0]);
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, minor, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}

#[tokio::test]
async fn s01_old_versions_get_an_alert() {
    let secure = secure().await;
    for minor in 0..=2 {
        let answer = secure.face.raw(old_hello(minor)).await.all;
        assert_eq!((answer.first(), answer.len()), (Some(&21), 7), "3.{minor}: an alert and nothing else: {answer:?}");
    }
    let ssl2 = [0x80, 0x2e, 0x01, 0x00, 0x02, 0x00, 0x15, 0x00, 0x00, 0x00, 0x10];
    assert!(!secure.face.raw(ssl2).await.all.starts_with(&[22]));
}

#[tokio::test]
async fn s02_plain_http_is_not_answered_as_http() {
    let secure = secure().await;
    let answer = secure.face.raw(head("GET /console", "close", &[])).await;
    assert_eq!(answer.count(), 0);
}

#[tokio::test]
async fn s03_silence_and_noise_end_at_the_deadline() {
    let secure = secure().await;
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01", &secure.hello()[..40]] {
        let mut stream = secure.face.connect().await;
        stream.write_all(bytes).await.unwrap();
        let answer = until_end(&mut stream).await;
        assert!(!answer.starts_with(&[22]), "{bytes:?}");
    }
    let mut noise = vec![0; 4096];
    aws_lc_rs_fill(&mut noise);
    assert!(!secure.face.raw(noise).await.all.starts_with(&[22]));
    assert_eq!(secure.status(|_| (), "localhost").await, Ok(200), "others are not harmed");
}

fn aws_lc_rs_fill(bytes: &mut [u8]) {
    aws_lc_rs::default_provider().secure_random.fill(bytes).unwrap();
}

#[tokio::test]
async fn s04_a_hello_in_single_bytes_works() {
    let secure = secure().await;
    let hello = secure.hello();
    // The record's body, each byte in a record of its own.
    let records: Vec<u8> = hello[5..].iter().flat_map(|byte| [22, 3, 1, 0, 1, *byte]).collect();
    let mut stream = secure.face.connect().await;
    stream.write_all(&records).await.unwrap();
    let answer = until_end(&mut stream).await;
    assert!(answer.starts_with(&[22, 3, 3]), "a ServerHello");

    let mut stream = secure.face.connect().await;
    for byte in hello.chunks(1) {
        stream.write_all(byte).await.unwrap();
    }
    assert!(until_end(&mut stream).await.starts_with(&[22, 3, 3]), "whatever the segments");
}

#[tokio::test]
async fn s04_close_notify_inside_the_handshake_ends_it() {
    let secure = secure().await;
    let answer = secure.face.raw([21, 3, 3, 0, 2, 1, 0]).await.all;
    assert!(!answer.starts_with(&[22]));
    let hello_then_close = [secure.hello(), vec![21, 3, 3, 0, 2, 1, 0]].concat();
    secure.face.raw(hello_then_close).await;
    assert_eq!(secure.status(|_| (), "localhost").await, Ok(200));
}

#[tokio::test]
async fn s05_hellos_full_of_nonsense_are_refused_or_taken() {
    let secure = secure().await;
    let hello = secure.hello();
    for at in 0..hello.len() {
        let mut changed = hello.clone();
        changed[at] ^= 0xff;
        let mut stream = secure.face.connect().await;
        stream.write_all(&changed).await.unwrap();
        stream.shutdown().await.unwrap();
        until_end(&mut stream).await;
    }
    assert_eq!(secure.status(|_| (), "localhost").await, Ok(200));
}

#[tokio::test]
async fn s06_sessions_resume_without_early_data() {
    let secure = secure().await;
    let mut config = secure.client.clone();
    config.enable_early_data = true;
    let (config, name) = (Arc::new(config), ServerName::try_from("localhost").unwrap());
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        // What is sent before the handshake can be replayed, so no ticket may allow it.
        assert!(ClientConnection::new(Arc::clone(&config), name.clone()).unwrap().early_data().is_none());
        let connector = TlsConnector::from(Arc::clone(&config));
        let mut stream = connector.connect(name.clone(), secure.face.connect().await).await.unwrap();
        stream.write_all(head("GET /console", "close", &[]).as_bytes()).await.unwrap();
        assert!(until_end(&mut stream).await.starts_with(b"HTTP/1.1 200"));
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
    }
}

#[tokio::test]
async fn s07_any_name_gets_the_one_certificate() {
    let secure = secure().await;
    assert_eq!(secure.status(|_| (), "localhost").await, Ok(200));
    assert_eq!(secure.status(|config| config.enable_sni = false, "localhost").await, Ok(200));
    for other in ["unknown.example.com", "127.0.0.1"] {
        let error = secure.status(|_| (), other).await.unwrap_err();
        assert!(error.contains("not valid for name"), "the client alone objects: {error}");
    }
}

#[tokio::test]
async fn s08_http_1_1_is_the_only_protocol() {
    let secure = secure().await;
    let alpn = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect::<Vec<_>>();
    assert_eq!(secure.status(|config| config.alpn_protocols = alpn(&[b"http/1.1"]), "localhost").await, Ok(200));
    assert_eq!(secure.status(|config| config.alpn_protocols = alpn(&[b"h2", b"http/1.1"]), "localhost").await, Ok(200));
    let refused = secure.status(|config| config.alpn_protocols = alpn(&[b"h2"]), "localhost").await.unwrap_err();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
}
