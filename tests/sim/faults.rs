//! Scripted misbehaviour, health, and what a node saw.

use crate::peer::*;
use consolegate::sim::{Fault, Health, SimConfig};
use std::io::ErrorKind;
use tokio::io::AsyncReadExt as _;

#[tokio::test]
async fn a_scripted_answer_comes_once() {
    let sim = quick().await;
    let bytes = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n";
    sim.fail_next("/vncproxy", Fault::Answer(bytes.to_vec()));
    assert_eq!(ask(&sim, NODE, "GET", "/version", "").await.status, 200);
    let path = "/nodes/pve1/qemu/100/vncproxy";
    assert_eq!(ask(&sim, NODE, "POST", path, "websocket=1").await.status, 302);
    assert_eq!(ask(&sim, NODE, "POST", path, "websocket=1").await.status, 200);
    let asked = sim.seen();
    assert_eq!(asked.iter().filter(|request| request.path.ends_with("/vncproxy")).count(), 2);
    assert_eq!((asked[1].node.as_str(), asked[1].method.as_str()), (NODE, "POST"));
}

#[tokio::test]
async fn a_scripted_stall_says_its_bytes_and_no_more() {
    let sim = quick().await;
    sim.fail_next("/version", Fault::Stall(b"HTTP/1.1 2".to_vec()));
    let mut peer = Peer::connect(&sim, NODE).await;
    peer.send("GET /api2/json/version HTTP/1.1\r\n\r\n").await;
    assert_eq!(&peer.bytes::<10>().await, b"HTTP/1.1 2");
}

#[tokio::test]
async fn a_scripted_reset_is_one() {
    let sim = quick().await;
    sim.fail_next("/version", Fault::Reset);
    let mut peer = Peer::connect(&sim, NODE).await;
    peer.send("GET /api2/json/version HTTP/1.1\r\n\r\n").await;
    let error = peer.stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_scripted_frame_follows_a_good_upgrade() {
    let sim = quick().await;
    sim.fail_next("/vncwebsocket", Fault::AfterUpgrade(vec![0x82, 0x81, 1, 2, 3, 4, 5]));
    let (mut peer, _) = console(&sim, "pve1/qemu/100", "vncproxy").await;
    assert_eq!(peer.rest().await, (vec![0x82, 0x81, 1, 2, 3, 4, 5], true));
}

#[tokio::test]
async fn a_node_comes_back_where_it_was() {
    let sim = quick().await;
    sim.set_health(NODE, Health::Down);
    assert!(tokio::net::TcpStream::connect(sim.node_address(NODE)).await.is_err());
    sim.set_health(NODE, Health::Up);
    assert_eq!(ask(&sim, NODE, "GET", "/version", "").await.status, 200);
}

#[tokio::test]
async fn dropping_the_cluster_ends_everything() {
    let sim = quick().await;
    let address = sim.node_address(NODE);
    let (mut peer, opened) = console(&sim, "pve1/qemu/100", "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    drop(sim);
    assert_eq!(peer.rest().await.0, b"");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_ask() {
    let sim = start(SimConfig::quick()).await;
    let mut peer = Peer::connect(&sim, NODE).await;
    let headers = token_header(&sim) + "Accept-Encoding: gzip, deflate\r\n";
    let reply = peer.ask("POST", "/api2/json/nodes/pve1/qemu/100/vncproxy", &headers, "websocket=1").await;
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_eq!(reply.body[..3], [0x1f, 0x8b, 8]);
    // One stored block: its data are the answer as it is.
    let inner: serde_json::Value = serde_json::from_slice(&reply.body[15..reply.body.len() - 13]).unwrap();
    assert_eq!(inner["data"]["user"], "gate@pve!console");
    let small = peer.ask("GET", "/api2/json/version", &headers, "").await;
    assert_eq!(small.header("content-encoding"), None);
}
