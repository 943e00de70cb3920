//! A real Redis on a loopback port, which a test may stall, kill and start again.

use super::gateway::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A Redis that keeps nothing on disk; ended when dropped.
pub struct Redis {
    pub address: SocketAddr,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one on a port that was free a moment ago.
    pub async fn start() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let child = run(address, folder.path());
        let redis = Self { address, child, _folder: folder };
        redis.answers().await;
        // One that was there long ago: what a new one takes is a test of its own.
        redis
            .told(&[
                "EVAL",
                "return redis.call('SET', KEYS[1], string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') .. ' 1')",
                "1",
                "{consolegate}:born",
            ])
            .await;
        redis
    }

    /// Does what a command asks that is answered with a plain word.
    pub async fn told(&self, command: &[&str]) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let words = command.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let text = format!("*{}\r\n{}", command.len(), words.collect::<String>());
        stream.write_all(text.as_bytes()).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'+', "{command:?}");
    }

    /// What it knows now is what it knows again after a kill.
    pub async fn save(&self) {
        self.told(&["SAVE"]).await;
    }

    /// The configuration of a gateway that shares it.
    pub fn toml(&self) -> String {
        toml(self.address)
    }

    /// It stops answering and keeps its connections.
    pub fn stall(&self) {
        self.signal(Signal::STOP);
    }

    /// It answers again.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// It is killed, and with it goes what it knew.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
    }

    /// Another one takes its place, and knows nothing.
    pub async fn again(&mut self) {
        self.child = run(self.address, self._folder.path());
        self.answers().await;
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().expect("it runs").try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    async fn answers(&self) {
        let answers = async {
            loop {
                if let Ok(mut stream) = TcpStream::connect(self.address).await
                    && stream.write_all(b"PING\r\n").await.is_ok()
                    && stream.read_u8().await.is_ok_and(|byte| byte == b'+')
                {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, answers).await.expect("redis-server (Debian: redis-server) answers");
    }
}

/// The configuration of a gateway whose store is behind this address.
pub fn toml(address: SocketAddr) -> String {
    format!("[store]\nbackend = \"redis\"\nurl = \"redis://{address}\"\n[session]\nkey_file = \"session.key\"\n")
}

fn run(address: SocketAddr, folder: &std::path::Path) -> Child {
    Command::new("redis-server")
        .args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
            &address.port().to_string(),
            "--dir",
        ])
        .arg(folder)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("redis-server runs; tests/setup.sh installs it")
}
