//! What moves while its console is open: the guest to another node, the customer to another address.

use super::client::Client;
use super::gateway::{PATIENCE, Place, TestGateway, token};
use super::redis::Redis;
use super::{cluster, toml, two};
use consolegate::reason::Reason;
use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const BOTH: &[&str] = &["pve1", "pve2"];

#[tokio::test]
async fn f30_a_console_is_on_the_guests_new_node_within_five_seconds_through_whichever_gateway() {
    let mut config = SimConfig::quick();
    config.nodes = BOTH.iter().map(|node| NodeConfig::new(node)).collect();
    config.guests = vec![GuestConfig::qemu(100, "pve1")];
    let (sim, redis) = (Sim::start(config).await.unwrap(), Redis::start().await);
    let text = toml(&redis.toml(), "");
    let (one, other) = (TestGateway::start(&sim, BOTH, &text).await, TestGateway::start(&sim, BOTH, &text).await);
    let page = one.session(&token(100, |_| {})).await;
    let mut client = one.open_with(page["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    assert_eq!(one.lists(1).await[0]["node"], json!("pve1"));
    sim.guest(100).begin_migration();
    sim.guest(100).migrate_to("pve2");
    let began = Instant::now();
    assert!(client.ended().await.is(Reason::GuestMoved));
    let resumed = other.session(page["resume"].as_str().unwrap()).await;
    let mut again = other.open_with(resumed["ticket"].as_str().unwrap()).await;
    again.log_in().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let listed = other.lists(1).await;
    assert_eq!((&listed[0]["node"], &listed[0]["session"]), (&json!("pve2"), &page["session"]));
}

/// A connection that comes from another address than everybody else's.
async fn from_elsewhere(place: &Place) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
    socket.connect(place.address).await.unwrap()
}

#[tokio::test]
async fn f29_a_customer_who_slept_and_comes_from_another_address_has_the_session_there_and_no_longer_here() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let page = one.session(&token(100, |_| {})).await;
    let mut asleep = one.open_with(page["ticket"].as_str().unwrap()).await;
    asleep.log_in().await.unwrap();

    let mut stream = from_elsewhere(&other).await;
    let (host, resume) = (&other.host, page["resume"].as_str().unwrap());
    let request = format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {resume}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let resumed: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(resumed["session"], page["session"], "no session is bound to an address");
    let mut request = format!("ws://{host}/v1/ws").into_client_request().unwrap();
    let bearer = format!("Bearer {}", resumed["ticket"].as_str().unwrap());
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    let (socket, _) = client_async(request, from_elsewhere(&other).await).await.unwrap();
    let mut awake = Client::of(socket);
    awake.log_in().await.unwrap();
    assert!(asleep.ended().await.is(Reason::TakenOver));
    let listed = other.lists(1).await;
    assert_eq!((&listed[0]["client"], &listed[0]["session"]), (&json!("127.0.0.9"), &page["session"]));
}
