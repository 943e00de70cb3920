//! A restart behind a socket that somebody else holds, as systemd does.

use super::gateway::{PATIENCE, configuration, keys};
use super::process::Process;
use consolegate::sim::{Sim, SimConfig};
use rustix::io::{FdFlags, fcntl_setfd};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

/// Starts the gateway with the socket as systemd hands it over: as descriptor 3, said in the environment.
async fn start(held: &TcpListener, config: &Path) -> Process {
    let number = held.as_raw_fd();
    let script = format!("exec 3<&{number}; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script, "start", env!("CARGO_BIN_EXE_consolegate"), "serve", "--config"]).arg(config);
    Process::run(command, "console.test").await
}

#[tokio::test]
async fn d08_whoever_comes_while_the_gateway_restarts_waits_and_is_served() {
    let sim = Sim::start(SimConfig::quick()).await.unwrap();
    let folder = keys(&sim);
    let path = folder.path().join("consolegate.toml");
    let extra = "[log]\nformat = \"json\"\n[drain]\nlame_duck = 1\ndeadline = 0\nspread = 1\n";
    std::fs::write(&path, configuration("console.test", &sim, &["pve1"], extra)).unwrap();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    fcntl_setfd(&held, FdFlags::empty()).unwrap();
    let address = held.local_addr().unwrap();

    let first = start(&held, &path).await;
    assert_eq!(first.place.address, address, "not the address of the configuration");
    first.ready().await;
    first.place.open(100).await.log_in().await.unwrap();
    first.stop().await;

    let mut waiting = TcpStream::connect(address).await.expect("nobody is refused");
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: console.test\r\nConnection: close\r\n\r\n").await.unwrap();
    let _second = start(&held, &path).await;
    let mut answer = String::new();
    timeout(PATIENCE, waiting.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
