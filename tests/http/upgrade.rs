//! H01, H02, H04 to H07, H13, H19, H20, H24: what is a WebSocket handshake and what is not.

use super::client::{Answer, handshake, head};
use super::face::{Face, PANEL, token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION: &str = "Sec-WebSocket-Version: 13";
const WEBSOCKET: &str = "Upgrade: websocket";

fn bearer() -> String {
    format!("Authorization: Bearer {}", token())
}

/// A handshake with a good token and exactly these header lines.
async fn with(face: &Face, connection: &str, headers: &[&str]) -> Answer {
    let bearer = bearer();
    face.raw(head("GET /v1/ws", connection, &[headers, &[&bearer]].concat())).await
}

fn assert_upgraded(answer: &Answer) {
    assert_eq!(answer.status, 101, "{}", answer.head);
    assert_eq!(answer.header("upgrade"), "websocket");
    assert_eq!(answer.header("connection"), "upgrade");
    assert_eq!(answer.header("sec-websocket-accept"), "s3pplmbitxaq9kygzzhzrbk+xoo=");
    assert_eq!(answer.header("sec-websocket-extensions"), "");
}

#[tokio::test]
async fn h00_a_good_handshake_is_upgraded() {
    let face = Face::start().await;
    let answer = with(&face, "Upgrade", &[WEBSOCKET, VERSION, KEY]).await;
    assert_upgraded(&answer);
    assert_eq!(answer.headers("sec-websocket-protocol").len(), 0, "none was offered");
}

#[tokio::test]
async fn an_upgraded_connection_is_a_console_and_no_longer_http() {
    let face = Face::start().await;
    let mut socket = face.connect().await;
    socket.write_all(handshake(&[&bearer()]).as_bytes()).await.unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
    assert_eq!(face.consoles.len(), 1);
    drop(socket);
    face.consoles.close();
    face.consoles.wait().await;
}

#[tokio::test]
async fn h01_without_upgrade_is_426() {
    let face = Face::start().await;
    let answer = face.request("GET /v1/ws", &[&bearer()]).await;
    assert_eq!(answer.status, 426);
    assert_eq!(answer.header("upgrade"), "websocket");
    assert_eq!(answer.code(), "upgrade_required");
}

#[tokio::test]
async fn h02_other_methods_are_405_everywhere() {
    let face = Face::start().await;
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "FOO", "get"] {
        for path in ["/", "/console", "/v1/sessions", "/v1/ws", "/healthz"] {
            let answer = face.request(&format!("{method} {path}"), &[]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(!answer.header("allow").is_empty());
        }
    }
    for line in ["POST /v1/ws", "HEAD /v1/ws", "OPTIONS /v1/ws", "GET /v1/sessions", "POST /console", "POST /healthz"] {
        assert_eq!(face.request(line, &[]).await.status, 405, "{line}");
    }
    assert_eq!(face.request("POST /v1/ws", &[]).await.header("allow"), "get");
    assert_eq!(face.request("CONNECT evil.example.com:443", &[]).await.status, 405);
    let preface = face.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!([400, 405].contains(&preface.status), "{preface:?}");
}

#[tokio::test]
async fn h04_the_key_is_16_bytes_of_base64_once() {
    let face = Face::start().await;
    for bad in [
        vec![],
        vec![KEY, KEY],
        vec!["Sec-WebSocket-Key:"],
        vec!["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
        vec!["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"],
        vec!["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTEy"],
        vec!["Sec-WebSocket-Key: not base64 at all!!!!!=="],
    ] {
        let answer = with(&face, "Upgrade", &[&[WEBSOCKET, VERSION], &bad[..]].concat()).await;
        assert_eq!((answer.status, answer.closes()), (400, true), "{bad:?}");
    }
}

#[tokio::test]
async fn h05_the_version_is_13_once() {
    let face = Face::start().await;
    for bad in [
        vec![],
        vec!["Sec-WebSocket-Version: 12"],
        vec!["Sec-WebSocket-Version: 1337"],
        vec!["Sec-WebSocket-Version: 13, 8"],
        vec![VERSION, VERSION],
    ] {
        // Smuggling lives on a proxy that believes in an upgrade: the second request must never be answered.
        let bearer = bearer();
        let first = head("GET /v1/ws", "Upgrade", &[&[WEBSOCKET, KEY, &bearer], &bad[..]].concat());
        let answer = face.raw(first + &head("GET /healthz", "close", &[])).await;
        assert_eq!((answer.status, answer.header("sec-websocket-version"), answer.count()), (426, "13", 1), "{bad:?}");
        assert!(answer.closes());
    }
}

#[tokio::test]
async fn h06_connection_names_upgrade() {
    let face = Face::start().await;
    for good in ["keep-alive, Upgrade", "upgrade", "Upgrade,keep-alive", "UPGRADE"] {
        assert_upgraded(&with(&face, good, &[WEBSOCKET, VERSION, KEY]).await);
    }
    for bad in ["close", "keep-alive", "upgraded", ""] {
        assert_eq!(with(&face, bad, &[WEBSOCKET, VERSION, KEY]).await.status, 400, "{bad}");
    }
    let absent = handshake(&[&bearer()]).replace("Connection: Upgrade\r\n", "");
    assert_eq!(face.raw(absent).await.status, 400);
}

#[tokio::test]
async fn h07_upgrade_is_exactly_websocket() {
    let face = Face::start().await;
    assert_upgraded(&with(&face, "Upgrade", &["Upgrade: WebSocket", VERSION, KEY]).await);
    for bad in [
        &["Upgrade: h2c"][..],
        &["Upgrade: websocket, h2c"],
        &["Upgrade: WebSocket/13"],
        &["Upgrade:"],
        &[WEBSOCKET, WEBSOCKET],
    ] {
        assert_eq!(with(&face, "Upgrade", &[bad, &[VERSION, KEY]].concat()).await.status, 400, "{bad:?}");
    }
}

#[tokio::test]
async fn h13_bytes_behind_the_handshake_are_never_http() {
    let face = Face::start().await;
    let second = head("GET /healthz", "close", &[]);
    let answer = face.raw(handshake(&[&bearer()]) + &second).await;
    assert_eq!(answer.status, 101);
    assert!(!String::from_utf8_lossy(&answer.all).contains("200 OK"), "the second request was answered");

    let face = Face::start().await;
    let refused = face.raw(handshake(&[]) + &second).await;
    assert_eq!((refused.status, refused.count()), (401, 1));
    assert_eq!(face.asked(), 0);
}

#[tokio::test]
async fn h19_subprotocols_are_few_and_well_formed() {
    let face = Face::start().await;
    let thousand = (0..1000).map(|n| format!("p{n}")).collect::<Vec<_>>().join(",");
    for bad in [thousand.as_str(), "binary, binary", "binary,,", "a b", "\"binary\""] {
        let answer =
            with(&face, "Upgrade", &[WEBSOCKET, VERSION, KEY, &format!("Sec-WebSocket-Protocol: {bad}")]).await;
        assert_eq!(answer.status, 400, "{bad:.30}");
    }
    let blanks = format!("Sec-WebSocket-Protocol: a{}b", " ".repeat(32 * 1024));
    assert!([400, 431].contains(&with(&face, "Upgrade", &[WEBSOCKET, VERSION, KEY, &blanks]).await.status));

    let unknown = "Sec-WebSocket-Protocol: chat, base64";
    let answer = with(&face, "Upgrade", &[WEBSOCKET, VERSION, KEY, unknown]).await;
    assert_upgraded(&answer);
    assert_eq!(answer.header("sec-websocket-protocol"), "");
    assert_eq!(face.upgrade(&[unknown, &format!("Origin: {PANEL}")]).await.status, 401, "no token in it");
}

#[tokio::test]
async fn h20_no_extension_is_negotiated() {
    let face = Face::start().await;
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    assert_upgraded(&with(&face, "Upgrade", &[WEBSOCKET, VERSION, KEY, deflate]).await);
}

#[tokio::test]
async fn h24_nothing_that_came_is_reflected() {
    let face = Face::start().await;
    let marker = "x-reflected-7f3a";
    let offer = format!("Sec-WebSocket-Protocol: binary, {marker}");
    let answers = [
        with(&face, "Upgrade", &[WEBSOCKET, VERSION, KEY, &offer, &format!("X-Request-Id: {marker}")]).await,
        face.request(&format!("GET /{marker}%0d%0aSet-Cookie:%20a=b"), &[]).await,
        face.request(&format!("GET /console?{marker}"), &[&format!("X-Request-Id: {marker}")]).await,
        face.request("POST /v1/sessions", &[&format!("Origin: https://{marker}"), &bearer()]).await,
        face.request("POST /v1/sessions", &[&format!("Authorization: Bearer {marker}")]).await,
    ];
    for answer in answers {
        assert!(!String::from_utf8_lossy(&answer.all).contains(marker), "{}", answer.head);
        assert_eq!(answer.header("set-cookie"), "");
    }
}
