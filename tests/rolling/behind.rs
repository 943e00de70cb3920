//! Two real gateways behind a real HAProxy with the configuration that is shipped.

use super::fleet::toml;
use super::gateway::{PATIENCE, Place, configuration, keys};
use super::process::Process;
use super::redis::Redis;
use super::{HOST, LIVE, NODES, SIDE};
use consolegate::sim::{Backend, GuestConfig, NodeConfig, Sim, SimConfig};
use rustix::process::Signal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Two gateways behind a balancer, with a store and a node.
pub struct Fleet {
    _sim: Sim,
    pub redis: Redis,
    pub gateways: Vec<Process>,
    files: Vec<PathBuf>,
    /// The balancer, as a client sees it.
    pub front: Place,
    _balancer: Child,
    _folder: tempfile::TempDir,
}

impl Fleet {
    pub async fn start(extra: &str) -> Self {
        let mut config = SimConfig::quick();
        config.nodes = NODES.iter().map(|node| NodeConfig::new(node)).collect();
        // A node has 100 ports, and gives none twice within a moment.
        config.timing.port_reserve = Duration::from_millis(500);
        let still = Backend::Still { width: SIDE, height: SIDE };
        let guest = |n: u32| GuestConfig::qemu(100 + n, NODES[n as usize % NODES.len()]).backend(still.clone());
        config.guests = (0..LIVE as u32 + 50).map(guest).collect();
        let (sim, redis) = (Sim::start(config).await.unwrap(), Redis::start().await);
        let folder = keys(&sim);
        let (mut gateways, mut files) = (Vec::new(), Vec::new());
        let store = redis.toml() + "[log]\nformat = \"json\"\n[drain]\nlame_duck = 3\ndeadline = 0\nspread = 6\n";
        let rest = toml(&store, extra);
        for name in ["one", "other"] {
            let public = free_address().await;
            let text = configuration(HOST, &sim, NODES, &rest)
                .replacen("127.0.0.1:0", &public.to_string(), 1)
                .replacen("[admin]", "trusted_proxies = [\"127.0.0.1/32\"]\n[admin]", 1)
                .replacen("127.0.0.1:0", &free_address().await.to_string(), 1);
            let file = folder.path().join(format!("{name}.toml"));
            std::fs::write(&file, text).unwrap();
            gateways.push(Process::start(&file, HOST).await);
            files.push(file);
        }
        let (balancer, address) = balance(folder.path().join("haproxy.cfg"), &gateways).await;
        let front = Place { address, admin: gateways[0].place.admin, host: HOST.to_owned() };
        Self { _sim: sim, redis, gateways, files, front, _balancer: balancer, _folder: folder }
    }

    /// One gateway leaves as it is asked to, and comes back.
    pub async fn restart(&mut self, which: usize) {
        self.gateways[which].signal(Signal::TERM);
        self.gateways[which].ended().await;
        self.gateways[which] = Process::start(&self.files[which], HOST).await;
        self.gateways[which].ready().await;
        let admin = &self.gateways[which].place;
        assert!(admin.ask_admin("/healthz").await.starts_with("HTTP/1.1 200"));
    }
}

async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// HAProxy with the configuration that is shipped, on loopback and with quicker checks.
async fn balance(file: PathBuf, gateways: &[Process]) -> (Child, SocketAddr) {
    let front = free_address().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/balancers/haproxy.cfg");
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in [
        (
            "bind :443,[::]:443 v6only ssl crt /etc/haproxy/console.example.com.pem alpn http/1.1",
            format!("bind {front}"),
        ),
        ("maxconn 40000", "maxconn 2000".to_owned()),
        ("hdr Host console.example.com", format!("hdr Host {HOST}")),
        // Some customers of the tests go past it, and send no PROXY header.
        ("send-proxy-v2 check check-send-proxy inter 2s fall 2 rise 1", "check inter 500ms fall 3 rise 1".to_owned()),
        ("10.0.0.21:8080", gateways[0].place.address.to_string()),
        ("10.0.0.22:8080", gateways[1].place.address.to_string()),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, &to);
    }
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().expect("haproxy runs; tests/setup.sh installs it");
    let place = Place { address: front, admin: front, host: HOST.to_owned() };
    let up = async { while !place.healthy().await {} };
    timeout(PATIENCE, up).await.expect("haproxy serves");
    (child, front)
}

impl Place {
    pub async fn healthy(&self) -> bool {
        tokio::task::yield_now().await;
        TcpStream::connect(self.address).await.is_ok() && self.asked_for("/healthz").await
    }

    async fn asked_for(&self, path: &str) -> bool {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return false };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host);
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).await.is_ok()
            && stream.read_to_string(&mut answer).await.is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }
}
