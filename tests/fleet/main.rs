//! Gateways that share a real Redis: what one knows, all know; and what becomes of them without it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "../support/client.rs"]
mod client;
#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/redis.rs"]
mod redis;

mod descriptors;
mod documented;
mod forgets;
mod killed;
mod moves;
mod operator;
mod shared;
mod way;
mod without;

use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig};
use fleet::{OPS, toml};
use gateway::TestGateway;
use redis::Redis;

const NODES: &[&str] = &["pve1"];

/// A node with two guests.
async fn cluster() -> Sim {
    let mut config = SimConfig::quick();
    config.nodes = vec![NodeConfig::new("pve1")];
    config.guests = vec![GuestConfig::qemu(100, "pve1").named("web-01"), GuestConfig::qemu(101, "pve1").named("db-01")];
    Sim::start(config).await.unwrap()
}

/// Two gateways of one fleet.
async fn two(sim: &Sim, redis: &Redis, extra: &str) -> (TestGateway, TestGateway) {
    let text = toml(&redis.toml(), extra);
    (TestGateway::start(sim, NODES, &text).await, TestGateway::start(sim, NODES, &text).await)
}
