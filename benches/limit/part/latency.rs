//! How long a key takes to the guest and back: through the gateway and straight to the node at the same time, while a
//! thousand other sessions are busy, and beside one that takes all it can get.

use crate::Outcome;
use crate::figures::{Rounds, percentile, short};
use crate::ground::Ground;
use crate::guests::Cluster;
use crate::load::{Door, Job, Order, Outcomes};
use crate::options::Options;
use crate::process::{Load, Rank};
use crate::progress;
use crate::relay::{Kind, Nodes, Relay, Settings};
use crate::table::{Goal, Section, Table};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The heading of its figures.
pub const TITLE: &str = "Latency of a key";

/// Busy sessions, each with so many messages a second of so many bytes.
const SESSIONS: u32 = 1_000;
const PACE: (u32, u32) = (20, 1024);
/// Keys of one round: some 1,500 where nothing else holds them up.
const PRESSES: Job = Job::Press { seconds: 8, pause_millis: 4 };
/// What the session at full speed receives.
const FLOOD: Job = Job::Flood { bytes: 4096 };
const AT_ONCE: usize = 16;
/// The busy sessions and their node stand for other machines, so that the gateway goes before them.
const BUSY: (Cluster, Rank) = (Cluster::Usual, Rank::Usual);
/// Until a change of load shows.
const SETTLE: Duration = Duration::from_secs(2);

/// Round trips of one kind, in microseconds.
#[derive(Debug, Clone, Default)]
struct Trips {
    half: Rounds,
    most: Rounds,
}

impl Trips {
    fn push(&mut self, outcomes: &Outcomes) {
        self.half.push(percentile(&outcomes.round_trips, 0.50) / 1e3);
        self.most.push(percentile(&outcomes.round_trips, 0.99) / 1e3);
    }
}

/// Of both ways, without and with the session at full speed.
#[derive(Debug, Default)]
struct Ways {
    gateway: [Trips; 2],
    direct: [Trips; 2],
    messages: f64,
}

/// Measures in rounds, without and with the session at full speed in turn.
pub async fn measure(ground: &Ground, options: &Options) -> Outcome<Section> {
    progress::say(format_args!("latency: opening {SESSIONS} sessions"));
    let (usual, busy_node) = ground.one_more_node(BUSY.1).await?;
    let (keys, keys_node) = ground.one_more_node(Rank::First).await?;
    let settings =
        Settings { one_worker: false, rank: Rank::Ahead, nodes: Some(Nodes { usual, keys }), ..Settings::default() };
    let mut relay = Relay::start_with(Kind::Gateway, ground, settings).await?;
    let mut busy = relay.load_of(ground, BUSY, SESSIONS, AT_ONCE).await?;
    busy.run(Job::Steady { bytes: PACE.1, a_second: PACE.0 }).await?;
    let mut through = relay.load_of(ground, (Cluster::Keys, Rank::First), 1, 1).await?;
    let mut straight = Load::open(&straight(ground, keys), Rank::First).await?;
    sleep(SETTLE).await;
    let (mut ways, began, first) = (Ways::default(), Instant::now(), busy.run(Job::Tell).await?.bytes);
    for round in 0..options.rounds.min(3) {
        progress::say(format_args!("latency: round {}", round + 1));
        press(&mut through, &mut straight, &mut ways, 0).await?;
        let mut flood = relay.load_of(ground, BUSY, 1, 1).await?;
        flood.run(FLOOD).await?;
        sleep(SETTLE).await;
        press(&mut through, &mut straight, &mut ways, 1).await?;
        flood.stop().await?;
        sleep(SETTLE).await;
    }
    let bytes = busy.run(Job::Tell).await?.bytes - first;
    ways.messages = bytes as f64 / f64::from(PACE.1) / f64::from(SESSIONS) / began.elapsed().as_secs_f64();
    for load in [through, straight, busy] {
        load.stop().await?;
    }
    relay.stop().await?;
    busy_node.stop().await?;
    keys_node.stop().await?;
    Ok(section(&ways))
}

fn straight(ground: &Ground, address: SocketAddr) -> Order {
    Order { folder: ground.folder().to_owned(), address, door: Door::Raw, sessions: 1, at_once: 1 }
}

/// Presses keys on both ways at the same time, so that both see the same machine.
async fn press(through: &mut Load, straight: &mut Load, ways: &mut Ways, flooded: usize) -> Outcome<()> {
    let (gateway, direct) = tokio::join!(through.run(PRESSES), straight.run(PRESSES));
    ways.gateway[flooded].push(&gateway?);
    ways.direct[flooded].push(&direct?);
    Ok(())
}

fn section(ways: &Ways) -> Section {
    let mut table = Table::new(["microseconds", "through the gateway, p50", "p99", "direct, p50", "p99"]);
    let names = ["1,000 busy sessions", "and one at full speed"];
    for (name, (gateway, direct)) in names.iter().zip(ways.gateway.iter().zip(&ways.direct)) {
        table.row(*name, [&gateway.half, &gateway.most, &direct.half, &direct.most]);
    }
    let ([calm, flooded], direct) = (&ways.gateway, &ways.direct[0]);
    let (half, most) = (calm.half.less(&direct.half), calm.most.less(&direct.most).map(|micros| micros / 1e3));
    Section {
        title: TITLE,
        how: format!(
            "{SESSIONS} sessions through the gateway get {} messages a second of {} bytes each (they really got {}), while \
             one more presses keys that a node echoes, and another does so straight at that node. Everything shares this \
             machine's cores, but the busy sessions and their node stand for other machines, so the gateway has the cores \
             before them (SCHED_FIFO); what presses and what echoes waits for nobody (SCHED_FIFO, before the gateway), so \
             that what is measured is not its own waiting. The gateway has its usual worker threads. Medians of the rounds' percentiles.",
            PACE.0,
            PACE.1,
            short(ways.messages)
        ),
        goals: vec![
            Goal::at_most("added latency of a key, p50", 150.0, " µs", &half),
            Goal::at_most("added latency of a key, p99", 1.5, " ms", &most),
            Goal::at_most(
                "p99 beside a session at full speed, of p99 without",
                2.0,
                " times",
                &flooded.most.over(&calm.most),
            ),
        ],
        tables: vec![table],
    }
}
