//! A public face on a port of its own, its panel's key, and a node that counts who comes.

use super::client::PATIENCE;
use arc_swap::ArcSwap;
use consolegate::config::{
    Admin, Cluster, Config, Credential, Drain, Engine, Issuer, Key, KeyMaterial, Limits, Listen, LogFormat, Node,
    Session, Timeouts, TlsFiles, Trust,
};
use consolegate::console::{Generation, Shared, Since};
use consolegate::http::Service;
use consolegate::id::Kind;
use consolegate::listen::{self, Room};
use consolegate::secret::Secret;
use consolegate::store::Store;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rust_embed::RustEmbed;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) const PANEL: &str = "https://panel.example.com";
pub(crate) const OTHER_PANEL: &str = "https://other.example.com:8443";
pub(crate) const HOST: &str = "console.example.com";
const KEY: &[u8] = b"a shared secret of 32 bytes or so";

#[derive(RustEmbed)]
#[folder = "tests/http/web"]
struct Pages;

pub(crate) struct Face {
    pub(crate) address: SocketAddr,
    generations: Arc<ArcSwap<Generation>>,
    pub(crate) stop: CancellationToken,
    pub(crate) connections: TaskTracker,
    pub(crate) consoles: TaskTracker,
    asked: Arc<AtomicUsize>,
}

impl Face {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let (node, asked) = node().await;
        let mut config = config(node);
        change(&mut config);
        let shared = shared(&config, 0);
        let generation = Generation::build(config, &shared).unwrap();
        generation.enter();
        let generations = Arc::new(ArcSwap::from_pointee(generation));
        shared.lifecycle.ready();
        let stop = CancellationToken::new();
        let (connections, consoles) = (TaskTracker::new(), TaskTracker::new());
        let service = Service::new(Arc::clone(&generations), consoles.clone()).with_web::<Pages>();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listen::serve(listener, service, Room::of(usize::MAX), connections.clone(), stop.clone()));
        Self { address, generations, stop, connections, consoles, asked }
    }

    /// Waits until so many connections are served.
    pub(crate) async fn accepted(&self, count: usize) {
        let accepted = async {
            while self.connections.len() < count {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, accepted).await.expect("they are accepted");
    }

    /// A new generation of the same process, as a reload makes it.
    pub(crate) fn reload(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.generations.load().config.clone();
        change(&mut config);
        self.enter(config, &self.shared());
    }

    /// The next process, started at this Unix second: the same configuration, and nothing remembered.
    pub(crate) fn restart(&self, started: u64) {
        let config = self.generations.load().config.clone();
        let shared = shared(&config, started);
        self.enter(config, &shared);
    }

    fn enter(&self, config: Config, shared: &Arc<Shared>) {
        let generation = Generation::build(config, shared).unwrap();
        generation.enter();
        self.generations.store(Arc::new(generation));
    }

    /// What outlives a reload.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.generations.load().shared)
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> String {
        String::from_utf8(self.shared().metrics.render(std::iter::empty()).unwrap()).unwrap()
    }

    /// How often anybody came to the node.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn node() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (address, asked)
}

fn shared(config: &Config, started: u64) -> Arc<Shared> {
    let since = Since { tickets: started, tokens: None };
    Shared::new(config.session.key.as_ref(), Store::memory(10_000), since).unwrap()
}

fn config(node: SocketAddr) -> Config {
    let seconds = Duration::from_secs;
    Config {
        public_url: format!("https://{HOST}").parse().unwrap(),
        listen: Listen {
            address: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            proxy_protocol: None,
            trusted_proxies: Vec::new(),
        },
        admin: Admin { address: "127.0.0.1:0".parse().unwrap(), tls: None, hosts: Vec::new(), tokens: Vec::new() },
        issuers: vec![issuer("panel", PANEL), issuer("other", OTHER_PANEL)],
        clusters: vec![Cluster {
            name: "eu1".parse().unwrap(),
            credential: Credential::ApiToken { token_id: "gate@pve!console".into(), secret: Secret::new("hunter2") },
            trust: Trust::Pinned,
            engine: Engine::Auto,
            nodes: vec![Node {
                name: "pve1".parse().unwrap(),
                host: node.ip().to_string(),
                port: node.port(),
                fingerprint: Some([7; 32]),
            }],
        }],
        session: Session { key: None, max: seconds(3600), idle: None, resume: seconds(120) },
        limits: Limits {
            sessions: 100,
            per_guest: 4,
            per_subject: 50,
            per_node: 400,
            per_node_opening: 32,
            per_client: 1000,
        },
        timeouts: Timeouts {
            tls: seconds(5),
            header: seconds(10),
            node_connect: seconds(5),
            node_answer: seconds(10),
            handshake: seconds(10),
            ping: seconds(20),
            dead: seconds(60),
            stall: seconds(30),
            keep_alive: seconds(300),
        },
        store: consolegate::config::Store::Memory,
        drain: Drain { lame_duck: seconds(0), deadline: seconds(0), spread: seconds(0) },
        per_session: false,
        log: LogFormat::Text,
        audit_file: None,
        warnings: Vec::new(),
    }
}

fn issuer(name: &str, origin: &str) -> Issuer {
    Issuer {
        name: name.into(),
        audience: "consolegate".into(),
        origins: vec![origin.parse().unwrap()],
        clusters: vec!["eu1".parse().unwrap()],
        kinds: vec![Kind::Qemu, Kind::Lxc],
        vmids: vec![100..=999_999],
        max_token: Duration::from_secs(120),
        require_amr: Vec::new(),
        require_acr: Vec::new(),
        keys: vec![Key {
            id: format!("{name}-1"),
            algorithm: Algorithm::HS256,
            material: KeyMaterial::Shared(Secret::new([name.as_bytes(), KEY].concat())),
        }],
        jwks_file: None,
        jwks_url: None,
        brand: None,
    }
}

/// Certificate and key of `localhost`, in files of this folder.
pub(crate) fn certificate(folder: &std::path::Path) -> TlsFiles {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let files = TlsFiles { certificate: folder.join("chain.pem"), key: folder.join("key.pem"), engine: Engine::Auto };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A good token of the panel.
pub(crate) fn token() -> String {
    token_with(|_| ())
}

/// A token of the panel with its claims changed.
pub(crate) fn token_with(change: impl FnOnce(&mut Value)) -> String {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let mut claims = json!({
        "iss": "panel", "aud": "consolegate", "sub": "customer-42",
        "jti": format!("token-{:016}", SERIAL.fetch_add(1, Ordering::Relaxed)),
        "iat": now(), "exp": now() + 60,
        "console": {"cluster": "eu1", "kind": "qemu", "vmid": 100, "protocol": "vnc", "title": "web-01"},
    });
    change(&mut claims);
    let header = Header { kid: Some("panel-1".into()), ..Header::new(Algorithm::HS256) };
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&[b"panel", KEY].concat())).unwrap()
}
