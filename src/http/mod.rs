//! The public HTTP face: the page, its files, the session API and the WebSocket upgrade. Routes and nothing else.
//!
//! HTTP/1.1 only, no cookies, no redirects, no request bodies but one small one. What a request may reach is decided from
//! its head alone; nothing here talks to a node. Before a token is accepted the answer is plain HTTP; after an accepted upgrade the
//! connection belongs to `console`. H01 to H24 of the hostile-inputs reference.
//!
//! ```text
//! connection ─▶ leg ─▶ hyper ─▶ head ─▶ routes ─┬▶ page, assets, brand, health
//!                                               ├▶ sessions ── token ──▶ ticket
//!                                               ├▶ control ─── token ──▶ state, power
//!                                               └▶ socket ─── token ──▶ 101 ──▶ console::run
//!                                                      └── refused ──▶ problem
//! ```

mod assets;
mod brand;
mod call;
mod connection;
mod control;
mod cors;
mod encoding;
mod handshake;
mod head;
mod leg;
mod lines;
mod offers;
mod page;
mod quiet;
mod route;
mod routes;
mod sample;
mod sessions;
mod socket;
mod spend;

use crate::api::problem;
use crate::audit::{self, About, Told};
use crate::console::Generation;
use crate::listen::{Handler, Peer, Preface, Rules, Stop, Stream};
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use arc_swap::ArcSwap;
use assets::Web;
use quiet::Quiet;
use rust_embed::RustEmbed;
use sample::Sample;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// Serves the public face; clones share everything.
#[derive(Debug, Clone)]
pub struct Service {
    generations: Arc<ArcSwap<Generation>>,
    consoles: TaskTracker,
    web: Web,
    turned_away: Arc<Sample>,
    quiet: Arc<Quiet>,
}

impl Service {
    /// A face for whatever generation holds when a request comes. Consoles run in tasks of `consoles`.
    #[must_use]
    pub fn new(generations: Arc<ArcSwap<Generation>>, consoles: TaskTracker) -> Self {
        Self { generations, consoles, web: Web::built_in(), turned_away: Arc::default(), quiet: Arc::default() }
    }

    /// The same face with the page and files of another folder: `console.html` and `assets/`.
    #[must_use]
    pub fn with_web<E: RustEmbed>(self) -> Self {
        Self { web: Web::of::<E>(), ..self }
    }

    /// The line and the count of a refusal. Of a stranger who asks without end some lines are written, and all are counted.
    fn note(&self, metrics: &Metrics, failure: &Failure, reference: &str, about: &About) {
        let is_stranger =
            about.issuer.is_none() && !matches!(failure.reason, Reason::NotFound | Reason::MethodNotAllowed);
        if is_stranger && let Some(src) = about.src {
            match self.quiet.line(src, Instant::now()) {
                None => return problem::count(metrics, failure.reason),
                Some(0) => {}
                Some(left_out) => tracing::info!(%src, left_out, "refusals of this client were counted, not written"),
            }
        }
        problem::note(metrics, failure, reference, about);
    }
}

impl Handler for Service {
    fn rules(&self, peer: IpAddr) -> Rules {
        rules(&self.generations.load(), peer)
    }

    fn turned_away(&self, peer: IpAddr, failure: Failure) {
        problem::count(&self.generations.load().shared.metrics, failure.reason);
        // Whoever hammers the door must not fill the log as well: a line a second tells as much.
        if self.turned_away.is_due() {
            let about = About::default().of_client(peer);
            audit::refused(&about, &problem::reference(), &failure, Told::Nothing, None);
        }
    }

    async fn serve<S: Stream>(self, stream: S, peer: Arc<Peer>, stop: Stop) {
        connection::serve(self, stream, peer, stop).await;
    }
}

/// The rules of one generation for a connection from this address.
fn rules(generation: &Generation, peer: IpAddr) -> Rules {
    let config = &generation.config;
    let is_proxy = config.listen.trusted_proxies.iter().any(|network| network.contains(&peer));
    let preface = match config.listen.proxy_protocol {
        None => Preface::None,
        Some(versions) if is_proxy => Preface::Header { versions, within: config.timeouts.header },
        Some(_) => Preface::Refused,
    };
    Rules {
        preface,
        tls: generation.tls.clone(),
        handshake: config.timeouts.tls,
        dead: config.timeouts.dead,
        per_client: (!is_proxy).then_some(config.limits.per_client),
    }
}
