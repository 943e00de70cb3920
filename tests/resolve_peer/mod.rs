//! A small scripted TLS peer that stands in for a node's API, and certificates made for the test.
//!
//! Shares no code with the product: it reads requests and writes answers as bytes.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod cert;
pub mod setup;

use cert::Identity;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `GET /path`.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Which connection brought it, counted from 0.
    pub connection: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// What the peer does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status, reason phrase and JSON body.
    Json(u16, &'static str, String),
    /// These bytes, and the connection stays.
    Raw(Vec<u8>),
    /// These bytes, then the connection ends without close_notify.
    Cut(Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// These bytes again and again.
    Endless(Vec<u8>),
    /// These bytes, then one byte for each permit the test gives: none.
    Stuck(Vec<u8>),
}

/// A refusal as pveproxy writes it: text as reason phrase, and the connection ends.
pub fn refuse(status: u16, text: &str) -> Reply {
    Reply::Cut(format!("HTTP/1.1 {status} {text}\r\nConnection: close\r\nServer: pve-api-daemon/3.0\r\n\r\n").into())
}

/// A 200 with this JSON as `data`.
pub fn data(json: &str) -> Reply {
    Reply::Json(200, "OK", format!("{{\"data\":{json}}}"))
}

pub type Answering = Pin<Box<dyn Future<Output = Reply> + Send>>;
type Script = dyn Fn(Seen) -> Answering + Send + Sync;

/// A listening peer. Dropping it ends its tasks.
pub struct Peer {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// Answers each request with what the script says.
    pub async fn start(identity: &Identity, script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", identity, script).await
    }

    pub async fn start_at(
        address: &str,
        identity: &Identity,
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let script = move |seen: Seen| -> Answering {
            let reply = script(&seen);
            Box::pin(async move { reply })
        };
        Self::start_slow(address, identity, script).await
    }

    /// The script may wait before it answers.
    pub async fn start_slow(
        address: &str,
        identity: &Identity,
        script: impl Fn(Seen) -> Answering + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(identity.server_config());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (log, count, script): (_, _, Arc<Script>) = (seen.clone(), connections.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, log, script) = (acceptor.clone(), log.clone(), script.clone());
                let number = count.fetch_add(1, SeqCst);
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(tcp).await {
                        serve(stream, number, &log, &*script).await;
                    }
                });
            }
        });
        Self { address, seen, connections, task }
    }

    /// Ends it; when this returns its port is closed.
    pub async fn stop(mut self) -> SocketAddr {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
        self.address
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests began with this.
    pub fn count(&self, line: &str) -> usize {
        self.seen().iter().filter(|seen| seen.line.starts_with(line)).count()
    }

    /// TCP connections accepted, whether TLS succeeded or not.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, connection: usize, log: &Mutex<Vec<Seen>>, script: &Script) {
    let mut buffer = Vec::new();
    while let Some(seen) = request(&mut stream, &mut buffer, connection).await {
        log.lock().unwrap().push(seen.clone());
        let written = match script(seen).await {
            Reply::Json(status, phrase, body) => {
                let length = body.len();
                let type_ = "Content-Type: application/json;charset=UTF-8";
                let head = format!("HTTP/1.1 {status} {phrase}\r\n{type_}\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await
            }
            Reply::Raw(bytes) => stream.write_all(&bytes).await,
            Reply::Cut(bytes) => {
                if stream.write_all(&bytes).await.is_ok() && stream.flush().await.is_ok() {
                    // Only the TCP side is shut: no close_notify.
                    stream.get_mut().0.shutdown().await.ok();
                }
                return;
            }
            Reply::Silence => std::future::pending().await,
            Reply::Stuck(bytes) => {
                stream.write_all(&bytes).await.ok();
                stream.flush().await.ok();
                std::future::pending().await
            }
            Reply::Endless(bytes) => {
                while stream.write_all(&bytes).await.is_ok() {}
                return;
            }
        };
        if written.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

async fn request(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>, connection: usize) -> Option<Seen> {
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let headers: Vec<_> = lines.map(header).collect();
    assert!(!headers.iter().any(|(name, _)| name == "transfer-encoding"), "pveproxy takes no chunked body");
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(buffer.drain(..length).collect()).unwrap();
    Some(Seen { line, headers, body, connection })
}
