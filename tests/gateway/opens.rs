//! The main job: a signed token opens the right guest's console, and every way it can end has its own close code.

use super::gateway::{PATIENCE, TestGateway};
use super::raw::Raw;
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{Backend, GuestConfig, Status, Style};
use consolegate::wire::websocket::{Opcode, frame};
use serde_json::json;
use std::sync::Arc;
use tokio::time::timeout;

#[tokio::test]
async fn a_token_opens_the_guests_screen_and_keys_arrive() {
    for style in [Style::New, Style::Legacy] {
        let sim = cluster(|config| config.style = style).await;
        let gateway = TestGateway::start(&sim, NODES, "").await;
        let mut client = gateway.open(101).await;
        let (width, height, name) = client.log_in().await.unwrap();
        assert!(name.contains("db-01"), "{name}");
        let pixels = client.first_update(width, height).await.unwrap();
        assert_eq!(pixels, usize::from(width) * usize::from(height) * 4);
        client.send(&[4, 1, 0, 0, 0, 0, 0, 0x61]).await;
        sim.guest(101).wait_for_key(0x61).await.unwrap();
        assert_eq!(sim.counters().wedged, 0);
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_guest_that_is_off_is_4423_and_one_that_is_not_there_4404() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let off = gateway.open(102).await.ended().await;
    assert!(off.is(Reason::GuestStopped), "{off:?}");
    let gone = gateway.open(999).await.ended().await;
    assert!(gone.is(Reason::GuestNotFound), "{gone:?}");
    assert_eq!(gateway.metric("consolegate_connect_failures_total{reason=\"guest_stopped\"}").await, Some(1.0));
}

#[tokio::test]
async fn a_guest_that_stops_in_the_session_ends_it_with_4423() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    sim.guest(100).set_status(Status::Stopped);
    sim.guest(100).kill_console();
    let end = client.ended().await;
    assert!(end.is(Reason::GuestStopped), "{end:?}");
}

#[tokio::test]
async fn u14_a_guest_that_migrates_says_so_and_the_next_open_finds_it() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    sim.guest(100).begin_migration();
    sim.guest(100).migrate_to("pve2");
    let end = client.ended().await;
    assert!(end.is(Reason::GuestMoved), "{end:?}");
    let mut again = gateway.open(100).await;
    let (_, _, name) = again.log_in().await.unwrap();
    assert!(name.contains("web-01"), "{name}");
}

#[tokio::test]
async fn a_session_longer_than_its_token_allows_ends_with_4410() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let token = gateway.token(100, |claims| claims["console"]["max_seconds"] = json!(2));
    let mut client = gateway.open_with(&token).await;
    client.log_in().await.unwrap();
    let end = client.ended().await;
    assert!(end.is(Reason::Lifetime), "{end:?}");
}

#[tokio::test]
async fn opens_of_one_guest_at_once_all_succeed_though_each_sets_a_new_vnc_password() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let open = || async {
        let mut client = gateway.open(100).await;
        client.log_in().await.map(|_| client)
    };
    let (a, b, c, d) = tokio::join!(open(), open(), open(), open());
    let live: Vec<_> = [a, b, c, d].into_iter().map(Result::unwrap).collect();
    assert_eq!(sim.counters().vnc_refused, 0, "handshakes take turns");
    let fifth = gateway.open(100).await.ended().await;
    assert!(fifth.is(Reason::LimitGuest), "{fifth:?}");
    drop(live);
}

#[tokio::test]
async fn r14_a_browser_that_asks_for_the_screen_alone_throws_nobody_out() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut first = gateway.open(100).await;
    first.log_in().await.unwrap();
    let mut second = gateway.open(100).await;
    assert_eq!(second.read(12).await.unwrap(), b"RFB 003.008\n");
    second.send(b"RFB 003.008\n\x01\x00").await;
    second.read(2 + 4 + 24).await.unwrap();
    assert!(first.first_update(640, 400).await.is_ok(), "the first viewer is still there");
}

#[tokio::test]
async fn r11_a_name_made_of_html_reaches_the_browser_as_it_is_and_no_metric() {
    let name = "<img src=x onerror=alert(1)>\u{1b}[2J";
    let sim = cluster(|config| config.guests.push(GuestConfig::qemu(103, "pve1").named(name))).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open(103).await;
    let (_, _, shown) = client.log_in().await.unwrap();
    assert!(shown.contains("<img src=x"), "{shown}");
    assert!(!gateway.metrics().await.contains("onerror"));
}

#[tokio::test]
async fn a_long_stream_both_ways_arrives_unchanged() {
    let sim = cluster(|config| config.guests.push(GuestConfig::qemu(103, "pve1").backend(Backend::RfbEcho))).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut raw = Raw::log_in(&gateway, 103).await;
    raw.begin().await;
    let payload: Vec<u8> = (0..8_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let frames: Vec<u8> =
        payload.chunks(40_009).flat_map(|part| frame(Opcode::Binary, Some([8, 1, 7, 2]), part)).collect();
    assert!(raw.exchange(frames, payload.len()).await == payload, "the bytes changed on the way");
    assert_eq!(sim.counters().wedged, 0);
}

#[tokio::test]
async fn stopping_the_gateway_tells_every_browser() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    let (end, ()) = tokio::join!(client.ended(), gateway.stop());
    assert!(end.is(Reason::Draining), "{end:?}");
}

#[tokio::test]
async fn metrics_tell_what_passed() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    client.first_update(640, 400).await.unwrap();
    assert_eq!(gateway.metric("consolegate_sessions_active{protocol=\"vnc\"}").await, Some(1.0));
    let sent = gateway.metric("consolegate_client_sent_bytes_total{protocol=\"vnc\"}").await.unwrap();
    assert!(sent > 24.0, "{sent}");
    assert_eq!(gateway.metric("consolegate_pve_up{pve_cluster=\"eu1\"}").await, Some(1.0));
    assert_eq!(gateway.metric("consolegate_connect_duration_seconds_count{stage=\"handshake\"}").await, Some(1.0));
}

#[tokio::test]
async fn f18_a_session_goes_on_through_a_reload_and_keeps_no_old_configuration() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open(100).await;
    let (width, height, _) = client.log_in().await.unwrap();
    let before = Arc::downgrade(&gateway.reload(|config| config.limits.per_guest = 1));
    let freed = async {
        while before.upgrade().is_some() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, freed).await.expect("nothing keeps the generation before");
    assert!(client.first_update(width, height).await.unwrap() > 0);
    let end = gateway.open(100).await.ended().await;
    assert!(end.is(Reason::LimitGuest), "the session of before counts by the limits of now: {end:?}");
}
