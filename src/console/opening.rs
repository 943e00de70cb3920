//! From a grant to two legs that have logged in: resolve, ticket, dial, handshake, against one deadline.
//!
//! The browser's VNC handshake runs beside the node's, so neither waits for the other's round trips; a terminal's browser
//! has none, and is only watched. Opens of one console take turns, because QEMU has one VNC password a VM and each open
//! sets a new one (protocol reference 6.1).

use super::record::Record;
use super::{Generation, term, vnc};
use crate::id::Protocol;
use crate::reason::{Failure, Reason};
use crate::record::{IntoTransport, TlsStream};
use crate::resolve::Place;
use crate::session::SessionGuard;
use crate::splice::Leg;
use crate::token::Pass;
use crate::upstream;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// From the first ticket of an open to its second at the least (R07): each one costs the node a worker and a port.
const BETWEEN_TICKETS: Duration = Duration::from_secs(1);

/// A node's transport: always TLS.
pub(super) type NodeStream = TlsStream;

/// The node's leg of a console that is ready.
pub(super) struct Opened {
    pub(super) node: Leg<NodeStream>,
    pub(super) place: Place,
}

/// Opens the console, or says why not. `client` stays usable for a close frame.
pub(super) async fn open<S>(
    generation: &Generation,
    pass: &Pass,
    guard: &SessionGuard,
    record: &Record,
    client: &mut Leg<S>,
) -> Result<Opened, Failure>
where
    S: IntoTransport,
{
    let stage = Stage::default();
    let node = open_node(generation, pass, guard, record, &stage);
    let both = async {
        match pass.grant().console().protocol {
            Protocol::Vnc => open_screen(node, client, &stage).await,
            Protocol::Term => open_terminal(node, client, &stage).await,
        }
    };
    match timeout(generation.config.timeouts.handshake, both).await {
        Ok(opened) => opened,
        Err(_) => Err(stage.too_late()),
    }
}

async fn open_screen<S>(
    node: impl Future<Output = Result<Opened, Failure>>,
    client: &mut Leg<S>,
    stage: &Stage,
) -> Result<Opened, Failure>
where
    S: IntoTransport,
{
    let mut node = pin!(node);
    let mut early = None;
    {
        let mut greeting = pin!(vnc::greet(client));
        loop {
            tokio::select! {
                greeted = &mut greeting => break greeted?,
                opened = &mut node, if early.is_none() => early = Some(opened?),
            }
        }
    }
    stage.client_is_ready();
    let mut opened = match early {
        Some(opened) => opened,
        None => tokio::select! {
            opened = node => opened?,
            end = client.gone() => return Err(vnc::client_end(end)),
        },
    };
    vnc::begin(&mut opened.node).await?;
    Ok(opened)
}

async fn open_terminal<S>(
    node: impl Future<Output = Result<Opened, Failure>>,
    client: &mut Leg<S>,
    stage: &Stage,
) -> Result<Opened, Failure>
where
    S: IntoTransport,
{
    stage.client_is_ready();
    let opened = tokio::select! {
        opened = node => opened?,
        end = client.gone() => return Err(term::client_end(end)),
    };
    term::begin(client).await?;
    Ok(opened)
}

/// How far an open has come, for whoever must say what it was waiting for.
#[derive(Default)]
struct Stage {
    client_ready: AtomicBool,
    node: AtomicUsize,
}

/// What the node's side waits for, in order.
const WAITS: [&str; 5] = [
    "the guest, which is opened more often than its pace allows",
    "Proxmox to say where the guest is",
    "its turn",
    "Proxmox to give a ticket",
    "the node's console",
];

impl Stage {
    fn client_is_ready(&self) {
        self.client_ready.store(true, Relaxed);
    }

    fn node_waits_for(&self, index: usize) {
        self.node.store(index, Relaxed);
    }

    fn too_late(&self) -> Failure {
        if !self.client_ready.load(Relaxed) {
            return Reason::ClientHandshakeTimeout.into();
        }
        let at = self.node.load(Relaxed);
        let what = WAITS.get(at).copied().unwrap_or_default();
        // A pace is no host's slowness.
        let reason = if at == 0 { Reason::GuestPace } else { Reason::NodeHandshakeTimeout };
        Failure::new(reason, format!("timeouts.handshake passed while waiting for {what}"))
    }
}

async fn open_node(
    generation: &Generation,
    pass: &Pass,
    guard: &SessionGuard,
    record: &Record,
    stage: &Stage,
) -> Result<Opened, Failure> {
    let grant = pass.grant();
    generation.shared.turns.pace(grant.console()).await?;
    stage.node_waits_for(1);
    let began = Instant::now();
    let place = match generation.resolver.locate(grant.console(), grant.node()).await {
        Ok(place) => place,
        Err(failure) => {
            if matches!(failure.reason, Reason::GuestStopped | Reason::GuestLocked) {
                // It is there, so that its page may wait for it, and for no other.
                generation.meet(pass.session(), grant).await?;
            }
            return Err(failure);
        }
    };
    record.took("resolve", began);
    guard.place(place.node(), generation.config.limits.per_node)?;
    // Beside the rest of the open, which shows nothing before both are done.
    let (node, ()) =
        tokio::try_join!(reach(generation, &place, record, stage), generation.meet(pass.session(), grant))?;
    Ok(Opened { node, place })
}

/// The console of a place, when it is its turn.
async fn reach(
    generation: &Generation,
    place: &Place,
    record: &Record,
    stage: &Stage,
) -> Result<Leg<NodeStream>, Failure> {
    stage.node_waits_for(2);
    let (turns, per_node) = (&generation.shared.turns, generation.config.limits.per_node_opening);
    let _turn = turns.take(place.console(), place.node(), per_node, place.asked()).await?;
    let asked = Instant::now();
    match attempt(generation, place, record, stage).await {
        Ok(node) => Ok(node),
        Err(failure) => {
            let failure = explain(generation, place, failure).await;
            if !worth_another_ticket(failure.reason) {
                return Err(failure);
            }
            tracing::info!(reason = failure.reason.word(), cause = failure.cause, "asking for a second ticket");
            sleep_until(asked + BETWEEN_TICKETS).await;
            attempt(generation, place, record, stage).await
        }
    }
}

/// One ticket, one dial, one login.
async fn attempt(
    generation: &Generation,
    place: &Place,
    record: &Record,
    stage: &Stage,
) -> Result<Leg<NodeStream>, Failure> {
    stage.node_waits_for(3);
    let began = Instant::now();
    let target = generation.resolver.open(place).await.inspect_err(|failure| {
        if failure.reason != Reason::NodeSlow {
            place.asked().store(false, Relaxed);
        }
    })?;
    record.took("ticket", began);
    stage.node_waits_for(4);
    let began = Instant::now();
    let mut upstream = upstream::connect(target, &generation.config.timeouts).await?;
    place.asked().store(false, Relaxed);
    record.took("dial", began);
    let began = Instant::now();
    match place.console().protocol {
        Protocol::Vnc => vnc::log_in(&mut upstream.leg, &upstream.password).await?,
        Protocol::Term => term::log_in(&mut upstream.leg, &upstream.login).await?,
    }
    record.took("handshake", began);
    Ok(upstream.leg)
}

/// A stopped guest answers with an end instead of a greeting (protocol reference 6.1): Proxmox knows better why.
async fn explain(generation: &Generation, place: &Place, failure: Failure) -> Failure {
    if !matches!(failure.reason, Reason::NodeCut | Reason::NodeReset | Reason::TermRefused) {
        return failure;
    }
    let why = generation.resolver.why_ended(place).await;
    if why.reason == Reason::GuestEnded { failure } else { why }
}

/// Another open may have set a new password between ours and the login, and a worker of pveproxy may have been recycled
/// under the first byte (U19). The same ticket is never used twice. A terminal that refuses a token refuses the next one too.
const fn worth_another_ticket(reason: Reason) -> bool {
    matches!(reason, Reason::RfbAuth | Reason::NodeCut | Reason::NodeReset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::scene;
    use futures_util::poll;

    #[tokio::test(start_paused = true)]
    async fn an_open_that_is_paced_too_long_says_so() {
        let (generation, opening) = (scene::generation(), scene::opening());
        let (sessions, limits) = (&generation.shared.sessions, &generation.config.limits);
        let guard = sessions.admit(&opening.pass, opening.client, limits, 0).unwrap();
        let pass = &opening.pass;
        for _ in 0..8 {
            generation.shared.turns.pace(pass.grant().console()).await.unwrap();
        }
        let (record, stage) = (Record::new(&generation.shared.metrics, &opening), Stage::default());
        stage.client_is_ready();
        let mut opening = pin!(open_node(&generation, pass, &guard, &record, &stage));
        assert!(poll!(&mut opening).is_pending());
        let failure = stage.too_late();
        assert_eq!(failure.reason, Reason::GuestPace);
        assert!(failure.cause.ends_with("more often than its pace allows"), "{failure}");
    }
}
