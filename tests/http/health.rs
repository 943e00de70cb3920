//! What balancers ask.

use super::client::{head, until_end};
use super::face::Face;
use consolegate::lifecycle::Lifecycle;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

#[tokio::test]
async fn readyz_follows_the_phase_and_healthz_does_not() {
    let face = Face::start().await;
    face.restart(0);
    for (enter, word, ready) in [
        ((|_| ()) as fn(&Lifecycle), "starting\n", 503),
        (Lifecycle::ready, "ok\n", 200),
        (Lifecycle::drain, "draining\n", 503),
        (Lifecycle::ready, "ok\n", 200),
    ] {
        enter(&face.shared().lifecycle);
        let answer = face.request("GET /readyz", &[]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (ready, word.as_bytes()));
        assert_eq!(face.request("GET /healthz", &[]).await.status, 200, "{word}");
    }
}

#[tokio::test]
async fn a_drain_ends_every_connection_with_its_next_answer_so_that_a_balancer_chooses_anew() {
    let face = Face::start().await;
    let mut open = face.connect().await;
    open.write_all(head("GET /healthz", "keep-alive", &[]).as_bytes()).await.unwrap();
    open.readable().await.unwrap();
    face.shared().lifecycle.drain();
    open.write_all(head("GET /healthz", "keep-alive", &[]).as_bytes()).await.unwrap();
    let both = timeout(Duration::from_secs(5), until_end(&mut open)).await.expect("half of timeouts.header");
    let text = String::from_utf8_lossy(&both).to_lowercase();
    assert_eq!(text.matches("http/1.1 200").count(), 2, "{text}");
    assert_eq!(text.matches("connection: close").count(), 1, "{text}");
}

#[tokio::test]
async fn l08_a_check_needs_no_name() {
    let face = Face::start().await;
    for host in ["10.0.0.5:8443", "anything"] {
        let answer = face.raw(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok\n"[..]));
    }
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_waits_for_none() {
    let face = Face::start().await;
    let mut idle = face.connect().await;
    idle.write_all(head("GET /healthz", "keep-alive", &[]).as_bytes()).await.unwrap();
    let mut fresh = face.connect().await;
    // Answered, so both are known to be accepted when the stop comes.
    fresh.write_all(head("GET /healthz", "keep-alive", &[]).as_bytes()).await.unwrap();
    fresh.readable().await.unwrap();
    idle.readable().await.unwrap();
    face.stop.cancel();
    let ended = async {
        assert!(until_end(&mut idle).await.starts_with(b"HTTP/1.1 200"));
        assert!(until_end(&mut fresh).await.starts_with(b"HTTP/1.1 200"));
        face.connections.close();
        drop((idle, fresh));
        face.connections.wait().await;
    };
    timeout(Duration::from_secs(5), ended).await.expect("half of timeouts.header, which would end them as well");
    assert!(tokio::net::TcpStream::connect(face.address).await.is_err(), "the listener is closed");
}

/// A balancer whose connection is cut without a word answers 502 for it.
#[tokio::test]
async fn d05_who_was_accepted_before_a_stop_is_answered_once_and_who_says_nothing_is_not_waited_for_long() {
    let face = Face::start().await;
    let mut answered = face.connect().await;
    answered.write_all(head("GET /healthz", "keep-alive", &[]).as_bytes()).await.unwrap();
    answered.readable().await.unwrap();
    let (mut late, mut silent) = (face.connect().await, face.connect().await);
    face.accepted(3).await;
    // In the order of an end: its phase, then the stop.
    face.shared().lifecycle.drain();
    face.stop.cancel();
    assert!(until_end(&mut answered).await.starts_with(b"HTTP/1.1 200"), "who was answered ends at once");
    late.write_all(head("GET /healthz", "keep-alive", &[]).repeat(2).as_bytes()).await.unwrap();
    let ended = async {
        let answers = String::from_utf8(until_end(&mut late).await).unwrap();
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
        assert_eq!(until_end(&mut silent).await, b"");
    };
    timeout(Duration::from_secs(5), ended).await.expect("half of timeouts.header, which would end them as well");
}

#[tokio::test]
async fn d01_a_reload_counts_from_the_next_request_of_an_open_connection() {
    let face = Face::start().await;
    let mut open = face.connect().await;
    let mut policy = async |connection: &str| {
        open.write_all(head("HEAD /console", connection, &[]).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(open.read_u8().await.unwrap());
        }
        String::from_utf8(answer).unwrap()
    };
    assert!(!policy("keep-alive").await.contains("https://new.example.com"));
    face.reload(|config| config.issuers[0].origins.push("https://new.example.com".parse().unwrap()));
    assert!(policy("close").await.contains("https://new.example.com"));
}
