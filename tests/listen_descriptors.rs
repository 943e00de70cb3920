//! E01: a process without descriptors goes on serving what it has, and takes new connections as soon as it can again.
//!
//! A binary of its own with one test, because the limit is the whole process's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use consolegate::listen::{self, Handler, Peer, Preface, Room, Rules, Stop, Stream};
use consolegate::reason::Failure;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many more descriptors the process gets.
const MORE: usize = 60;

/// Sends back what comes.
#[derive(Clone)]
struct Echo;

impl Handler for Echo {
    fn rules(&self, _peer: IpAddr) -> Rules {
        Rules {
            preface: Preface::None,
            tls: None,
            handshake: Duration::from_secs(5),
            dead: Duration::from_secs(60),
            per_client: Some(1000),
        }
    }

    fn turned_away(&self, peer: IpAddr, failure: Failure) {
        panic!("{peer} is within its share: {failure}");
    }

    async fn serve<S: Stream>(self, stream: S, _peer: Arc<Peer>, _stop: Stop) {
        let (mut read, mut write) = tokio::io::split(stream);
        let _ = tokio::io::copy(&mut read, &mut write).await;
    }
}

/// Whether a byte comes back in time.
async fn echoes(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    let there_and_back = async {
        stream.write_all(b"x").await?;
        stream.read_exact(&mut byte).await
    };
    matches!(timeout(Duration::from_secs(5), there_and_back).await, Ok(Ok(_)))
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Connections until no descriptor is left; the first ones are known to be served.
async fn exhaust(address: SocketAddr) -> Vec<TcpStream> {
    let mut held = Vec::new();
    while let Ok(mut stream) = TcpStream::connect(address).await {
        if held.len() < MORE / 4 {
            assert!(echoes(&mut stream).await);
        }
        held.push(stream);
    }
    held
}

#[tokio::test]
async fn e01_without_descriptors_accepting_pauses_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listen::serve(listener, Echo, Room::of(usize::MAX), TaskTracker::new(), stop.clone()));
    let limit = format!("--nofile={0}:{0}", open_descriptors() + MORE);
    let set = Command::new("prlimit").args(["--pid", &std::process::id().to_string(), &limit]).status();
    assert!(set.is_ok_and(|status| status.success()), "prlimit is part of util-linux");

    let mut held = exhaust(address).await;
    assert!(held.len() > MORE / 4, "{}", held.len());
    assert!(echoes(&mut held[0]).await, "what is open goes on");

    held.truncate(MORE / 4);
    let mut late = TcpStream::connect(address).await.unwrap();
    assert!(echoes(&mut late).await, "relief is noticed");
    assert!(!serving.is_finished());
    stop.cancel();
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
