//! A node's listener and its connections: TLS, requests one after another, an upgrade at the end.

use super::api::{self, Outcome};
use super::clock::http_date;
use super::cluster::{Cluster, Node, Seen};
use super::door::Health;
use super::fault::Fault;
use super::http::{self, Answer, Face, Read, Request};
use super::setup::Certificate;
use super::{console, websocket};
use bytes::BytesMut;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a listener without descriptors waits for some.
const RELIEF: Duration = Duration::from_millis(50);

/// Requests of one connection.
const REQUESTS: usize = 100;

/// Serves a node for ever. Connections are its children: they end with it, or when it goes down.
pub(super) async fn serve(cluster: Arc<Cluster>, node: Arc<Node>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = node.door.accept() => {
                let Ok((stream, down)) = accepted else {
                    tokio::time::sleep(RELIEF).await;
                    continue;
                };
                cluster.ledger.count(|c| c.connections += 1);
                let (cluster, node) = (Arc::clone(&cluster), Arc::clone(&node));
                connections.spawn(async move {
                    tokio::select! {
                        _ = connection(&cluster, &node, stream) => {}
                        () = down.cancelled() => {}
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(cluster: &Arc<Cluster>, node: &Node, stream: TcpStream) -> io::Result<()> {
    let _ = stream.set_nodelay(true);
    if node.door.health() == Health::Silent {
        return std::future::pending().await;
    }
    let keep_alive = cluster.config.timing.keep_alive;
    let mut first = [0];
    let seen = tokio::time::timeout(keep_alive, stream.peek(&mut first)).await??;
    if seen == 0 {
        return Ok(());
    }
    if first != [0x16] {
        return plain(node, stream, keep_alive).await;
    }
    let acceptor = TlsAcceptor::from(node.identity().config);
    let stream = tokio::time::timeout(keep_alive, acceptor.accept(stream)).await??;
    requests(cluster, node, stream).await
}

/// A plain request on the TLS port is sent to https.
async fn plain(node: &Node, mut stream: TcpStream, idle: Duration) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    if let Read::Request(request) = http::read(&mut stream, &mut buffer, idle).await {
        stream.write_all(&http::to_https(&request, &http_date(node.clock.now()))).await?;
    }
    stream.shutdown().await
}

async fn requests(cluster: &Arc<Cluster>, node: &Node, mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    let idle = cluster.config.timing.keep_alive;
    let mut buffer = BytesMut::new();
    for left in (0..REQUESTS).rev() {
        let request = match http::read(&mut stream, &mut buffer, idle).await {
            Read::Request(request) => request,
            Read::Refused(answer) => return refuse(cluster, node, stream, &answer).await,
            Read::Silence => return idle_out(stream, idle).await,
            Read::Closed => return stream.shutdown().await,
        };
        cluster.ledger.count(|c| c.requests += 1);
        let (method, path) = (request.method.clone(), request.path.clone());
        cluster.note(Seen { node: node.name.clone(), method, path });
        let fault = cluster.faults.take(&request);
        if let Some(fault @ (Fault::Answer(_) | Fault::Stall(_) | Fault::Reset)) = fault {
            return misbehave(stream, fault).await;
        }
        if fault == Some(Fault::Renews) {
            node.set_identity(cluster.authority.issue(&node.name, Certificate::Good)?);
        }
        match api::answer(cluster, node, &request) {
            Outcome::Answer(answer) if answer.closes() => return refuse(cluster, node, stream, &answer).await,
            Outcome::Answer(answer) => {
                let close = left == 0 || !request.keep_alive;
                stream.write_all(&answer.encode(&face(cluster, node, &request), close)).await?;
                stream.flush().await?;
                if close {
                    return stream.shutdown().await;
                }
            }
            Outcome::Upgrade(port) => {
                return upgrade(cluster, node, stream, buffer, &request, port, fault).await;
            }
        }
    }
    stream.shutdown().await
}

fn face(cluster: &Cluster, node: &Node, request: &Request) -> Face {
    let gzip = request.header("accept-encoding").is_some_and(|list| list.contains("gzip"));
    Face { gzip, ..plain_face(cluster, node) }
}

fn plain_face(cluster: &Cluster, node: &Node) -> Face {
    Face { date: http_date(node.clock.now()), message: cluster.config.message_in_errors, gzip: false }
}

/// Sends an error; 401 is held back. Older versions end without close_notify.
async fn refuse(cluster: &Cluster, node: &Node, mut stream: TlsStream<TcpStream>, answer: &Answer) -> io::Result<()> {
    if answer.status == 401 {
        cluster.ledger.count(|c| c.auth_failures += 1);
        tokio::time::sleep(cluster.config.timing.auth_delay).await;
    }
    stream.write_all(&answer.encode(&plain_face(cluster, node), true)).await?;
    stream.flush().await?;
    if http::ends_cleanly(cluster.config.style, answer.status) { stream.shutdown().await } else { Ok(()) }
}

/// Says nothing until the client has been idle for too long.
async fn idle_out<S: AsyncRead + Unpin>(mut stream: S, idle: Duration) -> io::Result<()> {
    let mut waste = [0; 4096];
    while let Ok(Ok(1..)) = tokio::time::timeout(idle, stream.read(&mut waste)).await {}
    Ok(())
}

/// Nothing listens on the port: no answer until the client leaves.
async fn hang<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<()> {
    let mut waste = [0; 4096];
    while stream.read(&mut waste).await? > 0 {}
    Ok(())
}

async fn upgrade(
    cluster: &Arc<Cluster>,
    node: &Node,
    mut stream: TlsStream<TcpStream>,
    early: BytesMut,
    request: &Request,
    port: u16,
    fault: Option<Fault>,
) -> io::Result<()> {
    let accepted = node.ports().accept(port, tokio::time::Instant::now());
    let Some(waiting) = accepted else {
        cluster.ledger.count(|c| c.hung_upgrades += 1);
        return hang(stream).await;
    };
    let key = request.header("sec-websocket-key").unwrap_or_default();
    stream.write_all(&http::switching(key, request.header("sec-websocket-protocol"))).await?;
    stream.flush().await?;
    cluster.ledger.count(|c| c.upgrades += 1);
    if let Some(fault @ (Fault::AfterUpgrade(_) | Fault::StallAfterUpgrade(_))) = fault {
        return misbehave(stream, fault).await;
    }
    let (_console, pipe, rules) = console::connect(cluster, waiting);
    websocket::run(stream, early, pipe, rules, &cluster.ledger).await;
    Ok(())
}

async fn misbehave(mut stream: TlsStream<TcpStream>, fault: Fault) -> io::Result<()> {
    match fault {
        Fault::Answer(bytes) | Fault::AfterUpgrade(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
            idle_out(stream, Duration::from_secs(1)).await
        }
        Fault::Stall(bytes) | Fault::StallAfterUpgrade(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            hang(stream).await
        }
        Fault::Renews => Ok(()),
        Fault::Reset => socket2::SockRef::from(stream.get_ref().0).set_linger(Some(Duration::ZERO)),
    }
}
