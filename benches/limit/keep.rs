//! `keep`: runs a program in a process group of its own and ends all of it when whoever started it goes away, however that
//! happens. nginx's workers outlive a killed master, and a gateway knows nothing of the measurement it takes part in.

use crate::Outcome;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, stdin};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// How long a program has to end by itself.
const ASKED: Duration = Duration::from_secs(1);

/// The program, and where its output goes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long)]
    log: PathBuf,
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Prints the group's number, then runs until the input ends or the program does.
pub async fn run(arguments: Arguments) -> Outcome<()> {
    // Whoever interrupts the run interrupts this too; it has to stay until its input ends.
    let _deaf = signal(SignalKind::interrupt())?;
    let log = File::create(&arguments.log)?;
    let (program, rest) = arguments.command.split_first().ok_or("no program")?;
    let mut child = Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or("it ended at once")?;
    println!("{}", group.as_raw_nonzero());
    let (mut input, mut byte) = (stdin(), [0]);
    tokio::select! {
        _ = input.read(&mut byte) => {}
        _ = child.wait() => {}
    }
    // nginx buries its workers itself when it is asked; the others have nothing to save.
    let _ = kill_process(group, Signal::TERM);
    let _ = timeout(ASKED, child.wait()).await;
    let _ = kill_process_group(group, Signal::KILL);
    child.wait().await?;
    Ok(())
}
