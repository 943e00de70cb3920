//! Gateways that share a real Redis: what one knows, all know; and what becomes of them without it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "../support/client.rs"]
mod client;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/redis.rs"]
mod redis;

mod shared;
mod without;

use consolegate::hex;
use consolegate::sha256;
use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig};
use gateway::{PATIENCE, Place, TestGateway};
use redis::Redis;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const NODES: &[&str] = &["pve1"];
/// The bearer token of the operator.
const OPS: &str = "what the operator knows";

/// A node with two guests.
async fn cluster() -> Sim {
    let mut config = SimConfig::quick();
    config.nodes = vec![NodeConfig::new("pve1")];
    config.guests = vec![GuestConfig::qemu(100, "pve1").named("web-01"), GuestConfig::qemu(101, "pve1").named("db-01")];
    Sim::start(config).await.unwrap()
}

/// What every gateway of the fleet has in its configuration.
fn toml(store: &str, extra: &str) -> String {
    let digest = hex::lower(&sha256::of(OPS.as_bytes()));
    format!(
        "{store}[[admin.token]]\nname = \"ops\"\nsha256 = \"{digest}\"\nscopes = [\"read\", \"kill\", \"drain\", \"revoke\"]\n{extra}"
    )
}

/// Two gateways of one fleet.
async fn two(sim: &Sim, redis: &Redis, extra: &str) -> (TestGateway, TestGateway) {
    let text = toml(&redis.toml(), extra);
    (TestGateway::start(sim, NODES, &text).await, TestGateway::start(sim, NODES, &text).await)
}

impl Place {
    /// The status and body of the operator's request.
    async fn ops(&self, request: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{request} HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer {OPS}\r\n{length}\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// Waits until the operator's list is of this many sessions, and gives it.
    async fn lists(&self, count: usize) -> Vec<Value> {
        let lists = async {
            loop {
                let (status, answer) = self.ops("GET /v1/sessions", "").await;
                let sessions = answer["sessions"].as_array().cloned().unwrap_or_default();
                if status == 200 && sessions.len() == count {
                    return sessions;
                }
            }
        };
        timeout(PATIENCE, lists).await.unwrap_or_else(|_| panic!("the list is not of {count}"))
    }
}
