//! `POST /v1/sessions`, the session ticket and the resume token.

use super::client::Answer;
use super::face::{Face, PANEL, now, token, token_with};
use consolegate::config::Config;
use consolegate::id::Kind;
use consolegate::secret::Secret;
use std::time::Duration;

async fn post(face: &Face, token: &str) -> Answer {
    face.request("POST /v1/sessions", &[&format!("Authorization: Bearer {token}"), &format!("Origin: {PANEL}")]).await
}

async fn open(face: &Face, ticket: &str) -> Answer {
    let offer = format!("Sec-WebSocket-Protocol: binary, consolegate.{ticket}");
    face.upgrade(&[&offer, &format!("Origin: {PANEL}")]).await
}

fn text(answer: &Answer, key: &str) -> String {
    answer.json()[key].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_token_becomes_a_session() {
    let face = Face::start().await;
    let token = token_with(|claims| claims["console"]["rights"] = serde_json::json!(["input", "clipboard"]));
    let answer = post(&face, &token).await;
    assert_eq!((answer.status, answer.header("cache-control")), (201, "no-store"));
    let opened = answer.json();
    assert_eq!(opened["session"].as_str().unwrap().len(), 32);
    assert_eq!(opened["websocket"], "wss://console.example.com/v1/ws");
    assert_eq!((&opened["ticket_seconds"], &opened["resume_seconds"]), (&30.into(), &120.into()));
    let console = &opened["console"];
    assert_eq!(
        (&console["kind"], &console["protocol"], &console["title"]),
        (&"qemu".into(), &"vnc".into(), &"web-01".into())
    );
    assert_eq!(console["rights"], serde_json::json!(["input", "clipboard"]));
    assert!(console["lang"].is_null() && console["theme"].is_null());

    let again = post(&face, &token).await;
    assert_eq!((again.status, again.code().as_str()), (401, "token_used"));
    let replayed = open(&face, &token).await;
    assert_eq!((replayed.status, replayed.code().as_str()), (401, "token_used"));
}

#[tokio::test]
async fn t20_a_ticket_opens_once() {
    let face = Face::start().await;
    let ticket = text(&post(&face, &token()).await, "ticket");
    let answers = futures_of(&face, &ticket).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 101).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 101 || answer.code() == "token_used"));
}

/// Twenty clients at once.
async fn futures_of(face: &Face, ticket: &str) -> Vec<Answer> {
    let mut tasks = tokio::task::JoinSet::new();
    let offer = format!("Sec-WebSocket-Protocol: binary, consolegate.{ticket}");
    let request = super::client::handshake(&[&offer, &format!("Origin: {PANEL}")]);
    for _ in 0..20 {
        let (stream, request) = (face.connect().await, request.clone());
        tasks.spawn(async move { super::client::exchange(stream, request.as_bytes()).await });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn a_ticket_is_answered_with_the_binary_subprotocol() {
    let face = Face::start().await;
    let ticket = text(&post(&face, &token()).await, "ticket");
    let answer = open(&face, &ticket).await;
    assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, "binary"));
}

#[tokio::test]
async fn one_purpose_never_serves_as_another() {
    let face = Face::start().await;
    let opened = post(&face, &token()).await;
    let (ticket, resume) = (text(&opened, "ticket"), text(&opened, "resume"));
    for answer in [open(&face, &resume).await, post(&face, &ticket).await] {
        assert_eq!((answer.status, answer.code().as_str()), (401, "token_rejected"));
    }
    assert_eq!(open(&face, &ticket).await.status, 101, "neither attempt spent the ticket");
}

#[tokio::test]
async fn tickets_of_another_gateway_key_are_refused_like_forgeries() {
    let (face, other) = (Face::start().await, Face::start().await);
    let ticket = text(&post(&other, &token()).await, "ticket");
    let answer = open(&face, &ticket).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_rejected"));
}

#[tokio::test]
async fn a_resume_makes_the_ticket_before_it_worthless_and_works_once() {
    let face = Face::start().await;
    let opened = post(&face, &token()).await;
    let (ticket, resume) = (text(&opened, "ticket"), text(&opened, "resume"));
    let resumed = post(&face, &resume).await;
    assert_eq!(resumed.status, 201, "a cut before the first connection is a cut too");
    let again = post(&face, &resume).await;
    assert_eq!(again.status, 201, "the answer may have been lost on its way");
    assert_eq!(open(&face, &ticket).await.status, 401);
    assert_eq!(open(&face, &text(&again, "ticket")).await.status, 101);
    let second = open(&face, &text(&resumed, "ticket")).await;
    assert_eq!((second.status, second.code().as_str()), (401, "token_used"), "two tickets of one generation open once");
    let late = post(&face, &resume).await;
    assert_eq!((late.status, late.code().as_str()), (401, "token_used"), "it has connected since");
}

#[tokio::test]
async fn a_drain_takes_no_new_session_and_spends_nothing() {
    let face = Face::start().await;
    let (first, second) = (token(), token());
    let ticket = text(&post(&face, &token()).await, "ticket");
    face.shared().lifecycle.drain();
    for answer in [post(&face, &first).await, open(&face, &second).await, open(&face, &ticket).await] {
        assert_eq!((answer.status, answer.code().as_str()), (503, "restarting"));
        assert_eq!(answer.json()["retryable"], true);
    }
    face.shared().lifecycle.ready();
    assert_eq!(post(&face, &first).await.status, 201);
    assert_eq!(open(&face, &second).await.status, 101);
    assert_eq!(open(&face, &ticket).await.status, 101);
}

#[tokio::test]
async fn t20_a_ticket_of_the_very_second_of_the_start_may_have_been_used_before_it() {
    let face = Face::with(|config| config.session.key = Some(Secret::new([7; 32]))).await;
    let (second, tickets) = loop {
        let second = now();
        let tickets = [text(&post(&face, &token()).await, "ticket"), text(&post(&face, &token()).await, "ticket")];
        if now() == second {
            break (second, tickets);
        }
    };
    face.restart(second);
    let answer = open(&face, &tickets[0]).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_before_start"));
    face.restart(second - 1);
    assert_eq!(open(&face, &tickets[1]).await.status, 101);
}

#[tokio::test]
async fn i10_each_refusal_is_counted_once_as_a_token_or_as_a_request() {
    let face = Face::start().await;
    assert_eq!(post(&face, "a.b.c").await.status, 401);
    let foreign = format!("Authorization: Bearer {}", token());
    assert_eq!(face.request("POST /v1/sessions", &[&foreign, "Origin: https://evil.example"]).await.status, 403);
    assert_eq!(face.request("GET /v1/ws", &[]).await.status, 426);
    face.shared().lifecycle.drain();
    assert_eq!(post(&face, &token()).await.status, 503);
    assert_eq!(face.raw("GET /console HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n").await.status, 421);
    assert_eq!(face.raw("GET /\x01 HTTP/1.1\r\n\r\n").await.status, 400);
    assert_eq!(face.request("GET /favicon.ico", &[]).await.status, 404, "nobody asked for a console");
    let text = face.metrics();
    let counted: Vec<_> = text.lines().filter(|line| line.contains("{reason=")).collect();
    assert_eq!(
        counted,
        [
            "consolegate_requests_refused_total{reason=\"bad_request\"} 1",
            "consolegate_requests_refused_total{reason=\"draining\"} 1",
            "consolegate_requests_refused_total{reason=\"host\"} 1",
            "consolegate_requests_refused_total{reason=\"upgrade_required\"} 1",
            "consolegate_tokens_rejected_total{reason=\"malformed\"} 1",
            "consolegate_tokens_rejected_total{reason=\"origin\"} 1",
        ]
    );
}

/// Everything that was handed out with a session, shown again by a client that is no browser.
async fn all_shown(face: &Face, opened: &Answer) -> [Answer; 4] {
    let bearer = |key: &str| format!("Authorization: Bearer {}", text(opened, key));
    let control = format!("/v1/sessions/{}", text(opened, "session"));
    let press =
        super::client::head(&format!("POST {control}/power"), "close", &["Content-Length: 18", &bearer("control")]);
    [
        face.request(&format!("GET {control}"), &[&bearer("control")]).await,
        face.raw(press + r#"{"action":"start"}"#).await,
        face.upgrade(&[&bearer("ticket")]).await,
        face.request("POST /v1/sessions", &[&bearer("resume")]).await,
    ]
}

/// What a reload narrows, how, and what it is called outside.
type Narrower = (&'static str, fn(&mut Config), &'static str);

#[tokio::test]
async fn t26_a_reload_that_narrows_an_issuer_counts_for_what_was_handed_out_before() {
    let narrower: [Narrower; 3] = [
        ("no such issuer", |config| drop(config.issuers.remove(0)), "token_out_of_scope"),
        ("other guests", |config| config.issuers[0].vmids = vec![101..=200], "token_out_of_scope"),
        ("other kinds", |config| config.issuers[0].kinds = vec![Kind::Lxc], "token_out_of_scope"),
    ];
    for (what, change, code) in narrower {
        let face = Face::start().await;
        let opened =
            post(&face, &token_with(|claims| claims["console"]["rights"] = serde_json::json!(["power"]))).await;
        face.reload(change);
        for answer in all_shown(&face, &opened).await {
            assert_eq!((answer.status, answer.code().as_str()), (401, code), "{what}");
        }
        assert_eq!(face.asked(), 0, "{what}");
    }
}

#[tokio::test]
async fn d01_a_reload_that_shortens_sessions_lets_those_that_were_cut_come_back_until_the_end_they_have_now() {
    let face = Face::start().await;
    let (seconds, token) = (|answer: &Answer| answer.json()["session_seconds"].as_u64().unwrap(), token());
    let opened = post(&face, &token).await;
    assert!(seconds(&opened) > 3000, "{}", seconds(&opened));
    face.reload(|config| {
        config.session.max = Duration::from_secs(60);
        config.issuers[0].max_token = Duration::from_secs(60);
    });
    let resumed = post(&face, &text(&opened, "resume")).await;
    assert_eq!((resumed.status, text(&resumed, "session")), (201, text(&opened, "session")));
    // A minute, and the last moment of the token and of the clocks.
    assert!((60..=130).contains(&seconds(&resumed)), "{}", seconds(&resumed));
    assert_eq!(open(&face, &text(&resumed, "ticket")).await.status, 101);
}

#[tokio::test]
async fn t26_the_session_key_alone_opens_nothing_that_no_issuer_may() {
    let keyed = |config: &mut Config| config.session.key = Some(Secret::new([9; 32]));
    let maker = Face::with(|config| {
        keyed(config);
        config.issuers[0].kinds.push(Kind::Node);
    })
    .await;
    let shell = token_with(|claims| {
        claims["console"] =
            serde_json::json!({"kind": "node", "node": "pve1", "protocol": "term", "rights": ["power"]});
    });
    let opened = post(&maker, &shell).await;
    let face = Face::with(keyed).await;
    for answer in all_shown(&face, &opened).await {
        assert_eq!((answer.status, answer.code().as_str()), (401, "token_invalid"), "no host of this one's");
    }
}
