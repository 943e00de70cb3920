//! A whole gateway in front of a simulated cluster, on loopback ports, with throw-away keys; and a client for it.
//!
//! Owns start and stop. Everything a test says to it goes through real sockets.

use consolegate::app::App;
use consolegate::config::Config;
use consolegate::console::{Gateway, unix_now};
use consolegate::reason::Reason;
use consolegate::sim::Sim;
use consolegate::wire::websocket::{Header as WsHeader, Opcode, frame};
use futures_util::{SinkExt, StreamExt};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

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
    pub gateway: Arc<Gateway>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl TestGateway {
    /// A gateway in front of the cluster, with `extra` TOML at the end.
    pub async fn start(sim: &Sim, nodes: &[&str], extra: &str) -> Self {
        // Somebody else in this process may have been first.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let folder = keys(sim);
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, admin_address) = (public.local_addr().unwrap(), admin.local_addr().unwrap());
        let text = configuration(&address.to_string(), sim, nodes, extra);
        let config = Config::parse(&text, folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
        let app = App::assemble_on(config, public, admin).unwrap();
        let gateway = Arc::clone(app.gateway());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(app.run(async move {
            // Dropping the sender stops it too.
            let _ = stopped.await;
        }));
        let place = Place { address, admin: admin_address, host: address.to_string() };
        Self { place, gateway, stop: Some(stop), task: Some(task), _folder: folder }
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        timeout(PATIENCE, self.task.take().unwrap()).await.expect("it stops").unwrap();
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

    /// Opens a console with a connect token in `Authorization`, and takes the RFB login of type None.
    pub async fn open(&self, vmid: u32) -> Client {
        self.open_with(&token(vmid, |_| {})).await
    }

    /// The same with a token at hand.
    pub async fn open_with(&self, token: &str) -> Client {
        let mut request = format!("ws://{}/v1/ws", self.host).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (socket, _) = timeout(PATIENCE, client_async(request, stream)).await.expect("an answer").expect("a 101");
        Client { socket, bytes: Vec::new() }
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").await.unwrap();
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

/// A connect token of the test's panel.
pub fn token(vmid: u32, change: impl FnOnce(&mut Value)) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // A gateway with a memory store refuses what may be older than its start.
    let now = unix_now() + 1;
    let mut claims = json!({
        "iss": "panel", "aud": "consolegate", "sub": "customer-42", "iat": now, "exp": now + 60,
        "jti": format!("token-{:020}", COUNT.fetch_add(1, Ordering::Relaxed)),
        "console": { "cluster": "eu1", "kind": "qemu", "vmid": vmid, "protocol": "vnc", "rights": ["input", "clipboard"] },
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
    write("pve.secret", sim.api_token().1);
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

/// An independent WebSocket client that reads the console as a byte stream.
pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
    bytes: Vec<u8>,
}

/// How a console ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    pub code: u16,
    pub reason: String,
}

impl Closed {
    /// Whether it ended as this reason says.
    pub fn is(&self, reason: Reason) -> bool {
        self.code == reason.public().close && self.reason.contains(&format!("\"{}\"", reason.public().code))
    }
}

impl Client {
    /// The next `count` bytes, or how the console ended instead.
    pub async fn read(&mut self, count: usize) -> Result<Vec<u8>, Closed> {
        while self.bytes.len() < count {
            match timeout(PATIENCE, self.socket.next()).await.expect("the gateway says something") {
                Some(Ok(Message::Binary(data))) => self.bytes.extend_from_slice(&data),
                Some(Ok(Message::Close(frame))) => {
                    let frame = frame.expect("a close frame with a code");
                    return Err(Closed { code: frame.code.into(), reason: frame.reason.to_string() });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Closed { code: 1006, reason: error.to_string() }),
                None => return Err(Closed { code: 1006, reason: "ended".into() }),
            }
        }
        Ok(self.bytes.drain(..count).collect())
    }

    /// Sends bytes as one binary message.
    pub async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.socket.send(Message::binary(bytes.to_vec()))).await.expect("room").unwrap();
    }

    /// The RFB handshake as a browser does it: 3.8, None, shared; returns width, height and name.
    pub async fn log_in(&mut self) -> Result<(u16, u16, String), Closed> {
        self.log_in_without_init().await?;
        let init = self.read(24).await?;
        let len = u32::from_be_bytes(init[20..24].try_into().unwrap()) as usize;
        let name = String::from_utf8(self.read(len).await?).unwrap();
        Ok((u16::from_be_bytes([init[0], init[1]]), u16::from_be_bytes([init[2], init[3]]), name))
    }

    /// The same up to ClientInit, for backends that send no ServerInit.
    pub async fn log_in_without_init(&mut self) -> Result<(), Closed> {
        assert_eq!(self.read(12).await?, b"RFB 003.008\n");
        self.send(b"RFB 003.008\n").await;
        assert_eq!(self.read(2).await?, [1, 1], "security type None alone");
        self.send(&[1]).await;
        assert_eq!(self.read(4).await?, [0, 0, 0, 0]);
        self.send(&[1]).await;
        Ok(())
    }

    /// Asks for a full picture and reads the update whole, as a browser does; returns the pixels' bytes.
    pub async fn first_update(&mut self, width: u16, height: u16) -> Result<usize, Closed> {
        let [w, h] = [width.to_be_bytes(), height.to_be_bytes()];
        self.send(&[3, 0, 0, 0, 0, 0, w[0], w[1], h[0], h[1]]).await;
        let head = self.read(4).await?;
        assert_eq!(head[0], 0, "a FramebufferUpdate");
        let mut pixels = 0;
        for _ in 0..u16::from_be_bytes([head[2], head[3]]) {
            let rectangle = self.read(12).await?;
            assert_eq!(rectangle[8..], [0; 4], "raw encoding");
            let size = |at: usize| usize::from(u16::from_be_bytes([rectangle[at], rectangle[at + 1]]));
            pixels += self.read(size(4) * size(6) * 4).await?.len();
        }
        Ok(pixels)
    }

    /// Reads until the console ends.
    pub async fn ended(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.read(1).await {
                return closed;
            }
        }
    }
}

/// A client without any library, for what no library sends; it keeps every byte it received.
pub struct Raw {
    stream: TcpStream,
    /// Everything from the first byte of the answer's head on.
    pub received: Vec<u8>,
    at: usize,
}

impl Place {
    /// The whole answer to an upgrade with this token: its head, and its body where it is not a 101.
    pub async fn refused(&self, token: &str) -> String {
        let raw = Raw::open_with(self, token, &[]).await;
        String::from_utf8_lossy(&raw.received).into_owned()
    }
}

impl Raw {
    /// Opens a guest's console and sends `early` right behind the request.
    pub async fn open(gateway: &Place, vmid: u32, early: &[u8]) -> Self {
        Self::open_with(gateway, &token(vmid, |_| {}), early).await
    }

    /// The same with a token at hand. Reads the head; a refusal is read to its end.
    pub async fn open_with(gateway: &Place, token: &str, early: &[u8]) -> Self {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {token}\r\n\r\n",
            gateway.host
        );
        stream.write_all(&[request.as_bytes(), early].concat()).await.unwrap();
        let mut raw = Self { stream, received: Vec::new(), at: 0 };
        while raw.head_end().is_none() && raw.more().await {}
        match raw.head_end() {
            Some(end) if raw.received.starts_with(b"HTTP/1.1 101") => raw.at = end,
            _ => while raw.more().await {},
        }
        raw
    }

    /// Opens a guest's console and takes the RFB login, with ClientInit.
    pub async fn log_in(gateway: &Place, vmid: u32) -> Self {
        Self::log_in_with(gateway, &token(vmid, |_| {})).await
    }

    /// The same with a token at hand.
    pub async fn log_in_with(gateway: &Place, token: &str) -> Self {
        let mut raw = Self::open_with(gateway, token, &[]).await;
        raw.send(&frame(Opcode::Binary, Some([3; 4]), b"RFB 003.008\n\x01\x01")).await;
        assert_eq!(raw.payload(18).await, b"RFB 003.008\n\x01\x01\0\0\0\0");
        raw
    }

    /// Takes ClientInit's answer: width, height, pixel format and name.
    pub async fn begin(&mut self) {
        let (_, init) = self.frame().await.expect("ServerInit");
        assert!(init.len() >= 24, "{init:?}");
    }

    /// What the first frame with a ServerInit holds behind it.
    pub async fn payload_after_init(&mut self) -> Vec<u8> {
        let (_, init) = self.frame().await.expect("ServerInit");
        let name = u32::from_be_bytes(init[20..24].try_into().unwrap()) as usize;
        init[24 + name..].to_vec()
    }

    /// Sends bytes while reading `count` bytes of payload: whoever only writes is a stuck reader.
    pub async fn exchange(&mut self, bytes: Vec<u8>, count: usize) -> Vec<u8> {
        let (read, mut write) = self.stream.split();
        let mut reader = Reader { read, received: &mut self.received, at: &mut self.at };
        let (payload, ()) = tokio::join!(reader.payload(count), async {
            write.write_all(&bytes).await.unwrap();
        });
        payload
    }

    /// Sends bytes as they are; a gateway that has closed meanwhile is no mistake of the test.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next `count` bytes of payload. Panics if the console ends first.
    pub async fn payload(&mut self, count: usize) -> Vec<u8> {
        self.reader().payload(count).await
    }

    /// Reads on until the close frame and returns its code; 1006 where there is none.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match self.frame().await {
                None => return 1006,
                Some((header, body)) if header.opcode == Opcode::Close => {
                    while self.more().await {}
                    return u16::from_be_bytes([body[0], body[1]]);
                }
                Some(_) => {}
            }
        }
    }

    async fn frame(&mut self) -> Option<(WsHeader, Vec<u8>)> {
        self.reader().frame().await
    }

    fn reader(&mut self) -> Reader<'_> {
        let (read, _) = self.stream.split();
        Reader { read, received: &mut self.received, at: &mut self.at }
    }

    fn head_end(&self) -> Option<usize> {
        self.received.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
    }

    async fn more(&mut self) -> bool {
        self.reader().more().await
    }
}

/// The reading half of a raw client.
struct Reader<'a> {
    read: tokio::net::tcp::ReadHalf<'a>,
    received: &'a mut Vec<u8>,
    at: &'a mut usize,
}

impl Reader<'_> {
    async fn payload(&mut self, count: usize) -> Vec<u8> {
        let mut payload = Vec::new();
        while payload.len() < count {
            let (header, body) = self.frame().await.expect("a frame before the end");
            assert!(!header.opcode.is_control(), "{header:?} {}", body.escape_ascii());
            payload.extend(body);
        }
        assert_eq!(payload.len(), count, "frames end where the test expects");
        payload
    }

    async fn frame(&mut self) -> Option<(WsHeader, Vec<u8>)> {
        loop {
            if let Ok(Some((header, size))) = WsHeader::parse(&self.received[*self.at..]) {
                let end = *self.at + size + header.len as usize;
                if let Some(body) = self.received.get(*self.at + size..end) {
                    let body = body.to_vec();
                    *self.at = end;
                    return Some((header, body));
                }
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.read.read_buf(self.received)).await;
        matches!(read.expect("the gateway says something"), Ok(count) if count > 0)
    }
}
