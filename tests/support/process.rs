//! The real binary as a process: a gateway that is started from a file, and commands that come to an end.

use super::gateway::{PATIENCE, Place};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::time::timeout;

/// A running `consolegate serve`; ended when dropped.
pub struct Process {
    pub place: Place,
    log: Arc<Mutex<String>>,
    news: Arc<Notify>,
    child: Child,
}

impl Process {
    /// Starts it with the configuration of this file, and waits until it listens.
    pub async fn start(config: &Path, host: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consolegate"));
        command.args(["serve", "--config"]).arg(config);
        Self::run(command, host).await
    }

    /// The same by any command that becomes the gateway.
    pub async fn run(mut command: Command, host: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (log, news) = (Arc::new(Mutex::new(String::new())), Arc::new(Notify::new()));
        let (kept, told) = (Arc::clone(&log), Arc::clone(&news));
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push_str(&(line + "\n"));
                told.notify_waiters();
            }
        });
        let place = Place { address: ([0, 0, 0, 0], 0).into(), admin: ([0, 0, 0, 0], 0).into(), host: host.into() };
        let mut process = Self { place, log, news, child };
        let line = process.says("\"message\":\"listening\"").await;
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = |name: &str| said[name].as_str().unwrap().parse().unwrap();
        (process.place.address, process.place.admin) = (address("public"), address("admin"));
        process
    }

    /// Waits for a line of the log that contains `text`, now or later.
    pub async fn says(&self, text: &str) -> String {
        let found = timeout(PATIENCE, async {
            loop {
                let news = self.news.notified();
                if let Some(line) = self.logged().lines().find(|line| line.contains(text)) {
                    return line.to_owned();
                }
                news.await;
            }
        });
        found.await.unwrap_or_else(|_| panic!("it never said {text:?}, but:\n{}", self.logged()))
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Asks it to read its configuration again.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) {
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        let ended = timeout(PATIENCE, self.child.wait()).await.expect("it stops").unwrap();
        assert!(ended.success(), "{ended}: {}", self.logged());
    }

    /// Everything it logged so far.
    pub fn logged(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it takes tokens: those made before its start may have been used then.
    pub async fn ready(&self) {
        let ready = async {
            while !self.place.ask_admin("/readyz").await.starts_with("HTTP/1.1 200") {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, ready).await.expect("it gets ready");
    }
}

/// Exit code, standard output and standard error of a command of the binary.
pub async fn ran(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consolegate"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that reads nothing may have ended before it is told anything.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes()).await;
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

impl Drop for Process {
    /// What it warned of is worth a look where a test failed.
    #[allow(clippy::print_stderr, reason = "beside the test's own words")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.logged();
            let told = log.lines().filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\""));
            told.take(5).for_each(|line| eprintln!("{line}"));
        }
    }
}
