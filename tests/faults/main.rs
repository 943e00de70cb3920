//! Faults of nodes, networks and machines under a real gateway with customers on it: what ends says why, what is not
//! touched goes on byte for byte, and what was held is given back. F01, F04, F07, F08, F22, F23, F26.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

mod apart;
#[path = "../support/client.rs"]
mod client;
mod crowd;
mod customer;
mod cut;
mod flood;
#[path = "../support/gateway.rs"]
mod gateway;
mod limit;
#[path = "../support/process.rs"]
mod process;
mod scene;
mod slow;
mod starved;
mod way;

const NODES: &[&str] = &["pve1", "pve2", "pve3"];
const HOST: &str = "console.test";
/// The customers of a test.
const LIVE: usize = 198;

/// One test at a time where it counts or measures: each is a crowd.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
