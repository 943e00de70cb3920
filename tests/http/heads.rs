//! H03, H11, H12, H14, H17, H21, H22: request heads that other parsers might read differently.

use super::client::{PATIENCE, head, until_end};
use super::face::{Face, HOST, token};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// A second request that must never be answered, where the first one breaks the rules.
const SECOND: &str = "GET /healthz HTTP/1.1\r\nHost: console.example.com\r\n\r\n";

#[tokio::test]
async fn h03_only_http_1_1() {
    let face = Face::start().await;
    for bad in [
        format!("GET /console HTTP/1.0\r\nHost: {HOST}\r\n\r\n"),
        format!("GET /console HTTP/1.0\r\nHost: {HOST}\r\nConnection: keep-alive\r\n\r\n{SECOND}"),
        "GET /healthz HTTP/1.0\r\n\r\n".into(),
        "GET /console\r\n".into(),
        format!("GET /console HTTP/1.2\r\nHost: {HOST}\r\n\r\n"),
        format!("GET /console HTTP/2.0\r\nHost: {HOST}\r\n\r\n"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".into(),
    ] {
        let answer = face.raw(&bad).await;
        assert_eq!((answer.status, answer.count().max(1)), (400, 1), "{bad:?}: {}", answer.head);
        assert!(answer.closes(), "{bad:?}");
    }
}

#[tokio::test]
async fn h11_the_host_is_ours_and_named_once() {
    let face = Face::start().await;
    for (host, status) in [
        ("", 400),
        ("Host:\r\n", 400),
        ("Host: console.example.com\r\nHost: console.example.com\r\n", 400),
        ("Host: console.example.com\r\nHost: evil.example.net\r\n", 400),
        ("Host: evil.example.net\r\n", 421),
        ("Host: console.example.com.\r\n", 421),
        ("Host: console.example.com:444\r\n", 421),
        ("Host: console.example.com@evil.example.net\r\n", 421),
        ("Host: 127.0.0.1\r\n", 421),
        ("Host: console.example.com\r\n", 200),
        ("Host: Console.Example.COM\r\n", 200),
        ("Host: console.example.com:443\r\n", 200),
    ] {
        for path in ["/console", "/v1/sessions", "/nowhere"] {
            let method = if path == "/v1/sessions" { "POST" } else { "GET" };
            let answer = face.raw(format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n\r\n")).await;
            let ours = match path {
                "/console" => 200,
                "/nowhere" => 404,
                _ => 401,
            };
            assert_eq!(answer.status, if status == 200 { ours } else { status }, "{path} {host:?}");
        }
    }
}

#[tokio::test]
async fn h12_no_request_has_a_body_whatever_frames_it() {
    let face = Face::start().await;
    let bearer = format!("Authorization: Bearer {}", token());
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 0\r\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: 5, 5",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999",
        "Content-Length:",
        "Content-Length: 5",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: \x0bchunked",
    ] {
        for line in ["POST /v1/sessions", "GET /v1/ws", "GET /console"] {
            for body in ["hello", "5\r\nhello\r\n0\r\n\r\n", "fffffffffffffffff\r\nhello"] {
                let first = head(line, "keep-alive", &[framing, &bearer]);
                let answer = face.raw(first + body + SECOND).await;
                assert_eq!((answer.status, answer.count()), (400, 1), "{line} {framing:?} {body:?}");
                assert!(answer.closes(), "{framing:?}");
            }
        }
    }
    assert_eq!(face.asked(), 0);
    let empty = face.request("POST /v1/sessions", &["Content-Length: 0", &bearer]).await;
    assert_eq!(empty.status, 201, "browsers send a length of 0");
}

#[tokio::test]
async fn h14_heads_have_a_size() {
    let face = Face::start().await;
    let lines = |count: usize| (0..count).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    let request =
        |headers: &str| format!("GET /console HTTP/1.1\r\nHost: {HOST}\r\n{headers}Connection: close\r\n\r\n");
    assert_eq!(face.raw(request(&lines(62))).await.status, 200, "64 lines");
    assert_eq!(face.raw(request(&lines(63))).await.status, 431, "65 lines");
    assert_eq!(face.raw(request(&lines(2000))).await.status, 431);
    assert_eq!(face.raw(request(&format!("x: {}\r\n", "a".repeat(1024 * 1024)))).await.status, 431);

    let base = request("x: \r\n").len();
    let filled = |size: usize| request(&format!("x: {}\r\n", "a".repeat(size - base)));
    assert_eq!(face.raw(filled(16 * 1024)).await.status, 200, "16 KiB");
    assert_eq!(face.raw(filled(16 * 1024 + 1)).await.status, 431, "16 KiB and a byte");

    let target = face.request(&format!("GET /{}", "a".repeat(4096)), &[]).await;
    assert_eq!(target.status, 431);
    assert_eq!(face.request(&format!("GET /{}", "a".repeat(4095)), &[]).await.status, 404);
}

#[tokio::test]
async fn h14_64_kib_in_single_bytes_are_cut_off() {
    let face = Face::start().await;
    let (mut read, mut write) = face.connect().await.into_split();
    let sender = tokio::spawn(async move {
        let bytes = [b"GET /console HTTP/1.1\r\nx: ".to_vec(), vec![b'a'; 64 * 1024]].concat();
        for byte in bytes.chunks(1) {
            if write.write_all(byte).await.is_err() {
                return;
            }
        }
    });
    let answer = until_end(&mut read).await;
    assert!(answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    timeout(PATIENCE, sender).await.unwrap().unwrap();
}

#[tokio::test]
async fn h17_what_some_parsers_forgive_is_refused() {
    let face = Face::start().await;
    let ok = format!("GET /console HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n");
    for bad in [
        format!("GET /console HTTP/1.1\nHost: {HOST}\nConnection: close\n\n"),
        format!("GET /console HTTP/1.1\r\nHost: {HOST}\nConnection: close\r\n\r\n"),
        format!("{ok}X: a\n\r\n"),
        format!("{ok}\n"),
        format!("\n{ok}\r\n"),
        format!("{ok}X: a\r\n b\r\n\r\n"),
        format!("{ok}X: a\r\n\tb\r\n\r\n"),
        format!("{ok}X: a\0b\r\n\r\n"),
        format!("{ok}X : a\r\n\r\n"),
        format!("{ok}: a\r\n\r\n"),
        format!("{ok}X\r\n\r\n"),
        format!("{ok}X\u{e9}: a\r\n\r\n"),
        format!("{ok}X: a\rb\r\n\r\n"),
        format!("{ok} Y: a\r\n\r\n"),
        format!("GET  /console HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        format!("GET\t/console HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        format!("GET /console HTTP/1.1 \r\nHost: {HOST}\r\n\r\n"),
        format!(" GET /console HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
    ] {
        let answer = face.raw(bad.clone() + SECOND).await;
        assert_eq!((answer.status, answer.count()), (400, 1), "{bad:?}");
        assert!(answer.closes(), "{bad:?}");
    }
    assert_eq!(face.raw(format!("{ok}\r\n")).await.status, 200);
    assert_eq!(face.raw(format!("\r\n{ok}\r\n")).await.status, 200, "RFC 9112 2.2 forgives an empty line in front");
}

#[tokio::test]
async fn h21_expectations_are_not_met_and_ranges_ignored() {
    let face = Face::start().await;
    let bearer = format!("Authorization: Bearer {}", token());
    for expect in ["Expect: 100-continue", "Expect: 100-Continue", "Expect: something"] {
        let answer = face.request("POST /v1/sessions", &[expect, "Content-Length: 5", &bearer]).await;
        assert_eq!((answer.status, answer.count()), (417, 1), "{expect}");
        assert_eq!(answer.code(), "expectation_failed");
    }
    let whole = face.request("GET /console", &[]).await;
    let range = face.request("GET /console", &["Range: bytes=0-1"]).await;
    assert_eq!((range.status, range.body), (200, whole.body));
}

#[tokio::test]
async fn h22_pipelined_requests_are_answered_in_order() {
    let face = Face::start().await;
    let mut all = SECOND.repeat(999);
    all.push_str(&head("GET /readyz", "close", &[]));
    let (mut read, mut write) = face.connect().await.into_split();
    let sender = tokio::spawn(async move { write.write_all(all.as_bytes()).await.map(|()| write) });
    let answers = until_end(&mut read).await;
    let text = String::from_utf8(answers).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 1000);
    sender.await.unwrap().unwrap();
}
