//! What an idle session costs: memory at several counts, again after a burst through all of them, and the processor time
//! of keeping them.

use super::lanes::failed;
use crate::Outcome;
use crate::figures::{Rounds, short};
use crate::ground::Ground;
use crate::load::Job;
use crate::options::Options;
use crate::process::Load;
use crate::progress;
use crate::relay::{Kind, Relay};
use crate::table::{Goal, Section, Table};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The heading of its figures.
pub const TITLE: &str = "Idle sessions";

/// The gateway and, with fewer sessions, the others.
const PEERS: [Kind; 5] = [Kind::Bare, Kind::BareSmall, Kind::Frames, Kind::Nginx, Kind::HaProxy];
const COUNTS: [u32; 3] = [1_000, 3_000, 9_000];
const PEER_COUNTS: [u32; 2] = [1_000, 3_000];

/// Sessions that are being opened at a time, and those that come and go before anything is counted.
const AT_ONCE: usize = 16;
const WARM: u32 = 50;
/// Until what an open or a burst needed is given back.
const SETTLE: Duration = Duration::from_secs(4);
/// Two rounds of pings.
const WATCHED: Duration = Duration::from_secs(40);
/// 256 KiB through every session, in frames as Proxmox sends them.
const BURST: Job = Job::Receive { bytes: 4096, frames: 64 };

/// What was found for one relay.
#[derive(Debug, Default)]
struct Found {
    /// KiB for each session, at each count.
    resident: Vec<(u32, f64)>,
    burst: Option<f64>,
    /// Per cent of one core.
    processor: Rounds,
    most: u32,
}

/// Measures the gateway, then the others.
pub async fn measure(ground: &Ground, options: &Options) -> Outcome<Section> {
    let most = options.sessions.min(ground.most_sessions());
    let within = |counts: &[u32]| counts.iter().map(|count| (*count).min(most)).collect::<Vec<_>>();
    let mut rows = Vec::new();
    let peers = if options.alone { &[] } else { &PEERS[..] };
    for kind in [Kind::Gateway].into_iter().chain(peers.iter().copied()) {
        progress::say(format_args!("idle: {}", kind.name()));
        let mut counts = within(if kind == Kind::Gateway { &COUNTS } else { &PEER_COUNTS });
        counts.dedup();
        let found = once(ground, kind, &counts).await.inspect_err(|error| failed(kind, ground, error.as_ref()));
        rows.push((kind, found.unwrap_or_default()));
    }
    Ok(section(&rows))
}

async fn once(ground: &Ground, kind: Kind, counts: &[u32]) -> Outcome<Found> {
    let mut relay = Relay::start(kind, ground).await?;
    relay.load(ground, WARM, AT_ONCE).await?.stop().await?;
    sleep(SETTLE).await;
    let (group, mut loads, mut found) = (*relay.server().group(), Vec::new(), Found::default());
    let before = group.resident()?;
    for count in counts {
        loads.push(relay.load(ground, count - found.most, AT_ONCE).await?);
        progress::say(format_args!("idle: {count} sessions of {}", kind.name()));
        found.most = *count;
        sleep(SETTLE).await;
        found.resident.push((found.most, kib_each(group.resident()?, before, found.most)));
    }
    if kind == Kind::Gateway {
        found.processor.push(watched(&relay).await?);
    }
    progress::say("idle: a burst");
    burst(&mut loads).await?;
    sleep(SETTLE).await;
    found.burst = Some(kib_each(group.resident()?, before, found.most));
    for load in loads {
        load.stop().await?;
    }
    relay.stop().await?;
    Ok(found)
}

async fn burst(loads: &mut [Load]) -> Outcome<()> {
    for load in loads {
        load.run(BURST).await?;
    }
    Ok(())
}

async fn watched(relay: &Relay) -> Outcome<f64> {
    let (before, began) = (relay.server().used()?, Instant::now());
    sleep(WATCHED).await;
    let used = &relay.server().used()? - &before;
    Ok(100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64())
}

fn kib_each(now: u64, before: u64, sessions: u32) -> f64 {
    now.saturating_sub(before) as f64 / 1024.0 / f64::from(sessions)
}

fn section(rows: &[(Kind, Found)]) -> Section {
    let gateway = &rows[0].1;
    let counts: Vec<u32> = gateway.resident.iter().map(|(count, _)| *count).collect();
    let columns = counts.iter().map(|count| format!("{count} sessions"));
    let (first, last) = ("KiB for each of".to_owned(), "after 256 KiB through each".to_owned());
    let mut table = Table::new([first].into_iter().chain(columns).chain([last]));
    for (kind, found) in rows {
        let at = |count: &u32| found.resident.iter().find(|(of, _)| of == count).map(|(_, kib)| *kib);
        let cells = counts.iter().map(at).chain([found.burst]);
        table.row(kind.name(), cells.map(|kib| kib.map_or("–".to_owned(), short)));
    }
    let (most, mut at_most, mut after) = (gateway.most, Rounds::default(), Rounds::default());
    gateway.resident.last().into_iter().for_each(|(_, kib)| at_most.push(*kib));
    gateway.burst.into_iter().for_each(|kib| after.push(kib));
    Section {
        title: TITLE,
        how: format!(
            "Resident memory less what it was before the first session, divided by the sessions; {} s after the last open, \
             and as long after a burst through every session. Processor: {} s with {most} sessions and a ping to each every \
             20 s.",
            SETTLE.as_secs(),
            WATCHED.as_secs()
        ),
        goals: vec![
            Goal::at_most(format!("memory of an idle session, of {most}"), 12.0, " KiB", &at_most),
            Goal::at_most(format!("memory of an idle session after a burst, of {most}"), 12.0, " KiB", &after),
            Goal::at_most(format!("processor of {most} idle sessions"), 4.0, " % of a core", &gateway.processor),
        ],
        tables: vec![table],
    }
}
