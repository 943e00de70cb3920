//! E02, E03: who may wait at the door, and for how long it counts.

use super::client::{handshake, head, until_end};
use super::face::{Face, token};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

async fn strict() -> Face {
    Face::with(|config| config.limits.per_client = 2).await
}

#[tokio::test]
async fn e02_a_client_beyond_its_share_is_turned_away() {
    let face = strict().await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = face.connect().await;
        stream.write_all(head("GET /healthz", "keep-alive", &[]).as_bytes()).await.unwrap();
        assert_ne!(stream.read(&mut [0; 512]).await.unwrap(), 0);
        held.push(stream);
    }
    assert!(until_end(&mut face.connect().await).await.is_empty(), "the third is closed");
    drop(held.pop());
    // Its place is free once the server has noticed, which it does when it reads the end.
    let noticed = async { while until_served(&face).await.is_none() {} };
    timeout(Duration::from_secs(5), noticed)
        .await
        .expect("half of timeouts.header, which would free its place as well");
}

async fn until_served(face: &Face) -> Option<()> {
    let mut stream = face.connect().await;
    stream.write_all(head("GET /healthz", "close", &[]).as_bytes()).await.ok()?;
    (!until_end(&mut stream).await.is_empty()).then_some(())
}

#[tokio::test]
async fn an_upgrade_gives_the_place_back_and_a_session_request_does_not() {
    // A node that never says a word keeps the sockets open.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let face = Face::with(|config| {
        config.limits.per_client = 2;
        config.limits.per_guest = 100;
        config.clusters[0].nodes[0].port = port;
    })
    .await;
    let bearer = || format!("Authorization: Bearer {}", token());
    let ask = async |request: String| {
        let mut stream = face.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.map(|_| (stream, answer))
    };
    let mut held = Vec::new();
    for _ in 0..5 {
        let (stream, answer) = ask(handshake(&[&bearer()])).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101");
        held.push(stream);
    }
    // A connection that only asked for sessions may ask for ever: it stays one of its client's few.
    for _ in 0..2 {
        let (stream, answer) = ask(head("POST /v1/sessions", "keep-alive", &[&bearer()])).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 201");
        held.push(stream);
    }
    assert!(ask(handshake(&[&bearer()])).await.is_err(), "no place is left");
    assert_eq!(face.consoles.len(), 5, "all of them are still open");
}
