//! pveproxy is protected: what wedges it and leaks its slots never reaches it, whatever a browser sends.

use super::gateway::TestGateway;
use super::raw::Raw;
use super::{NODES, cluster};
use consolegate::sim::{Backend, GuestConfig, Sim};
use consolegate::wire::websocket::{Header, Opcode, frame};

const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

async fn echo() -> Sim {
    cluster(|config| config.guests.push(GuestConfig::qemu(103, "pve1").backend(Backend::RfbEcho))).await
}

/// The counters that must stay 0.
fn untouched(sim: &Sim) {
    let counters = sim.counters();
    assert_eq!((counters.wedged, counters.leaked), (0, 0));
    assert!(counters.max_client_frame <= 131_072, "{}", counters.max_client_frame);
}

#[tokio::test]
async fn w08_fragments_arrive_as_whole_frames() {
    let sim = echo().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut raw = Raw::log_in(&gateway, 103).await;
    raw.begin().await;
    let mut bytes = Vec::new();
    for part in 0..200_u8 {
        let opcode = if part == 0 { Opcode::Binary } else { Opcode::Continuation };
        let mut one = frame(opcode, KEY, &[part]);
        one[0] &= 0x7F;
        bytes.extend(one);
    }
    bytes.extend(frame(Opcode::Continuation, KEY, &[200]));
    raw.send(&bytes).await;
    assert_eq!(raw.payload(201).await, (0..=200).collect::<Vec<u8>>());
    untouched(&sim);
}

#[tokio::test]
async fn a_frame_over_128_kib_arrives_in_pieces() {
    let sim = echo().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    for len in [131_072, 131_073, 1_000_003] {
        let mut raw = Raw::log_in(&gateway, 103).await;
        raw.begin().await;
        let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let got = raw.exchange(frame(Opcode::Binary, KEY, &payload), len).await;
        assert!(got == payload, "{len} bytes came back changed");
    }
    untouched(&sim);
}

#[tokio::test]
async fn w01_w02_w05_what_breaks_rfc_6455_ends_here() {
    let sim = echo().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut reserved = frame(Opcode::Binary, KEY, b"x");
    reserved[0] |= 0x40;
    let gigabyte = Header { fin: true, opcode: Opcode::Binary, mask: KEY, len: 1 << 30 };
    for (bytes, code) in
        [(frame(Opcode::Binary, None, b"x"), 1002), (reserved, 1002), (gigabyte.encode().as_slice().to_vec(), 1009)]
    {
        let mut raw = Raw::log_in(&gateway, 103).await;
        raw.send(&bytes).await;
        assert_eq!(raw.close_code().await, code);
    }
    untouched(&sim);
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
}

#[tokio::test]
async fn w18_a_browser_that_vanishes_frees_the_node() {
    let sim = echo().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let raw = Raw::log_in(&gateway, 103).await;
    sim.wait_for(|counters| counters.websocket_live == 1).await.unwrap();
    drop(raw);
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    untouched(&sim);
}

#[tokio::test]
async fn h13_frames_sent_before_the_console_is_ready_are_held_and_arrive_in_order() {
    let sim = echo().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let handshake = [&b"RFB 003.008\n\x01\x01"[..], &[7; 500]].concat();
    let mut raw = Raw::open(&gateway, 103, &frame(Opcode::Binary, KEY, &handshake)).await;
    raw.payload(12 + 2 + 4).await;
    let mut echoed = raw.payload_after_init().await;
    while echoed.len() < 500 {
        echoed.extend(raw.payload(500 - echoed.len()).await);
    }
    assert_eq!(echoed, [7; 500]);
    untouched(&sim);
}
