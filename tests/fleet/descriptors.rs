//! A gateway with few file descriptors: what clients take is never the admin side's, the store's or a live console's node's.

use super::client::Client;
use super::gateway::{PATIENCE, Place, configuration, keys, token};
use super::process::Process;
use super::redis::Redis;
use super::toml;
use consolegate::reason::Reason;
use consolegate::sim::{Backend, GuestConfig, NodeConfig, Sim, SimConfig};
use futures_util::future::join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const LIMIT: usize = 256;
/// Consoles that are asked for: twice as many as find room, each with two descriptors.
const ASKED: u32 = 200;
/// What its share of the descriptors leaves for them.
const LIVE: usize = 84;
const FLOOD: u8 = 100;
/// The screens' size: small, because there are many.
const SIDE: u16 = 16;
const HOST: &str = "console.test";

async fn cluster() -> Sim {
    let mut config = SimConfig::quick();
    let nodes = ["pve1", "pve2", "pve3"];
    config.nodes = nodes.map(NodeConfig::new).into();
    let still = Backend::Still { width: SIDE, height: SIDE };
    let guest = |n: u32| GuestConfig::qemu(100 + n, nodes[n as usize % 3]).backend(still.clone());
    config.guests = (0..ASKED).map(guest).collect();
    Sim::start(config).await.unwrap()
}

/// This process holds the other end of everything.
fn take_all_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

async fn started(sim: &Sim, redis: &Redis, folder: &std::path::Path) -> Process {
    let file = folder.join("consolegate.toml");
    let limits = "[limits]\nper_client = 2000\nper_subject = 2000\n[log]\nformat = \"json\"\n";
    std::fs::write(&file, configuration(HOST, sim, &["pve1", "pve2", "pve3"], &toml(&redis.toml(), limits))).unwrap();
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={LIMIT}:{LIMIT}")).arg(env!("CARGO_BIN_EXE_consolegate"));
    command.args(["serve", "--config"]).arg(file);
    Process::run(command, HOST).await
}

/// A console that opens, or how it was refused.
async fn opened(place: &Place, vmid: u32) -> Result<Client, String> {
    let mut client = place.try_open_with(&token(vmid, |_| {})).await?;
    client.log_in().await.map_err(|closed| closed.reason)?;
    Ok(client)
}

/// The consoles that find room, ten asked for at a time.
async fn all_that_open(place: &Place) -> Vec<Client> {
    let mut live = Vec::new();
    for first in (0..ASKED).step_by(10) {
        for opened in join_all((first..first + 10).map(|n| opened(place, 100 + n))).await {
            match opened {
                Ok(client) => live.push(client),
                // Told why, or at the door without a word.
                Err(said) => assert!(live.len() + 10 >= LIVE, "{said} though only {} are live", live.len()),
            }
        }
    }
    live
}

/// Comes from an address of its own, says nothing, and comes again as soon as it is sent away.
async fn floods(place: Place, nth: u8, sent_away: Arc<AtomicUsize>) {
    loop {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("127.0.1.{}:0", nth + 1).parse().unwrap()).unwrap();
        if let Ok(mut stream) = socket.connect(place.address).await {
            let _ = stream.read(&mut [0; 1]).await;
            sent_away.fetch_add(1, Relaxed);
        }
    }
}

/// The admin side answers, with what the store says too.
async fn operator_is_answered(place: &Place, live: usize) {
    let asked = Instant::now();
    let (status, list) = place.ops("GET /v1/sessions", "").await;
    assert_eq!((status, list["sessions"].as_array().map(Vec::len)), (200, Some(live)), "{list}");
    let open = place.metric("process_open_fds").await.unwrap();
    assert!(open < LIMIT as f64, "{open}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

/// Every connection to the store ends and has to be made again.
async fn store_is_dialled_anew(redis: &Redis) {
    let mut stream = TcpStream::connect(redis.address).await.unwrap();
    stream.write_all(b"CLIENT KILL TYPE normal SKIPME yes\r\n").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b':');
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f21_with_few_descriptors_a_flood_takes_none_of_the_admin_sides_the_stores_or_the_live_consoles() {
    take_all_descriptors();
    let (sim, redis) = (cluster().await, Redis::start().await);
    let folder = keys(&sim);
    let gateway = started(&sim, &redis, folder.path()).await;
    let place = gateway.place.clone();
    gateway.says("too few file descriptors for limits.sessions").await;
    gateway.ready().await;
    assert_eq!(place.metric("consolegate_sessions_limit").await, Some(LIVE as f64));

    let mut live = all_that_open(&place).await;
    assert_eq!(live.len(), LIVE, "{}", gateway.logged());
    let (mut flood, sent_away) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for nth in 0..FLOOD {
        flood.spawn(floods(place.clone(), nth, Arc::clone(&sent_away)));
    }
    for round in 0..10 {
        let more = sent_away.load(Relaxed) + usize::from(FLOOD);
        let goes_on = async {
            while sent_away.load(Relaxed) < more {
                tokio::task::yield_now().await
            }
        };
        timeout(PATIENCE, goes_on).await.expect("they come all the time");
        operator_is_answered(&place, live.len()).await;
        // Whoever leaves makes room for somebody else, flood or not.
        let mut leaves = live.pop().unwrap();
        leaves.socket.close(None).await.unwrap();
        leaves.ended().await;
        place.lists(live.len()).await;
        if round == 5 {
            store_is_dialled_anew(&redis).await;
        }
        live.push(comes_in(&place, 100 + round).await);
    }
    for client in &mut live {
        client.first_update(SIDE, SIDE).await.expect("it goes on");
    }
    let session = place.lists(live.len()).await[0]["session"].clone();
    let kill = format!("DELETE /v1/sessions/{}", session.as_str().unwrap());
    assert_eq!(place.ops(&kill, "").await.0, 204);
    assert_eq!(place.ops("POST /v1/revocations", r#"{"subject":"customer-42"}"#).await.0, 201);
    let mut ends = Vec::new();
    for client in &mut live {
        ends.push(client.ended().await);
    }
    assert!(ends.iter().all(|end| end.is(Reason::Revoked) || end.is(Reason::Killed)), "{ends:?}");
    flood.shutdown().await;
    let log = gateway.logged();
    assert!(!log.contains("os error 24") && !log.contains("cannot accept"), "{log}");
}

/// A customer's page tries until it is let in: somebody else may have come first.
async fn comes_in(place: &Place, vmid: u32) -> Client {
    let comes = async {
        loop {
            match opened(place, vmid).await {
                Ok(client) => return client,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    timeout(PATIENCE, comes).await.expect("there is room again")
}
