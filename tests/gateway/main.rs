//! The whole gateway through real sockets, in front of a simulated cluster, with an independent WebSocket client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "../support/client.rs"]
mod client;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/raw.rs"]
mod raw;

mod admin;
mod binary;
mod control;
mod keep_alive;
mod keys;
mod lines;
mod node_faults;
mod opens;
mod owner;
mod protect;
mod rights;
mod secrets;
mod series;
mod term;
mod term_framing;
mod tokens;
mod wrong_guest;

use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig};

/// The nodes of [`cluster`].
const NODES: &[&str] = &["pve1", "pve2"];

/// Two nodes, a guest on each, and one that is off.
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
