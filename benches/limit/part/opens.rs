//! Processor time for one session opened.

use super::lanes::Lanes;
use crate::Outcome;
use crate::figures::Rounds;
use crate::ground::Ground;
use crate::options::Options;
use crate::progress;
use crate::relay::{Kind, Relay};
use crate::table::{Goal, Section, Table};
use std::time::Duration;
use tokio::time::sleep;

/// Sessions of one round, and how many are being opened at a time: as many as the gateway keeps connections to the API.
const OPENS: u32 = 300;
const AT_ONCE: usize = 2;
/// These come first, uncounted.
const WARM: u32 = 20;
/// Until the sessions of the relay before are gone.
const PAUSE: Duration = Duration::from_millis(300);

/// Measures the relays of [`Kind::ALL`] in rounds: processor milliseconds for each open.
pub async fn measure(ground: &Ground, lanes: &mut Lanes, options: &Options) -> Outcome<Section> {
    let mut figures = Kind::ALL.map(|_| Rounds::default());
    for round in 0..options.rounds {
        progress::say(format_args!("opens: round {} of {}", round + 1, options.rounds));
        let measured = lanes.alone(ground, round, async |relay| once(ground, relay).await).await;
        for (rounds, figure) in figures.iter_mut().zip(measured).filter_map(|(rounds, figure)| Some((rounds, figure?)))
        {
            rounds.push(figure);
        }
    }
    Ok(section(&figures))
}

async fn once(ground: &Ground, relay: &mut Relay) -> Outcome<f64> {
    relay.load(ground, WARM, AT_ONCE).await?.stop().await?;
    sleep(PAUSE).await;
    let before = relay.server().used()?;
    let load = relay.load(ground, OPENS, AT_ONCE).await?;
    let used = &relay.server().used()? - &before;
    load.stop().await?;
    sleep(PAUSE).await;
    Ok(used.as_secs_f64() * 1e3 / f64::from(OPENS))
}

fn section(figures: &[Rounds; 5]) -> Section {
    let all = Kind::ALL.map(Kind::name);
    let mut table = Table::new([&[""][..], &all].concat());
    table.row("milliseconds", figures);
    table.row("consolegate divided by it", figures.iter().map(|other| figures[0].over(other)));
    Section {
        title: "Processor per open",
        how: format!(
            "{OPENS} sessions a round, {AT_ONCE} at a time, no TLS session resumed on either leg. Of the gateway: client \
             TLS, token, the ticket from the API on a kept connection, node TLS, RFB login. Of the others: client TLS, node \
             TLS, an upgrade that is passed on."
        ),
        goals: vec![
            Goal::at_most("processor for one complete open", 1.3, " ms", &figures[0]),
            Goal::at_most(
                "processor for one complete open, of nginx's bare one",
                1.0,
                "",
                &figures[0].over(&figures[3]),
            ),
        ],
        tables: vec![table],
    }
}
