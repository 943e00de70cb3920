//! The real binary, with every log line it can write.

use super::NODES;
use super::gateway::{PATIENCE, Place, configuration, keys};
use consolegate::sim::Sim;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A running `consolegate serve`; ended when dropped.
pub struct Binary {
    pub place: Place,
    log: Arc<Mutex<String>>,
    lines: mpsc::Receiver<String>,
    _child: Child,
    _folder: tempfile::TempDir,
}

impl Binary {
    /// Starts it in front of the cluster and waits until it listens.
    pub async fn start(sim: &Sim) -> Self {
        Self::start_with(sim, |text| text).await
    }

    /// The same with a changed configuration.
    pub async fn start_with(sim: &Sim, change: impl FnOnce(String) -> String) -> Self {
        let folder = keys(sim);
        let config = folder.path().join("consolegate.toml");
        let text = configuration("console.test", sim, NODES, "[log]\nformat = \"json\"\n");
        std::fs::write(&config, change(text)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_consolegate"))
            .args(["serve", "--config"])
            .arg(&config)
            .env("CONSOLEGATE_LOG", "trace")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        let (tell, lines) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                {
                    let mut kept = kept.lock().unwrap();
                    kept.push_str(&line);
                    kept.push('\n');
                }
                if line.contains("consolegate::app") {
                    // The test may have heard enough.
                    let _ = tell.send(line).await;
                }
            }
        });
        let place =
            Place { address: ([0, 0, 0, 0], 0).into(), admin: ([0, 0, 0, 0], 0).into(), host: "console.test".into() };
        let mut binary = Self { place, log, lines, _child: child, _folder: folder };
        let line = binary.says("listening").await;
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = |name: &str| said[name].as_str().unwrap().parse().unwrap();
        (binary.place.address, binary.place.admin) = (address("public"), address("admin"));
        binary
    }

    /// Waits for a line of the process itself that contains `text`.
    pub async fn says(&mut self, text: &str) -> String {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.lines.recv().await {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("it ended: {}", self.logged());
        });
        found.await.unwrap_or_else(|_| panic!("it never said {text:?}"))
    }

    /// Everything it logged so far.
    pub fn logged(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}
