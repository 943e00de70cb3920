//! The pipeline of a console: from an accepted upgrade to the audited end (design section 7).
//!
//! [`run`] reads like the product's sentence: admit, open, splice, close. Each stage's value proves the one before; every
//! refusal and every end is counted, logged and closed with its code here, once.

mod opening;
mod record;
mod vnc;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use crate::resolve::{Place, Resolver};
use crate::session::{SessionGuard, Sessions, Turns};
use crate::splice::{self, Departing, Ended, Leg, Pair, Rules};
use crate::store::Store;
use crate::token::{Envelope, Sealer, Verifier};
use bytes::Bytes;
use opening::Opened;
use record::Record;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

/// Payload a browser may send before its console is ready (R03).
const MOST_EARLY: usize = 1024;
/// How long the customer waits for a better word than "ended".
const WHY_WITHIN: Duration = Duration::from_secs(3);

/// What every session shares: one generation of the configuration.
#[derive(Debug)]
pub struct Gateway {
    /// The configuration.
    pub config: Config,
    /// Checks connect tokens.
    pub verifier: Verifier,
    /// Seals tickets.
    pub sealer: Sealer,
    /// Used tokens.
    pub store: Arc<Store>,
    /// Live sessions.
    pub sessions: Arc<Sessions>,
    /// Who opens what now.
    pub turns: Turns,
    /// Proxmox.
    pub resolver: Resolver,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// An accepted upgrade, about to become a console.
#[derive(Debug)]
pub struct Opening {
    /// The grant, with session and deadline.
    pub envelope: Envelope,
    /// The client's address, derived from trusted headers only.
    pub client: IpAddr,
}

/// Runs a console to its end on an upgraded stream. `early` is what the client sent right behind its request.
pub async fn run<S>(gateway: Arc<Gateway>, opening: Opening, stream: S, early: Bytes)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let record = Record::new(&gateway, &opening);
    let mut client = Leg::client(stream, &early, false, MOST_EARLY);
    let guard = match gateway.sessions.admit(&opening.envelope, opening.client) {
        Ok(guard) => guard,
        Err(failure) => return refuse(&record, client, failure).await,
    };
    let opened = tokio::select! {
        biased;
        why = guard.stopped() => Err(why),
        opened = opening::open(&gateway, &opening.envelope.grant, &guard, &mut client) => opened,
    };
    match opened {
        Err(failure) => refuse(&record, client, failure).await,
        Ok(opened) => {
            record.opened(opened.place.node());
            let Opened { node, place } = opened;
            live(&gateway, &opening, &record, &guard, Pair::new(client, node), place).await;
        }
    }
}

/// Splices, asks what became of the guest, and says goodbye to both legs.
async fn live<C, N>(
    gateway: &Gateway,
    opening: &Opening,
    record: &Record<'_>,
    guard: &SessionGuard,
    pair: Pair<C, N>,
    place: Place,
) where
    C: AsyncRead + AsyncWrite + Unpin,
    N: AsyncRead + AsyncWrite + Unpin,
{
    let envelope = &opening.envelope;
    gateway.store.session_live(envelope.session, envelope.generation).await;
    let ended = splice::run(pair, rules(gateway, envelope), guard.traffic(), guard.stopped()).await;
    gateway.store.session_ended(envelope.session, envelope.generation, unix_now()).await;
    let Ended { reason, cause, client_code, client, node } = ended;
    let bytes_end = Failure::new(reason, cause);
    let (end, ()) = tokio::join!(why(gateway, &place, bytes_end), node.close(1000, ""));
    record.closed(&end, guard.traffic());
    say_goodbye(record, client, end.reason, client_code).await;
}

/// A node that just ends says nothing about the guest, so Proxmox is asked: off, moved or gone has its own words.
async fn why(gateway: &Gateway, place: &Place, end: Failure) -> Failure {
    if !matches!(end.reason, Reason::GuestEnded | Reason::NodeReset | Reason::NodeCut) {
        return end;
    }
    match timeout(WHY_WITHIN, gateway.resolver.why_ended(place)).await {
        Ok(better) if better.reason != Reason::GuestEnded => better,
        Ok(_) | Err(_) => end,
    }
}

/// An open that did not become a session: counted, logged, closed with its code.
async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(record: &Record<'_>, client: Leg<S>, failure: Failure) {
    record.refused(&failure);
    say_goodbye(record, client.depart(), failure.reason, None).await;
}

async fn say_goodbye<S>(record: &Record<'_>, client: Departing<S>, reason: Reason, client_code: Option<u16>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let public = reason.public();
    let text = serde_json::json!({ "code": public.code, "ref": record.reference() }).to_string();
    let code = client_code.unwrap_or(public.close);
    client.close(code, if client_code.is_some() { "" } else { &text }).await;
}

fn rules(gateway: &Gateway, envelope: &Envelope) -> Rules {
    let config = &gateway.config;
    let left = Duration::from_secs(envelope.ends.saturating_sub(unix_now()));
    let asked = envelope.grant.idle_seconds().map(Duration::from_secs);
    Rules {
        ping: config.timeouts.ping,
        dead: config.timeouts.dead,
        stall: config.timeouts.stall,
        idle: [config.session.idle, asked].into_iter().flatten().min(),
        ends: Instant::now() + left,
        flood: true,
        text: false,
    }
}

/// Seconds since 1970 by the wall clock: what tokens and tickets are dated in.
#[must_use]
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
