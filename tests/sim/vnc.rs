//! Items 17 and 18: the VNC console.

use crate::peer::*;
use consolegate::sim::{Backend, Event, GuestConfig, Health, NodeConfig, Sim, SimConfig, Status, Style, Timing};
use std::time::Duration;

const GUEST: &str = "pve1/qemu/100";

async fn still(timing: Timing) -> Sim {
    let guest = GuestConfig::qemu(100, NODE).named("web").backend(Backend::Still { width: 320, height: 200 });
    start(SimConfig { guests: vec![guest], timing, ..SimConfig::default() }).await
}

#[tokio::test]
async fn sim_17_logs_in_with_the_password_of_the_reply() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    assert_eq!(peer.vnc(opened.text("password")).await, "QEMU (web-01)");
    assert_eq!(sim.guest(100).events(), [Event::Viewer { shared: true }]);
}

#[tokio::test]
async fn sim_17_legacy_passwords_are_the_tickets_first_eight_bytes() {
    let sim = start(SimConfig { style: Style::Legacy, ..SimConfig::quick() }).await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    let first: String = opened.text("ticket").chars().take(8).collect();
    peer.vnc(&first).await;
}

#[tokio::test]
async fn sim_17_a_wrong_password_gets_a_reason_of_22_bytes_and_the_end() {
    let sim = quick().await;
    let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
    assert_eq!(peer.payload(12).await, b"RFB 003.008\n");
    peer.binary(b"RFB 003.008\n").await;
    assert_eq!(peer.payload(2).await, [1, 2]);
    peer.binary(&[2]).await;
    peer.payload(16).await;
    peer.binary(&[0; 16]).await;
    assert_eq!(peer.payload(30).await, b"\0\0\0\x01\0\0\0\x16Authentication failed\0");
    assert_eq!(peer.rest().await, (Vec::new(), true));
    assert_eq!(sim.counters().vnc_refused, 1);
}

#[tokio::test]
async fn sim_17_each_connection_overwrites_the_guests_password() {
    let sim = quick().await;
    let (mut first, one) = console(&sim, GUEST, "vncproxy").await;
    assert_eq!(first.payload(12).await, b"RFB 003.008\n");
    let (mut second, two) = console(&sim, GUEST, "vncproxy").await;
    second.vnc(two.text("password")).await;
    first.binary(b"RFB 003.008\n").await;
    assert_eq!(first.payload(2).await, [1, 2]);
    first.binary(&[2]).await;
    let challenge = first.payload(16).await;
    first.binary(&response(one.text("password"), &challenge)).await;
    assert_eq!(first.frame().await.1[..4], [0, 0, 0, 1]);
}

#[tokio::test]
async fn sim_17_passwords_expire() {
    let sim = still(Timing { password_life: Duration::ZERO, ..Timing::quick() }).await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    assert_eq!(peer.vnc_auth(opened.text("password")).await, [0, 0, 0, 1]);
}

#[tokio::test]
async fn sim_17_an_unshared_viewer_throws_out_the_others() {
    let sim = quick().await;
    let (mut first, one) = console(&sim, GUEST, "vncproxy").await;
    first.vnc(one.text("password")).await;
    let (mut second, two) = console(&sim, GUEST, "vncproxy").await;
    second.vnc(two.text("password")).await;
    let (mut alone, three) = console(&sim, GUEST, "vncproxy").await;
    assert_eq!(alone.vnc_auth(three.text("password")).await, [0; 4]);
    alone.binary(&[0]).await;
    alone.frame().await;
    assert_eq!(first.rest().await, (Vec::new(), true));
    assert_eq!(second.rest().await, (Vec::new(), true));
    alone.binary(&[3, 0, 0, 0, 0, 0, 0, 1, 0, 1]).await;
    assert_eq!(alone.frame().await.0, 0x82);
}

#[tokio::test]
async fn sim_17_silence_in_both_directions_ends_it() {
    let sim = still(Timing { idle_cut: Duration::from_millis(200), ..Timing::quick() }).await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn sim_17_an_unknown_message_ends_it() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    peer.binary(&[150, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await;
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn sim_17_shows_and_records_keys_and_pointer() {
    let sim = still(Timing::quick()).await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    let whole = |incremental: u8| [3, incremental, 0, 0, 0, 0, 0x01, 0x40, 0, 200];
    peer.binary(&whole(0)).await;
    let picture = peer.update().await;
    assert!(picture.iter().all(|rect| rect.encoding == 0), "raw");
    assert_eq!(picture.iter().map(|rect| rect.pixels).sum::<usize>(), 320 * 200);
    // Still: an incremental request is answered only once something is typed, and only with what changed.
    peer.binary(&whole(1)).await;
    peer.binary(&[4, 1, 0, 0, 0, 0, 0, b'k']).await;
    sim.guest(100).wait_for_key(u32::from(b'k')).await.unwrap();
    let change = peer.update().await;
    let pixels: usize = change.iter().map(|rect| rect.pixels).sum();
    assert!((1..4096).contains(&pixels), "{change:?}");
    peer.binary(&[5, 1, 0, 10, 0, 20]).await;
    let pointed = Event::Pointer { mask: 1, x: 10, y: 20 };
    sim.guest(100).wait_for(|events| events.contains(&pointed)).await.unwrap();
}

#[tokio::test]
async fn sim_17_a_wish_for_a_size_is_passed_on_and_everybody_told_of_what_comes_of_it() {
    let sim = still(Timing::quick()).await;
    let (mut peer, one) = console(&sim, GUEST, "vncproxy").await;
    peer.vnc(one.text("password")).await;
    let (mut other, two) = console(&sim, GUEST, "vncproxy").await;
    other.vnc(two.text("password")).await;
    let request = |incremental: u8| [3, incremental, 0, 0, 0, 0, 0, 16, 0, 16];
    for viewer in [&mut peer, &mut other] {
        viewer.binary(&[2, 0, 0, 1, 255, 255, 254, 204]).await;
        viewer.binary(&request(0)).await;
        assert_eq!(viewer.size().await, [0, 0, 320, 200]);
        viewer.update().await;
        viewer.binary(&request(1)).await;
    }
    let wish = |width: u16, height: u16| {
        let (size, mut wish) = ([width.to_be_bytes(), height.to_be_bytes()].concat(), vec![251, 0]);
        wish.extend([&size[..], &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], &size, &[0; 4]].concat());
        wish
    };
    peer.binary(&wish(640, 400)).await;
    assert_eq!(peer.size().await, [1, 4, 320, 200], "asked for, and not yet so");
    for viewer in [&mut peer, &mut other] {
        assert_eq!(viewer.size().await, [0, 0, 640, 400]);
        viewer.binary(&request(1)).await;
        assert_eq!(viewer.update().await.iter().map(|rect| rect.pixels).sum::<usize>(), 640 * 400, "all of it new");
    }
    peer.binary(&wish(u16::MAX, u16::MAX)).await;
    assert_eq!(peer.size().await, [1, 3, 640, 400], "no such screen");
    let (mut late, three) = console(&sim, GUEST, "vncproxy").await;
    late.vnc(three.text("password")).await;
    late.binary(&request(0)).await;
    assert!(late.update().await.iter().all(|rect| rect.encoding == 0), "who does not know it is told nothing of it");
}

#[tokio::test]
async fn sim_17_a_moving_picture_moves_in_the_viewers_pixel_format() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    peer.binary(&[0, 0, 0, 0, 16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0]).await;
    peer.bytes_per_pixel = 2;
    peer.binary(&[3, 0, 0, 0, 0, 0, 0x02, 0x80, 0x01, 0x90]).await;
    peer.update().await;
    for _ in 0..2 {
        peer.binary(&[3, 1, 0, 0, 0, 0, 0x02, 0x80, 0x01, 0x90]).await;
        let pixels: usize = peer.update().await.iter().map(|rect| rect.pixels).sum();
        assert!((1..20_000).contains(&pixels), "{pixels}");
    }
}

#[tokio::test]
async fn sim_17_containers_have_passwords_of_their_own() {
    let sim = quick().await;
    let (mut first, one) = console(&sim, "pve1/lxc/101", "vncproxy").await;
    let (mut second, two) = console(&sim, "pve1/lxc/101", "vncproxy").await;
    assert_eq!(second.vnc(two.text("password")).await, "VNC Command Terminal");
    assert_eq!(first.vnc(one.text("password")).await, "VNC Command Terminal");
}

#[tokio::test]
async fn sim_17_without_websocket_1_the_console_waits_for_tls() {
    let sim = quick().await;
    let data = ask(&sim, NODE, "POST", "/nodes/pve1/qemu/100/vncproxy", "").await.data();
    assert!(data.get("password").is_none());
    let mut peer = enter(&sim, NODE, GUEST, &Opened { data }).await;
    peer.binary(b"RFB 003.008\n").await;
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn sim_17_the_console_of_another_guest_refuses_our_password() {
    let sim = start(SimConfig {
        style: Style::Legacy,
        guests: vec![GuestConfig::qemu(100, NODE), GuestConfig::qemu(200, NODE)],
        ..SimConfig::quick()
    })
    .await;
    let opened = open(&sim, NODE, GUEST, "vncproxy").await;
    sim.place_console(NODE, opened.port().parse().unwrap(), 200).unwrap();
    let mut peer = enter(&sim, NODE, GUEST, &opened).await;
    let first: String = opened.text("ticket").chars().take(8).collect();
    assert_eq!(peer.vnc_auth(&first).await, [0, 0, 0, 1]);
    assert_eq!(sim.guest(200).events(), []);
}

#[tokio::test]
async fn sim_18_a_guest_that_is_off_ends_without_a_byte() {
    let sim = still(Timing { stopped_end: Duration::from_millis(50), ..Timing::quick() }).await;
    sim.guest(100).set_status(Status::Stopped);
    let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn sim_10_a_console_of_a_guest_on_a_dead_node_ends_without_a_byte() {
    let sim = start(SimConfig {
        nodes: vec![NodeConfig::new("pve1"), NodeConfig::new("pve2")],
        guests: vec![GuestConfig::qemu(200, "pve2")],
        ..SimConfig::quick()
    })
    .await;
    sim.set_health("pve2", Health::Down);
    let (mut peer, _) = console(&sim, "pve2/qemu/200", "vncproxy").await;
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn sim_18_a_migration_ends_it_when_the_new_node_is_already_known() {
    let sim =
        start(SimConfig { nodes: vec![NodeConfig::new("pve1"), NodeConfig::new("pve2")], ..SimConfig::quick() }).await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    let guest = sim.guest(100);
    guest.begin_migration();
    let during = ask(&sim, NODE, "GET", "/nodes/pve1/qemu/100/status/current", "").await.data();
    assert_eq!((during["lock"].as_str(), during["status"].as_str()), (Some("migrate"), Some("running")));
    assert_eq!(ask(&sim, "pve2", "POST", "/nodes/pve2/qemu/100/vncproxy", "websocket=1").await.status, 500);
    guest.migrate_to("pve2");
    assert_eq!(peer.rest().await, (Vec::new(), true));
    let after = ask(&sim, NODE, "GET", "/cluster/resources?type=vm", "").await.data();
    assert_eq!((after[0]["node"].as_str(), after[0].get("lock")), (Some("pve2"), None));
    let again = open(&sim, "pve2", "pve2/qemu/100", "vncproxy").await;
    let mut peer = enter(&sim, "pve2", "pve2/qemu/100", &again).await;
    peer.vnc(again.text("password")).await;
}

#[tokio::test]
async fn sim_18_a_node_that_goes_down_takes_its_consoles_along() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    sim.set_health(NODE, Health::Down);
    assert!(tokio::net::TcpStream::connect(sim.node_address(NODE)).await.is_err());
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
}
