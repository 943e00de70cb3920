//! The admin face: metrics and health, on a listener of its own that the configuration keeps on loopback.
//!
//! Routes and nothing else. No answer holds anything that opens a session (A04).

use crate::console::Generation;
use crate::lifecycle::Phase;
use crate::listen::{Accept, Patience};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
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
            (accept.next().await.0, place)
        };
        let (stream, place) = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => return,
        };
        let generations = Arc::clone(&generations);
        tokio::spawn(async move {
            let timeouts = generations.load().config.timeouts.clone();
            let service = service_fn(|request| {
                let answer = answer(&request, &generations.load());
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(timeouts.header).max_headers(64);
            // One that asks and never reads must not keep its place.
            let stream = Patience::new(stream, timeouts.stall);
            // A scraper that hangs up is not an error.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, generation: &Generation) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
    }
    match (request.uri().path(), generation.shared.lifecycle.phase()) {
        ("/healthz", _) | ("/readyz", Phase::Ready) => text(StatusCode::OK, "ok\n"),
        ("/readyz", Phase::Starting) => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        ("/readyz", Phase::Draining) => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        ("/metrics", _) => metrics(generation),
        _ => text(StatusCode::NOT_FOUND, "metrics are at /metrics, health at /healthz and /readyz\n"),
    }
}

fn metrics(generation: &Generation) -> Response<Full<Bytes>> {
    let live = generation.shared.sessions.traffics();
    match generation.shared.metrics.render(live.iter().map(|(protocol, traffic)| (*protocol, &**traffic))) {
        Ok(body) => text(StatusCode::OK, body),
        Err(failure) => {
            tracing::error!(cause = failure.cause, "cannot render metrics");
            text(StatusCode::INTERNAL_SERVER_ERROR, "cannot render metrics; the log says why\n")
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}
