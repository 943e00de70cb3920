//! Proxmox ends a screen on which nothing moves; a gateway's session outlives that, again and again.

use super::gateway::{PATIENCE, TestGateway, token};
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{Backend, GuestConfig, Sim};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Proxmox's 15 minutes, for a test.
const CUT: Duration = Duration::from_millis(2_500);

async fn still() -> Sim {
    cluster(|config| {
        config.timing.idle_cut = CUT;
        config.guests.push(GuestConfig::qemu(103, "pve1").backend(Backend::Still { width: 64, height: 64 }));
    })
    .await
}

#[tokio::test]
async fn u17_an_idle_session_survives_three_cuts() {
    let sim = still().await;
    let gateway = TestGateway::start(&sim, NODES, "[timeouts]\nkeep_alive = 1\n").await;
    for rights in [&["input", "clipboard", "resize", "power"][..], &[]] {
        let token = token(103, |claims| claims["console"]["rights"] = serde_json::json!(rights));
        let mut client = gateway.open_with(&token).await;
        client.log_in().await.unwrap();
        client.first_update(64, 64).await.unwrap();
        let (began, before) = (Instant::now(), sim.counters().client_frames);
        let signs = sim.wait_for(|counters| {
            counters.client_frames >= before + 2 && began.elapsed() > CUT * 3 || counters.websocket_live == 0
        });
        timeout(PATIENCE, signs).await.expect("signs of life").unwrap();
        assert_eq!(sim.counters().websocket_live, 1, "after {:?}", began.elapsed());
        client.first_update(64, 64).await.unwrap();
        let sent = gateway.metric("consolegate_keepalives_sent_total").await.unwrap();
        assert!(sent >= 7.0, "{sent}");
        let frames = gateway.metric("consolegate_client_received_frames_total{protocol=\"vnc\"}").await.unwrap();
        assert!(frames < 13.0, "{frames}: signs of life are not the browser's");
        drop(client);
        sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    }
}

#[tokio::test]
async fn without_signs_of_life_the_node_ends_it() {
    let sim = still().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open(103).await;
    client.log_in().await.unwrap();
    let end = client.ended().await;
    assert!(end.is(Reason::GuestEnded), "{end:?}");
}
