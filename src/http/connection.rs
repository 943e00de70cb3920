//! One client's connection while it speaks HTTP: hyper with every limit set, and a log line for what hyper refuses.
//!
//! hyper answers 400 and 431 for heads it cannot parse by itself, without a body; each of them is logged and counted as
//! any other refusal. Ends by the client, a deadline, an eviction, or a stop after the request in hand.

use super::leg::Leg;
use super::{Service, routes};
use crate::api::problem;
use crate::audit::About;
use crate::listen::{Peer, Stop, Stream};
use crate::reason::{Failure, Reason};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

/// A request's head in bytes, and in lines.
const HEAD: (usize, usize) = (16 * 1024, 64);

pub(super) async fn serve<S: Stream>(service: Service, stream: S, peer: Arc<Peer>, stop: Stop) {
    let timeouts = service.generations.load().config.timeouts.clone();
    let within = Arc::new(AtomicBool::new(false));
    let leg = Leg::new(stream, Arc::clone(&within), timeouts.stall);
    let asked = Notify::new();
    let mut last = pin!(last_request(&stop, &asked));
    let answer = service_fn(|request| {
        asked.notify_one();
        let (service, peer) = (service.clone(), Arc::clone(&peer));
        async move { Ok::<_, Infallible>(routes::answer::<S>(service, peer, request).await) }
    });
    let mut http = builder(timeouts.header).serve_connection(TokioIo::new(leg), answer).with_upgrades();
    let mut stopping = false;
    let outcome = loop {
        let over = tokio::select! {
            // First, so that a request that is there already is answered.
            biased;
            outcome = &mut http => Some(outcome),
            () = peer.evicted() => return,
            () = &mut last, if !stopping => None,
        };
        if let Some(outcome) = over {
            break outcome;
        }
        stopping = true;
        Pin::new(&mut http).graceful_shutdown();
    };
    let Err(error) = outcome else { return };
    let Some(reason) = refusal(&error, within.load(Ordering::Relaxed)) else {
        // It left, or said nothing: no request came, so nothing was refused.
        tracing::debug!(target: "consolegate::http", src = %peer.ip(), %error, "connection ended");
        return;
    };
    let (failure, reference) = (Failure::new(reason, error.to_string()), problem::reference());
    service.note(
        &service.generations.load().shared.metrics,
        &failure,
        &reference,
        &About::default().of_client(peer.ip()),
    );
    if let Some(parts) = http.into_parts().filter(|_| is_unanswered(&error)) {
        farewell(parts.io.into_inner(), &problem::bytes(&failure.into(), &reference).await).await;
    }
}

/// Resolves when no request is taken behind the one in hand: at the stop, and where none has come yet, with the first one or
/// when it is late.
async fn last_request(stop: &Stop, asked: &Notify) {
    stop.asked().await;
    tokio::select! {
        () = asked.notified() => {}
        () = stop.late() => {}
    }
}

/// hyper closes without a word after a timeout and after the preface of HTTP/2.
fn is_unanswered(error: &hyper::Error) -> bool {
    error.is_timeout() || error.is_parse_version_h2()
}

/// Says why, as far as the client listens; the leg bounds how long that may take.
async fn farewell<S: Stream>(mut leg: Leg<S>, answer: &[u8]) {
    let said = async {
        leg.write_all(answer).await?;
        leg.shutdown().await
    };
    if let Err(error) = said.await {
        tracing::debug!(target: "consolegate::http", %error, "the last answer did not arrive");
    }
}

fn builder(header: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(header)
        .max_headers(HEAD.1)
        .max_header_size(HEAD.0)
        .max_buf_size(HEAD.0)
        .keep_alive(true)
        .half_close(false);
    builder
}

/// Why hyper refused a head, where one was coming.
fn refusal(error: &hyper::Error, within: bool) -> Option<Reason> {
    match error {
        e if e.is_parse_too_large() => Some(Reason::RequestTooLarge),
        e if e.is_parse() => Some(Reason::BadRequest),
        e if e.is_timeout() && within => Some(Reason::HeaderTimeout),
        _ => None,
    }
}
