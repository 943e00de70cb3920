//! The console page in headless Chromium, through `tests/browser/console.mjs`.
//!
//! Owns the driver's process; dropping it ends the browser. One call at a time, each with a deadline.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// The driver gives up after 60 seconds and says why.
const PATIENCE: Duration = Duration::from_secs(90);

/// A browser with one empty page.
pub(crate) struct Browser {
    // Closing its input ends the driver and Chromium; it is not killed, which would leave Chromium behind.
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Browser {
    /// Starts Chromium and opens `url`.
    pub(crate) async fn open(url: &str) -> Self {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/console.mjs");
        let mut child = Command::new("node")
            .arg(driver)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts (run `make setup`)");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut browser = Self { _child: child, input, output };
        browser.ask(json!({ "cmd": "open", "url": url })).await;
        browser
    }

    /// Runs one command of the driver.
    pub(crate) async fn ask(&mut self, command: Value) -> Value {
        self.input.write_all(format!("{command}\n").as_bytes()).await.expect("the driver runs");
        let line = timeout(PATIENCE, self.output.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("no answer to {command}")).unwrap().expect("the driver runs");
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer["ok"].take()
    }

    /// Waits until the page is in this state.
    pub(crate) async fn state(&mut self, state: &str) -> Value {
        self.ask(json!({ "cmd": "waitState", "state": state })).await
    }

    /// Types into the console.
    pub(crate) async fn types(&mut self, text: &str) {
        self.ask(json!({ "cmd": "type", "text": text })).await;
    }

    /// Keeps a picture of the page under `artifacts/`.
    pub(crate) async fn screenshot(&mut self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
        std::fs::create_dir_all(&folder).unwrap();
        self.ask(json!({ "cmd": "screenshot", "path": folder.join(name) })).await;
    }
}
