//! The gateway itself: its configuration, with limits high enough that none of them ends a measurement, and its readiness.

use crate::Outcome;
use crate::ground::Ground;
use crate::guests::{self, Cluster};
use crate::process::Rank;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// Tokens are refused for six seconds after a start.
const READY: Duration = Duration::from_secs(20);

/// What differs between measurements.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// One worker thread, or as many as the gateway takes by itself.
    pub one_worker: bool,
    pub rank: Rank,
    pub stall_seconds: u32,
    /// Start it whole, or only until it listens.
    pub wait_until_ready: bool,
    /// Other nodes than that of the ground.
    pub nodes: Option<Nodes>,
}

/// The node of each cluster.
#[derive(Debug, Clone, Copy)]
pub struct Nodes {
    pub usual: SocketAddr,
    pub keys: SocketAddr,
}

impl Default for Settings {
    fn default() -> Self {
        Self { one_worker: true, rank: Rank::Usual, stall_seconds: 30, wait_until_ready: true, nodes: None }
    }
}

impl Settings {
    /// What says so in its environment.
    pub fn workers(&self) -> Option<(&'static str, &'static str)> {
        self.one_worker.then_some(("TOKIO_WORKER_THREADS", "1"))
    }
}

/// Writes its configuration; the command that runs it.
pub fn command(ground: &Ground, address: SocketAddr, admin: SocketAddr, settings: Settings) -> Outcome<Vec<String>> {
    let key = guests::PANEL_KEY;
    let stall = settings.stall_seconds;
    let nodes = settings.nodes.unwrap_or(Nodes { usual: ground.node, keys: ground.node });
    let clusters = cluster(Cluster::Usual, nodes.usual) + &cluster(Cluster::Keys, nodes.keys);
    let text = format!(
        r#"
public_url = "https://{address}"
[listen]
address = "{address}"
tls = {{ certificate = "leaf.pem", key = "leaf.key" }}
[admin]
address = "{admin}"
[[issuer]]
name = "panel"
origins = ["https://panel.example.com"]
clusters = ["eu1", "eu2"]
[[issuer.key]]
id = "{key}"
algorithm = "HS256"
secret_file = "panel.key"
{clusters}
[limits]
sessions = 9500
per_guest = 100000
per_subject = 100000
per_node = 100000
per_node_opening = 100000
per_client = 100000
[timeouts]
stall = {stall}
[log]
format = "json"
"#
    );
    let files = &ground.certificates;
    files.write("panel.key", guests::PANEL_SECRET)?;
    files.write("pve.secret", guests::USER_SECRET)?;
    let file = format!("consolegate-{}.toml", address.port());
    files.write(&file, &text)?;
    let configuration = files.path(&file).display().to_string();
    let words = [&ground.gateway.display().to_string(), "serve", "--config", &configuration].map(str::to_owned);
    Ok([settings.rank.words(), words.to_vec()].concat())
}

fn cluster(cluster: Cluster, node: SocketAddr) -> String {
    let (cluster, name, user) = (cluster.name(), guests::NODE, guests::USER);
    format!(
        r#"
[[cluster]]
name = "{cluster}"
credential = {{ token_id = "{user}", secret_file = "pve.secret" }}
ca_file = "ca.pem"
[[cluster.node]]
name = "{name}"
address = "{node}"
"#
    )
}

/// Waits until it takes tokens.
pub async fn ready(admin: SocketAddr) -> Outcome<()> {
    let until = Instant::now() + READY;
    while !admin_says(admin, "/readyz").await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
        if Instant::now() > until {
            return Err("it does not get ready".into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// A figure of its metrics; the sum, where there are several with this beginning.
pub async fn admin(admin: SocketAddr, metric: &str) -> Outcome<f64> {
    let text = admin_says(admin, "/metrics").await?;
    let values = text.lines().filter(|line| line.starts_with(metric)).filter_map(|line| line.rsplit(' ').next());
    Ok(values.filter_map(|value| value.parse::<f64>().ok()).sum())
}

async fn admin_says(admin: SocketAddr, path: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
