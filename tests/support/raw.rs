//! A client without any library, for what no library sends.

use super::gateway::{PATIENCE, Place, token};
use consolegate::wire::websocket::{Header as WsHeader, Opcode, frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A client without any library, for what no library sends; it keeps every byte it received.
pub struct Raw {
    stream: TcpStream,
    /// Everything from the first byte of the answer's head on.
    pub received: Vec<u8>,
    at: usize,
}

impl Place {
    /// What `POST /v1/sessions` answers to a connect or resume token.
    pub async fn session(&self, token: &str) -> serde_json::Value {
        self.try_session(token).await.expect("an answer of a gateway")
    }

    /// The same, or what a balancer answers, or a connection that ends, in a gateway's place.
    pub async fn try_session(&self, token: &str) -> Result<serde_json::Value, String> {
        let told = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(self.address).await.map_err(told)?;
        let request = format!(
            "POST /v1/sessions HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n",
            self.host
        );
        stream.write_all(request.as_bytes()).await.map_err(told)?;
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").map_err(told)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body)
            .map_err(|_| format!("no gateway's answer: {}", answer.lines().next().unwrap_or_default()))
    }

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
