//! The Proxmox side of a measurement, in a process of its own: answers what a gateway asks, opens consoles, and does what
//! their clients say. As cheap as it can be, so that it never is what a measurement waits for.
//!
//! Checks nothing that a real node would refuse; the simulated node of the package does that for the tests.

mod api;
mod guest;
mod http;
mod login;

use crate::Outcome;
use crate::certificates::Certificates;
use http::Request;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What the node is told when it starts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    port: u16,
    /// Guests, numbered from [`crate::guests::FIRST`].
    #[arg(long)]
    guests: u32,
}

/// A node's TLS stream.
type Stream = TlsStream<TcpStream>;

/// What all connections share.
struct Node {
    api: api::Api,
    connections: AtomicU64,
}

/// Serves until the process ends.
pub async fn run(arguments: Arguments) -> Outcome<()> {
    let certificates = Certificates::of(&arguments.folder);
    let acceptor = TlsAcceptor::from(Arc::new(certificates.server(true)?));
    let api = api::Api::new(&certificates, arguments.guests)?;
    let node = Arc::new(Node { api, connections: AtomicU64::new(0) });
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (acceptor, node) = (acceptor.clone(), Arc::clone(&node));
        node.connections.fetch_add(1, Relaxed);
        // A relay that breaks a connection is found out by its client.
        tokio::spawn(async move { drop(serve(stream, acceptor, &node).await) });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, node: &Node) -> Outcome<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    while let Some(request) = http::read(&mut stream).await? {
        let Some(console) = request.console() else {
            let answer = node.answer(&request);
            stream.write_all(&answer).await?;
            stream.flush().await?;
            continue;
        };
        stream.write_all(&request.switching()).await?;
        stream.flush().await?;
        // What it would hold back: the guest decides itself how much is under way.
        stream.get_mut().1.set_buffer_limit(None);
        if console == http::Console::Screen {
            login::serve(&mut stream).await?;
        }
        return guest::serve(stream).await;
    }
    Ok(())
}

impl Node {
    fn answer(&self, request: &Request) -> Vec<u8> {
        if request.path == "/connections" {
            return http::answer(self.connections.load(Relaxed).to_string().as_bytes());
        }
        self.api.answer(request)
    }
}
