//! How many series a scrape has: as many as the configuration makes, whatever comes from outside.

use super::gateway::{Place, TestGateway, token};
use super::{NODES, cluster};
use consolegate::sim::{GuestConfig, Sim};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GUESTS: u32 = 40;

/// A scrape's series without their values.
async fn series(place: &Place) -> BTreeSet<String> {
    let text = place.metrics().await;
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let name = |line: &str| line.rsplit_once(' ').map(|(name, _)| name.to_owned());
    body.lines().filter(|line| !line.starts_with('#')).filter_map(name).collect()
}

/// Sessions of many guests and users, each opened and closed.
async fn sessions(sim: &Sim, gateway: &TestGateway, round: u32) {
    for vmid in 200..200 + GUESTS {
        let subject = move |claims: &mut Value| claims["sub"] = json!(format!("customer-{round}-{vmid}"));
        let mut client = gateway.open_with(&token(vmid, subject)).await;
        client.log_in().await.unwrap();
        client.socket.close(None).await.unwrap();
        client.ended().await;
    }
    assert!(sim.counters().connections > 0);
}

/// What nobody asked for, each with names that were never heard before.
async fn strangers(gateway: &TestGateway, round: u32) {
    let stranger = |nth: u32| format!("stranger-{round}-{nth}");
    let of = |change: &dyn Fn(&mut Value)| token(100, change);
    for nth in 0..5 {
        let name = stranger(nth);
        for bad in [
            of(&|claims| claims["iss"] = json!(name)),
            of(&|claims| claims["aud"] = json!(name)),
            of(&|claims| claims["console"]["cluster"] = json!(name)),
            of(&|claims| claims["console"]["node"] = json!(name)),
            of(&|claims| claims["console"]["kind"] = json!(name)),
            of(&|claims| claims["console"]["protocol"] = json!(name)),
            of(&|claims| claims["console"]["vmid"] = json!(1_000_000 + round * 10 + nth)),
            name.clone(),
        ] {
            assert!(gateway.refused(&bad).await.starts_with("HTTP/1.1 4"));
        }
        let requests = [
            format!("GET /{name} HTTP/1.1\r\nHost: {}\r\n", gateway.host),
            format!("GET /console HTTP/1.1\r\nHost: {name}\r\n"),
            format!("{} /v1/ws HTTP/1.1\r\nHost: {}\r\n", name.to_uppercase(), gateway.host),
            format!("POST /v1/sessions/{name}/power HTTP/1.1\r\nHost: {}\r\nOrigin: https://{name}\r\n", gateway.host),
        ];
        join_all(requests.map(async |request| {
            let mut stream = TcpStream::connect(gateway.address).await.unwrap();
            stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 4"), "{request}: {answer}");
        }))
        .await;
        gateway.ask_admin(&format!("/v1/sessions/{name}")).await;
    }
    // A guest that the node does not know, in the issuer's scope.
    gateway.open(900 + round).await.ended().await;
}

#[tokio::test]
async fn sessions_and_strangers_add_no_series() {
    let sim = cluster(|config| {
        config.guests.extend((200..200 + GUESTS).map(|vmid| GuestConfig::qemu(vmid, NODES[vmid as usize % 2])));
    })
    .await;
    let gateway = TestGateway::start(&sim, NODES, "[limits]\nper_client = 1000\n").await;
    sessions(&sim, &gateway, 0).await;
    strangers(&gateway, 0).await;
    let first = series(&gateway).await;
    assert!(!first.iter().any(|name| name.contains("stranger") || name.contains("customer")), "{first:#?}");
    for round in 1..5 {
        sessions(&sim, &gateway, round).await;
        strangers(&gateway, round).await;
    }
    let later = series(&gateway).await;
    assert_eq!(later.difference(&first).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(first.difference(&later).collect::<Vec<_>>(), Vec::<&String>::new());
}
