//! A gateway that has just started: how long that takes, how large its program is, what it holds without a session.

use crate::Outcome;
use crate::figures::{MIB, Rounds};
use crate::ground::{Ground, free_address};
use crate::load::{connect, connector};
use crate::progress;
use crate::relay::{Kind, Relay, Settings, gateway_command};
use crate::table::{Goal, Section};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

/// The heading of its figures.
pub const TITLE: &str = "Start";

/// Starts that are timed.
const STARTS: u32 = 11;
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries to connect.
const AGAIN: Duration = Duration::from_millis(1);

/// Measures.
pub async fn measure(ground: &Ground) -> Outcome<Section> {
    progress::say("start");
    let (mut millis, mut size, mut resident) = (Rounds::default(), Rounds::default(), Rounds::default());
    for _ in 0..STARTS {
        millis.push(timeout(PATIENCE, started(ground)).await.map_err(|_| "the gateway does not start")??);
    }
    size.push(std::fs::metadata(&ground.gateway)?.len() as f64 / MIB);
    let settings = Settings { one_worker: false, ..Settings::default() };
    let relay = Relay::start_with(Kind::Gateway, ground, settings).await?;
    sleep(Duration::from_secs(1)).await;
    resident.push(relay.server().group().resident()? as f64 / MIB);
    relay.stop().await?;
    Ok(Section {
        title: TITLE,
        how: format!(
            "From the start of the process to the end of the first TLS handshake, median of {STARTS}; resident memory once it \
             is ready, before the first session."
        ),
        goals: vec![
            Goal::at_most("start to the first accept", 300.0, " ms", &millis),
            Goal::at_most("binary, with the page in it", 12.0, " MiB", &size),
            Goal::at_most("memory without a session", 12.0, " MiB", &resident),
        ],
        tables: Vec::new(),
    })
}

/// Milliseconds until a client's handshake is done.
async fn started(ground: &Ground) -> Outcome<f64> {
    let (address, admin) = (free_address()?, free_address()?);
    let command = gateway_command(ground, address, admin, Settings::default())?;
    let connector = connector(&ground.certificates)?;
    let began = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    while connect(&connector, address, 1).await.is_err() {
        if let Some(status) = child.try_wait()? {
            return Err(format!("the gateway ended with {status}").into());
        }
        sleep(AGAIN).await;
    }
    let took = began.elapsed();
    child.kill().await?;
    Ok(took.as_secs_f64() * 1e3)
}
