//! Puts the gateway together: configuration in, bound listeners out, then running, then drained.
//!
//! [`App::bind`] takes every port and reads every file, so that what can fail fails before the first connection. Nothing
//! here decides about a session.

mod demo;
mod machines;
mod own_panel;
mod panel;
mod signals;

pub use demo::{Demo, Options};
pub use machines::DemoGuest;
pub use own_panel::OwnPanel;
pub use signals::asked_to_stop;

use crate::admin;
use crate::config::Config;
use crate::console::{Gateway, unix_now};
use crate::http::Service;
use crate::listen::{self, Phase, Readiness, Tls};
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use crate::resolve::Resolver;
use crate::session::{Sessions, Turns};
use crate::store::Store;
use crate::token::{LEEWAY_SECONDS, Sealer, Verifier};
use arc_swap::ArcSwap;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long consoles have for their close frames when the gateway stops.
const GOODBYE: Duration = Duration::from_secs(5);
/// After a start, tokens of this long may have been made before it: by a clock that is ahead by the leeway, and in the
/// very second of the start.
const AMBIGUOUS: Duration = Duration::from_secs(LEEWAY_SECONDS + 1);
/// Used tokens that are remembered at once.
const REMEMBERED: usize = 1_000_000;

/// What may have been used before this process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Anything: another process may have run with the same keys a moment ago. Tokens and tickets that could be from that
    /// time are refused, by the clock of a panel that is ahead too, and the gateway is not ready until that has passed.
    Unknown,
    /// Nothing: the keys are new with this process.
    Nothing,
}

/// A gateway whose ports are bound.
#[derive(Debug)]
pub struct App {
    gateway: Arc<Gateway>,
    public: TcpListener,
    admin: TcpListener,
    tls: Option<Tls>,
    before: Before,
}

impl App {
    /// Builds everything the configuration names and binds both listeners.
    ///
    /// # Errors
    /// In the operator's words: a key, certificate or CA that cannot be used, or an address that is taken.
    pub async fn bind(config: Config) -> Result<Self, String> {
        let public = bind("listen.address", config.listen.address).await?;
        let admin = bind("admin.address", config.admin.address).await?;
        Self::assemble_on(config, public, admin, Before::Unknown)
    }

    /// The same on listeners that are bound already.
    ///
    /// # Errors
    /// As [`Self::bind`], but for the addresses.
    pub fn assemble_on(
        config: Config,
        public: TcpListener,
        admin: TcpListener,
        before: Before,
    ) -> Result<Self, String> {
        let tls = config.listen.tls.as_ref().map(|files| Tls::new(files, unix_now())).transpose()?;
        let gateway = Arc::new(assemble(config, before)?);
        if let Some(tls) = &tls {
            gateway.metrics.certificate("public", tls.not_after());
        }
        Ok(Self { gateway, public, admin, tls, before })
    }

    /// Where the public listener is.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where the admin listener is.
    ///
    /// # Errors
    /// The system does not say.
    pub fn admin_address(&self) -> std::io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// The gateway, for tests that look inside.
    #[must_use]
    pub const fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Serves until `stop`, then refuses what is new, closes what is live with 1001 and returns. The admin face answers to
    /// the end, so that a balancer sees the drain.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { gateway, public, admin, tls, before } = self;
        let readiness = Arc::new(Readiness::default());
        let (connections, consoles) = (TaskTracker::new(), TaskTracker::new());
        let (shut, ended) = (CancellationToken::new(), CancellationToken::new());
        let service =
            Service::new(Arc::new(ArcSwap::from(Arc::clone(&gateway))), Arc::clone(&readiness), consoles.clone());
        let accepting = tokio::spawn(listen::serve(public, tls, service, connections.clone(), shut.clone()));
        let watching = tokio::spawn(admin::serve(admin, Arc::clone(&gateway), Arc::clone(&readiness), ended.clone()));
        let ready = async {
            if before == Before::Unknown {
                sleep(AMBIGUOUS).await;
            }
            readiness.enter(Phase::Ready);
            tracing::info!("consolegate is ready");
            std::future::pending().await
        };
        tokio::select! {
            () = stop => {}
            () = ready => {}
        }
        readiness.enter(Phase::Draining);
        gateway.metrics.draining(true);
        tracing::info!(live = gateway.sessions.len(), "stopping");
        gateway.sessions.close(Reason::Shutdown);
        shut.cancel();
        connections.close();
        consoles.close();
        if timeout(GOODBYE, async { tokio::join!(connections.wait(), consoles.wait()) }).await.is_err() {
            tracing::warn!(live = gateway.sessions.len(), "connections that did not end in time are cut");
        }
        ended.cancel();
        for task in [accepting, watching] {
            if let Err(error) = task.await {
                tracing::error!(%error, "a listener's task failed");
            }
        }
    }
}

/// Runs a gateway until it is asked to stop.
///
/// # Errors
/// What [`App::bind`] says.
pub async fn serve(config: Config) -> Result<(), Failure> {
    let wrong = |cause: String| Failure::new(Reason::Internal, cause);
    let app = App::bind(config).await.map_err(wrong)?;
    let place = |address: std::io::Result<SocketAddr>| address.map_err(|error| wrong(error.to_string()));
    let (public, admin) = (place(app.address())?, place(app.admin_address())?);
    let metrics = Arc::clone(&app.gateway.metrics);
    count_panics(metrics);
    warn_of_descriptors(app.gateway.config.limits.sessions);
    tracing::info!(%public, %admin, version = env!("CARGO_PKG_VERSION"), "listening");
    app.run(asked_to_stop()).await;
    tracing::info!("stopped");
    Ok(())
}

/// A panic is a bug: one line with its place, and a counter an alert can watch (D07). The task that panicked ends alone.
fn count_panics(metrics: Arc<Metrics>) {
    std::panic::set_hook(Box::new(move |panic| {
        metrics.panicked();
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let what = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, cause = what, "a task panicked: this is a bug of the gateway");
    }));
}

/// A session holds two sockets, and the listeners, log and idle API connections need some more.
fn warn_of_descriptors(sessions: usize) {
    let needed = sessions * 2 + 256;
    if let Some(limit) = crate::metrics::descriptors().filter(|limit| *limit < needed) {
        tracing::warn!(
            limit,
            needed,
            sessions,
            "too few file descriptors for limits.sessions; raise LimitNOFILE or ulimit -n"
        );
    }
}

fn assemble(config: Config, before: Before) -> Result<Gateway, String> {
    let said = |failure: Failure| failure.cause;
    let (started, tokens_since) = match before {
        Before::Unknown => (unix_now(), Some(unix_now() + AMBIGUOUS.as_secs())),
        Before::Nothing => (0, None),
    };
    let names: Vec<_> = config.clusters.iter().map(|cluster| cluster.name.clone()).collect();
    let metrics = Arc::new(Metrics::new(&names, config.limits.sessions).map_err(said)?);
    Ok(Gateway {
        verifier: Verifier::new(&config.issuers, &config.clusters, &config.public_url, tokens_since)?,
        started,
        sealer: Sealer::new(config.session.key.as_ref()).map_err(said)?,
        store: Arc::new(Store::memory(REMEMBERED).resumable_for(config.session.resume.as_secs())),
        sessions: Sessions::new(config.limits.clone()),
        turns: Turns::new(config.limits.per_node_opening),
        resolver: Resolver::new(&config.clusters, &config.timeouts, Arc::clone(&metrics))?,
        metrics,
        config,
    })
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, String> {
    let cures = [
        (ErrorKind::AddrInUse, "; end what listens there, or change the address"),
        (ErrorKind::PermissionDenied, "; ports below 1024 need CAP_NET_BIND_SERVICE"),
        (ErrorKind::AddrNotAvailable, "; use an address of this machine, or [::] for all"),
    ];
    let cure =
        |error: &std::io::Error| cures.iter().find(|(kind, _)| *kind == error.kind()).map_or("", |(_, cure)| cure);
    let cannot = |error| format!("{key}: cannot listen on {address}: {error}{}", cure(&error));
    TcpListener::bind(address).await.map_err(cannot)
}
