//! One leg while its handshake runs: the WebSocket as a byte stream, with a bound and with nothing lost on cancellation.
//!
//! Reads payload whatever the frames were (RFB and termproxy are byte streams, never one message a frame), answers
//! pings, and hands over to the splice with the bytes it read too far. Never used once the splice runs.

use super::clock::Leg as Which;
use crate::reason::{Failure, Reason};
use crate::record::IntoTransport;
use crate::wire::walk::{Control, Sender, Step, Walker};
use crate::wire::websocket::{Opcode, Violation, apply_mask, frame};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::direction::{MAX_CLIENT_FRAME, MAX_NODE_FRAME, client_reason};
use super::ending::Departing;
use super::side::Side;

/// What is read at once: handshake messages are small.
const CHUNK: usize = 2048;

/// How a leg ended before the splice.
#[derive(Debug, thiserror::Error)]
pub enum LegError {
    /// A close frame came.
    #[error("closed with {0:?}")]
    Closed(Option<u16>),
    /// The connection ended; at a frame boundary or not.
    #[error("the connection ended {}", if *.at_boundary { "between frames" } else { "in the middle of a frame" })]
    Ended {
        /// Between two frames.
        at_boundary: bool,
    },
    /// The transport failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A frame broke RFC 6455.
    #[error("broke RFC 6455: {0:?}")]
    Violation(Violation),
    /// A text frame where only bytes are spoken.
    #[error("sent a text frame")]
    Text,
    /// More payload than may be held.
    #[error("sent more than {0} bytes before its turn")]
    TooMuch(usize),
}

impl LegError {
    /// The reason when the browser's leg ended so.
    #[must_use]
    pub const fn client_reason(&self) -> Reason {
        match self {
            Self::Closed(_) => Reason::ClientClosed,
            Self::Ended { .. } | Self::Io(_) => Reason::ClientGone,
            Self::Violation(violation) => client_reason(*violation),
            Self::Text => Reason::WsText,
            Self::TooMuch(_) => Reason::RfbEarly,
        }
    }

    /// The reason when the node's leg ended so before the console was ready.
    #[must_use]
    pub fn node_reason(&self) -> Reason {
        match self {
            Self::Closed(_) | Self::Ended { .. } => Reason::NodeCut,
            Self::Io(error) => io_reason(error),
            Self::Violation(_) | Self::Text | Self::TooMuch(_) => Reason::NodeWs,
        }
    }
}

/// The reason for a failed read or write on a node's leg.
pub(crate) fn io_reason(error: &std::io::Error) -> Reason {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData};
    let kind = error.kind();
    if kind == InvalidData {
        Reason::NodeTlsStream
    } else if [ConnectionReset, ConnectionAborted, BrokenPipe].contains(&kind) {
        Reason::NodeReset
    } else {
        Reason::NodeCut
    }
}

/// The end that a failed read or write on a leg means.
pub(super) fn failed(leg: Which, error: &std::io::Error) -> Failure {
    match leg {
        Which::Client => Failure::new(Reason::ClientGone, error.to_string()),
        Which::Node => Failure::new(io_reason(error), error.to_string()),
    }
}

/// A leg in its handshake.
#[derive(Debug)]
pub struct Leg<S> {
    pub(super) stream: S,
    pub(super) walker: Walker,
    /// Payload, unmasked, not yet taken.
    pub(super) plain: BytesMut,
    raw: BytesMut,
    /// Frames of our own that were not written yet.
    pub(super) out: BytesMut,
    /// The mask of the frame under way.
    key: Option<[u8; 4]>,
    /// Text frames are payload too.
    text: bool,
    most: usize,
    /// How it ended behind what was taken: a peer may say why it refuses and close in one breath.
    end: Option<LegError>,
}

impl<S: IntoTransport> Leg<S> {
    /// The browser's leg. `early`: what it sent right behind its upgrade; `most`: payload that may wait its turn.
    pub fn client(stream: S, early: &[u8], text: bool, most: usize) -> Self {
        Self::new(stream, Walker::new(Sender::Client, MAX_CLIENT_FRAME), early, text, most)
    }

    /// The node's leg.
    pub fn node(stream: S, early: &[u8], most: usize) -> Self {
        Self::new(stream, Walker::new(Sender::Server, MAX_NODE_FRAME), early, true, most)
    }

    fn new(stream: S, walker: Walker, early: &[u8], text: bool, most: usize) -> Self {
        let (plain, out) = (BytesMut::new(), BytesMut::new());
        Self { stream, walker, plain, raw: BytesMut::from(early), out, key: None, text, most, end: None }
    }

    /// Takes exactly `N` bytes of payload. Cancel-safe: an unfinished read keeps what came.
    ///
    /// # Errors
    /// How the leg ended instead.
    pub async fn take<const N: usize>(&mut self) -> Result<[u8; N], LegError> {
        self.until(N).await?;
        let mut taken = [0; N];
        self.plain.copy_to_slice(&mut taken);
        Ok(taken)
    }

    /// Takes `count` bytes of payload. Cancel-safe.
    ///
    /// # Errors
    /// How the leg ended instead, or that `count` is more than may be held.
    pub async fn take_some(&mut self, count: usize) -> Result<BytesMut, LegError> {
        if count > self.most {
            return Err(LegError::TooMuch(self.most));
        }
        self.until(count).await?;
        Ok(self.plain.split_to(count))
    }

    /// Reads until so much payload is there.
    async fn until(&mut self, count: usize) -> Result<(), LegError> {
        while self.plain.len() < count {
            match self.advance().await {
                Err(end @ LegError::Closed(_)) if self.plain.len() >= count => self.end = Some(end),
                advanced => advanced?,
            }
        }
        Ok(())
    }

    /// Sends payload as one binary frame and flushes.
    ///
    /// # Errors
    /// The transport failed.
    pub async fn send(&mut self, payload: &[u8]) -> Result<(), LegError> {
        self.queue(Opcode::Binary, payload);
        self.flush().await
    }

    /// Reads on while nothing is expected, so that a peer that leaves is noticed. Cancel-safe; never succeeds.
    pub async fn gone(&mut self) -> LegError {
        loop {
            if let Err(error) = self.advance().await {
                return error;
            }
        }
    }

    /// Gives the leg up: what is left to do is to close it.
    pub fn depart(self) -> Departing<S::Transport> {
        let key = (self.walker.sender() == Sender::Server).then(fresh_key);
        let mut side = Side::new(self.stream.into_transport());
        // Who cannot be told is cut all the same.
        let _ = side.hold(&self.out);
        Departing::new(side, true, key)
    }

    fn queue(&mut self, opcode: Opcode, payload: &[u8]) {
        let mask = match self.walker.sender() {
            Sender::Client => None,
            Sender::Server => Some(fresh_key()),
        };
        self.out.extend_from_slice(&frame(opcode, mask, payload));
    }

    async fn flush(&mut self) -> Result<(), LegError> {
        while !self.out.is_empty() {
            self.stream.write_buf(&mut self.out).await?;
        }
        Ok(self.stream.flush().await?)
    }

    /// Decodes what is there, or reads more.
    async fn advance(&mut self) -> Result<(), LegError> {
        if !self.out.is_empty() {
            self.flush().await?;
        }
        if self.raw.is_empty() && self.end.is_none() {
            self.raw.reserve(CHUNK);
            let mut limited = (&mut self.stream).take(CHUNK as u64);
            if read(&mut limited, &mut self.raw).await? == 0 {
                return Err(LegError::Ended { at_boundary: self.walker.at_boundary() });
            }
        }
        self.decode()
    }

    /// Takes apart what was read already, so that nothing is left behind in the leg.
    ///
    /// # Errors
    /// What was wrong with it.
    pub(super) fn decode(&mut self) -> Result<(), LegError> {
        if let Some(end) = self.end.take() {
            return Err(end);
        }
        loop {
            match self.walker.step(&self.raw).map_err(LegError::Violation)? {
                Step::More { .. } => {
                    self.raw = BytesMut::new();
                    return Ok(());
                }
                Step::Frame { header, .. } if header.opcode == Opcode::Text && !self.text => {
                    return Err(LegError::Text);
                }
                Step::Frame { header, bytes } => {
                    self.raw.advance(bytes);
                    self.key = header.mask;
                }
                Step::Payload { bytes, before, .. } => self.keep(bytes, before)?,
                Step::Control { control, bytes } => {
                    self.raw.advance(bytes);
                    self.control(&control)?;
                }
            }
        }
    }

    fn keep(&mut self, bytes: usize, before: u64) -> Result<(), LegError> {
        let mut part = self.raw.split_to(bytes);
        if let Some(key) = self.key {
            apply_mask(&mut part, key, before);
        }
        self.plain.extend_from_slice(&part);
        if self.plain.len() > self.most { Err(LegError::TooMuch(self.most)) } else { Ok(()) }
    }

    fn control(&mut self, control: &Control) -> Result<(), LegError> {
        match control.opcode {
            Opcode::Close => {
                let code = control.payload().first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
                Err(LegError::Closed(code))
            }
            Opcode::Ping if self.out.len() < 1024 => {
                self.queue(Opcode::Pong, control.payload());
                Ok(())
            }
            Opcode::Ping | Opcode::Pong | Opcode::Continuation | Opcode::Text | Opcode::Binary => Ok(()),
        }
    }
}

/// One read; an end of TLS without close_notify is an end (libraries reference 2).
async fn read<R: AsyncRead + Unpin>(from: &mut R, into: &mut BytesMut) -> Result<usize, LegError> {
    match from.read_buf(into).await {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(0),
        other => Ok(other?),
    }
}

/// A masking key for a frame of our own (RFC 6455 5.3 asks for fresh randomness).
pub(super) fn fresh_key() -> [u8; 4] {
    let mut key = [0; 4];
    // Without randomness the key stays zero, which is legal; TLS hides the bytes from the network anyway.
    if aws_lc_rs::rand::fill(&mut key).is_err() {
        tracing::warn!("no randomness for a masking key; sent with a zero key");
    }
    key
}
