//! A whole gateway in front of a simulated cluster, on loopback ports, with throw-away keys.
//!
//! Owns start and stop. Everything a test says to it goes through real sockets.

use arc_swap::ArcSwap;
use consolegate::app::{App, Before, Signal};
use consolegate::clock::unix_now;
use consolegate::config::Config;
use consolegate::console::{Generation, Shared};
use consolegate::sim::Sim;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Nothing here takes this long on a machine that is not stuck.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The panel's key.
pub const SECRET: &str = "a-signing-secret-of-the-panel-that-is-long-enough";

/// Where a gateway is, whatever runs it.
#[derive(Debug, Clone)]
pub struct Place {
    pub address: SocketAddr,
    pub admin: SocketAddr,
    /// What it calls itself.
    pub host: String,
}

/// A running gateway in this process.
pub struct TestGateway {
    pub place: Place,
    pub shared: Arc<Shared>,
    generations: Arc<ArcSwap<Generation>>,
    signals: Option<mpsc::Sender<Signal>>,
    task: Option<tokio::task::JoinHandle<Result<(), String>>>,
    _folder: tempfile::TempDir,
}

impl TestGateway {
    /// A gateway in front of the cluster, with `extra` TOML at the end.
    pub async fn start(sim: &Sim, nodes: &[&str], extra: &str) -> Self {
        Self::start_changed(sim, nodes, |text| text + extra).await
    }

    /// A gateway in front of the cluster whose configuration is the usual one, changed.
    pub async fn start_changed(sim: &Sim, nodes: &[&str], change: impl FnOnce(String) -> String) -> Self {
        // Somebody else in this process may have been first.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let folder = keys(sim);
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, admin_address) = (public.local_addr().unwrap(), admin.local_addr().unwrap());
        let text = change(configuration(&address.to_string(), sim, nodes, ""));
        let config = Config::parse(&text, folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
        let app = App::assemble_on(config, public, admin, Before::Nothing).unwrap();
        let generations = Arc::clone(app.generations());
        let shared = Arc::clone(&generations.load().shared);
        // Dropping the sender stops it.
        let (signals, asked) = mpsc::channel(1);
        let task = tokio::spawn(app.run(asked));
        let place = Place { address, admin: admin_address, host: address.to_string() };
        Self { place, shared, generations, signals: Some(signals), task: Some(task), _folder: folder }
    }

    /// The generation of the moment.
    pub fn generation(&self) -> Arc<Generation> {
        self.generations.load_full()
    }

    /// A new generation, as a reload makes it; returns the one before.
    pub fn reload(&self, change: impl FnOnce(&mut Config)) -> Arc<Generation> {
        let before = self.generations.load_full();
        let mut config = before.config.clone();
        change(&mut config);
        let generation = Generation::build(config, &self.shared).unwrap();
        generation.enter();
        self.generations.store(Arc::new(generation));
        before
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) {
        drop(self.signals.take());
        timeout(PATIENCE, self.task.take().unwrap()).await.expect("it stops").unwrap().unwrap();
    }
}

impl std::ops::Deref for TestGateway {
    type Target = Place;
    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Place {
    /// A connect token for a guest, with claims changed by `change`.
    pub fn token(&self, vmid: u32, change: impl FnOnce(&mut Value)) -> String {
        token(vmid, change)
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> String {
        self.ask_admin("/metrics").await
    }

    /// The whole answer of the admin listener.
    pub async fn ask_admin(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// Whether a metric line with this beginning has this value.
    pub async fn metric(&self, line: &str) -> Option<f64> {
        let text = self.metrics().await;
        text.lines().find_map(|each| each.strip_prefix(line)?.trim().parse().ok())
    }
}

impl Place {
    /// Waits until a metric has reached this value.
    pub async fn until_at_least(&self, line: &str, value: f64) {
        let reached = timeout(PATIENCE, async { while self.metric(line).await < Some(value) {} }).await;
        assert!(reached.is_ok(), "{line} did not reach {value}: {:?}", self.metric(line).await);
    }
}

/// A connect token of the test's panel.
pub fn token(vmid: u32, change: impl FnOnce(&mut Value)) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = unix_now();
    let mut claims = json!({
        "iss": "panel", "aud": "consolegate", "sub": "customer-42", "iat": now, "exp": now + 60,
        "jti": format!("token-{:020}", COUNT.fetch_add(1, Ordering::Relaxed)),
        "console": {
            "cluster": "eu1", "kind": "qemu", "vmid": vmid, "protocol": "vnc",
            "rights": ["input", "clipboard", "resize", "power"],
        },
    });
    change(&mut claims);
    let header = Header { kid: Some("2026-11".into()), ..Header::new(Algorithm::HS256) };
    encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// A folder with the keys that [`configuration`] names.
pub fn keys(sim: &Sim) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).mode(0o600).open(folder.path().join(name)).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    };
    write("panel.key", SECRET);
    write("session.key", "what all gateways of a fleet seal with");
    write("pve.secret", sim.api_token().1);
    write("pve.password", sim.user().1);
    write("pve-root-ca.pem", sim.ca_pem());
    folder
}

/// The configuration of a gateway that calls itself `host`.
pub fn configuration(host: &str, sim: &Sim, nodes: &[&str], extra: &str) -> String {
    let (token_id, _) = sim.api_token();
    let mut text = format!(
        r#"
public_url = "http://{host}"
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
[[issuer]]
name = "panel"
audience = "consolegate"
origins = ["http://panel.localhost"]
clusters = ["eu1"]
kinds = ["qemu", "lxc"]
vmids = ["100-999999"]
[[issuer.key]]
id = "2026-11"
algorithm = "HS256"
secret_file = "panel.key"
[[cluster]]
name = "eu1"
credential = {{ token_id = "{token_id}", secret_file = "pve.secret" }}
ca_file = "pve-root-ca.pem"
"#
    );
    for node in nodes {
        text += &format!("[[cluster.node]]\nname = \"{node}\"\naddress = \"{}\"\n", sim.node_address(node));
    }
    text += extra;
    text
}
