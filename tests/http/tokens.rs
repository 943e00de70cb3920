//! T01 to T03, T14, T15 and rule A: tokens that are refused, and how little is said about it.

use super::client::{Answer, handshake_at};
use super::face::{Face, PANEL, now, token, token_with};

async fn post(face: &Face, headers: &[&str]) -> Answer {
    face.request("POST /v1/sessions", headers).await
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// The answer without its reference, which differs each time.
fn anonymous(answer: &Answer) -> (u16, String) {
    let mut problem = answer.json();
    problem["ref"] = "".into();
    (answer.status, problem.to_string())
}

#[tokio::test]
async fn t01_to_t12_every_failed_signature_is_one_answer() {
    let face = Face::start().await;
    let good = token();
    let missing = post(&face, &[]).await;
    assert_eq!((missing.status, missing.code().as_str()), (401, "token_rejected"));
    assert_eq!(missing.header("www-authenticate"), "bearer");
    assert!(missing.closes());
    let cut = &good[..good.len() - 1];
    for bad in
        ["", " ", ".", "..", "...", "a.b.c", "a.b.c.d.e", cut, &good.replace("eyJ", "eyK"), "sealed", &"a".repeat(5000)]
    {
        let (posted, socket) = (post(&face, &[&bearer(bad)]).await, face.upgrade(&[&bearer(bad)]).await);
        assert_eq!(anonymous(&posted), anonymous(&missing), "{bad:.30}");
        assert_eq!(anonymous(&socket), anonymous(&missing), "{bad:.30}");
        assert!(socket.closes());
    }
    assert_eq!(anonymous(&face.upgrade(&[]).await), anonymous(&missing));
    assert_eq!(anonymous(&post(&face, &["Authorization: Basic YTpi"]).await), anonymous(&missing));
    assert_eq!(face.asked(), 0);
    assert_eq!(post(&face, &[&bearer(&good)]).await.status, 201);
}

#[tokio::test]
async fn t03_a_token_in_two_places_is_ambiguous_and_not_spent() {
    let face = Face::start().await;
    let token = token();
    let (auth, origin) = (bearer(&token), format!("Origin: {PANEL}"));
    let offer = format!("Sec-WebSocket-Protocol: binary, consolegate.{token}");
    let twice = format!("Sec-WebSocket-Protocol: consolegate.{token}, consolegate.{token}");
    let both = format!("Authorization: Bearer {token}, Bearer {token}");
    let answers = [
        face.upgrade(&[&auth, &offer, &origin]).await,
        face.upgrade(&[&auth, &auth]).await,
        face.upgrade(&[&offer, &offer, &origin]).await,
        face.upgrade(&[&twice, &origin]).await,
        post(&face, &[&auth, &auth]).await,
        post(&face, &[&both]).await,
    ];
    for answer in answers {
        assert_eq!((answer.status, answer.code().as_str()), (400, "ambiguous_token"), "{}", answer.head);
    }
    assert_eq!(post(&face, &[&auth]).await.status, 201);
}

#[tokio::test]
async fn t14_t15_a_well_signed_token_is_told_by_how_much_its_time_is_off() {
    let face = Face::start().await;
    let late = token_with(|claims| {
        claims["iat"] = (now() - 160).into();
        claims["exp"] = (now() - 100).into();
    });
    let answer = post(&face, &[&bearer(&late)]).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_expired"));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(["It expired 100 s ago.", "It expired 101 s ago."].iter().any(|said| detail.starts_with(said)), "{detail}");

    let early = token_with(|claims| claims["nbf"] = (now() + 40).into());
    let answer = post(&face, &[&bearer(&early)]).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_not_yet_valid"));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(" 40 s.") || detail.contains(" 39 s."), "{detail}");
}

#[tokio::test]
async fn problems_are_problem_details_without_anything_of_ours() {
    let face = Face::start().await;
    let answer = post(&face, &[&bearer(&token_with(|claims| claims["console"]["vmid"] = 5_000_000.into()))]).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_out_of_scope"));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let problem = answer.json();
    let mut keys: Vec<_> = problem.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["code", "detail", "ref", "retryable", "status", "title", "type"]);
    assert_eq!(problem["ref"].as_str().unwrap().len(), 8);
    for secret in ["eu1", "pve1", "5000000", "127.0.0.1", "hunter2"] {
        assert!(!String::from_utf8_lossy(&answer.body).contains(secret), "{secret}");
    }
}

/// There is no such mode: what stands in an address is in histories, logs and referrers. That none of it is logged is shown
/// beside this (I10).
#[tokio::test]
async fn p03_a_token_in_the_query_opens_nothing_and_is_neither_said_again_nor_spent() {
    let face = Face::start().await;
    let token = token();
    let asked = [
        post(&face, &[]).await,
        face.request(&format!("POST /v1/sessions?token={token}"), &[]).await,
        face.raw(handshake_at(&format!("GET /v1/ws?token={token}"), &[])).await,
        face.request(&format!("GET /console?token={token}"), &[]).await,
    ];
    let statuses: Vec<u16> = asked.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [401, 401, 401, 200]);
    for answer in &asked {
        assert!(!String::from_utf8_lossy(&answer.body).contains(&token), "{}", answer.status);
        assert!(answer.header("location").is_empty());
    }
    assert_eq!(anonymous(&asked[1]), anonymous(&asked[0]), "as if none had come");
    assert_eq!(post(&face, &[&bearer(&token)]).await.status, 201, "not spent");
}

/// There is no such mode either: a cookie comes along with whatever page asks.
#[tokio::test]
async fn p09_no_cookie_is_ever_set_and_none_is_taken_for_a_token() {
    let face = Face::start().await;
    let (first, token) = (token(), token());
    let opened = post(&face, &[&bearer(&first)]).await;
    let ticket = opened.json()["ticket"].as_str().unwrap().to_owned();
    let cookie = format!("Cookie: token={token}; __Host-consolegate={token}; ticket={ticket}");
    let asked = [
        opened,
        post(&face, &[&cookie]).await,
        face.upgrade(&[&cookie]).await,
        face.request("GET /console", &[&cookie]).await,
        face.request("GET /healthz", &[&cookie]).await,
    ];
    let statuses: Vec<u16> = asked.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [201, 401, 401, 200, 200]);
    assert!(asked.iter().all(|answer| answer.header("set-cookie").is_empty()));
    assert_eq!(post(&face, &[&bearer(&token)]).await.status, 201, "not spent");
    assert_eq!(face.upgrade(&[&bearer(&ticket)]).await.status, 101, "nor the ticket");
}
