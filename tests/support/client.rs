//! An independent WebSocket client of a console.

use super::gateway::{PATIENCE, Place, token};
use consolegate::reason::Reason;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

impl Place {
    /// Opens a console with a connect token in `Authorization`, and takes the RFB login of type None.
    pub async fn open(&self, vmid: u32) -> Client {
        self.open_with(&token(vmid, |_| {})).await
    }

    /// The same with a token at hand.
    pub async fn open_with(&self, token: &str) -> Client {
        self.try_open_with(token).await.expect("a 101")
    }

    /// The same, or what a balancer answers, or a connection that ends, in a gateway's place.
    pub async fn try_open_with(&self, token: &str) -> Result<Client, String> {
        let mut request = format!("ws://{}/v1/ws", self.host).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        let answer = timeout(PATIENCE, client_async(request, stream)).await.expect("an answer");
        let (socket, _) = answer.map_err(|error| error.to_string())?;
        Ok(Client::of(socket))
    }
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
    /// A console whose WebSocket is open.
    pub fn of(socket: WebSocketStream<TcpStream>) -> Self {
        Self { socket, bytes: Vec::new() }
    }

    /// The next `count` bytes, or how the console ended instead.
    pub async fn read(&mut self, count: usize) -> Result<Vec<u8>, Closed> {
        let until = Instant::now() + PATIENCE;
        while self.bytes.len() < count {
            match timeout_at(until, self.socket.next()).await.expect("the gateway says something") {
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

    /// The same, where the console may have ended.
    pub async fn try_send(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        match timeout(PATIENCE, self.socket.send(Message::binary(bytes.to_vec()))).await.expect("room") {
            Ok(()) => Ok(()),
            // What it ended with may still be there to be read.
            Err(error) => match self.read(1).await {
                Err(closed) => Err(closed),
                Ok(_) => Err(Closed { code: 1006, reason: error.to_string() }),
            },
        }
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
        self.try_send(b"RFB 003.008\n").await?;
        assert_eq!(self.read(2).await?, [1, 1], "security type None alone");
        self.try_send(&[1]).await?;
        assert_eq!(self.read(4).await?, [0, 0, 0, 0]);
        self.try_send(&[1]).await
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
        let ended = async {
            loop {
                if let Err(closed) = self.read(1).await {
                    return closed;
                }
            }
        };
        timeout(PATIENCE, ended).await.expect("the console ends")
    }
}
