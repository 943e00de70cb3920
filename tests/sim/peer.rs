//! A raw client of the simulated node: its own HTTP, frames and RFB, nothing of the crate's.

use consolegate::sim::{Sim, SimConfig};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub const NODE: &str = "pve1";

pub async fn quick() -> Sim {
    start(SimConfig::quick()).await
}

pub async fn start(config: SimConfig) -> Sim {
    Sim::start(config).await.unwrap()
}

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{} {:?}", self.reason, self.json());
        self.json()["data"].clone()
    }
}

/// Nothing a node does takes longer; a test that waits for more has failed.
async fn within<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the node goes on")
}

/// A TLS connection to a node.
pub struct Peer {
    pub stream: TlsStream<TcpStream>,
    /// Of the pixel format it asked for.
    pub bytes_per_pixel: usize,
    /// RFB bytes of a frame that are not read yet.
    pending: Vec<u8>,
}

/// A rectangle of an update.
#[derive(Debug)]
pub struct Rect {
    pub pixels: usize,
    pub encoding: i32,
}

pub fn trusting(sim: &Sim) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(sim.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl Peer {
    pub async fn connect(sim: &Sim, node: &str) -> Self {
        let tcp = TcpStream::connect(sim.node_address(node)).await.unwrap();
        let name = ServerName::try_from(node.to_owned()).unwrap();
        let stream = trusting(sim).connect(name, tcp).await.unwrap();
        Self { stream, bytes_per_pixel: 4, pending: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.unwrap();
        within(self.stream.flush()).await.unwrap();
    }

    pub async fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        within(self.stream.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    /// The head of an answer, byte by byte so that nothing behind it is lost.
    pub async fn head(&mut self) -> Vec<u8> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.bytes::<1>().await[0]);
        }
        head
    }

    pub async fn reply(&mut self) -> Reply {
        let head = String::from_utf8(self.head().await).unwrap();
        let mut lines = head.lines();
        let mut first = lines.next().unwrap().splitn(3, ' ');
        assert_eq!(first.next(), Some("HTTP/1.1"));
        let status = first.next().unwrap().parse().unwrap();
        let reason = first.next().unwrap().to_owned();
        let pairs = lines.filter_map(|line| line.split_once(": "));
        let headers = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let mut reply = Reply { status, reason, headers, body: Vec::new() };
        if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse().unwrap()];
            within(self.stream.read_exact(&mut reply.body)).await.unwrap();
        } else if status != 101 {
            within(self.stream.read_to_end(&mut reply.body)).await.unwrap();
        }
        reply
    }

    /// A request with these extra header lines, and its answer.
    pub async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        self.send(format!("{method} {path} HTTP/1.1\r\nHost: pve1:8006\r\n{headers}{length}\r\n{body}")).await;
        self.reply().await
    }

    /// Reads to the end: what came, and whether it ended with close_notify.
    pub async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let end = within(self.stream.read_to_end(&mut bytes)).await;
        match end {
            Ok(_) => (bytes, true),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => (bytes, false),
            Err(error) => panic!("{error}"),
        }
    }
}

pub fn token_header(sim: &Sim) -> String {
    let (id, secret) = sim.api_token();
    format!("Authorization: PVEAPIToken={id}={secret}\r\n")
}

/// One request with the token on a connection of its own.
pub async fn ask(sim: &Sim, node: &str, method: &str, path: &str, body: &str) -> Reply {
    let mut peer = Peer::connect(sim, node).await;
    peer.ask(method, &format!("/api2/json{path}"), &token_header(sim), body).await
}

/// Percent-encodes everything that is not plain.
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

pub fn upgrade_request(console: &str, port: &str, ticket: &str, headers: &str) -> String {
    format!(
        "GET /api2/json/nodes/{console}/vncwebsocket?port={port}&vncticket={} HTTP/1.1\r\nHost: pve1:8006\r\n\
         Upgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
        encode(ticket)
    )
}

/// What a console call answered.
#[derive(Debug, Clone)]
pub struct Opened {
    pub data: Value,
}

impl Opened {
    pub fn text(&self, key: &str) -> &str {
        self.data[key].as_str().unwrap_or_else(|| panic!("{key} in {:?}", self.data))
    }

    pub fn port(&self) -> String {
        self.data["port"].as_str().map_or_else(|| self.data["port"].to_string(), str::to_owned)
    }
}

/// POST of a console: `pve1/qemu/100`, `vncproxy`.
pub async fn open(sim: &Sim, host: &str, console: &str, what: &str) -> Opened {
    let body = if what == "termproxy" { "" } else { "websocket=1" };
    Opened { data: ask(sim, host, "POST", &format!("/nodes/{console}/{what}"), body).await.data() }
}

/// The upgrade of an opened console.
pub async fn enter(sim: &Sim, host: &str, console: &str, opened: &Opened) -> Peer {
    let mut peer = Peer::connect(sim, host).await;
    let request = upgrade_request(console, &opened.port(), opened.text("ticket"), &token_header(sim));
    peer.send(request).await;
    let reply = peer.reply().await;
    assert_eq!(reply.status, 101, "{}", reply.reason);
    peer
}

/// Both.
pub async fn console(sim: &Sim, console: &str, what: &str) -> (Peer, Opened) {
    let opened = open(sim, NODE, console, what).await;
    (enter(sim, NODE, console, &opened).await, opened)
}

/// A client frame: FIN, masked with this key.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    raw_frame(0x80 | opcode, payload)
}

pub fn raw_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..=65_535 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

impl Peer {
    /// The next frame of the node: first byte and payload. Checks what always holds of them.
    pub async fn frame(&mut self) -> (u8, Vec<u8>) {
        let [first, second] = self.bytes::<2>().await;
        assert!(second < 128, "never masked");
        let length = match second {
            126 => usize::from(u16::from_be_bytes(self.bytes().await)),
            127 => usize::try_from(u64::from_be_bytes(self.bytes().await)).unwrap(),
            short => usize::from(short),
        };
        assert!(first != 0x82 || (1..=131_072).contains(&length), "{length}");
        let mut payload = vec![0; length];
        within(self.stream.read_exact(&mut payload)).await.unwrap();
        (first, payload)
    }

    /// Payload of binary frames until this many bytes have come, exactly.
    pub async fn payload(&mut self, wanted: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < wanted {
            let (first, payload) = self.frame().await;
            assert_eq!(first, 0x82);
            all.extend(payload);
        }
        assert_eq!(all.len(), wanted, "{}", String::from_utf8_lossy(&all));
        all
    }

    pub async fn binary(&mut self, payload: &[u8]) {
        self.send(frame(2, payload)).await;
    }

    /// The RFB login up to the security result's four bytes.
    pub async fn vnc_auth(&mut self, password: &str) -> [u8; 4] {
        assert_eq!(self.payload(12).await, b"RFB 003.008\n");
        self.binary(b"RFB 003.008\n").await;
        assert_eq!(self.payload(2).await, [1, 2]);
        self.binary(&[2]).await;
        let challenge = self.payload(16).await;
        self.binary(&response(password, &challenge)).await;
        let (_, result) = self.frame().await;
        result[..4].try_into().unwrap()
    }

    /// A whole RFB login; the desktop's name.
    pub async fn vnc(&mut self, password: &str) -> String {
        assert_eq!(self.vnc_auth(password).await, [0, 0, 0, 0]);
        self.binary(&[1]).await;
        let (_, init) = self.frame().await;
        String::from_utf8(init[24..].to_vec()).unwrap()
    }

    /// RFB bytes, wherever frames are cut.
    async fn rfb(&mut self, count: usize) -> Vec<u8> {
        while self.pending.len() < count {
            let (first, payload) = self.frame().await;
            assert_eq!(first, 0x82);
            self.pending.extend(payload);
        }
        self.pending.drain(..count).collect()
    }

    /// One whole framebuffer update, raw rectangles only.
    pub async fn update(&mut self) -> Vec<Rect> {
        let head = self.rfb(4).await;
        assert_eq!(head[..2], [0, 0]);
        let mut rects = Vec::new();
        for _ in 0..u16::from_be_bytes([head[2], head[3]]) {
            let rect = self.rfb(12).await;
            let [width, height] = [4, 6].map(|at| usize::from(u16::from_be_bytes([rect[at], rect[at + 1]])));
            let encoding = i32::from_be_bytes(rect[8..].try_into().unwrap());
            self.rfb(width * height * self.bytes_per_pixel).await;
            rects.push(Rect { pixels: width * height, encoding });
        }
        rects
    }

    /// One update that tells the size as `ExtendedDesktopSize` does: reason, status, width, height.
    pub async fn size(&mut self) -> [u16; 4] {
        let update = self.rfb(36).await;
        assert_eq!(update[..4], [0, 0, 0, 1]);
        assert_eq!(update[12..20], [255, 255, 254, 204, 1, 0, 0, 0], "-308, one screen");
        assert_eq!(update[28..32], update[8..12], "which fills it");
        [4, 6, 8, 10].map(|at| u16::from_be_bytes([update[at], update[at + 1]]))
    }

    /// A terminal's login; returns behind `OK`.
    pub async fn term(&mut self, opened: &Opened) {
        self.binary(format!("{}:{}\n", opened.text("user"), opened.text("ticket")).as_bytes()).await;
        assert_eq!(self.payload(2).await, b"OK");
    }
}

/// VNC authentication, written apart from the crate's.
pub fn response(password: &str, challenge: &[u8]) -> Vec<u8> {
    use des::cipher::{BlockCipherEncrypt as _, KeyInit as _};
    let mut key: Vec<u8> = password.bytes().take(8).map(u8::reverse_bits).collect();
    key.resize(8, 0);
    let cipher = des::Des::new_from_slice(&key).unwrap();
    let mut out = challenge.to_vec();
    for block in out.chunks_exact_mut(8) {
        cipher.encrypt_block(block.try_into().unwrap());
    }
    out
}
