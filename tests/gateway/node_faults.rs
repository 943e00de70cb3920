//! What a node does wrong, seen from the browser: a code for each, and nothing of the node's words.

use super::client::Client;
use super::gateway::TestGateway;
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{Certificate, Fault, Health, Sim};
use consolegate::wire::websocket::{Opcode, frame};
use std::time::Duration;
use tokio::time::Instant;

const UPGRADE: &str = "/vncwebsocket";

/// Opens guest 100 and expects this end.
async fn expect(gateway: &TestGateway, reason: Reason, why: &str) {
    let end = gateway.open(100).await.ended().await;
    assert!(end.is(reason), "{why}: {end:?}, expected {reason}");
    let label = format!("consolegate_connect_failures_total{{reason=\"{}\"}}", reason.word());
    assert!(gateway.metric(&label).await >= Some(1.0), "{why}: {label} was not counted");
}

async fn gateway(sim: &Sim) -> TestGateway {
    TestGateway::start(sim, NODES, "[timeouts]\nnode_answer = 2\nhandshake = 3\nnode_connect = 2\n").await
}

#[tokio::test]
async fn u01_a_node_that_refuses_is_4503() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    sim.set_health("pve1", Health::Down);
    sim.set_health("pve2", Health::Down);
    let end = gateway.open(100).await.ended().await;
    assert_eq!(end.code, 4503, "{end:?}");
}

fn every_node(sim: &Sim, health: Health) {
    for node in NODES {
        sim.set_health(node, health);
    }
}

/// Time passes for the gateway in this process.
pub async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn f09_f10_while_the_whole_cluster_is_down_opens_fail_at_once_and_the_gateway_stays_ready() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    gateway.open(100).await.log_in().await.unwrap();
    every_node(&sim, Health::Down);
    for _ in 0..3 {
        let began = Instant::now();
        let end = gateway.open(100).await.ended().await;
        assert!(end.code == 4503 && began.elapsed() < Duration::from_secs(1), "{end:?} {:?}", began.elapsed());
        // The gateway is well, so its balancer must not take it away.
        assert!(gateway.ask_admin("/readyz").await.starts_with("HTTP/1.1 200"));
    }
    every_node(&sim, Health::Up);
    later(10).await;
    gateway.open(100).await.log_in().await.expect("within ten seconds of its return");
}

#[tokio::test]
async fn f03_nodes_that_take_connections_and_say_nothing_cost_a_few_their_time_and_then_nobody() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "[timeouts]\nnode_connect = 1\n").await;
    every_node(&sim, Health::Silent);
    for _ in 0..6 {
        assert_eq!(gateway.open(100).await.ended().await.code, 4503);
        later(2).await;
    }
    let began = Instant::now();
    assert_eq!(gateway.open(100).await.ended().await.code, 4503);
    assert!(began.elapsed() < Duration::from_millis(500), "nobody waits for them now: {:?}", began.elapsed());
    every_node(&sim, Health::Up);
    later(10).await;
    gateway.open(100).await.log_in().await.expect("within ten seconds of its return");
}

#[tokio::test]
async fn u04_a_node_with_another_certificate_is_4502() {
    for certificate in [Certificate::OtherCa, Certificate::Expired, Certificate::OtherName] {
        let sim = cluster(|_| {}).await;
        let gateway = gateway(&sim).await;
        for node in NODES {
            sim.set_certificate(node, certificate).unwrap();
        }
        expect(&gateway, Reason::NodeCert, "certificate").await;
        assert_eq!(sim.counters().requests, 0, "nothing is asked of a node that is not the right one");
    }
}

#[tokio::test]
async fn u05_a_revoked_credential_is_4502_and_comes_back_by_itself() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    sim.enable_token(false);
    expect(&gateway, Reason::PveAuth, "revoked").await;
    sim.enable_token(true);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    gateway.open(100).await.log_in().await.unwrap();
}

#[tokio::test]
async fn u09_a_wrong_101_is_4502() {
    let good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n";
    for (answer, why) in [
        (format!("{good}Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"), "a wrong accept"),
        (format!("{good}\r\n"), "no accept"),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n".into(), "no Upgrade"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into(), "200"),
        ("HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n".into(), "500"),
        ("SSH-2.0-OpenSSH_9.6\r\n".into(), "not HTTP"),
    ] {
        let sim = cluster(|_| {}).await;
        let gateway = gateway(&sim).await;
        sim.fail_next(UPGRADE, Fault::Answer(answer.into_bytes()));
        expect(&gateway, Reason::NodeUpgrade, why).await;
        assert_eq!(sim.counters().vncproxy_posts, 1, "{why}: no second ticket");
    }
}

#[tokio::test]
async fn u10_an_upgrade_that_is_never_answered_is_4504() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    sim.fail_next(UPGRADE, Fault::Stall(Vec::new()));
    let mut client = gateway.open(100).await;
    greet(&mut client).await;
    let end = client.ended().await;
    assert!(end.is(Reason::NodeHandshakeTimeout), "{end:?}");
}

/// The browser's half of the handshake, so that only the node is waited for.
async fn greet(client: &mut Client) {
    client.read(12).await.unwrap();
    client.send(b"RFB 003.008\n\x01\x01").await;
}

#[tokio::test]
async fn r01_a_browser_that_stalls_in_its_handshake_is_4508() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    let mut client = gateway.open(100).await;
    client.read(12).await.unwrap();
    client.send(b"RFB 003.008").await;
    let end = client.ended().await;
    assert!(end.is(Reason::ClientHandshakeTimeout), "{end:?}");
}

#[tokio::test]
async fn u16_frames_that_pveproxy_never_sends_are_4502() {
    let masked = [0x82, 0x81, 1, 2, 3, 4, 5];
    let reserved = [0xC2, 0x01, 5];
    let opcode = [0x83, 0x01, 5];
    let fragment = [0x02, 0x01, 5];
    let huge = [0x82, 127, 0, 0, 0, 0, 0, 0x20, 0, 0];
    for (bytes, why) in [(&masked[..], "masked"), (&reserved, "RSV"), (&opcode, "a reserved opcode"), (&huge, "2 MiB")]
    {
        let sim = cluster(|_| {}).await;
        let gateway = gateway(&sim).await;
        sim.fail_next(UPGRADE, Fault::AfterUpgrade(bytes.to_vec()));
        expect(&gateway, Reason::NodeWs, why).await;
    }
    // A fragment is legal WebSocket, so the handshake reads it; in the stream it is refused (splice tests). Cut short
    // here, the console is retried with a new ticket and works.
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    sim.fail_next(UPGRADE, Fault::AfterUpgrade(fragment.to_vec()));
    gateway.open(100).await.log_in().await.unwrap();
}

#[tokio::test]
async fn u19_a_connection_reset_before_the_first_byte_is_tried_once_more_with_a_new_ticket() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    sim.fail_next(UPGRADE, Fault::AfterUpgrade(Vec::new()));
    gateway.open(100).await.log_in().await.unwrap();
    assert_eq!(sim.counters().vncproxy_posts, 2, "never the old ticket");
    sim.fail_next(UPGRADE, Fault::AfterUpgrade(Vec::new()));
    sim.fail_next(UPGRADE, Fault::AfterUpgrade(Vec::new()));
    expect(&gateway, Reason::NodeCut, "twice").await;
    assert_eq!(sim.counters().vncproxy_posts, 4, "one retry, not more");
}

#[tokio::test]
async fn u12_a_node_that_shows_another_certificate_at_the_second_call_is_refused_though_it_is_valid() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    sim.fail_next("/vncproxy", Fault::Renews);
    expect(&gateway, Reason::NodeMoved, "renewed in between").await;
    assert_eq!((sim.counters().vncproxy_posts, sim.counters().upgrades), (1, 0), "no ticket went there");
    gateway.open(100).await.log_in().await.expect("from the next open on it is the node's own");
}

/// A VNC server that does not take the password.
fn wrong_password() -> Fault {
    let said = [&b"RFB 003.008\n\x01\x02"[..], &[7; 16], &[0, 0, 0, 1, 0, 0, 0, 2], b"no"].concat();
    Fault::AfterUpgrade(frame(Opcode::Binary, None, &said))
}

#[tokio::test]
async fn r07_a_refused_password_is_one_more_ticket_a_second_later_and_never_a_third() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    let began = Instant::now();
    sim.fail_next(UPGRADE, wrong_password());
    gateway.open(100).await.log_in().await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(sim.counters().vncproxy_posts, 2);
    sim.fail_next(UPGRADE, wrong_password());
    sim.fail_next(UPGRADE, wrong_password());
    expect(&gateway, Reason::RfbAuth, "twice").await;
    assert_eq!(sim.counters().vncproxy_posts, 4);
}

#[tokio::test]
async fn r03_a_browser_sends_one_kib_before_its_screen_is_ready_and_no_more() {
    for (bytes, reason) in [(1024, Reason::NodeHandshakeTimeout), (1025, Reason::RfbEarly)] {
        let sim = cluster(|_| {}).await;
        let gateway = gateway(&sim).await;
        sim.fail_next(UPGRADE, Fault::Stall(Vec::new()));
        let mut client = gateway.open(100).await;
        greet(&mut client).await;
        client.read(6).await.unwrap();
        client.send(&vec![3; bytes]).await;
        let end = client.ended().await;
        assert!(end.is(reason), "{bytes}: {end:?}");
    }
}

#[tokio::test]
async fn r05_a_server_without_a_password_behind_the_ticket_is_refused() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    let insecure = [&[0x82, 14][..], b"RFB 003.008\n\x01\x01"].concat();
    sim.fail_next(UPGRADE, Fault::AfterUpgrade(insecure));
    expect(&gateway, Reason::RfbInsecureUpstream, "type None").await;
}

#[tokio::test]
async fn t33_a_token_spent_on_a_node_that_is_down_is_spent() {
    let sim = cluster(|_| {}).await;
    let gateway = gateway(&sim).await;
    sim.set_health("pve1", Health::Down);
    sim.set_health("pve2", Health::Down);
    let token = gateway.token(100, |_| {});
    assert_eq!(gateway.open_with(&token).await.ended().await.code, 4503);
    sim.set_health("pve1", Health::Up);
    sim.set_health("pve2", Health::Up);
    assert!(gateway.refused(&token).await.contains("401"), "a fresh token is needed");
}
