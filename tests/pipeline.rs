//! The main job through real sockets: a signed token opens the right guest's console, and every way it can fail has its
//! own close code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, reason = "tests share support")]

#[path = "support/gateway.rs"]
mod gateway;

use consolegate::reason::Reason;
use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig, Style};
use gateway::TestGateway;

async fn cluster(change: impl FnOnce(&mut SimConfig)) -> Sim {
    let mut config = SimConfig::quick();
    config.nodes = vec![NodeConfig::new("pve1"), NodeConfig::new("pve2")];
    config.guests = vec![
        GuestConfig::qemu(100, "pve1").named("web-01"),
        GuestConfig::qemu(101, "pve2").named("db-01"),
        GuestConfig::qemu(102, "pve1").named("off-01").stopped(),
    ];
    change(&mut config);
    Sim::start(config).await.unwrap()
}

const NODES: &[&str] = &["pve1", "pve2"];

#[tokio::test]
async fn a_token_opens_the_guests_screen_and_keys_arrive() {
    for style in [Style::New, Style::Legacy] {
        let sim = cluster(|config| config.style = style).await;
        let gateway = TestGateway::start(&sim, NODES, "").await;
        let mut client = gateway.open(101).await;
        let (width, height, name) = client.log_in().await.unwrap();
        assert!(name.contains("db-01"), "{name}");
        let (kind, rectangles) = client.first_update(width, height).await.unwrap();
        assert_eq!(kind, 0);
        assert!(rectangles > 0);
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
    sim.guest(100).set_status(consolegate::sim::Status::Stopped);
    sim.guest(100).kill_console();
    let end = client.ended().await;
    assert!(end.is(Reason::GuestStopped), "{end:?}");
}
