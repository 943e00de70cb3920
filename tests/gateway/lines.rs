//! Each connection of a session leaves one line at its end, and one before it where it opened.

use super::binary::Binary;
use super::cluster;
use super::gateway::{PATIENCE, token};
use serde_json::Value;
use std::collections::HashMap;
use tokio::time::Instant;

#[tokio::test]
async fn every_session_has_one_line_for_its_opening_and_one_for_its_end() {
    let sim = cluster(|_| {}).await;
    let mut binary = Binary::start_with(&sim, |text| text).await;
    binary.says("consolegate is ready").await;
    // Left, ended by the guest, off, not there, and left in the middle of its handshake.
    binary.place.open_with(&token(100, |_| {})).await.log_in().await.unwrap();
    let mut ended = binary.place.open_with(&token(101, |_| {})).await;
    ended.log_in().await.unwrap();
    sim.guest(101).kill_console();
    ended.ended().await;
    for vmid in [102, 999] {
        binary.place.open_with(&token(vmid, |_| {})).await.ended().await;
    }
    drop(binary.place.open_with(&token(100, |_| {})).await);
    let counted = events(&binary).await;
    let mut told: Vec<&str> = counted.values().map(String::as_str).collect();
    told.sort_unstable();
    assert_eq!(told, ["opened closed", "opened closed", "refused", "refused", "refused"], "{counted:?}");
}

/// The events of each session, in order, once there are five sessions and all of them are over.
async fn events(binary: &Binary) -> HashMap<String, String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut all: HashMap<String, String> = HashMap::new();
        for line in binary.logged().lines().filter(|line| line.contains("consolegate::audit")) {
            let line: Value = serde_json::from_str(line).unwrap();
            let event = line["event"].as_str().unwrap().strip_prefix("session.").unwrap();
            let of = all.entry(line["session"].as_str().expect("a session").to_owned()).or_default();
            *of = format!("{of} {event}").trim().to_owned();
        }
        if all.len() == 5 && all.values().all(|events| events != "opened") {
            return all;
        }
        tokio::task::yield_now().await;
        assert!(Instant::now() < until, "{all:?}");
    }
}
