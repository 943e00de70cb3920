//! A thousand readers that ask for data at full speed and never read: what they cost, and that they end.

use crate::Outcome;
use crate::figures::{MIB, Rounds, short};
use crate::ground::Ground;
use crate::load::Job;
use crate::progress;
use crate::relay::{Kind, Relay, Settings, admin};
use crate::table::{Goal, Section, Table};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The heading of its figures.
pub const TITLE: &str = "Readers that do not read";

const SESSIONS: u32 = 1_000;
const AT_ONCE: usize = 16;
const WARM: u32 = 50;
/// `timeouts.stall` of this measurement, and how often is looked.
const STALL: u32 = 10;
const EVERY: Duration = Duration::from_millis(250);
/// The buffers in front of a reader fill first, and the last close frame gets its time.
const MARGIN: u32 = 20;
/// Bytes of a page of memory, which `/proc/net/sockstat` counts in.
const PAGE: f64 = 4096.0;

/// Measures once.
pub async fn measure(ground: &Ground) -> Outcome<Section> {
    progress::say(format_args!("stall: {SESSIONS} readers that do not read"));
    let settings = Settings { stall_seconds: STALL, ..Settings::default() };
    let mut relay = Relay::start_with(Kind::Gateway, ground, settings).await?;
    relay.load(ground, WARM, AT_ONCE).await?.stop().await?;
    sleep(Duration::from_secs(2)).await;
    let group = *relay.server().group();
    let (before, kernel_before) = (group.resident()?, kernel());
    let mut load = relay.load(ground, SESSIONS, AT_ONCE).await?;
    let idle = group.resident()?;
    load.run(Job::Stall { bytes: 4096 }).await?;
    let (began, mut most, mut kernel_most) = (Instant::now(), idle, kernel_before);
    let took = loop {
        sleep(EVERY).await;
        most = most.max(group.resident()?);
        kernel_most = kernel_most.max(kernel());
        let took = began.elapsed().as_secs_f64();
        // The buffers of these readers are about all that Linux has for sockets (tcp_mem of tcp(7)): it may reset the one that
        // asks. Then the next look tells.
        let active = admin(relay.admin, "consolegate_sessions_active").await;
        if active.is_ok_and(|active| active == 0.0) || took > f64::from(2 * (STALL + MARGIN)) {
            break took;
        }
    };
    let ended =
        admin(relay.admin, "consolegate_sessions_ended_total{protocol=\"vnc\",reason=\"client_stalled\"}").await?;
    load.stop().await?;
    relay.stop().await?;
    let mut grown = Rounds::default();
    grown.push(most.saturating_sub(before) as f64 / MIB);
    let mut table = Table::new(["", "MiB"]);
    table.row("resident memory, at most, above none", [&grown]);
    table.row("of that, the same sessions while they were idle", [short(idle.saturating_sub(before) as f64 / MIB)]);
    table.row("socket buffers of the whole machine, at most, above none", [short((kernel_most - kernel_before) / MIB)]);
    Ok(Section {
        title: TITLE,
        how: format!(
            "{SESSIONS} sessions ask for frames of 4 KiB without end and read nothing, with timeouts.stall = {STALL}. The \
             socket buffers are those of the node, the gateway and the clients together."
        ),
        goals: vec![
            Goal::at_most(format!("memory of {SESSIONS} readers that do not read"), 200.0, " MiB", &grown),
            Goal::holds(
                "readers that do not read end",
                &format!("all within {} s, for that reason", STALL + MARGIN),
                format!("{ended} of {SESSIONS} after {} s", short(took)),
                ended == f64::from(SESSIONS) && took <= f64::from(STALL + MARGIN),
            ),
        ],
        tables: vec![table],
    })
}

/// Memory in TCP's buffers, in bytes.
fn kernel() -> f64 {
    let text = std::fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    line.rsplit(' ').next().and_then(|pages| pages.parse::<f64>().ok()).unwrap_or_default() * PAGE
}
