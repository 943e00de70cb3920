//! A whole gateway in front of a simulated cluster, on loopback ports, with throw-away keys; and a client for it.
//!
//! Owns start and stop. Everything a test says to it goes through real sockets.

use consolegate::app::App;
use consolegate::config::Config;
use consolegate::console::{Gateway, unix_now};
use consolegate::reason::Reason;
use consolegate::sim::Sim;
use futures_util::{SinkExt, StreamExt};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Nothing here takes this long on a machine that is not stuck.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The panel's key.
pub const SECRET: &str = "a-signing-secret-of-the-panel-that-is-long-enough";

/// A running gateway.
pub struct TestGateway {
    pub address: SocketAddr,
    pub admin: SocketAddr,
    pub gateway: Arc<Gateway>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl TestGateway {
    /// A gateway in front of the cluster, with `extra` TOML at the end and `top` before the first table.
    pub async fn start(sim: &Sim, nodes: &[&str], extra: &str) -> Self {
        // Somebody else in this process may have been first.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.write(true).create(true).mode(0o600).open(folder.path().join(name)).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        };
        write("panel.key", SECRET);
        write("pve.secret", sim.api_token().1);
        write("pve-root-ca.pem", sim.ca_pem());
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, admin_address) = (public.local_addr().unwrap(), admin.local_addr().unwrap());
        let config = configuration(address, sim, nodes, extra, folder.path());
        let app = App::assemble_on(config, public, admin).unwrap();
        let gateway = Arc::clone(app.gateway());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(app.run(async move {
            // Dropping the sender stops it too.
            let _ = stopped.await;
        }));
        Self { address, admin: admin_address, gateway, stop: Some(stop), task: Some(task), _folder: folder }
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        timeout(PATIENCE, self.task.take().unwrap()).await.expect("it stops").unwrap();
    }

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
        let mut request = format!("ws://{}/v1/ws", self.address).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let (socket, _) = timeout(PATIENCE, connect_async(request)).await.expect("an answer").expect("a 101");
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
    let now = unix_now();
    let mut claims = json!({
        "iss": "panel", "aud": "consolegate", "sub": "customer-42", "iat": now, "exp": now + 60,
        "jti": format!("token-{:020}", COUNT.fetch_add(1, Ordering::Relaxed)),
        "console": { "cluster": "eu1", "kind": "qemu", "vmid": vmid, "protocol": "vnc", "rights": ["input", "clipboard"] },
    });
    change(&mut claims);
    let header = Header { kid: Some("2026-11".into()), ..Header::new(Algorithm::HS256) };
    encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn configuration(address: SocketAddr, sim: &Sim, nodes: &[&str], extra: &str, folder: &Path) -> Config {
    let (token_id, _) = sim.api_token();
    let mut text = format!(
        r#"
public_url = "http://{address}"
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
    Config::parse(&text, folder).unwrap_or_else(|problems| panic!("{problems}"))
}

/// An independent WebSocket client that reads the console as a byte stream.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
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
        assert_eq!(self.read(12).await?, b"RFB 003.008\n");
        self.send(b"RFB 003.008\n").await;
        assert_eq!(self.read(2).await?, [1, 1], "security type None alone");
        self.send(&[1]).await;
        assert_eq!(self.read(4).await?, [0, 0, 0, 0]);
        self.send(&[1]).await;
        let init = self.read(24).await?;
        let len = u32::from_be_bytes(init[20..24].try_into().unwrap()) as usize;
        let name = String::from_utf8(self.read(len).await?).unwrap();
        Ok((u16::from_be_bytes([init[0], init[1]]), u16::from_be_bytes([init[2], init[3]]), name))
    }

    /// Asks for a full picture and reads the first update's header: message type and number of rectangles.
    pub async fn first_update(&mut self, width: u16, height: u16) -> Result<(u8, u16), Closed> {
        let [w, h] = [width.to_be_bytes(), height.to_be_bytes()];
        self.send(&[3, 0, 0, 0, 0, 0, w[0], w[1], h[0], h[1]]).await;
        let head = self.read(4).await?;
        Ok((head[0], u16::from_be_bytes([head[2], head[3]])))
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
