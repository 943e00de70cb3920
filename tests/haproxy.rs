//! Behind the real HAProxy, which names its clients in PROXY headers: consoles open, the audit line has the client's
//! address, and HAProxy's own checks leave no line (L05, L08).
//!
//! A process of its own with one test: which lines are written at all is decided once for a process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "support/client.rs"]
mod client;
#[path = "support/gateway.rs"]
mod gateway;
#[path = "support/raw.rs"]
mod raw;

use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig};
use gateway::{PATIENCE, Place, TestGateway};
use serde_json::Value;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

/// Where HAProxy comes from: an address of its own, so that its clients' is another.
const HAPROXY: &str = "127.0.0.2";

/// HAProxy in front of one gateway.
struct Balancer {
    process: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Balancer {
    async fn start(gateway: SocketAddr, send: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let file = folder.path().join("haproxy.cfg");
        let text = format!(
            "global\n    stats socket {stats} mode 600\n\
             defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\n\
             frontend consoles\n    bind {address}\n    default_backend gateways\n\
             backend gateways\n    source {HAPROXY}\n    option httpchk\n    \
             http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host gateway\n    \
             server one {gateway} {send} check inter 100ms\n",
            stats = folder.path().join("stats").display(),
        );
        std::fs::write(&file, text).unwrap();
        let process = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .spawn()
            .expect("haproxy is installed by tests/setup.sh");
        let balancer = Self { process, address, folder };
        balancer.until_checked().await;
        balancer
    }

    /// HAProxy has asked `/healthz` and liked the answer.
    async fn until_checked(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stats = self.stats().await.unwrap_or_default();
            if stats.contains("L7OK") {
                return;
            }
            assert!(Instant::now() < deadline, "the check never succeeded: {stats}");
            tokio::task::yield_now().await;
        }
    }

    async fn stats(&self) -> io::Result<String> {
        let mut socket = UnixStream::connect(self.folder.path().join("stats")).await?;
        socket.write_all(b"show stat\n").await?;
        let mut text = String::new();
        socket.read_to_string(&mut text).await?;
        Ok(text)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// The audit lines, and every other one that asks for attention.
    fn said(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == "consolegate::audit" || line["level"] != "INFO").collect()
    }
}

#[tokio::test]
async fn l05_l08_l09_consoles_open_through_haproxy_and_the_audit_line_has_the_clients_address() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber.with_env_filter("info").finish());
    let guests = vec![GuestConfig::qemu(100, "pve1")];
    let cluster = SimConfig { nodes: vec![NodeConfig::new("pve1")], guests, ..SimConfig::quick() };
    let sim = Sim::start(cluster).await.unwrap();
    for (version, send) in [("v1", "send-proxy"), ("v2", "send-proxy-v2"), ("any", "send-proxy-v2-ssl-cn")] {
        lines.0.lock().unwrap().clear();
        let listens = format!("[listen]\nproxy_protocol = \"{version}\"\ntrusted_proxies = [\"{HAPROXY}\"]\n");
        let gateway = TestGateway::start_changed(&sim, &["pve1"], |text| text.replace("[listen]\n", &listens)).await;
        let balancer = Balancer::start(gateway.address, send).await;
        let place = Place { address: balancer.address, ..gateway.place.clone() };

        let token = place.token(100, |_| ());
        let mut console = place.open_with(&token).await;
        console.log_in().await.unwrap();
        let again = place.refused(&token).await;
        assert!(again.contains("token_used"), "as where a balancer repeats the request: {again}");
        drop(console);
        gateway.stop().await;
        drop(balancer);

        let said = lines.said();
        let events: Vec<&str> = said.iter().map(|line| line["event"].as_str().unwrap_or("?")).collect();
        assert_eq!(events, ["session.opened", "session.refused", "session.closed"], "{version}: {said:?}");
        assert_eq!(said[1]["reason"], "replay");
        assert!(said[1]["cause"].as_str().unwrap().contains("balancer"), "{}", said[1]);
        for line in said {
            assert_eq!(line["src"], "127.0.0.1", "{version}: {line}");
        }
    }
}
