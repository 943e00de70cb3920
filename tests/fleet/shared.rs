//! One token, one session, one list, whichever gateway is asked.

use super::gateway::{PATIENCE, TestGateway, token};
use super::redis::Redis;
use super::{NODES, cluster, toml, two};
use consolegate::reason::Reason;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn t20_of_a_hundred_opens_with_one_token_at_two_gateways_exactly_one_gets_a_101() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "[limits]\nper_client = 200\n").await;
    for _ in 0..5 {
        let token = token(100, |_| {});
        let tries = (0..100).map(|n| if n % 2 == 0 { one.refused(&token) } else { other.refused(&token) });
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.starts_with("HTTP/1.1 101")).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.contains("token_used")).count(), 99);
    }
}

#[tokio::test]
async fn a_session_comes_back_through_another_gateway_and_is_over_where_it_was() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let opened = one.session(&token(100, |_| {})).await;
    let mut client = other.open_with(opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.expect("what one sealed, the other opens");
    assert!(one.refused(opened["ticket"].as_str().unwrap()).await.contains("token_used"));
    let resumed = one.session(opened["resume"].as_str().unwrap()).await;
    assert_eq!(resumed["session"], opened["session"]);
    let mut again = one.open_with(resumed["ticket"].as_str().unwrap()).await;
    again.log_in().await.unwrap();
    let end = timeout(Duration::from_secs(5), client.ended()).await.expect("it is told within seconds");
    assert!(end.is(Reason::TakenOver), "{end:?}");
    assert_eq!(other.session(opened["resume"].as_str().unwrap()).await["code"], json!("token_used"));
    assert_eq!(one.lists(1).await[0]["generation"], json!(1));
}

#[tokio::test]
async fn t23_what_is_revoked_at_one_gateway_is_over_at_all_within_five_seconds() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let (kept, mut clients) = (token(101, |_| {}), Vec::new());
    for gateway in [&one, &other] {
        let mut client = gateway.open(100).await;
        client.log_in().await.unwrap();
        clients.push(client);
    }
    let mut stranger = other.open_with(&token(101, |claims| claims["sub"] = json!("customer-7"))).await;
    stranger.log_in().await.unwrap();
    let began = Instant::now();
    assert_eq!(one.ops("POST /v1/revocations", r#"{"subject":"customer-42"}"#).await.0, 201);
    for mut client in clients {
        let end = timeout(PATIENCE, client.ended()).await.unwrap();
        assert!(end.is(Reason::Revoked), "{end:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for gateway in [&one, &other] {
        assert!(gateway.refused(&kept).await.contains("\"revoked\""));
    }
    let late = TestGateway::start(&sim, NODES, &toml(&redis.toml(), "")).await;
    assert!(late.refused(&kept).await.contains("\"revoked\""), "a gateway that starts later knows it too");
    assert_eq!(late.lists(1).await[0]["subject"], json!("customer-7"));
}

#[tokio::test]
async fn e05_a_guests_and_a_subjects_limit_are_those_of_the_fleet() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "[limits]\nper_guest = 2\nper_subject = 3\n").await;
    let mut first = one.open(100).await;
    first.log_in().await.unwrap();
    let mut second = other.open(100).await;
    second.log_in().await.unwrap();
    for gateway in [&one, &other] {
        let end = gateway.open(100).await.ended().await;
        assert!(end.is(Reason::LimitGuest), "{end:?}");
    }
    let mut third = one.open(101).await;
    third.log_in().await.unwrap();
    let end = other.open(101).await.ended().await;
    assert!(end.is(Reason::LimitSubject), "{end:?}");
    drop(first);
    other.lists(2).await;
    let mut fourth = other.open(100).await;
    fourth.log_in().await.expect("its place was given back");
}

#[tokio::test]
async fn every_gateway_lists_all_sessions_and_ends_any_of_them() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let mut client = one.open(100).await;
    client.log_in().await.unwrap();
    let mut another = other.open(101).await;
    another.log_in().await.unwrap();
    for gateway in [&one, &other] {
        let mut guests: Vec<String> = gateway.lists(2).await.iter().map(|s| s["guest"].to_string()).collect();
        guests.sort();
        assert_eq!(guests, ["\"qemu/100\"", "\"qemu/101\""]);
    }
    let list = other.lists(2).await;
    let id =
        list.iter().find(|session| session["guest"] == "qemu/100").unwrap()["session"].as_str().unwrap().to_owned();
    assert_eq!(other.ops(&format!("GET /v1/sessions/{id}"), "").await.1["subject"], json!("customer-42"));
    assert_eq!(other.ops(&format!("DELETE /v1/sessions/{id}"), "").await.0, 204);
    let end = timeout(Duration::from_secs(5), client.ended()).await.expect("it is told within seconds");
    assert!(end.is(Reason::Killed), "{end:?}");
    one.lists(1).await;
}
