//! E07: whoever started the gateway and does not read its log stops nothing of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use rustix::process::{Pid, Signal, kill_process};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn e07_a_log_that_nobody_reads_stops_neither_answers_nor_the_end() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_consolegate"))
        .args(["demo", "--port", "0", "--gateway-port", "0"])
        .env("CONSOLEGATE_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // Held, and never read: a pipe takes 64 KiB.
    let mut unread = child.stderr.take().unwrap();
    let panel = timeout(PATIENCE, panel(&mut child)).await.expect("the demo starts");
    // A trace of each request is more than a kilobyte.
    for n in 0..400 {
        let answer = timeout(PATIENCE, get(&panel)).await.unwrap_or_else(|_| panic!("request {n} was answered"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    kill_process(Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    assert!(timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap().success());
    let mut log = Vec::new();
    unread.read_to_end(&mut log).await.unwrap();
    assert!(log.len() >= 60_000, "it said more than the pipe takes: {}", log.len());
}

/// Host and port of the demo's panel.
async fn panel(child: &mut tokio::process::Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            return format!("127.0.0.1:{port}");
        }
    }
    panic!("the demo says where it is");
}

async fn get(host: &str) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.unwrap();
    line
}
