//! Without its store a gateway lets go on what is live, opens nothing, and comes back by itself. F13, F27.

use super::client::Client;
use super::gateway::{PATIENCE, TestGateway, token};
use super::redis::{self, Redis};
use super::way::Way;
use super::{NODES, OPS, cluster, toml, two};
use consolegate::clock::unix_now;
use consolegate::reason::Reason;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

/// Opens a console as soon as it can be: refused for the store's sake and nothing else until then.
pub async fn opens(gateway: &TestGateway) -> Client {
    let opened = async {
        loop {
            let opened = gateway.session(&token(101, |claims| claims["iat"] = json!(unix_now()))).await;
            match opened["ticket"].as_str() {
                Some(ticket) => break gateway.open_with(ticket).await,
                None => assert!(
                    ["overloaded", "token_before_start"].contains(&opened["code"].as_str().unwrap()),
                    "{opened}"
                ),
            }
        }
    };
    let mut client = timeout(PATIENCE, opened).await.expect("it opens again");
    client.log_in().await.unwrap();
    client
}

/// Waits until nothing opens.
pub async fn refuses(gateway: &TestGateway) {
    let refused = async {
        loop {
            let answer = gateway.session(&token(101, |_| {})).await;
            if answer["code"] == "overloaded" {
                assert_eq!(answer["retryable"], json!(true));
                return;
            }
        }
    };
    timeout(PATIENCE, refused).await.expect("nothing opens without the store");
}

#[tokio::test]
async fn f13_while_redis_is_stalled_nothing_opens_and_what_is_live_goes_on() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let mut client = one.open(100).await;
    client.log_in().await.unwrap();
    let spent = token(100, |_| {});
    assert!(other.refused(&spent).await.starts_with("HTTP/1.1 101"));
    redis.stall();
    for gateway in [&one, &other] {
        refuses(gateway).await;
        assert!(gateway.refused(&spent).await.contains("overloaded"), "never a replay let in");
    }
    assert!(client.first_update(64, 48).await.unwrap() > 0, "the picture still moves");
    redis.go_on();
    opens(&one).await;
    assert!(other.refused(&spent).await.contains("token_used"));
    assert!(client.first_update(64, 48).await.unwrap() > 0);
}

#[tokio::test]
async fn f13_a_redis_that_lost_its_memory_lets_nothing_in_that_was_used_before() {
    let (sim, mut redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "[limits]\nper_guest = 1\n").await;
    let spent = token(100, |_| {});
    let ticketed = one.session(&spent).await;
    let mut client = one.open_with(ticketed["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    redis.kill().await;
    refuses(&one).await;
    assert!(client.first_update(64, 48).await.unwrap() > 0, "the picture still moves");
    redis.again().await;
    opens(&other).await;
    for gateway in [&one, &other] {
        assert!(gateway.refused(&spent).await.contains("token_before_start"));
        assert!(gateway.refused(ticketed["ticket"].as_str().unwrap()).await.contains("40"), "nor its ticket");
    }
    let end = other.open_with(&later(100).await).await.ended().await;
    assert!(end.reason.contains("limit_guest"), "the live one is counted again: {end:?}");
    assert!(client.first_update(64, 48).await.unwrap() > 0);
}

#[tokio::test]
async fn f13_a_redis_that_comes_back_with_an_old_snapshot_lets_nothing_in_that_was_used_since() {
    let (sim, mut redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    redis.save().await;
    let spent = token(100, |_| {});
    assert!(one.refused(&spent).await.starts_with("HTTP/1.1 101"));
    assert_eq!(one.ops("POST /v1/revocations", r#"{"subject":"customer-7"}"#).await.0, 201);
    let revoked = token(101, |claims| claims["sub"] = json!("customer-7"));
    redis.kill().await;
    refuses(&one).await;
    redis.again().await;
    opens(&other).await;
    for gateway in [&one, &other] {
        assert!(gateway.refused(&spent).await.contains("token_before_start"));
    }
    let late = TestGateway::start(&sim, NODES, &toml(&redis.toml(), "")).await;
    assert!(late.refused(&revoked).await.contains("\"revoked\""), "those that know it tell it again");
}

#[tokio::test]
async fn a_kill_that_the_store_cannot_hear_now_is_told_it_when_it_answers_again() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, _other) = two(&sim, &redis, "").await;
    let opened = one.session(&token(100, |_| {})).await;
    let mut client = one.open_with(opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    redis.stall();
    let id = opened["session"].as_str().unwrap();
    assert!(one.shared.sessions.stop(id.parse().unwrap(), Reason::Killed));
    assert!(client.ended().await.is(Reason::Killed));
    refuses(&one).await;
    redis.go_on();
    opens(&one).await;
    assert_eq!(one.session(opened["resume"].as_str().unwrap()).await["code"], json!("resume_expired"));
}

#[tokio::test]
async fn a_kill_or_revocation_that_the_store_confirms_too_late_is_said_to_be_unsure_and_may_be_asked_for_again() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let opened = one.session(&token(100, |_| {})).await;
    let mut client = one.open_with(opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    let elsewhere = other.session(&token(101, |_| {})).await;
    let of = |opened: &Value| format!("DELETE /v1/sessions/{}", opened["session"].as_str().unwrap());
    let (kill, kill_elsewhere) = (of(&opened), of(&elsewhere));
    let revoked = token(101, |claims| claims["sub"] = json!("customer-7"));
    let revoke = r#"{"subject":"customer-7"}"#;

    // It hears all, and answers later than anybody waits.
    redis.stall();
    let asked = Instant::now();
    let (killed, revocation, not_begun) =
        tokio::join!(one.ops(&kill, ""), one.ops("POST /v1/revocations", revoke), one.ops(&kill_elsewhere, ""));
    for (what, (status, said)) in [("kill", &killed), ("revoke", &revocation)] {
        assert_eq!((*status, said["code"].as_str()), (503, Some("outcome_unknown")), "{what}: {said}");
        assert!(said["title"].as_str().unwrap().starts_with("it is not known whether this is done"), "{said}");
        assert!(said["detail"].as_str().unwrap().contains("ask again, which is safe"), "{said}");
    }
    assert_eq!(
        (not_begun.0, not_begun.1["code"].as_str()),
        (503, Some("store_down")),
        "nothing was done: {not_begun:?}"
    );
    assert!(client.ended().await.is(Reason::Killed));
    let (code, _, error) = super::operator::consolegate(one.admin, OPS, &["revoke", "--subject", "customer-7"]).await;
    assert!(code == 1 && error.contains("not known whether") && error.contains("fix: "), "{error}");
    assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());

    redis.go_on();
    let _live = (opens(&one).await, opens(&other).await);
    let everywhere = async {
        while one.ops(&kill, "").await.0 != 404 {}
        while !other.refused(&revoked).await.contains("\"revoked\"") {}
    };
    timeout(PATIENCE, everywhere).await.expect("it was done, or is done once it is asked for again");
    assert_eq!(one.session(opened["resume"].as_str().unwrap()).await["code"], json!("resume_expired"));
    assert_eq!(one.ops("POST /v1/revocations", revoke).await.0, 201);
    assert_eq!(one.ops(&kill_elsewhere, "").await.0, 204, "what was not begun is done now");
}

/// A token of a moment that no store of a new memory mistrusts.
async fn later(vmid: u32) -> String {
    token(vmid, |claims| {
        claims["iat"] = json!(claims["iat"].as_u64().unwrap() + 5);
        claims["exp"] = json!(claims["exp"].as_u64().unwrap() + 5);
    })
}

#[tokio::test]
async fn f27_a_gateway_that_is_cut_off_from_the_store_opens_nothing_while_the_other_does() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let mut way = Way::to(redis.address).await;
    let one = TestGateway::start(&sim, NODES, &toml(&redis.toml(), "")).await;
    let alone = TestGateway::start(&sim, NODES, &toml(&redis::toml(way.address), "")).await;
    let mut client = alone.open(100).await;
    client.log_in().await.unwrap();
    way.cut().await;
    refuses(&alone).await;
    opens(&one).await;
    assert!(client.first_update(64, 48).await.unwrap() > 0, "what is live goes on");
}
