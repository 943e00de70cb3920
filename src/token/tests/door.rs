//! F14: what a panel's server may answer when it is asked for keys, over real sockets.

use crate::config::JwksUrl;
use crate::token::jwks_door::{Answer, Door};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const PATIENCE: Duration = Duration::from_secs(20);
const JSON: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

fn source(tls: bool, host: &str, port: u16, ca: Option<Vec<u8>>) -> JwksUrl {
    let (url, path) = (format!("{host}:{port}"), "/keys.json?of=panel".to_owned());
    JwksUrl { url, tls, host: host.to_owned(), port, path, ca, max_stale: Duration::ZERO }
}

/// Reads a request and answers with these bytes; then nothing, with the connection open.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return String::new() };
        request.push(byte);
    }
    if stream.write_all(&answer).await.is_ok() && stream.flush().await.is_ok() {
        // Until the other side has had enough.
        drop(stream.read_u8().await);
    }
    String::from_utf8(request).unwrap()
}

/// What becomes of this answer, and the request it answers.
async fn asked(answer: impl Into<Vec<u8>>, within: Duration) -> (Result<Answer, String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let door = Door::new(&source(false, "127.0.0.1", listener.local_addr().unwrap().port(), None)).unwrap();
    let serves = async { serve(listener.accept().await.unwrap().0, answer.into()).await };
    tokio::join!(door.ask(within), serves)
}

async fn refused(answer: impl Into<Vec<u8>>) -> String {
    asked(answer, PATIENCE).await.0.unwrap_err()
}

#[tokio::test]
async fn a_set_is_asked_for_by_one_get_and_taken_as_it_is() {
    let answer = format!("{JSON}Cache-Control: max-age=900\r\nContent-Length: 11\r\n\r\n{{\"keys\":[]}}");
    let (taken, request) = asked(answer, PATIENCE).await;
    let taken = taken.unwrap();
    assert_eq!((&taken.body[..], taken.max_age), (&b"{\"keys\":[]}"[..], Some(900)));
    assert!(request.starts_with("GET /keys.json?of=panel HTTP/1.1\r\n"), "{request}");
    let request = request.to_ascii_lowercase();
    assert!(request.contains("\r\nhost: 127.0.0.1:") && !request.contains("encoding"), "{request}");
}

#[tokio::test]
async fn f14_anything_but_a_small_plain_200_is_refused_in_words() {
    let large =
        |length: usize| [format!("{JSON}Content-Length: {length}\r\n\r\n").into_bytes(), vec![b' '; length]].concat();
    assert_eq!(asked(large(256 * 1024), PATIENCE).await.0.unwrap().body.len(), 256 * 1024);
    assert!(refused(large(256 * 1024 + 1)).await.contains("larger than 256 KiB"));
    assert!(refused(large(10_000_000)).await.contains("larger than 256 KiB"));
    let chunk = [b"1000\r\n", &[b' '; 4096][..], b"\r\n"].concat();
    let endless = [format!("{JSON}Transfer-Encoding: chunked\r\n\r\n").as_bytes(), &chunk.repeat(100)].concat();
    assert!(refused(endless).await.contains("larger than 256 KiB"));
    for (answer, word) in [
        ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_owned(), "500"),
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_owned(), "redirect"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}".to_owned(), "Content-Type"),
        (format!("{JSON}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{{}}"), "compressed"),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), "no HTTP answer"),
        (format!("{JSON}X: {}\r\n\r\n", "x".repeat(20_000)), "no HTTP answer"),
    ] {
        let why = refused(answer).await;
        assert!(why.contains(word), "{why}");
    }
    for silent in [String::new(), JSON.to_owned(), format!("{JSON}Content-Length: 9\r\n\r\n{{")] {
        let (late, _) = asked(silent, Duration::from_millis(200)).await;
        assert!(late.unwrap_err().contains("no whole answer within 0.2 s"));
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let why = Door::new(&source(false, "127.0.0.1", nobody, None)).unwrap().ask(PATIENCE).await.unwrap_err();
    assert!(why.contains("no connection"), "{why}");
}

#[tokio::test]
async fn keys_come_only_from_a_server_that_an_authority_vouches_for() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    let elsewhere = rcgen::generate_simple_self_signed(vec!["panel.example.com".into()]).unwrap();
    for (shown, ca, good) in
        [(&made, made.cert.pem(), true), (&made, other.cert.pem(), false), (&elsewhere, elsewhere.cert.pem(), false)]
    {
        let key = PrivateKeyDer::try_from(shown.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![shown.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let door = Door::new(&source(true, "127.0.0.1", port, Some(ca.into_bytes()))).unwrap();
        let serves = async {
            let stream = listener.accept().await.unwrap().0;
            match TlsAcceptor::from(Arc::new(config)).accept(stream).await {
                Ok(stream) => serve(stream, format!("{JSON}Content-Length: 2\r\n\r\n{{}}").into_bytes()).await,
                Err(_) => String::new(),
            }
        };
        let (answer, request) = tokio::join!(door.ask(PATIENCE), serves);
        assert_eq!(answer.is_ok(), good, "{answer:?}");
        assert_eq!(request.is_empty(), !good, "nothing is asked of a stranger");
    }
}
