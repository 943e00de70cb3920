//! Tokens through real sockets: each opens once, and what is refused costs the cluster nothing.

use super::binary::Binary;
use super::gateway::{TestGateway, token};
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::Fault;
use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn t01_t02_without_a_good_token_there_is_no_upgrade_and_no_upstream() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    for token in ["", "..", "a.b.c", "not a token"] {
        let refused = gateway.refused(token).await;
        assert!(refused.starts_with("HTTP/1.1 401") || refused.starts_with("HTTP/1.1 400"), "{token:?}: {refused}");
    }
    assert_eq!(sim.counters().connections, 0);
}

#[tokio::test]
async fn t20_of_a_hundred_opens_with_one_token_exactly_one_gets_a_101() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "[limits]\nper_client = 200\n").await;
    let token = gateway.token(100, |_| {});
    let tries = (0..100).map(|_| gateway.refused(&token));
    let answers = futures_util::future::join_all(tries).await;
    let opened = answers.iter().filter(|answer| answer.starts_with("HTTP/1.1 101")).count();
    assert_eq!(opened, 1);
    assert_eq!(answers.iter().filter(|answer| answer.contains("token_used")).count(), 99);
}

#[tokio::test]
async fn t26_a_guest_outside_the_issuers_scope_is_refused_before_any_call() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let token = gateway.token(100, |claims| claims["console"]["vmid"] = json!(1_000_000));
    assert!(gateway.refused(&token).await.contains("token_out_of_scope"));
    assert_eq!(sim.counters().connections, 0);
}

#[tokio::test]
async fn t25_a_node_that_is_not_configured_is_refused_before_any_call() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    for node in ["pve1/../../access", "pve1:8006@evil", "..%2f", "pve3", "PVE1"] {
        let token = gateway.token(100, |claims| claims["console"]["node"] = json!(node));
        assert!(gateway.refused(&token).await.contains("401"), "{node}");
    }
    assert_eq!(sim.counters().connections, 0);
}

#[tokio::test]
async fn t23_a_live_session_that_is_revoked_ends_with_4403() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    let live = gateway.shared.sessions.list();
    assert!(gateway.shared.sessions.stop(live[0].id, Reason::Revoked));
    let end = client.ended().await;
    assert!(end.is(Reason::Revoked), "{end:?}");
    assert_eq!(end.code, 4403);
}

#[tokio::test]
async fn t21_after_a_start_tokens_that_may_have_been_used_before_it_are_refused() {
    let sim = cluster(|_| {}).await;
    let mut binary = Binary::start(&sim).await;
    let early = token(100, |_| {});
    assert!(binary.place.refused(&early).await.contains("token_before_start"), "it may have been used a moment ago");
    binary.says("consolegate is ready").await;
    assert!(binary.place.refused(&early).await.contains("token_before_start"));
    assert!(binary.place.refused(&token(100, |_| {})).await.starts_with("HTTP/1.1 101"));
}

#[tokio::test]
async fn a_ticket_in_the_pocket_does_not_undo_a_kill() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let opened = gateway.session(&gateway.token(100, |_| {})).await;
    let mut client = gateway.open_with(opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    let pocketed = gateway.session(opened["resume"].as_str().unwrap()).await;
    let live = gateway.shared.sessions.list();
    assert!(gateway.shared.sessions.stop(live[0].id, Reason::Killed));
    assert!(client.ended().await.is(Reason::Killed));
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    assert!(gateway.refused(pocketed["ticket"].as_str().unwrap()).await.contains("401"));
    assert_eq!(gateway.session(pocketed["resume"].as_str().unwrap()).await["code"], "resume_expired");
}

#[tokio::test]
async fn a_kill_while_the_cluster_is_asked_why_a_console_ended_is_a_kill() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let opened = gateway.session(&gateway.token(100, |_| {})).await;
    let mut client = gateway.open_with(opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    let before = sim.counters().requests;
    sim.fail_next("/status/current", Fault::Stall(Vec::new()));
    sim.guest(100).kill_console();
    sim.wait_for(|counters| counters.requests > before).await.unwrap();
    let live = gateway.shared.sessions.list();
    assert!(gateway.shared.sessions.stop(live[0].id, Reason::Killed));
    let end = client.ended().await;
    assert!(end.is(Reason::Killed), "{end:?}");
    assert_eq!(gateway.session(opened["resume"].as_str().unwrap()).await["code"], "resume_expired");
}

#[tokio::test]
async fn a_cut_session_comes_back_with_its_resume_token() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let opened = gateway.session(&gateway.token(100, |_| {})).await;
    let mut client = gateway.open_with(opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    drop(client);
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    let resumed = gateway.session(opened["resume"].as_str().unwrap()).await;
    assert_eq!(resumed["session"], opened["session"]);
    gateway.open_with(resumed["ticket"].as_str().unwrap()).await.log_in().await.unwrap();
}

#[tokio::test]
async fn a_session_that_met_a_limit_comes_back_once_there_is_room_and_one_that_broke_a_rule_does_not() {
    for (limit, reason) in [("per_guest = 1", Reason::LimitGuest), ("per_subject = 1", Reason::LimitSubject)] {
        let sim = cluster(|_| {}).await;
        let gateway = TestGateway::start(&sim, NODES, &format!("[limits]\n{limit}\n")).await;
        let mut first = gateway.open(100).await;
        first.log_in().await.unwrap();
        let opened = gateway.session(&gateway.token(100, |_| {})).await;
        let end = gateway.open_with(opened["ticket"].as_str().unwrap()).await.ended().await;
        assert!(end.is(reason), "{end:?}");
        drop(first);
        sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
        let resumed = gateway.session(opened["resume"].as_str().unwrap()).await;
        let mut client = gateway.open_with(resumed["ticket"].as_str().unwrap()).await;
        client.log_in().await.unwrap();
        client.socket.send(Message::text("no such thing on a screen")).await.unwrap();
        let end = client.ended().await;
        assert!(end.is(Reason::WsText), "{end:?}");
        assert_eq!(gateway.session(resumed["resume"].as_str().unwrap()).await["code"], "resume_expired");
    }
}
