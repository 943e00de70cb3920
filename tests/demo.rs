//! `consolegate demo` as a person uses it: the real binary, and its address in a real browser.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Chromium starts slowly on a busy machine with two cores.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn p01_the_demo_opens_a_console_in_its_panels_frame_and_in_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let artifacts = root.join("artifacts");
    std::fs::create_dir_all(&artifacts).unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_consolegate"))
        .args(["demo", "--port", "0", "--gateway-port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let url = timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(url) = line.split(' ').find(|word| word.starts_with("http://")) {
                return url.to_owned();
            }
        }
        panic!("the demo ended without an address");
    });
    let url = url.await.expect("the demo prints its address");
    let driver = Command::new("node")
        .arg(root.join("tests/browser/demo.mjs"))
        .arg(url)
        .arg(&artifacts)
        .kill_on_drop(true)
        .output();
    let done = timeout(PATIENCE, driver).await.expect("the browser comes to an end").expect("node (run `make setup`)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    demo.kill().await.unwrap();
}
