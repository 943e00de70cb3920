//! The admin face: metrics, health, sessions, revocations and the drain, on a listener of its own.
//!
//! Routes and nothing else. Without a certificate and tokens the configuration keeps it on loopback. No answer holds anything that opens a session (A04). Every answer is the work of the
//! generation that holds when it is asked for, and comes or is given up within a deadline.

mod authority;
mod figures;
mod listed;
mod routes;

use crate::console::Generation;
use crate::listen::{Accept, Patience};
use arc_swap::ArcSwap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at once: a few scrapers and a balancer, never a crowd.
const CONNECTIONS: usize = 64;

/// Serves the admin face until `stop`.
pub async fn serve(listener: TcpListener, generations: Arc<ArcSwap<Generation>>, stop: CancellationToken) {
    let (mut accept, places) = (Accept::new(listener, "admin"), Arc::new(Semaphore::new(CONNECTIONS)));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (accept.next().await, place)
        };
        let ((stream, from), place) = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => return,
        };
        let generations = Arc::clone(&generations);
        tokio::spawn(async move {
            let (timeouts, tls) = {
                let generation = generations.load();
                (generation.config.timeouts.clone(), generation.admin_tls.clone())
            };
            let service = service_fn(|request| {
                let generation = generations.load_full();
                async move { Ok::<_, Infallible>(routes::answer(generation, from, request).await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(timeouts.header).max_headers(64);
            // A scraper that hangs up is not an error, nor is one that cannot shake hands. One that asks and never reads
            // must not keep its place.
            match tls {
                None => {
                    let stream = Patience::new(stream, timeouts.stall);
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                }
                Some(tls) => match tls.accept(stream, timeouts.tls).await {
                    Ok(stream) => {
                        let stream = Patience::new(stream, timeouts.stall);
                        let _ = http.serve_connection(TokioIo::new(stream), service).await;
                    }
                    Err(error) => {
                        tracing::debug!(target: "consolegate::admin", src = %from, %error, "no TLS handshake")
                    }
                },
            }
            drop(place);
        });
    }
}
