//! Autobahn's WebSocket cases against the splice in front of an echo server.
//!
//! The cases that fail because of what the splice does on purpose are listed with their reasons in
//! `tests/conformance/deviations.toml`; any other failure, and any such case that passes, fails here. The echo server
//! alone has to pass everything, so that no deviation is its fault.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

use consolegate::id::Right;
use consolegate::reason::Failure;
use consolegate::splice::{Ended, Guard, Leg, Pair, Rules, Splice};
use consolegate::traffic::Traffic;
use futures_util::{SinkExt, StreamExt};
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A run takes seconds.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_echo_server_alone_passes_every_case() {
    let echo = serve(echo).await;
    cases(echo, "none.toml", "echo").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_splice_deviates_only_where_listed() {
    let echo = serve(echo).await;
    let gateway = serve(move |stream| splice(stream, echo, Guard::Open)).await;
    cases(gateway, "deviations.toml", "splice").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_with_every_right_deviates_nowhere_else() {
    let echo = serve(echo).await;
    let rights = [Right::Input, Right::Clipboard, Right::Resize, Right::Power];
    let gateway = serve(move |stream| splice(stream, echo, Guard::screen(&rights))).await;
    cases(gateway, "deviations.toml", "screen").await;
}

/// Runs the cases and shows what the driver says.
async fn cases(server: SocketAddr, list: &str, reports: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/conformance");
    let run = Command::new(root.join(".venv/bin/python"))
        .arg(folder.join("run.py"))
        .arg(format!("ws://{server}/v1/ws"))
        .arg(folder.join(list))
        .arg(root.join("artifacts/conformance").join(reports))
        .kill_on_drop(true)
        .output();
    let done =
        timeout(PATIENCE, run).await.expect("the cases come to an end").expect(".venv/bin/python (run `make setup`)");
    let (said, complained) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    println!("{said}");
    assert!(done.status.success(), "{said}\n{complained}");
}

/// Listens and serves each connection in a task of its own.
async fn serve<F, T>(each: F) -> SocketAddr
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(each(stream));
        }
    });
    address
}

/// Gives every message back; what breaks the protocol ends the connection with the right code.
async fn echo(stream: TcpStream) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        let wanted = matches!(message, Message::Text(_) | Message::Binary(_));
        if wanted && socket.send(message).await.is_err() {
            break;
        }
    }
}

/// What the gateway does once both sides have logged in.
async fn splice(mut client: TcpStream, echo: SocketAddr, guard: Guard) {
    let (request, early) = head(&mut client).await;
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key").trim();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    let mut node = TcpStream::connect(echo).await.unwrap();
    node.set_nodelay(true).unwrap();
    let upgrade = "GET / HTTP/1.1\r\nHost: echo\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    node.write_all(upgrade.as_bytes()).await.unwrap();
    let (switched, from_node) = head(&mut node).await;
    assert!(switched.starts_with("HTTP/1.1 101 "), "{switched}");
    client.write_all(answer.as_bytes()).await.unwrap();

    let long = Duration::from_secs(600);
    let rules = Rules {
        ping: long,
        dead: long,
        stall: Duration::from_secs(5),
        idle: None,
        keep_alive: None,
        ends: Instant::now() + long,
        flood: false,
        text: true,
    };
    let pair = Pair::new(Leg::client(client, &early, true, usize::MAX), Leg::node(node, &from_node, usize::MAX));
    let Ended { client, node, reason, client_code, .. } =
        *Splice::new(pair, rules, guard).run(&Traffic::default(), pending::<Failure>()).await;
    let code = client_code.unwrap_or(reason.public().close);
    tokio::join!(client.close(code, ""), node.close(1000, ""));
}

/// An HTTP head, and what came behind it.
async fn head(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return (String::from_utf8(bytes).unwrap(), rest);
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "ended within the head");
    }
}
