//! L01, L02, L07: behind a balancer, and not behind one.

use super::client::head;
use super::face::{Face, token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn l02_each_client_behind_a_trusted_proxy_has_its_own_share() {
    let face = Face::with(|config| {
        config.limits.per_client = 1;
        config.listen.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    // Many connections of one proxy, kept open: it is not one client.
    let mut held = Vec::new();
    for last in 1..=5 {
        let mut stream = face.connect().await;
        let from = format!("X-Forwarded-For: 192.0.2.{last}");
        stream.write_all(head("GET /console", "keep-alive", &[&from]).as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        held.push(stream);
    }
    let disagree = ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=198.51.100.9"];
    assert_eq!(face.request("GET /console", &disagree).await.status, 400);
}

#[tokio::test]
async fn l02_a_client_behind_a_trusted_proxy_has_no_more_than_its_share() {
    let face = Face::with(|config| {
        // A share of none shows the count without a race against the answer.
        config.limits.per_client = 0;
        config.listen.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let answer = face.request("GET /console", &["X-Forwarded-For: 192.0.2.1"]).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "limit_client"));
    assert_eq!(face.request("GET /healthz", &[]).await.status, 200, "the proxy's own check is no client");
}

#[tokio::test]
async fn l07_forwarded_headers_of_a_stranger_change_nothing() {
    let face = Face::start().await;
    let lies = ["X-Forwarded-Proto: http", "X-Forwarded-Host: evil.example.net", "Forwarded: host=evil.example.net"];
    let bearer = format!("Authorization: Bearer {}", token());
    let answer = face.request("POST /v1/sessions", &[&lies[..], &[&bearer]].concat()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["websocket"], "wss://console.example.com/v1/ws");
}
