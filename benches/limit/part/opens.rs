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

/// The heading of its figures.
pub const TITLE: &str = "Processor per open";

/// Sessions of one round, and how many are being opened at a time.
const OPENS: u32 = 300;
const AT_ONCE: usize = 2;
/// These come first, uncounted.
const WARM: u32 = 20;
/// Until the sessions of the relay before are gone.
const PAUSE: Duration = Duration::from_millis(300);

/// What an open costs through one relay.
#[derive(Debug, Clone, Default)]
struct Figures {
    milliseconds: Rounds,
    /// Connections to the node, of which one is the session's own.
    connections: Rounds,
}

/// Measures the relays of [`Kind::ALL`] in rounds.
pub async fn measure(ground: &Ground, lanes: &mut Lanes, options: &Options) -> Outcome<Section> {
    let mut figures = Kind::ALL.map(|_| Figures::default());
    for round in 0..options.rounds {
        progress::say(format_args!("opens: round {} of {}", round + 1, options.rounds));
        let measured = lanes.alone(ground, round, async |relay| once(ground, relay).await).await;
        for (figures, (cost, dialled)) in figures.iter_mut().zip(measured).filter_map(|(f, m)| Some((f, m?))) {
            figures.milliseconds.push(cost);
            figures.connections.push(dialled);
        }
    }
    Ok(section(&figures))
}

async fn once(ground: &Ground, relay: &mut Relay) -> Outcome<(f64, f64)> {
    relay.load(ground, WARM, AT_ONCE).await?.stop().await?;
    sleep(PAUSE).await;
    let connections = ground.connections().await?;
    let before = relay.server().used()?;
    let load = relay.load(ground, OPENS, AT_ONCE).await?;
    let used = &relay.server().used()? - &before;
    let dialled = ground.connections().await? - connections;
    load.stop().await?;
    sleep(PAUSE).await;
    let opens = f64::from(OPENS);
    Ok((used.as_secs_f64() * 1e3 / opens, dialled as f64 / opens))
}

fn section(figures: &[Figures; 5]) -> Section {
    let all = Kind::ALL.map(Kind::name);
    let millis = |index: usize| &figures[index].milliseconds;
    let mut table = Table::new([&["for one open"][..], &all].concat());
    table.row("milliseconds", (0..all.len()).map(millis));
    let ratios = (1..all.len()).map(|other| millis(0).over(millis(other)).to_string());
    table.row("consolegate's divided by it", ["1".to_owned()].into_iter().chain(ratios));
    table.row("connections to the node", figures.iter().map(|figures| &figures.connections));
    Section {
        title: TITLE,
        how: format!(
            "{OPENS} sessions a round, {AT_ONCE} at a time, no TLS session resumed on either leg. Of the gateway: client \
             TLS, token, the ticket from the API on a kept connection, node TLS, RFB login. Of the others: client TLS, node \
             TLS, an upgrade that is passed on."
        ),
        goals: vec![
            Goal::at_most("processor for one complete open", 1.3, " ms", millis(0)),
            Goal::at_most("processor for one complete open, of nginx's bare one", 1.0, "", &millis(0).over(millis(3))),
        ],
        tables: vec![table],
    }
}
