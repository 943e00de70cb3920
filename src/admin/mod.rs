//! The admin face: metrics, health, sessions, revocations and the drain, on a listener of its own.
//!
//! Routes and nothing else. Without a certificate and tokens the configuration keeps it on loopback. No answer holds anything
//! that opens a session (A04). Every answer is the work of the generation that holds when it is asked for, and comes or is
//! given up within a deadline. Whoever is silent keeps nobody out: the connection that has waited longest without showing a
//! good token makes room for the next.

mod authority;
mod figures;
mod listed;
mod routes;

use crate::console::Generation;
use crate::listen::{Accept, Admissions, Patience, Peer};
use arc_swap::ArcSwap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Serves the admin face until `stop`, with so many connections at once that have shown no good token.
pub async fn serve(
    listener: TcpListener,
    generations: Arc<ArcSwap<Generation>>,
    unauthenticated: usize,
    stop: CancellationToken,
) {
    let (mut accept, places) = (Accept::new(listener, "admin"), Arc::new(Admissions::new(unauthenticated)));
    loop {
        let (stream, from) = tokio::select! {
            accepted = accept.next() => accepted,
            () = stop.cancelled() => return,
        };
        // No share for each address: an operator's own, loopback above all, is that of others too.
        let Some(peer) = Peer::admitted(&places, from, Some(usize::MAX)) else { continue };
        let (generations, peer) = (Arc::clone(&generations), Arc::new(peer));
        tokio::spawn(async move {
            tokio::select! {
                () = connection(stream, generations, &peer) => {}
                () = peer.evicted() => {}
            }
        });
    }
}

/// A scraper that hangs up is not an error, nor is one that cannot shake hands.
async fn connection(stream: TcpStream, generations: Arc<ArcSwap<Generation>>, peer: &Arc<Peer>) {
    let (within, tls) = {
        let generation = generations.load();
        (generation.config.timeouts.tls, generation.admin_tls.clone())
    };
    let Some(tls) = tls else { return conversation(stream, generations, peer).await };
    match tls.accept(stream, within).await {
        Ok(stream) => conversation(stream, generations, peer).await,
        Err(error) => tracing::debug!(target: "consolegate::admin", src = %peer.ip(), %error, "no TLS handshake"),
    }
}

async fn conversation<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    generations: Arc<ArcSwap<Generation>>,
    peer: &Arc<Peer>,
) {
    let timeouts = generations.load().config.timeouts.clone();
    let service = service_fn(|request| {
        let (generation, peer) = (generations.load_full(), Arc::clone(peer));
        async move { Ok::<_, Infallible>(routes::answer(generation, &peer, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(timeouts.header).max_headers(64);
    // One that asks and never reads must not keep its place.
    let _ = http.serve_connection(TokioIo::new(Patience::new(stream, timeouts.stall)), service).await;
}
