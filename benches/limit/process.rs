//! The processes that this one starts: servers that are kept until they are stopped, and the load with its questions and
//! answers. Dropping one ends it.

use crate::Outcome;
use crate::load::{Job, Order, Outcomes};
use crate::processor::{Group, Used};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Longer than any single job takes on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long a server may take to be gone.
const GOING: Duration = Duration::from_secs(5);

/// How a process stands with the machine's cores beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    Usual,
    /// It has the cores before everything of the usual rank, as if those stood on other machines, where this user may say so.
    Ahead,
    /// It is what measures, and waits for nobody, where this user may say so.
    First,
}

impl Rank {
    /// What stands in front of a command to run it so.
    pub fn words(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Ahead if may_be_first() => &["chrt", "--fifo", "1"],
            Self::First if may_be_first() => &["chrt", "--fifo", "2"],
            Self::Usual | Self::Ahead | Self::First => &[],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}

fn may_be_first() -> bool {
    let tried = std::process::Command::new("chrt").args(["--fifo", "1", "true"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// A server, in a process group of its own.
#[derive(Debug)]
pub struct Server {
    keeper: Child,
    group: Group,
    log: PathBuf,
}

impl Server {
    /// Starts a program. `environment`: what it gets beside this process's own.
    pub async fn start(command: &[String], log: PathBuf, environment: &[(&str, &str)]) -> Outcome<Self> {
        let mut keeper = Command::new(std::env::current_exe()?)
            .arg("keep")
            .arg("--log")
            .arg(&log)
            .arg("--")
            .args(command)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = keeper.stdout.take().ok_or("no output")?;
        let line = timeout(GOING, BufReader::new(output).lines().next_line()).await??;
        let group = line.ok_or_else(|| format!("{} did not start", command[0]))?.parse()?;
        Ok(Self { keeper, group: Group::new(group), log })
    }

    /// Its processes.
    pub const fn group(&self) -> &Group {
        &self.group
    }

    /// Whether it has ended; then the end of its log says why.
    pub fn ended(&mut self) -> Outcome<Option<String>> {
        if self.keeper.try_wait()?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.last_words()))
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    /// What it has used of the processors so far.
    pub fn used(&self) -> Outcome<Used> {
        self.group.used()
    }

    /// Ends it and waits until it is gone.
    pub async fn stop(mut self) -> Outcome<()> {
        drop(self.keeper.stdin.take());
        timeout(GOING, self.keeper.wait()).await??;
        Ok(())
    }
}

/// A load process with open sessions.
#[derive(Debug)]
pub struct Load {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    sessions: u32,
}

impl Load {
    /// Opens the sessions of an order, all of them or none.
    pub async fn open(order: &Order, rank: Rank) -> Outcome<Self> {
        let mut command = rank.words();
        command.extend([std::env::current_exe()?.display().to_string(), "load".to_owned()]);
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut load = Self { child, input, output, sessions: order.sessions };
        load.ask(&serde_json::to_string(order)?).await?;
        Ok(load)
    }

    /// Has all sessions do a job, and waits until they have.
    pub async fn run(&mut self, job: Job) -> Outcome<Outcomes> {
        self.ask(&serde_json::to_string(&job)?).await
    }

    async fn ask(&mut self, line: &str) -> Outcome<Outcomes> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        let answer =
            timeout(PATIENCE, self.output.next_line()).await.map_err(|_| "the load does not come to an end")?;
        let outcomes: Outcomes = serde_json::from_str(&answer?.ok_or("the load ended")?)?;
        match &outcomes.trouble {
            Some(trouble) => Err(format!("a session failed: {trouble}").into()),
            None if outcomes.sessions != self.sessions => Err("not every session reported".into()),
            None => Ok(outcomes),
        }
    }

    /// Ends it and waits until it is gone.
    pub async fn stop(mut self) -> Outcome<()> {
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }
}
