//! A bug that panics costs the session it is in, and nothing else (F25, D07). What a panic costs in the tasks that serve all
//! is beside them: the listeners, the news of the fleet, what an operator asked for, a token that is being used up. A process of its own, for it changes what a
//! panic does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "support/client.rs"]
mod client;
#[path = "support/gateway.rs"]
mod gateway;

use consolegate::app::count_panics;
use consolegate::clock::unix_now;
use consolegate::console::{Opening, run};
use consolegate::id::SessionId;
use consolegate::record::{IntoTransport, Plain};
use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig};
use gateway::{PATIENCE, TestGateway, token};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::take_hook;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::time::timeout;

/// A stream that a bug waits for: it logs in, and panics where the splice takes over.
struct Buggy(DuplexStream);

impl AsyncRead for Buggy {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Buggy {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl IntoTransport for Buggy {
    type Transport = Plain<DuplexStream>;

    fn into_transport(self) -> Self::Transport {
        panic!("a bug that the test put there")
    }
}

#[tokio::test]
async fn f25_d07_a_panic_costs_its_own_session_and_is_counted() {
    let mut config = SimConfig::quick();
    config.nodes = vec![NodeConfig::new("pve1")];
    config.guests = vec![GuestConfig::qemu(100, "pve1"), GuestConfig::qemu(101, "pve1")];
    let sim = Sim::start(config).await.unwrap();
    let gate = TestGateway::start(&sim, &["pve1"], "").await;
    let mut neighbour = gate.open(100).await;
    let (width, height, _) = neighbour.log_in().await.unwrap();
    let generation = gate.generation();

    count_panics(Arc::clone(&gate.shared.metrics));
    let verified = generation.verifier.verify(&token(101, |_| {}), unix_now()).unwrap();
    let (store, rules) = (&gate.shared.store, &generation.config.session);
    let pass = verified.begin(store, SessionId::from_bits(7), rules, unix_now()).await.unwrap();
    let opening = Box::new(Opening { pass, client: IpAddr::V4(Ipv4Addr::LOCALHOST) });
    let (mut browser, ours) = duplex(1 << 16);
    let session = tokio::spawn(run(generation, opening, Buggy(ours), log_in_at_once()));
    let ended = timeout(PATIENCE, session).await.expect("it ends");
    drop(take_hook());
    assert!(ended.unwrap_err().is_panic());
    timeout(PATIENCE, browser.read_to_end(&mut Vec::new())).await.expect("its stream ends").unwrap();

    assert_eq!(gate.metric("consolegate_panics_total").await, Some(1.0));
    assert_eq!(gate.metric("consolegate_sessions_active{protocol=\"vnc\"}").await, Some(1.0));
    assert_eq!(gate.shared.sessions.len(), 1, "its place is free again");
    neighbour.first_update(width, height).await.unwrap();
    gate.open(101).await.log_in().await.unwrap();
    gate.stop().await;
}

/// What a browser says to log in, without waiting for what it is answered: version, no authentication, shared.
fn log_in_at_once() -> bytes::Bytes {
    use consolegate::wire::websocket::{Opcode, frame};
    let said: [&[u8]; 3] = [b"RFB 003.008\n", &[1], &[1]];
    said.map(|part| frame(Opcode::Binary, Some([1, 2, 3, 4]), part)).concat().into()
}
