//! Processor seconds of the relay for each GiB from the node to the browser.

use super::lanes::{Lane, Lanes};
use crate::Outcome;
use crate::figures::{GIB, Rounds};
use crate::ground::Ground;
use crate::load::Job;
use crate::options::Options;
use crate::relay::Kind;
use crate::table::{Goal, Section, Table};

/// Sessions that receive at the same time.
const STREAMS: u32 = 8;
/// Payload of a frame in KiB; Proxmox sends up to 4.
const SIZES: [u32; 4] = [1, 4, 16, 64];
/// What part of the bytes goes through first, uncounted.
const WARM: u32 = 8;

/// Measures all relays in rounds.
pub async fn measure(ground: &Ground, options: &Options) -> Outcome<Section> {
    let mut lanes = Lanes::start(ground, &Kind::ALL, STREAMS).await;
    let mut figures = SIZES.map(|_| Kind::ALL.map(|_| Rounds::default()));
    for round in 0..options.rounds {
        eprintln!("throughput: round {} of {}", round + 1, options.rounds);
        for (size, figures) in SIZES.iter().zip(&mut figures) {
            let (bytes, frames) = (size * 1024, options.mib * 1024 / size / STREAMS);
            lanes.round(ground, round, figures, async |lane| seconds_per_gib(lane, bytes, frames).await).await;
        }
    }
    lanes.stop().await?;
    Ok(section(&figures, options))
}

async fn seconds_per_gib(lane: &mut Lane, bytes: u32, frames: u32) -> Outcome<f64> {
    lane.load.run(Job::Receive { bytes, frames: (frames / WARM).max(1) }).await?;
    let before = lane.relay.server().used()?;
    let received = lane.load.run(Job::Receive { bytes, frames }).await?;
    let used = &lane.relay.server().used()? - &before;
    Ok(used.as_secs_f64() / (received.bytes as f64 / GIB))
}

fn section(figures: &[[Rounds; 5]; 4], options: &Options) -> Section {
    let head = ["frame payload".to_owned()].into_iter().chain(Kind::ALL.map(|kind| kind.name().to_owned()));
    let (mut seconds, mut ratios) = (Table::new(head.clone()), Table::new(head.clone()));
    for (size, row) in SIZES.iter().zip(figures) {
        seconds.row(format!("{size} KiB"), row);
        ratios.row(format!("{size} KiB"), row.iter().map(|other| row[0].over(other)));
    }
    Section {
        title: "Processor seconds per GiB, node to browser",
        how: format!(
            "{STREAMS} sessions receive {} MiB together, every byte checked; medians of {} rounds, least and most in \
             brackets. The second table divides the gateway's figure by each relay's, round by round.",
            options.mib, options.rounds
        ),
        goals: goals(figures),
        tables: vec![seconds, ratios],
    }
}

fn goals(figures: &[[Rounds; 5]; 4]) -> Vec<Goal> {
    let [one, four, sixteen, sixty_four] = figures;
    let ratio = |size: &str, row: &[Rounds; 5], to: usize, limit: f64| {
        let what = format!("processor per GiB, {size} KiB frames, of the {}", Kind::ALL[to].name());
        Goal::at_most(what.replace("of the nginx", "of nginx").replace("of the HAProxy", "of HAProxy"), limit, "", &row[0].over(&row[to]))
    };
    vec![
        ratio("1", one, 1, 0.70),
        ratio("4", four, 1, 0.75),
        ratio("4", four, 3, 0.50),
        ratio("4", four, 4, 0.40),
        ratio("16", sixteen, 1, 0.75),
        ratio("64", sixty_four, 1, 0.75),
    ]
}
