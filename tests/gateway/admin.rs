//! The admin face: what operators see and do, and those who mean it no good.

use super::gateway::{PATIENCE, Place, TestGateway};
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::Sim;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

#[tokio::test]
async fn f06_clients_that_ask_and_never_read_hold_no_place_for_ever() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "[timeouts]\nstall = 1\n").await;
    let mut held = Vec::new();
    for _ in 0..64 {
        let socket = TcpSocket::new_v4().unwrap();
        // Little is taken off the wire, so little has to be asked for.
        socket.set_recv_buffer_size(2048).unwrap();
        let mut stream = socket.connect(gateway.admin).await.unwrap();
        let many = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(500);
        stream.write_all(&many).await.unwrap();
        held.push(stream);
    }
    timeout(PATIENCE, gateway.metrics()).await.expect("a place for one that reads");
}

#[tokio::test]
async fn each_question_has_its_answer_and_what_is_none_is_refused() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let away = gateway.bearing("", "GET /metrics HTTP/1.1", "host: evil.example\r\n", "").await;
    assert!(away.starts_with("HTTP/1.1 421 ") && away.contains("admin_host"), "{away}");
    for (request, status, said) in [
        ("GET /healthz", 200, "\r\n\r\nok\n"),
        ("GET /readyz", 200, "\r\n\r\nok\n"),
        ("GET /metrics", 200, "consolegate_sessions_active{protocol=\"vnc\"} 0\n"),
        ("HEAD /healthz", 200, "content-length: 3\r\n"),
        ("GET /", 404, "metrics are at /metrics"),
        ("POST /metrics", 405, "allow: GET, HEAD\r\n"),
        ("GET /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, "\"code\":\"bad_request\""),
    ] {
        let rest = if request.contains("HTTP/1.1") { "" } else { " HTTP/1.1\r\nConnection: close\r\n\r\n" };
        let mut stream = TcpStream::connect(gateway.admin).await.unwrap();
        stream.write_all(format!("{request}{rest}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(said), "{request}: {answer}");
    }
}

/// A connection to the admin side from an address of this machine.
async fn from(address: &str, gateway: &Place) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    socket.connect(gateway.admin).await.unwrap()
}

async fn answers_within_a_second(gateway: &Place) {
    let asked = tokio::time::Instant::now();
    let answer = gateway.ops("GET /v1/sessions", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn e02_silent_connections_keep_no_operator_out() {
    let (_sim, gateway) = watched("").await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(from("127.0.0.1", &gateway).await);
    }
    answers_within_a_second(&gateway).await;
    drop(silent);

    // Those who come back as soon as they are sent away, from an address that is not the operator's.
    let (mut returning, sent_away) = (tokio::task::JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..400 {
        let (place, sent_away) = (gateway.place.clone(), Arc::clone(&sent_away));
        returning.spawn(async move {
            loop {
                let mut stream = from("127.0.0.9", &place).await;
                let _ = stream.read(&mut [0; 1]).await;
                sent_away.fetch_add(1, Relaxed);
            }
        });
    }
    for _ in 0..20 {
        let more = sent_away.load(Relaxed) + 100;
        answers_within_a_second(&gateway).await;
        let goes_on = async {
            while sent_away.load(Relaxed) < more {
                tokio::task::yield_now().await
            }
        };
        timeout(PATIENCE, goes_on).await.expect("they come all the time");
    }
    assert!(returning.try_join_next().is_none(), "each of them");
}

#[tokio::test]
async fn e02_whoever_has_shown_a_token_makes_room_for_nobody() {
    let (_sim, gateway) = watched("").await;
    let mut operator = from("127.0.0.1", &gateway).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let request = "GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ops-secret\r\n\r\n";
        operator.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let count = timeout(PATIENCE, operator.read(&mut answer)).await.expect("an answer").unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer[..count]));
        for _ in 0..300 {
            held.push(from("127.0.0.1", &gateway).await);
        }
        held.clear();
    }
}

/// A token of each kind, by its name.
const TOKENS: &str = r#"
[[admin.token]]
name = "reader"
sha256 = "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30"
scopes = ["read"]
[[admin.token]]
name = "ops"
sha256 = "e9a4a33bd7adaa0c2d6302b76d3dbb47f3c5d7a3b0e0f0ed7c2a7a80a2cc8a70"
scopes = ["read", "kill", "drain", "revoke"]
"#;

impl Place {
    /// The answer to one request on the admin side.
    async fn bearing(&self, token: &str, request: &str, headers: &str, body: &str) -> String {
        let bearer = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let asked = format!("{request}\r\nConnection: close\r\n{bearer}{headers}{length}\r\n{body}");
        stream.write_all(asked.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        answer
    }

    /// The same by the token that may do anything.
    async fn ops(&self, request: &str, body: &str) -> String {
        self.bearing("ops-secret", &format!("{request} HTTP/1.1"), "", body).await
    }

    /// Waits until a metric says this.
    async fn until(&self, line: &str, value: f64) {
        let said = timeout(PATIENCE, async { while self.metric(line).await != Some(value) {} }).await;
        assert!(said.is_ok(), "{line} is not {value}: {:?}", self.metric(line).await);
    }

    async fn listed(&self) -> Vec<Value> {
        let answer = self.ops("GET /v1/sessions", "").await;
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        body["sessions"].as_array().unwrap().clone()
    }
}

async fn watched(extra: &str) -> (Sim, TestGateway) {
    let sim = cluster(|_| {}).await;
    let tokens = TOKENS
        .replace("3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30", &digest("reader-secret"))
        .replace("e9a4a33bd7adaa0c2d6302b76d3dbb47f3c5d7a3b0e0f0ed7c2a7a80a2cc8a70", &digest("ops-secret"));
    let gateway = TestGateway::start(&sim, NODES, &format!("{tokens}{extra}")).await;
    (sim, gateway)
}

fn digest(token: &str) -> String {
    consolegate::hex::lower(&consolegate::sha256::of(token.as_bytes()))
}

#[tokio::test]
async fn a01_a03_a04_a_list_is_for_bearers_and_holds_nothing_that_opens() {
    let (_sim, gateway) = watched("").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    for (token, request, status) in [
        ("", "GET /v1/sessions", "401"),
        ("wrong", "GET /v1/sessions", "401"),
        ("reader-secret", "GET /v1/sessions", "200"),
        ("reader-secret", "DELETE /v1/sessions/00000000000000000000000000000000", "403"),
        ("reader-secret", "POST /v1/drain", "403"),
        ("reader-secret", "POST /v1/revocations", "403"),
        ("ops-secret", "GET /v1/sessions/nonsense", "404"),
        ("ops-secret", "DELETE /v1/sessions/00000000000000000000000000000000", "404"),
        ("ops-secret", "PUT /v1/drain", "405"),
    ] {
        let answer = gateway.bearing(token, &format!("{request} HTTP/1.1"), "", "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{token} {request}: {answer}");
    }
    let listed = gateway.listed().await;
    assert_eq!(listed.len(), 1);
    let keys: Vec<&str> = listed[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "began",
            "client",
            "cluster",
            "down",
            "gateway",
            "generation",
            "guest",
            "issuer",
            "jti",
            "node",
            "protocol",
            "ref",
            "rtt_p50_seconds",
            "rtt_p95_seconds",
            "session",
            "subject",
            "up"
        ]
    );
    assert_eq!((&listed[0]["subject"], &listed[0]["node"]), (&json!("customer-42"), &json!("pve1")));
    let one = gateway.ops(&format!("GET /v1/sessions/{}", listed[0]["session"].as_str().unwrap()), "").await;
    assert!(one.contains("\"subject\":\"customer-42\""), "{one}");
}

#[tokio::test]
async fn a06_a_killed_session_ends_with_4403_and_stays_ended() {
    let (_sim, gateway) = watched("").await;
    let opened = gateway.session(&gateway.token(100, |_| {})).await;
    let mut client = gateway.open_with(opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    let id = gateway.listed().await[0]["session"].as_str().unwrap().to_owned();
    let killed = gateway.ops(&format!("DELETE /v1/sessions/{id}"), "").await;
    assert!(killed.starts_with("HTTP/1.1 204 "), "{killed}");
    assert!(client.ended().await.is(Reason::Killed));
    let away = gateway.session(&gateway.token(101, |_| {})).await;
    let kill = format!("DELETE /v1/sessions/{}", away["session"].as_str().unwrap());
    assert!(gateway.ops(&kill, "").await.starts_with("HTTP/1.1 204 "), "one that is not connected is ended too");
    assert!(gateway.refused(away["ticket"].as_str().unwrap()).await.contains("401"));
    assert!(gateway.ops(&kill, "").await.starts_with("HTTP/1.1 404 "), "once");
    assert_eq!(gateway.session(opened["resume"].as_str().unwrap()).await["code"], "resume_expired");
}

#[tokio::test]
async fn t23_what_is_revoked_ends_at_once_and_opens_no_more_and_what_is_signed_later_does() {
    let (_sim, gateway) = watched("").await;
    let (old, other) = (gateway.token(100, |_| {}), gateway.token(101, |claims| claims["sub"] = json!("customer-7")));
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    let mut others = gateway.open_with(&other).await;
    others.log_in().await.unwrap();
    for (body, status) in [
        ("{}", "400"),
        (r#"{"cluster":"eu1"}"#, "400"),
        (r#"{"subject":7}"#, "400"),
        (r#"{"subject":"customer-42","also":1}"#, "400"),
        (r#"{"subject":"customer-42"}"#, "201"),
    ] {
        let answer = gateway.ops("POST /v1/revocations", body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{body}: {answer}");
    }
    assert!(client.ended().await.is(Reason::Revoked));
    assert!(gateway.refused(&old).await.contains("\"revoked\""));
    let later = gateway.token(100, |claims| {
        claims["iat"] = json!(claims["iat"].as_u64().unwrap() + 6);
        claims["exp"] = json!(claims["exp"].as_u64().unwrap() + 6);
    });
    // Signed after it by a clock of the panel; the gateway's own leeway lets it in early.
    let answer = gateway.refused(&later).await;
    assert!(!answer.contains("\"revoked\""), "{answer}");
    assert_eq!(gateway.listed().await.len(), 1, "the other customer's");
    let guest = gateway.ops("POST /v1/revocations", r#"{"cluster":"eu1","vmid":101}"#).await;
    assert!(guest.starts_with("HTTP/1.1 201 "), "{guest}");
    assert!(others.ended().await.is(Reason::Revoked));
}

#[tokio::test]
async fn a09_bodies_that_are_too_long_of_the_wrong_shape_or_not_wanted_are_400_and_do_nothing() {
    let (_sim, gateway) = watched("").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    let long = format!(r#"{{"subject":"{}"}}"#, "x".repeat(70_000));
    for body in [
        long.as_str(),
        "{",
        "[]",
        "\"customer-42\"",
        r#"{"subject":7}"#,
        r#"{"subject":["customer-42"]}"#,
        r#"{"subject":"customer-42","unknown":1}"#,
        r#"{"subject":"customer-42","subject":"customer-42"}"#,
        r#"{"cluster":"eu1","vmid":"100"}"#,
        r#"{"cluster":"eu1","vmid":-100}"#,
        r#"{"cluster":"eu1","vmid":100.5}"#,
        r#"{"cluster":"eu1","vmid":1e400}"#,
        r#"{"vmid":100}"#,
    ] {
        let answer = gateway.ops("POST /v1/revocations", body).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{:.60}: {answer}", body);
        assert!(!answer.contains("customer-42"), "a body is not said again: {answer}");
    }
    let id = gateway.listed().await[0]["session"].as_str().unwrap().to_owned();
    for request in ["POST /v1/drain".to_owned(), "GET /v1/sessions".to_owned(), format!("DELETE /v1/sessions/{id}")] {
        let answer = gateway.ops(&request, "{}").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request}: {answer}");
    }
    assert_eq!(gateway.metric("consolegate_draining").await, Some(0.0));
    client.first_update(64, 48).await.expect("nothing of it was done");
}

#[tokio::test]
async fn a08_a_drain_takes_nothing_new_lets_sessions_go_on_and_is_called_off() {
    let (_sim, gateway) = watched("[drain]\nlame_duck = 0\ndeadline = 3600\n").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    for _ in 0..2 {
        let answer = gateway.ops("POST /v1/drain", "").await;
        assert!(answer.starts_with("HTTP/1.1 202 ") && answer.contains("\"live\":1"), "{answer}");
    }
    gateway.until("consolegate_draining", 1.0).await;
    assert!(gateway.bearing("", "GET /readyz HTTP/1.1", "", "").await.starts_with("HTTP/1.1 503 "));
    let token = gateway.token(101, |_| {});
    assert!(gateway.refused(&token).await.contains("\"restarting\""));
    gateway.ops("DELETE /v1/drain", "").await;
    gateway.until("consolegate_draining", 0.0).await;
    let mut again = gateway.open_with(&token).await;
    again.log_in().await.expect("the token was not spent");
    assert_eq!(gateway.listed().await.len(), 2);
}

#[tokio::test]
async fn figures_of_each_session_are_there_where_they_are_wanted_and_once_after_its_end() {
    let (_sim, gateway) = watched("[metrics]\nper_session = true\n").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    let ask = || gateway.bearing("", "GET /metrics/sessions HTTP/1.1", "", "");
    let figures = ask().await;
    let line = figures.lines().find(|line| line.starts_with("consolegate_session_sent_bytes_total{")).expect(&figures);
    assert!(line.contains("cluster=\"eu1\",node=\"pve1\",vmid=\"100\"}"), "{line}");
    drop(client);
    gateway.until("consolegate_sessions_active{protocol=\"vnc\"}", 0.0).await;
    assert!(ask().await.contains("consolegate_session_sent_bytes_total{"), "its last figures");
    assert!(!ask().await.contains("consolegate_session_sent_bytes_total{"), "told once");
    let (_sim, without) = watched("").await;
    assert!(without.bearing("", "GET /metrics/sessions HTTP/1.1", "", "").await.starts_with("HTTP/1.1 404 "));
}
