//! Processor seconds of the relay for each GiB from the node to the browser.

use super::lanes::Lanes;
use crate::Outcome;
use crate::figures::{GIB, Rounds};
use crate::ground::Ground;
use crate::load::Job;
use crate::options::Options;
use crate::process::Load;
use crate::progress;
use crate::relay::{Kind, Relay};
use crate::table::{Goal, Section, Table};

/// The heading of its figures.
pub const TITLE: &str = "Processor per GiB, node to browser";

/// Sessions that receive at the same time.
const STREAMS: u32 = 8;
/// Payload of a frame in KiB; Proxmox sends up to 4.
const SIZES: [u32; 4] = [1, 4, 16, 64];
/// This part of the bytes goes through first, uncounted.
const WARM: u32 = 8;

/// The figures of one relay at one size.
#[derive(Debug, Clone, Default)]
struct Figures {
    seconds_per_gib: Rounds,
    /// How much of a core it used meanwhile: far below one, something else was what it waited for.
    busy: Rounds,
}

/// Measures the relays of [`Kind::ALL`] in rounds.
pub async fn measure(ground: &Ground, lanes: &mut Lanes, options: &Options) -> Outcome<Section> {
    lanes.open(ground, STREAMS).await;
    let mut figures = SIZES.map(|_| Kind::ALL.map(|_| Figures::default()));
    for round in 0..options.rounds {
        progress::say(format_args!("throughput: round {} of {}", round + 1, options.rounds));
        for (size, row) in SIZES.iter().zip(&mut figures) {
            let (bytes, frames) = (size * 1024, options.mib * 1024 / size / STREAMS);
            let measured =
                lanes.with_sessions(ground, round, async |relay, load| once(relay, load, bytes, frames).await);
            for (figures, (cost, busy)) in row.iter_mut().zip(measured.await).filter_map(|(f, m)| Some((f, m?))) {
                figures.seconds_per_gib.push(cost);
                figures.busy.push(busy);
            }
        }
    }
    lanes.close().await?;
    Ok(section(&figures, options))
}

async fn once(relay: &Relay, load: &mut Load, bytes: u32, frames: u32) -> Outcome<(f64, f64)> {
    load.run(Job::Receive { bytes, frames: (frames / WARM).max(1) }).await?;
    let before = relay.server().used()?;
    let received = load.run(Job::Receive { bytes, frames }).await?;
    let used = (&relay.server().used()? - &before).as_secs_f64();
    Ok((used / (received.bytes as f64 / GIB), used / received.seconds))
}

fn section(figures: &[[Figures; 5]; 4], options: &Options) -> Section {
    let all = Kind::ALL.map(Kind::name);
    let mut seconds = Table::new([&["seconds per GiB"][..], &all].concat());
    let mut ratios = Table::new([&["consolegate divided by"][..], &all[1..]].concat());
    let mut busy = Table::new([&["share of a core used"][..], &all].concat());
    for (size, row) in SIZES.iter().zip(figures) {
        let name = format!("{size} KiB");
        seconds.row(&name, row.iter().map(|figures| &figures.seconds_per_gib));
        ratios.row(&name, row[1..].iter().map(|other| row[0].seconds_per_gib.over(&other.seconds_per_gib)));
        busy.row(&name, row.iter().map(|figures| &figures.busy));
    }
    Section {
        title: TITLE,
        how: format!(
            "{STREAMS} sessions receive {} MiB together in frames of this much payload, and every byte is checked. Median \
             of {} rounds, in brackets the least and the most; ratios are of figures of the same round.",
            options.mib, options.rounds
        ),
        goals: goals(figures),
        tables: vec![seconds, ratios, busy],
    }
}

fn goals(figures: &[[Figures; 5]; 4]) -> Vec<Goal> {
    let ratio = |row: usize, to: usize, of: &str, limit: f64| {
        let what = format!("processor per GiB, frames of {} KiB, of {of}", SIZES[row]);
        let row = &figures[row];
        Goal::at_most(what, limit, "", &row[0].seconds_per_gib.over(&row[to].seconds_per_gib))
    };
    vec![
        ratio(0, 1, "the bare copy loop's", 0.70),
        ratio(1, 1, "the bare copy loop's", 0.75),
        ratio(1, 3, "nginx's", 0.50),
        ratio(1, 4, "HAProxy's", 0.40),
        ratio(2, 1, "the bare copy loop's", 0.75),
        ratio(3, 1, "the bare copy loop's", 0.75),
    ]
}
