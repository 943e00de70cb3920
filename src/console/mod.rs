//! The pipeline of a console: from an accepted upgrade to the audited end.
//!
//! [`run`] reads like the product's sentence: admit, open, splice, close. Each stage's value proves the one before; every
//! refusal and every end is counted, logged and closed with its code here, once.

mod connected;
mod generation;
mod goodbye;
mod opening;
mod record;
#[cfg(test)]
pub(crate) mod scene;
mod shared;
mod term;
mod vnc;

pub use generation::Generation;
pub use goodbye::GOODBYE;
pub use shared::{Shared, Since};

use crate::clock::unix_now;
use crate::config::Config;
use crate::id::{Console, Guest, Protocol, Right};
use crate::reason::{Failure, Reason};
use crate::record::{IntoTransport, Transport};
use crate::resolve::{Place, Resolver};
use crate::session::SessionGuard;
use crate::splice::{Ended, Guard, Leg, Pair, Rules, Splice, TerminalGuard};
use crate::token::{Grant, Pass};
use bytes::Bytes;
use connected::Connected;
use goodbye::Goodbye;
use opening::{NodeStream, Opened};
use record::Record;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Payload a browser may send before its screen (R03) or terminal (X02) is ready.
const MOST_EARLY_VNC: usize = 1024;
const MOST_EARLY_TERM: usize = 4096;
/// A terminal that lives no longer was none.
const NO_TERMINAL: Duration = Duration::from_secs(2);
/// How long the customer waits for a better word than "ended".
const WHY_WITHIN: Duration = Duration::from_secs(3);

/// An accepted upgrade, about to become a console.
#[derive(Debug)]
pub struct Opening {
    /// The right to it, used up by opening it.
    pub pass: Pass,
    /// The client's address, derived from trusted headers only.
    pub client: IpAddr,
}

/// Runs a console to its end on an upgraded stream. `early` is what the client sent right behind its request.
///
/// What a stage needs is in a box of its own, and given back when the stage is over: most sessions are idle for most of
/// their life, and then only the splice is left.
pub async fn run<S>(generation: Arc<Generation>, opening: Box<Opening>, stream: S, early: Bytes)
where
    S: IntoTransport<Transport: Send> + Send + 'static,
{
    let keep = generation.config.session.resume.as_secs();
    let record = Record::new(&generation.shared.metrics, &opening);
    let begins = Box::pin(Connected::begin(&generation.shared.store, &opening.pass, keep, unix_now()));
    let connected = match begins.await {
        Ok(connected) => connected,
        Err(failure) => return Box::pin(refuse(record, leg(&opening, stream, early), &failure).say()).await,
    };
    let goodbye = match Box::pin(open(generation, opening, &connected, record, stream, early)).await {
        Ok(live) => live.until_its_end().await,
        Err(goodbye) => goodbye,
    };
    Box::pin(connected.end(goodbye.reason, unix_now())).await;
    Box::pin(goodbye.say()).await;
}

/// Admits and opens, or says why not.
async fn open<S>(
    generation: Arc<Generation>,
    opening: Box<Opening>,
    connected: &Connected,
    mut record: Box<Record>,
    stream: S,
    early: Bytes,
) -> Result<Live<S::Transport>, Box<Goodbye<S::Transport>>>
where
    S: IntoTransport,
{
    let (grant, mut client) = (opening.pass.grant(), leg(&opening, stream, early));
    let guard =
        match generation.shared.sessions.admit(&opening.pass, opening.client, &generation.config.limits, unix_now()) {
            Ok(guard) => guard,
            Err(failure) => return Err(refuse(record, client, &failure)),
        };
    let facts = generation.shared.sessions.get(opening.pass.session()).map(|listed| listed.facts_of_list());
    if let Err(failure) = connected.enter(grant, &generation.config.limits, &facts.unwrap_or_default()).await {
        return Err(refuse(record, client, &failure));
    }
    // Once it is listed: what is withdrawn from now on ends it, what was withdrawn until now is known here.
    if let Err(failure) = generation.shared.store.check(&grant.facts()) {
        return Err(refuse(record, client, &failure));
    }
    let opens = async {
        let opened = opening::open(&generation, &opening.pass, &guard, &record, &mut client).await?;
        connected.opened().await.map(|()| opened)
    };
    let opened = tokio::select! {
        biased;
        why = guard.stopped() => Err(why),
        opened = opens => opened,
    };
    match opened {
        Err(failure) => Err(refuse(record, client, &failure)),
        Ok(Opened { node, place }) => {
            record.opened(place.node(), guard.traffic());
            let rules = rules(&generation.config, &opening.pass);
            let splice = Splice::new(Pair::new(client, node), rules, says(grant));
            let resolver = Arc::clone(&generation.resolver);
            Ok(Live { splice, guard, place, record, resolver })
        }
    }
}

/// The browser's leg. What came early may be a corner of a large read buffer, so it is copied and given back here.
fn leg<S: IntoTransport>(opening: &Opening, stream: S, early: Bytes) -> Leg<S> {
    let leg = match opening.pass.grant().console().protocol {
        Protocol::Vnc => Leg::client(stream, &early, false, MOST_EARLY_VNC),
        Protocol::Term => Leg::client(stream, &early, true, MOST_EARLY_TERM),
    };
    drop(early);
    leg
}

/// An open console. It may outlive many generations of the configuration: of its own it keeps the way to its cluster, and
/// no more.
struct Live<C> {
    splice: Box<Splice<C, NodeStream>>,
    guard: SessionGuard,
    place: Place,
    record: Box<Record>,
    resolver: Arc<Resolver>,
}

impl<C: Transport> Live<C> {
    /// Splices, and asks what became of the guest.
    async fn until_its_end(self) -> Box<Goodbye<C>> {
        let Self { splice, guard, place, record, resolver } = self;
        let began = Instant::now();
        let ended = splice.run(guard.traffic(), guard.stopped()).await;
        // Asking why is no part of the session, and whoever stops it meanwhile has the last word.
        let (lived, lasted) = (began.elapsed(), record.lasted());
        Box::pin(async {
            let Ended { reason, cause, client_code, client, node } = *ended;
            let end = tokio::select! {
                biased;
                stopped = guard.stopped() => stopped,
                end = why(&resolver, &place, Failure::new(reason, cause)) => no_terminal(place.console(), lived, end),
            };
            let reference = record.reference();
            record.over(&end, lasted);
            Box::new(Goodbye { client, node: Some(node), reason: end.reason, client_code, reference })
        })
        .await
    }
}

/// A node that just ends says nothing about the guest, so Proxmox is asked: off, moved or gone has its own words.
async fn why(resolver: &Resolver, place: &Place, end: Failure) -> Failure {
    if !matches!(end.reason, Reason::GuestEnded | Reason::NodeReset | Reason::NodeCut) {
        return end;
    }
    match timeout(WHY_WITHIN, resolver.why_ended(place)).await {
        Ok(better) if better.reason != Reason::GuestEnded => better,
        Ok(_) | Err(_) => end,
    }
}

/// Proxmox says on the terminal itself that a machine has no serial port, and ends it. Containers and hosts always have a
/// terminal: there somebody left the shell at once.
fn no_terminal(console: &Console, lasted: Duration, end: Failure) -> Failure {
    let of_machine = console.protocol == Protocol::Term && matches!(console.guest, Guest::Qemu(_));
    let none = of_machine && end.reason == Reason::GuestEnded && lasted < NO_TERMINAL;
    if none { Reason::NoTerminal.into() } else { end }
}

/// An open that did not become a session: counted, logged, to be closed with its code.
fn refuse<S: IntoTransport>(record: Box<Record>, client: Leg<S>, failure: &Failure) -> Box<Goodbye<S::Transport>> {
    let (reference, lasted) = (record.reference(), record.lasted());
    record.over(failure, lasted);
    Box::new(Goodbye { client: client.depart(), node: None, reason: failure.reason, client_code: None, reference })
}

/// What the browser may say.
fn says(grant: &Grant) -> Guard {
    match grant.console().protocol {
        Protocol::Vnc => Guard::screen(grant.rights()),
        Protocol::Term => Guard::Terminal(TerminalGuard::new(grant.may(Right::Input))),
    }
}

fn rules(config: &Config, pass: &Pass) -> Rules {
    let grant = pass.grant();
    let left = Duration::from_secs(pass.ends().saturating_sub(unix_now()));
    Rules {
        ping: config.timeouts.ping,
        dead: config.timeouts.dead,
        stall: config.timeouts.stall,
        idle: grant.idle(config.session.idle),
        keep_alive: (grant.console().protocol == Protocol::Vnc).then_some(config.timeouts.keep_alive),
        ends: Instant::now() + left,
        flood: true,
        text: grant.console().protocol == Protocol::Term,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{NodeName, Vmid};

    #[test]
    fn only_a_machines_terminal_that_ends_at_once_was_none() {
        let vmid = Vmid::try_from(100).unwrap();
        let host: NodeName = "pve1".parse().unwrap();
        let end = |guest, protocol, millis| {
            let console = Console { cluster: "eu1".parse().unwrap(), guest, protocol };
            no_terminal(&console, Duration::from_millis(millis), Reason::GuestEnded.into()).reason
        };
        assert_eq!(end(Guest::Qemu(vmid), Protocol::Term, 1999), Reason::NoTerminal);
        assert_eq!(end(Guest::Qemu(vmid), Protocol::Term, 2000), Reason::GuestEnded);
        assert_eq!(end(Guest::Qemu(vmid), Protocol::Vnc, 10), Reason::GuestEnded);
        assert_eq!(end(Guest::Lxc(vmid), Protocol::Term, 10), Reason::GuestEnded, "somebody typed exit");
        assert_eq!(end(Guest::Node(host), Protocol::Term, 10), Reason::GuestEnded);
    }
}
