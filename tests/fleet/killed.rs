//! What becomes of a killed gateway's sessions: each comes back elsewhere as from any cut, for as long and no longer. F20, D06.

use super::client::Client;
use super::gateway::{TestGateway, configuration, keys, token};
use super::process::Process;
use super::redis::Redis;
use super::{NODES, cluster, toml};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A console of this guest, and what its page was given.
async fn opened(gateway: &Process, vmid: u32) -> (Client, Value) {
    let page = gateway.place.session(&token(vmid, |_| {})).await;
    let mut client = gateway.place.open_with(page["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    (client, page)
}

#[tokio::test]
async fn f20_a_session_of_a_killed_gateway_is_resumed_for_resume_seconds_and_no_longer() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let text = toml(&(redis.toml() + "resume_seconds = 5\n"), "[log]\nformat = \"json\"\n");
    let other = TestGateway::start(&sim, NODES, &text).await;
    let folder = keys(&sim);
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, configuration("console.test", &sim, NODES, &text)).unwrap();
    let mut killed = Process::start(&file, "console.test").await;
    killed.ready().await;
    let (_first, kept) = opened(&killed, 100).await;
    let (_second, left) = opened(&killed, 101).await;
    killed.signal(Signal::KILL);
    killed.ended().await;
    let resumed = other.session(kept["resume"].as_str().unwrap()).await;
    assert_eq!(resumed["session"], kept["session"]);
    let mut client = other.open_with(resumed["ticket"].as_str().unwrap()).await;
    client.log_in().await.expect("it comes back at once");
    other.lists(1).await;
    assert_eq!(other.session(left["resume"].as_str().unwrap()).await["code"], json!("resume_expired"));
}
