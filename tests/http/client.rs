//! A client that sends exactly what it is told and hands back exactly what came.

use super::face::{Face, HOST};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any deadline under test; a test that waits for it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What came until the connection ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// All of it: more than one answer, if there was more than one.
    pub(crate) all: Vec<u8>,
}

impl Answer {
    pub(crate) fn of(all: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&all).into_owned();
        let (head, _) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = all.get(head.len() + 4..).unwrap_or_default().to_vec();
        Self { status, head: head.to_ascii_lowercase(), body, all }
    }

    /// Values of a header, lower case.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers(name).first().copied().unwrap_or("")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The problem's code, or nothing where the answer is none.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("").to_owned()
    }

    /// How many answers came.
    pub(crate) fn count(&self) -> usize {
        String::from_utf8_lossy(&self.all).matches("HTTP/1.1 ").count()
    }

    /// Whether the server said that it closes.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection").split(", ").any(|option| option == "close")
    }
}

impl Face {
    pub(crate) async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends the bytes and reads until the server closes.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        exchange(self.connect().await, bytes.as_ref()).await
    }

    /// Sends a request with `Host` and `Connection: close` added, and these further header lines.
    pub(crate) async fn request(&self, line: &str, headers: &[&str]) -> Answer {
        self.raw(head(line, "close", headers)).await
    }

    /// A WebSocket handshake with these further header lines.
    pub(crate) async fn upgrade(&self, headers: &[&str]) -> Answer {
        self.raw(handshake(headers)).await
    }
}

pub(crate) fn head(line: &str, connection: &str, headers: &[&str]) -> String {
    let mut text = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\nConnection: {connection}\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text + "\r\n"
}

pub(crate) fn handshake(headers: &[&str]) -> String {
    handshake_at("GET /v1/ws", headers)
}

pub(crate) fn handshake_at(line: &str, headers: &[&str]) -> String {
    let rfc = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
    head(line, "Upgrade", &[&rfc[..], headers].concat())
}

/// Sends and reads until the end. The server may stop reading before all is sent; what it answered still counts.
pub(crate) async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Answer {
    let sent = stream.write_all(bytes).await;
    let all = until_end(&mut stream).await;
    assert!(sent.is_ok() || !all.is_empty(), "neither taken nor answered: {sent:?}");
    Answer::of(all)
}

/// Everything until the end, or until the peer resets.
pub(crate) async fn until_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match timeout(PATIENCE, stream.read(&mut chunk)).await.expect("the server neither answers nor closes") {
            Ok(0) | Err(_) => return all,
            Ok(count) => all.extend_from_slice(&chunk[..count]),
        }
    }
}
