//! Small frames from the browser to the node: typing and the pointer.

use super::lanes::Lanes;
use crate::Outcome;
use crate::figures::Rounds;
use crate::ground::Ground;
use crate::load::{Job, Records};
use crate::options::Options;
use crate::process::Load;
use crate::progress;
use crate::relay::{Kind, Relay};
use crate::table::{Goal, Section, Table};
use std::time::Duration;
use tokio::time::sleep;

/// The heading of its figures.
pub const TITLE: &str = "Frames of 16 bytes, browser to node";

/// Beside the relays of other tables, the gateway with what a usual panel's tokens grant.
pub const KINDS: [Kind; 6] = [Kind::Gateway, Kind::GatewayUsual, Kind::Bare, Kind::Frames, Kind::Nginx, Kind::HaProxy];

/// Sessions that send at the same time, and frames of each. The gateway takes 10,000 frames at once from a browser, then
/// 5,000 a second, and ends the session beyond.
const SESSIONS: u32 = 32;
const FRAMES: u32 = 8_000;
/// After so long it takes as many again.
const PAUSE: Duration = Duration::from_secs(2);

/// How the frames come: as a browser sends them, and as many as fit into a TLS record.
const WAYS: [(Records, &str); 2] = [(Records::Each, "a TLS record each"), (Records::Full, "in full TLS records")];

/// Measures the relays of [`KINDS`] in rounds: frames for each processor second.
pub async fn measure(ground: &Ground, lanes: &mut Lanes, options: &Options) -> Outcome<Section> {
    lanes.open(ground, SESSIONS).await;
    let mut figures = WAYS.map(|_| KINDS.map(|_| Rounds::default()));
    for round in 0..options.rounds {
        progress::say(format_args!("typing: round {} of {}", round + 1, options.rounds));
        for ((records, _), row) in WAYS.iter().zip(&mut figures) {
            sleep(PAUSE).await;
            let measured = lanes.with_sessions(ground, round, async |relay, load| once(relay, load, *records).await);
            for (rounds, figure) in row.iter_mut().zip(measured.await).filter_map(|(r, f)| Some((r, f?))) {
                rounds.push(figure);
            }
        }
    }
    lanes.close().await?;
    Ok(section(&figures))
}

async fn once(relay: &Relay, load: &mut Load, records: Records) -> Outcome<f64> {
    let before = relay.server().used()?;
    load.run(Job::Type { frames: FRAMES, records }).await?;
    let used = &relay.server().used()? - &before;
    Ok(f64::from(SESSIONS * FRAMES) / used.as_secs_f64())
}

fn section(figures: &[[Rounds; 6]; 2]) -> Section {
    let mut table = Table::new([&["million frames per processor second"][..], &KINDS.map(Kind::name)].concat());
    let mut goals = Vec::new();
    for ((_, way), row) in WAYS.iter().zip(figures) {
        table.row(*way, row.iter().map(|rounds| rounds.map(|frames| frames / 1e6)));
        let frames = &row[3];
        goals.push((format!("frames of 16 bytes, {way}"), row[0].over(frames)));
        goals.push((format!("frames of 16 bytes, {way}, usual rights"), row[1].over(frames)));
    }
    let goal = |(what, ratio): (String, Rounds)| {
        Goal::at_least(format!("{what}, of the fastwebsockets relay's"), 10.0, " times", &ratio)
    };
    Section {
        title: TITLE,
        how: format!(
            "{SESSIONS} sessions send {FRAMES} masked frames each, two key events in every frame, as fast as they can; the \
             node counts them. With all rights the gateway follows what the browser says, with the usual ones (input and \
             clipboard) it filters it message by message."
        ),
        goals: goals.into_iter().map(goal).collect(),
        tables: vec![table],
    }
}
