//! E07: whoever started the gateway and does not read its log stops nothing of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use rustix::process::{Pid, Signal, kill_process};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn e07_a_log_that_nobody_reads_stops_neither_answers_nor_the_end() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_consolegate"))
        .args(["demo", "--port", "0", "--gateway-port", "0"])
        .env("CONSOLEGATE_LOG", "debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // Held, and never read: a pipe takes 64 KiB.
    let mut unread = child.stderr.take().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let panel = timeout(PATIENCE, panel(&mut said)).await.expect("the demo starts");
    let guests: serde_json::Value = serde_json::from_str(&body(&panel, "GET /guests.json").await).unwrap();
    let opened = body(&panel, &format!("POST /open/{}", guests[0]["id"].as_str().unwrap())).await;
    let gateway = host(&opened).expect("a link to the gateway");
    // What is not there is a line each.
    for n in 0..800 {
        let answer = timeout(PATIENCE, ask(&gateway, "GET /nothing")).await;
        assert!(answer.unwrap_or_else(|_| panic!("request {n} was not answered")).starts_with("HTTP/1.1 404"));
    }
    kill_process(Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    assert!(timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap().success());
    let mut log = Vec::new();
    unread.read_to_end(&mut log).await.unwrap();
    assert!(log.len() >= 60_000, "it said more than the pipe takes: {}", log.len());
}

/// Host and port of the demo's panel.
async fn panel(said: &mut Lines<BufReader<ChildStdout>>) -> String {
    while let Some(line) = said.next_line().await.unwrap() {
        if let Some(host) = host(&line) {
            return host;
        }
    }
    panic!("the demo says where it is");
}

/// Host and port of the first address of this machine in a text.
fn host(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("http://127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("127.0.0.1:{port}"))
}

async fn body(host: &str, request: &str) -> String {
    timeout(PATIENCE, ask(host, request)).await.expect("an answer").split_once("\r\n\r\n").unwrap().1.to_owned()
}

async fn ask(host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!("{request} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
