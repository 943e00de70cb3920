//! What a token does not grant never reaches the guest, whatever a viewer sends and however it frames and cuts it.

use super::client::Client;
use super::gateway::{Place, TestGateway, token};
use super::raw::Raw;
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{Backend, Event, GuestConfig, Sim};
use consolegate::wire::websocket::{Opcode, frame};
use serde_json::json;

const KEY: Option<[u8; 4]> = Some([9, 8, 7, 6]);
const EXTENDED_CLIPBOARD: i32 = 0xC0A1_E5CE_u32.cast_signed();

/// A client's messages, with the rights each of them needs.
fn messages() -> Vec<(&'static [&'static str], Vec<u8>)> {
    vec![
        (&[], vec![0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]),
        (&["input"], vec![4, 1, 0, 0, 0, 0, 0, 0x61]),
        (&[], vec![3, 1, 0, 0, 0, 0, 0, 9, 0, 9]),
        (&["input"], vec![5, 0xFF, 0, 1, 0, 2]),
        (&["input", "clipboard"], vec![6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i']),
        (&["input", "clipboard"], vec![6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 0, 0, 1]),
        (&["input", "clipboard"], vec![6, 0, 0, 0, 0, 0, 0, 0]),
        (&["input", "resize"], [&[251, 0, 3, 32, 2, 88, 1, 0][..], &[4; 16]].concat()),
        (&[], vec![248, 0, 0, 0, 0x80, 0, 0, 1, 2, 4, 4]),
        (&["input", "power"], vec![250, 0, 1, 4]),
        (&["input"], vec![255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30]),
        (&["input"], vec![255, 1, 0, 2, 3, 2, 0, 0, 0xac, 0x44]),
        (&["input"], vec![253, 0x80, 0, 3, 4, 4, 4]),
        (&[], vec![150, 1, 0, 0, 0, 0, 2, 128, 1, 144]),
    ]
}

/// Sets of rights, none of them all of them.
const SETS: [&[&str]; 7] = [
    &[],
    &["input"],
    &["input", "resize", "power"],
    &["input", "clipboard", "power"],
    &["input", "clipboard", "resize"],
    &["clipboard", "resize", "power"],
    &["input", "clipboard"],
];

async fn echo() -> Sim {
    cluster(|config| config.guests.push(GuestConfig::qemu(103, "pve1").backend(Backend::RfbEcho))).await
}

fn token_for(vmid: u32, rights: &[&str]) -> String {
    token(vmid, |claims| claims["console"]["rights"] = json!(rights))
}

async fn log_in(gateway: &Place, vmid: u32, rights: &[&str]) -> Client {
    let mut client = gateway.open_with(&token_for(vmid, rights)).await;
    client.log_in().await.unwrap();
    client
}

#[tokio::test]
async fn r12_r13_the_node_gets_what_is_granted_and_not_one_byte_more_at_every_cut() {
    let sim = echo().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let stream: Vec<u8> = messages().into_iter().flat_map(|(_, bytes)| bytes).collect();
    for rights in SETS {
        let granted: Vec<u8> = messages()
            .into_iter()
            .filter(|(needs, _)| needs.iter().all(|need| rights.contains(need)))
            .flat_map(|(_, bytes)| bytes)
            .collect();
        let mut raw = Raw::log_in_with(&gateway, &token_for(103, rights)).await;
        raw.begin().await;
        // All of it in two frames, cut at every byte, and once more a byte a frame.
        let mut frames = Vec::new();
        for cut in 0..stream.len() {
            let (left, right) = stream.split_at(cut);
            frames.extend(frame(Opcode::Binary, KEY, left));
            frames.extend(frame(Opcode::Binary, KEY, right));
        }
        frames.extend(stream.iter().flat_map(|byte| frame(Opcode::Binary, KEY, &[*byte])));
        let expected = granted.repeat(stream.len() + 1);
        let got = raw.exchange(frames, expected.len()).await;
        assert!(got == expected, "rights {rights:?}: {} bytes came, {} were granted", got.len(), expected.len());
        assert_eq!(sim.counters().wedged, 0);
    }
}

#[tokio::test]
async fn r12_a_watcher_sees_the_picture_and_reaches_nothing() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut watcher = log_in(&gateway, 100, &[]).await;
    let encodings = [0, -258, -308, -309, -316, EXTENDED_CLIPBOARD, -223];
    let list: Vec<u8> = encodings.iter().flat_map(|number: &i32| number.to_be_bytes()).collect();
    watcher.send(&[&[2, 0, 0, 7][..], &list].concat()).await;
    for message in [
        &[4_u8, 1, 0, 0, 0, 0, 0, 0x61][..],
        &[5, 1, 0, 1, 0, 2],
        &[6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'],
        &[250, 0, 1, 4],
        &[251, 0, 3, 32, 2, 88, 0, 0],
        &[255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30],
    ] {
        watcher.send(message).await;
    }
    // What follows all that is answered, so the guest has read everything before it.
    assert_eq!(watcher.first_update(640, 400).await.unwrap(), 640 * 400 * 4);
    let events = sim.guest(100).events();
    assert_eq!(events, [Event::Viewer { shared: true }, Event::Encodings(vec![0, -223])]);
    gateway.stop().await;
}

#[tokio::test]
async fn r12_what_cannot_be_judged_ends_a_filtered_session_with_1008() {
    let sim = echo().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    for (bytes, reason) in [
        (&[7_u8, 0, 0, 0][..], Reason::RfbUnknown),
        (&[2, 0, 255, 255], Reason::RfbValue),
        (&[0; 20], Reason::RfbValue),
    ] {
        let mut client = log_in(&gateway, 103, &["input", "clipboard"]).await;
        client.send(bytes).await;
        let end = client.ended().await;
        assert!(end.is(reason) && end.code == 1008, "{bytes:?}: {end:?}");
        let line = format!("consolegate_sessions_ended_total{{protocol=\"vnc\",reason=\"{}\"}}", reason.word());
        assert!(gateway.metric(&line).await.is_some_and(|count| count >= 1.0), "{line}");
    }
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    assert_eq!(sim.counters().wedged, 0);
}

#[tokio::test]
async fn r15_a_session_with_every_right_passes_what_the_guest_may_judge() {
    let sim = echo().await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = log_in(&gateway, 103, &["input", "clipboard", "resize", "power"]).await;
    let bytes = [&[0; 20][..], &[2, 0, 255, 255], &[7; 4 * 65_535], &[1, 99]].concat();
    client.send(&bytes).await;
    assert!(client.read(bytes.len()).await.unwrap() == bytes);
}
