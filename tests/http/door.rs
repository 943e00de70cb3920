//! E02, E03: who may wait at the door, and for how long it counts.

use super::client::{handshake, head, until_end};
use super::face::{Face, token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
    while until_served(&face).await.is_none() {}
}

async fn until_served(face: &Face) -> Option<()> {
    let mut stream = face.connect().await;
    stream.write_all(head("GET /healthz", "close", &[]).as_bytes()).await.ok()?;
    (!until_end(&mut stream).await.is_empty()).then_some(())
}

#[tokio::test]
async fn a_good_token_gives_the_place_back() {
    let face = strict().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let bearer = format!("Authorization: Bearer {}", token());
        let mut page = face.connect().await;
        page.write_all(head("POST /v1/sessions", "keep-alive", &[&bearer]).as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        page.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 201");
        held.push(page);
    }
    let socket = face.raw(handshake(&[&format!("Authorization: Bearer {}", token())])).await;
    assert_eq!(socket.status, 101);
}
