//! Puts the gateway together: configuration in, bound listeners out, then running, then drained.
//!
//! [`App::bind`] takes every port and reads every file, so that what can fail fails before the first connection. Nothing
//! here decides about a session.

mod demo;
mod descriptors;
mod drain;
mod inherited;
mod listeners;
mod machines;
mod news;
mod own_panel;
mod panel;
mod reload;
mod running;
mod runtime;
mod signals;
mod supervisor;

pub use demo::{Demo, Options};
pub use inherited::Inherited;
pub use machines::DemoGuest;
pub use own_panel::OwnPanel;
pub use runtime::runtime;
pub use signals::{Signal, signals};

use crate::admin;
use crate::clock::unix_now;
use crate::config::Config;
use crate::console::{Generation, Shared, Since};
use crate::http::Service;
use crate::listen::{self, Room};
use crate::log::AuditFile;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::token::LEEWAY_SECONDS;
use crate::{hex, random};
use arc_swap::ArcSwap;
use descriptors::Share;
use listeners::Listeners;
use reload::Reload;
use running::Running;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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
    generations: Arc<ArcSwap<Generation>>,
    shared: Arc<Shared>,
    public: TcpListener,
    admin: TcpListener,
    before: Before,
    file: Option<PathBuf>,
    audit: Option<AuditFile>,
    share: Share,
}

impl App {
    /// Builds everything the configuration names and binds both listeners, but for those that were bound before.
    ///
    /// # Errors
    /// In the operator's words: a key, certificate or CA that cannot be used, or an address that is taken.
    pub async fn bind(config: Config, inherited: Inherited) -> Result<Self, String> {
        let public = listener("listen.address", config.listen.address, inherited.public).await?;
        let admin = listener("admin.address", config.admin.address, inherited.admin).await?;
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
        let (tickets, tokens) = match before {
            Before::Unknown => (unix_now(), Some(unix_now() + AMBIGUOUS.as_secs())),
            Before::Nothing => (0, None),
        };
        let store = Store::of_config(&config.store, REMEMBERED, name()?)?;
        // What outlives the process knows what was used before it.
        let since = if store.is_shared() { Since { tickets: 0, tokens: None } } else { Since { tickets, tokens } };
        let shared = Shared::new(config.session.key.as_ref(), store, since)?;
        let generation = Generation::build(config, &shared)?;
        generation.enter();
        if before == Before::Nothing {
            shared.lifecycle.ready();
        }
        shared.metrics.started(unix_now());
        Ok(Self {
            generations: Arc::new(ArcSwap::from_pointee(generation)),
            shared,
            public,
            admin,
            before,
            file: None,
            audit: None,
            share: Share::unlimited(),
        })
    }

    /// The same, which reads this file and opens its audit file again when it is asked to reload.
    #[must_use]
    pub fn reloading(self, file: PathBuf, audit: Option<AuditFile>) -> Self {
        Self { file: Some(file), audit, ..self }
    }

    /// The same with no more connections than have descriptors.
    fn within(self, share: Share) -> Self {
        Self { share, ..self }
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

    /// The generation of the moment, for tests that look inside and for those that change it.
    #[must_use]
    pub const fn generations(&self) -> &Arc<ArcSwap<Generation>> {
        &self.generations
    }

    /// Serves until it is asked to stop, then leaves as `[drain]` says, closes what is left with 1012 and returns.
    ///
    /// # Errors
    /// A listener's task ended by itself; nothing is waited for then.
    pub async fn run(self, mut signals: mpsc::Receiver<Signal>) -> Result<(), String> {
        let is_forgetful = self.before == Before::Unknown && !self.shared.store.is_shared();
        let ready = Instant::now() + if is_forgetful { AMBIGUOUS } else { Duration::ZERO };
        self.shared.store.join().await;
        let generations = Arc::clone(&self.generations);
        let mut running = self.start();
        running.serve(&mut signals, ready, || generations.load().config.drain.clone()).await?;
        running.close().await;
        Ok(())
    }

    fn start(self) -> Running {
        let Self { generations, shared, public, admin, before: _, file, audit, share } = self;
        let reload = file.map(|file| Reload { file, audit, share, generations: Arc::clone(&generations) });
        let (connections, consoles) = (TaskTracker::new(), TaskTracker::new());
        let (shut, ended) = (CancellationToken::new(), CancellationToken::new());
        let its = Arc::clone(&shared);
        let news = tokio::spawn(async move { news::follow(&its).await });
        let (service, room) = (Service::new(Arc::clone(&generations), consoles.clone()), Room::of(share.clients));
        let listeners = Listeners {
            public: tokio::spawn(listen::serve(public, service, room, connections.clone(), shut.clone())),
            admin: tokio::spawn(admin::serve(admin, generations, share.admin, ended.clone())),
        };
        Running { shared, listeners, connections, consoles, shut, ended, reload, news }
    }
}

/// Runs a gateway of this file's configuration until it is asked to stop.
///
/// # Errors
/// What [`App::bind`] and [`App::run`] say.
pub async fn serve(
    config: Config,
    file: PathBuf,
    audit: Option<AuditFile>,
    inherited: Inherited,
) -> Result<(), String> {
    let share = Share::of_process();
    let app = App::bind(share.bound(config), inherited).await?.reloading(file, audit).within(share);
    let place = |address: std::io::Result<SocketAddr>| address.map_err(|error| error.to_string());
    let (public, admin) = (place(app.address())?, place(app.admin_address())?);
    count_panics(Arc::clone(&app.shared.metrics));
    tracing::info!(%public, %admin, version = env!("CARGO_PKG_VERSION"), "listening");
    app.run(signals()).await?;
    tracing::info!("stopped");
    Ok(())
}

/// A panic is a bug: one line with its place, and a counter an alert can watch (D07). The task that panicked ends alone.
///
/// The whole process has one such place; a test that makes panics says so for itself.
pub fn count_panics(metrics: Arc<Metrics>) {
    std::panic::set_hook(Box::new(move |panic| {
        metrics.panicked();
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let what = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, cause = what, "a task panicked: this is a bug of the gateway");
    }));
}

/// What the gateways of a fleet call this one: its machine's name, and something that no other process has.
fn name() -> Result<String, String> {
    let bytes = random::bytes::<4>().map_err(|error| error.to_string())?;
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine: String =
        machine.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).collect();
    Ok(format!("{machine}:{}", hex::lower(&bytes)))
}

async fn listener(
    key: &str,
    address: SocketAddr,
    inherited: Option<std::net::TcpListener>,
) -> Result<TcpListener, String> {
    match inherited {
        Some(socket) => inherited::adopt(key, address, socket),
        None => bind(key, address).await,
    }
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
