//! The control token: what it opens, what it never opens, and which bodies are read.

use super::client::{Answer, head};
use super::face::{Face, HOST, OTHER_PANEL, PANEL, now, token_with};
use consolegate::id::SessionId;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

struct Session {
    id: String,
    control: String,
    opened: Value,
}

async fn session(face: &Face, change: impl FnOnce(&mut Value)) -> Session {
    let token = token_with(change);
    let answer = face.request("POST /v1/sessions", &[&format!("Authorization: Bearer {token}")]).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    let opened = answer.json();
    let text = |key: &str| opened[key].as_str().unwrap().to_owned();
    Session { id: text("session"), control: text("control"), opened }
}

fn powerful(claims: &mut Value) {
    claims["console"]["rights"] = json!(["input", "power"]);
}

async fn state(face: &Face, id: &str, token: &str) -> Answer {
    face.request(&format!("GET /v1/sessions/{id}"), &[&format!("Authorization: Bearer {token}")]).await
}

async fn press(face: &Face, session: &Session, body: &str) -> Answer {
    let (bearer, length) =
        (format!("Authorization: Bearer {}", session.control), format!("Content-Length: {}", body.len()));
    let line = format!("POST /v1/sessions/{}/power", session.id);
    face.raw(head(&line, "close", &[&bearer, &length, "Content-Type: application/json"]) + body).await
}

#[tokio::test]
async fn a_session_says_how_long_it_lasts_and_who_may_embed_it() {
    let face = Face::with(|config| config.session.idle = Some(Duration::from_secs(600))).await;
    let plain = session(&face, |_| ()).await.opened;
    assert!([3599, 3600].map(Value::from).contains(&plain["session_seconds"]), "{plain}");
    assert_eq!(plain["idle_seconds"], 600);
    assert_eq!(plain["embed"], json!({ "origins": [PANEL] }), "its own issuer's, not all there are");
    assert!(plain["brand"].is_null());
    let tight = {
        // Bound to the gateway's own page, so that page must bring it.
        let token = token_with(|claims| {
            claims["console"]["max_seconds"] = 60.into();
            claims["console"]["idle_seconds"] = 30.into();
            claims["origin"] = format!("https://{HOST}").into();
        });
        let bearer = format!("Authorization: Bearer {token}");
        face.request("POST /v1/sessions", &[&bearer, &format!("Origin: https://{HOST}")]).await.json()
    };
    assert!([59, 60].map(Value::from).contains(&tight["session_seconds"]), "{tight}");
    assert_eq!(tight["idle_seconds"], 30);
    assert_eq!(tight["embed"], json!({ "origins": [format!("https://{HOST}")] }));
    face.reload(|config| config.session.idle = None);
    assert_eq!(session(&face, |_| ()).await.opened["idle_seconds"], 0);
}

#[tokio::test]
async fn a_control_token_opens_no_console_and_no_session() {
    let face = Face::start().await;
    let Session { id, control, opened } = session(&face, |_| ()).await;
    let bearer = format!("Authorization: Bearer {control}");
    for answer in [face.upgrade(&[&bearer]).await, face.request("POST /v1/sessions", &[&bearer]).await] {
        assert_eq!((answer.status, answer.code().as_str()), (401, "token_rejected"));
    }
    for other in ["ticket", "resume"] {
        assert_eq!(state(&face, &id, opened[other].as_str().unwrap()).await.status, 401, "{other}");
    }
    assert_eq!(state(&face, &id, &token_with(|_| ())).await.status, 401, "a connect token");
    assert_eq!(state(&face, &id, &control).await.status, 200);
    assert_eq!(state(&face, &id, &control).await.status, 200, "as often as its page asks");
}

#[tokio::test]
async fn every_reason_against_a_control_token_is_one_answer() {
    let face = Face::start().await;
    let (one, two) = (session(&face, powerful).await, session(&face, powerful).await);
    let anonymous = |answer: Answer| {
        let mut problem = answer.json();
        problem["ref"] = "".into();
        (answer.status, problem.to_string())
    };
    let missing = anonymous(face.request(&format!("GET /v1/sessions/{}", one.id), &[]).await);
    assert_eq!(missing.0, 401);
    for (id, control) in [
        (one.id.as_str(), two.control.as_str()),
        (&two.id.to_uppercase(), &two.control),
        ("x", &one.control),
        (&one.id, "sealed"),
        (&one.id, "a.b.c"),
    ] {
        assert_eq!(anonymous(state(&face, id, control).await), missing, "{id} {control:.10}");
        let crossed = Session { id: id.to_owned(), control: control.to_owned(), opened: Value::Null };
        assert_eq!(anonymous(press(&face, &crossed, r#"{"action":"start"}"#).await), missing, "{id}");
    }
    let store = std::sync::Arc::clone(&face.shared().store);
    let id = |session: &Session| session.id.parse::<SessionId>().unwrap();
    store.live(id(&one), 0, now() + 100).await.unwrap();
    store.ended(id(&one), 0, 120, now() - 100).await.unwrap();
    assert_eq!(state(&face, &one.id, &one.control).await.status, 200, "it may still be resumed");
    store.live(id(&one), 0, now() + 100).await.unwrap();
    store.ended(id(&one), 0, 120, now() - 121).await.unwrap();
    assert_eq!(anonymous(state(&face, &one.id, &one.control).await), missing, "no longer");
    store.over(id(&two), 0).await.unwrap();
    assert_eq!(anonymous(state(&face, &two.id, &two.control).await), missing, "over for good");
    assert_eq!(anonymous(press(&face, &two, r#"{"action":"start"}"#).await), missing);
}

#[tokio::test]
async fn h08_h09_the_page_that_asks_is_one_of_the_issuers() {
    let face = Face::start().await;
    let Session { id, control, .. } = session(&face, powerful).await;
    let bearer = format!("Authorization: Bearer {control}");
    for (line, method, headers) in [
        (format!("/v1/sessions/{id}"), "GET", "authorization"),
        (format!("/v1/sessions/{id}/power"), "POST", "authorization, content-type"),
    ] {
        for origin in ["https://evil.example", "null", OTHER_PANEL] {
            let length = if method == "POST" { "Content-Length: 18" } else { "X: y" };
            let request = head(&format!("{method} {line}"), "close", &[&bearer, length, &format!("Origin: {origin}")]);
            let answer = face.raw(request + if method == "POST" { r#"{"action":"start"}"# } else { "" }).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "origin_refused"), "{line} {origin}");
        }
        let answer = face.request(&format!("OPTIONS {line}"), &[&format!("Origin: {PANEL}")]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, PANEL));
        assert_eq!(answer.header("access-control-allow-methods"), method.to_lowercase());
        assert_eq!(answer.header("access-control-allow-headers"), headers);
    }
    assert_eq!(face.asked(), 0);
    let path = format!("GET /v1/sessions/{id}");
    let answer = face.request(&path, &[&bearer, &format!("Origin: {PANEL}")]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, PANEL));
    assert_eq!((answer.header("vary"), answer.header("cache-control")), ("origin", "no-store"));
}

#[tokio::test]
async fn h12_the_one_body_there_is_is_small_and_says_its_length() {
    let face = Face::start().await;
    let pressed = session(&face, powerful).await;
    let bearer = format!("Authorization: Bearer {}", pressed.control);
    let line = format!("POST /v1/sessions/{}/power", pressed.id);
    let good = r#"{"action":"start"}"#;
    for (framing, body) in [
        ("Transfer-Encoding: chunked", "12\r\n{\"action\":\"start\"}\r\n0\r\n\r\n"),
        ("Content-Length: 18\r\nContent-Length: 18", good),
        ("Content-Length: 18, 18", good),
        ("Content-Length: +18", good),
        ("Content-Length: 18\r\nTransfer-Encoding: chunked", good),
        ("X: no length", ""),
    ] {
        let second = "GET /healthz HTTP/1.1\r\nHost: console.example.com\r\n\r\n";
        let answer = face.raw(head(&line, "keep-alive", &[framing, &bearer]) + body + second).await;
        assert_eq!((answer.status, answer.count(), answer.closes()), (400, 1, true), "{framing}");
    }
    for body in [
        "",
        "{}",
        "[]",
        "null",
        "start",
        r#"{"action":"Start"}"#,
        r#"{"action":"suspend"}"#,
        r#"{"action":1}"#,
        r#"{"action":"start","vmid":101}"#,
        r#"{"action":"start","action":"stop"}"#,
        r#"{"action":"start"} "x""#,
        "{\"action\":\"\u{e9}\"}",
    ] {
        let answer = press(&face, &pressed, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{body}");
    }
    let spaces = |count: usize| format!("{{\"action\":\"start\"{}}}", " ".repeat(count - 18));
    let large = press(&face, &pressed, &spaces(1025)).await;
    assert_eq!((large.status, large.code().as_str()), (431, "request_too_large"));
    assert_eq!(face.asked(), 0, "no node hears of any of it");
    let most = press(&face, &pressed, &spaces(1024)).await;
    assert_eq!(most.code(), "host_refused", "a KiB is read, and the node was asked: it hung up");
    assert_eq!(face.asked(), 1);
}

#[tokio::test]
async fn a_body_on_several_lines_is_read_and_the_next_request_with_it() {
    let face = Face::with(|config| config.issuers[0].kinds = vec![consolegate::id::Kind::Lxc]).await;
    let container = session(&face, |claims| {
        powerful(claims);
        claims["console"]["kind"] = "lxc".into();
    })
    .await;
    let answer = press(&face, &container, "{\n  \"action\":\r\n\"reset\"\n}\n").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"));
    assert_eq!(answer.json()["detail"], "A container has no reset; stop it and start it.");
    assert_eq!(face.asked(), 0);
}

#[tokio::test]
async fn h15_a_slow_body_is_408() {
    let face = Face::with(|config| config.timeouts.header = Duration::from_millis(300)).await;
    let pressed = session(&face, powerful).await;
    let bearer = format!("Authorization: Bearer {}", pressed.control);
    let mut stream = face.connect().await;
    let line = format!("POST /v1/sessions/{}/power", pressed.id);
    let half = head(&line, "keep-alive", &["Content-Length: 18", &bearer]) + r#"{"action""#;
    stream.write_all(half.as_bytes()).await.unwrap();
    let answer = Answer::of(super::client::until_end(&mut stream).await);
    assert_eq!((answer.status, answer.code().as_str(), answer.count()), (408, "request_timeout", 1));
}

#[tokio::test]
async fn only_the_power_right_switches_and_no_host_is_switched() {
    let face = Face::with(|config| config.issuers[0].kinds.push(consolegate::id::Kind::Node)).await;
    let weak = session(&face, |claims| claims["console"]["rights"] = json!(["input", "clipboard", "resize"])).await;
    let host = session(&face, |claims| {
        claims["console"] = json!({"kind": "node", "node": "pve1", "protocol": "term", "rights": ["input", "power"]});
    })
    .await;
    for session in [weak, host] {
        for action in ["start", "shutdown", "reset", "stop"] {
            let answer = press(&face, &session, &format!(r#"{{"action":"{action}"}}"#)).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "power_refused"), "{action}");
        }
    }
    assert_eq!(face.asked(), 0);
    let counted = "consolegate_requests_refused_total{reason=\"power_denied\"} 8\n";
    assert!(face.metrics().contains(counted), "{}", face.metrics());
}

#[tokio::test]
async fn paths_beside_them_are_nothing() {
    let face = Face::start().await;
    let Session { id, control, .. } = session(&face, |_| ()).await;
    let bearer = format!("Authorization: Bearer {control}");
    for (line, status) in [
        ("GET /v1/sessions/".to_owned(), 404),
        (format!("GET /v1/sessions/{id}/"), 404),
        (format!("POST /v1/sessions/{id}/power/x"), 404),
        (format!("POST /v1/sessions/{id}/Power"), 404),
        ("POST /v1/sessions//power".to_owned(), 404),
        (format!("POST /v1/sessions/{id}"), 405),
        (format!("HEAD /v1/sessions/{id}"), 405),
        (format!("GET /v1/sessions/{id}/power"), 405),
    ] {
        assert_eq!(face.request(&line, &[&bearer]).await.status, status, "{line}");
    }
    assert_eq!(state(&face, &id, &control).await.json(), json!({ "state": "unreachable" }), "the node hangs up");
}
