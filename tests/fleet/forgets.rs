//! A store that forgets, or is not told in time, undoes nothing: what was used stays used, who was killed or withdrawn stays
//! out, once it answers again. F13, F17, F27.

use super::client::Client;
use super::gateway::{PATIENCE, TestGateway, token};
use super::redis::{self, Redis};
use super::way::Way;
use super::without::{opens, refuses};
use super::{NODES, cluster, toml, two};
use consolegate::reason::Reason;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A console of this guest, and what its page was given.
async fn opened(gateway: &TestGateway, vmid: u32) -> (Client, Value) {
    connected(gateway, gateway.session(&token(vmid, |claims| claims["sub"] = json!(format!("of-{vmid}")))).await).await
}

async fn connected(gateway: &TestGateway, page: Value) -> (Client, Value) {
    let mut client = gateway.open_with(page["ticket"].as_str().unwrap_or_else(|| panic!("{page}"))).await;
    client.log_in().await.unwrap();
    (client, page)
}

/// What a resume comes to, as soon as the gateway can say.
async fn resumed(gateway: &TestGateway, page: &Value) -> Value {
    let answer = async {
        loop {
            let answer = gateway.session(page["resume"].as_str().unwrap()).await;
            if answer["code"] != "overloaded" {
                return answer;
            }
        }
    };
    timeout(PATIENCE, answer).await.expect("the store answers again")
}

async fn killed(gateway: &TestGateway, page: &Value) -> u16 {
    gateway.ops(&format!("DELETE /v1/sessions/{}", page["session"].as_str().unwrap()), "").await.0
}

/// The status of a request with the session's control token.
async fn controlled(gateway: &TestGateway, page: &Value, request: &str, body: &str) -> u16 {
    let session = page["session"].as_str().unwrap();
    let head = format!(
        "{} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        request.replace("{session}", session),
        gateway.host,
        page["control"].as_str().unwrap(),
        body.len()
    );
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    answer[9..12].parse().unwrap()
}

#[tokio::test]
async fn f13_an_old_snapshot_brings_back_nobody_who_was_killed_and_no_resume_token_that_was_used() {
    let (sim, mut redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let (mut dead, condemned) = opened(&one, 100).await;
    let (mut first, page) = opened(&one, 101).await;
    redis.save().await;
    assert_eq!(killed(&other, &condemned).await, 204);
    assert!(dead.ended().await.is(Reason::Killed));
    let (mut client, newest) = connected(&other, other.session(page["resume"].as_str().unwrap()).await).await;
    assert!(first.ended().await.is(Reason::TakenOver));
    redis.kill().await;
    refuses(&one).await;
    redis.again().await;
    assert_eq!(resumed(&one, &page).await["code"], json!("token_used"), "its gateway has said so again");
    assert_eq!(resumed(&one, &condemned).await["code"], json!("resume_expired"));
    assert!(client.first_update(64, 48).await.unwrap() > 0, "nobody took it over");
    let (mut again, _) = connected(&one, resumed(&one, &newest).await).await;
    assert!(again.first_update(64, 48).await.unwrap() > 0, "who has the newest comes back");
    assert_eq!(
        controlled(&one, &condemned, "GET /v1/sessions/{session}", "").await,
        401,
        "nor does the dead one switch"
    );
}

#[tokio::test]
async fn f17_a_redis_that_may_forget_before_its_time_is_not_trusted() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, _) = two(&sim, &redis, "").await;
    redis.told(&["CONFIG", "SET", "maxmemory", "100mb"]).await;
    opens(&one).await;
    redis.told(&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]).await;
    refuses(&one).await;
    redis.told(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    opens(&one).await;
}

#[tokio::test]
async fn f27_what_a_gateway_ended_or_withdrew_while_it_was_cut_off_is_heard_everywhere_when_it_is_back() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let mut way = Way::to(redis.address).await;
    let one = TestGateway::start(&sim, NODES, &toml(&redis.toml(), "")).await;
    let alone = TestGateway::start(&sim, NODES, &toml(&redis::toml(way.address), "")).await;
    let ((mut revoked, _), (mut dead, page)) = (opened(&one, 100).await, opened(&alone, 101).await);
    let before = token(100, |claims| claims["sub"] = json!("of-100"));
    way.cut().await;
    refuses(&alone).await;
    assert_eq!(alone.ops("POST /v1/revocations", r#"{"subject":"of-100"}"#).await.0, 503);
    assert_eq!(killed(&alone, &page).await, 503, "it is over here, and may not be elsewhere");
    assert!(dead.ended().await.is(Reason::Killed));
    assert!(revoked.first_update(64, 48).await.unwrap() > 0, "nobody has heard of it");
    way.again().await;
    assert!(revoked.ended().await.is(Reason::Revoked));
    assert!(one.refused(&before).await.contains("\"revoked\""));
    assert_eq!(resumed(&one, &page).await["code"], json!("resume_expired"));
}

#[tokio::test]
async fn f27_who_hears_no_news_switches_no_guest() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, _) = two(&sim, &redis, "").await;
    let (_client, page) = opened(&one, 100).await;
    assert_eq!(controlled(&one, &page, "GET /v1/sessions/{session}", "").await, 200);
    // Asked for news alone, so that everything else is answered.
    redis.told(&["ACL", "SETUSER", "default", "-xrange"]).await;
    refuses(&one).await;
    assert_eq!(controlled(&one, &page, "GET /v1/sessions/{session}", "").await, 503);
}

#[tokio::test]
async fn a_guest_is_switched_once_in_two_seconds_by_the_whole_fleet() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let powerful = token(100, |claims| claims["console"]["rights"] = json!(["input", "power"]));
    let (_client, page) = connected(&one, one.session(&powerful).await).await;
    let press =
        async |gateway| controlled(gateway, &page, "POST /v1/sessions/{session}/power", r#"{"action":"reset"}"#).await;
    assert_eq!((press(&one).await, press(&other).await), (202, 429));
}
