//! Two real gateways in front of one simulated node, as a balancer sees them.

use super::client::Client;
use super::gateway::{PATIENCE, configuration, keys, token};
use super::process::Process;
use consolegate::sim::{Backend, GuestConfig, Sim, SimConfig};
use futures_util::StreamExt;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Where the client comes from: not the balancer's own address.
pub const CLIENT: &str = "127.0.0.7";
/// What the gateways call themselves.
pub const HOST: &str = "console.test";
/// A guest whose screen does not move.
pub const STILL: u32 = 103;

/// The node and both gateways, ready.
pub struct Fleet {
    pub sim: Sim,
    pub gateways: Vec<Process>,
    /// What a connection to a gateway begins with.
    pub preface: &'static str,
    _folder: tempfile::TempDir,
}

impl Fleet {
    /// Both gateways ping their clients every `ping` seconds, and know them by PROXY headers or by forwarded ones.
    pub async fn start(ping: u32, proxy: bool) -> Self {
        let mut config = SimConfig::quick();
        config.guests.push(GuestConfig::qemu(STILL, "pve1").backend(Backend::Still { width: 64, height: 64 }));
        let sim = Sim::start(config).await.unwrap();
        let folder = keys(&sim);
        let key = folder.path().join("session.key");
        std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let extra = format!(
            "[timeouts]\nping = {ping}\ndead = {}\n[session]\nkey_file = \"session.key\"\n[limits]\nper_guest = 100\n[log]\nformat = \"json\"\n",
            ping * 3
        );
        let text = configuration(HOST, &sim, &["pve1"], &extra);
        let (word, preface) = if proxy { ("any", "PROXY TCP4 127.0.0.7 127.0.0.1 40000 80\r\n") } else { ("off", "") };
        let trust = format!("proxy_protocol = \"{word}\"\ntrusted_proxies = [\"127.0.0.1/32\"]\n[admin]");
        let text = text.replacen("[admin]", &trust, 1);
        let path = folder.path().join("consolegate.toml");
        std::fs::write(&path, text).unwrap();
        let gateways = vec![Process::start(&path, HOST).await, Process::start(&path, HOST).await];
        for gateway in &gateways {
            gateway.ready().await;
        }
        Self { sim, gateways, preface, _folder: folder }
    }

    /// A ticket of the first gateway, asked for as a balancer would.
    pub async fn ticket_of_the_first(&self, vmid: u32) -> String {
        let address = self.gateways[0].place.address;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(self.preface.as_bytes()).await.unwrap();
        ticket_over(stream, vmid).await
    }

    pub fn addresses(&self) -> [String; 2] {
        [self.gateways[0].place.address.to_string(), self.gateways[1].place.address.to_string()]
    }
}

/// A port of this machine that is free now.
pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A connection of the client, which is elsewhere than the balancer.
pub async fn connect(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{CLIENT}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

/// One request and its whole answer.
pub async fn request(to: SocketAddr, head: &str, more: &str) -> String {
    asked(connect(to).await, head, more).await
}

async fn asked(mut stream: TcpStream, head: &str, more: &str) -> String {
    let text = format!("{head} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    answer
}

/// Spends a connect token; gives the session's ticket.
pub async fn ticket(to: SocketAddr, vmid: u32) -> String {
    ticket_over(connect(to).await, vmid).await
}

async fn ticket_over(stream: TcpStream, vmid: u32) -> String {
    let more = format!("Authorization: Bearer {}\r\nContent-Length: 0\r\n", token(vmid, |_| {}));
    let answer = asked(stream, "POST /v1/sessions", &more).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201"), "{answer}");
    let body = body.find('{').map(|at| &body[at..=body.rfind('}').unwrap()]).unwrap();
    serde_json::from_str::<serde_json::Value>(body).unwrap()["ticket"].as_str().unwrap().to_owned()
}

/// Opens a console with a token of either kind, claiming to come from elsewhere.
pub async fn open(to: SocketAddr, bearer: &str) -> Client {
    let mut request = format!("ws://{HOST}/v1/ws").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {bearer}").parse().unwrap());
    request.headers_mut().insert("x-forwarded-for", "203.0.113.66".parse().unwrap());
    request.headers_mut().insert("forwarded", "for=203.0.113.67".parse().unwrap());
    let answer = timeout(PATIENCE, client_async(request, connect(to).await)).await.expect("an answer");
    let (socket, _) = answer.expect("a 101");
    Client::of(socket)
}

/// Reads a console on which nothing happens until `pings` came, or until it is cut.
pub async fn idle(client: &mut Client, pings: usize) -> Result<(), String> {
    let mut heard = 0;
    while heard < pings {
        match timeout(PATIENCE, client.socket.next()).await.expect("pings, or an end") {
            Some(Ok(Message::Ping(_))) => heard += 1,
            Some(Ok(Message::Binary(_) | Message::Pong(_))) => {}
            ended => return Err(format!("after {heard} pings: {ended:?}")),
        }
    }
    Ok(())
}
