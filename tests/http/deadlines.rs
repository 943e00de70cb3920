//! H15, H16: clients that take their time.

use super::client::{Answer, PATIENCE, head, until_end};
use super::face::Face;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

const SHORT: Duration = Duration::from_millis(300);

async fn hurried() -> Face {
    Face::with(|config| config.timeouts.header = SHORT).await
}

#[tokio::test]
async fn h15_a_slow_head_is_408_at_the_deadline() {
    let face = hurried().await;
    let (mut read, mut write) = face.connect().await.into_split();
    let started = Instant::now();
    let drip = tokio::spawn(async move {
        let mut pace = tokio::time::interval(SHORT / 4);
        for byte in b"GET /console HTTP/1.1\r\nHost: console.example.com\r\n".chunks(1) {
            pace.tick().await;
            if write.write_all(byte).await.is_err() {
                return;
            }
        }
    });
    let answer = Answer::of(until_end(&mut read).await);
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
    assert!(answer.closes());
    assert!(started.elapsed() < SHORT * 10, "{:?}", started.elapsed());
    drip.abort();
}

#[tokio::test]
async fn h16_silence_ends_without_a_word() {
    let face = hurried().await;
    let mut silent = face.connect().await;
    assert!(until_end(&mut silent).await.is_empty());

    let mut idle = face.connect().await;
    idle.write_all(head("GET /healthz", "keep-alive", &[]).as_bytes()).await.unwrap();
    let answer = Answer::of(until_end(&mut idle).await);
    assert_eq!((answer.status, answer.count()), (200, 1), "an idle connection ends too");
}

#[tokio::test]
async fn w16_a_client_that_asks_and_does_not_read_is_given_up() {
    let face = Face::with(|config| config.timeouts.stall = SHORT).await;
    let mut greedy = face.connect().await;
    socket2::SockRef::from(&greedy).set_recv_buffer_size(4096).unwrap();
    let request = head("GET /console", "keep-alive", &[]).repeat(100);
    // The server must stop taking, then give up; long before the kernel would.
    let given_up = async {
        while greedy.write_all(request.as_bytes()).await.is_ok() {}
        face.connections.close();
        face.connections.wait().await;
    };
    timeout(PATIENCE, given_up).await.expect("still waiting for a client that does not read");
}
