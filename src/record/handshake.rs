//! TLS handshakes: rustls decides, this file moves its bytes.
//!
//! rustls is given one record at a time, so that what a peer sends behind its handshake is still sealed when the handshake
//! is done, and belongs to whoever goes on from there. Deadlines are the caller's.
//!
//! What a side of TLS 1.3 has left to say when it is done (a client its Finished, a server its tickets) leaves in one write
//! with its first data. A client may send data right behind its Finished (RFC 8446 section 2), a server tickets at any time
//! after that Finished (4.6.1). In TLS 1.2 it leaves at once.

use super::buffered::{Buffered, Rustls, Side};
use super::head::HEADER;
use super::layer::{Kernel, Layer};
use super::stream::{Mode, TlsStream};
use crate::config::Engine;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, InsufficientSizeError, UnbufferedStatus};
use rustls::{CipherSuite, ClientConfig, CommonState, Error, PeerMisbehaved, ProtocolVersion, ServerConfig};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What is read at once.
const CHUNK: usize = 4 * 1024;
/// The longest record there is in a handshake, of any version.
const MAX_RECORD: usize = HEADER + (1 << 14) + 2048;

/// Shakes hands as a server. In place only where `config.enable_secret_extraction` is set.
///
/// TLS 1.3 tickets may not have left yet: they go with the first write, or with the shutdown.
///
/// # Errors
/// What rustls refused, in its own [`rustls::Error`], or how the transport failed.
pub async fn accept<S>(stream: S, config: Arc<ServerConfig>, engine: Engine) -> io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let connection = UnbufferedServerConnection::new(config).map_err(refused)?;
    establish(stream, connection, engine).await.map(|(stream, _)| stream)
}

/// Shakes hands as a client; gives the server's certificate too, as it was sent.
///
/// In TLS 1.3 its Finished may not have left yet: it goes with the first write, or with the shutdown. Whoever reads first may
/// wait in vain, as most servers say nothing before it.
///
/// # Errors
/// As [`accept`].
pub async fn connect<S>(
    stream: S,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    engine: Engine,
) -> io::Result<(TlsStream<S>, Option<Vec<u8>>)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let connection = UnbufferedClientConnection::new(config, name).map_err(refused)?;
    establish(stream, connection, engine).await
}

async fn establish<S, C>(
    mut stream: S,
    mut connection: C,
    engine: Engine,
) -> io::Result<(TlsStream<S>, Option<Vec<u8>>)>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Side,
{
    let mut incoming = Incoming::default();
    let mut last = shake(&mut stream, &mut connection, &mut incoming).await?;
    // TLS 1.2 allows no data before the peer's Finished (RFC 5246 section 7.4.9), so whoever speaks first waits for it.
    if connection.common().protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        stream.write_all(&last).await?;
        stream.flush().await?;
        last = Vec::new();
    }
    // It may wait as long as the peer is silent, in memory that had room for a whole flight.
    last.shrink_to_fit();
    let leaf = connection.common().peer_certificates().and_then(<[_]>::first).map(|leaf| leaf.to_vec());
    let (fed, unfed) = incoming.split();
    let mode = match engine {
        Engine::Auto if is_known(connection.common()) => {
            if !fed.is_empty() {
                return Err(io::Error::new(ErrorKind::InvalidData, "a handshake message that nothing asked for"));
            }
            let (secrets, kernel) = connection.into_kernel().map_err(refused)?;
            Mode::InPlace(Box::new(Layer::new(&secrets, kernel)?))
        }
        Engine::Auto | Engine::Buffered => Mode::Rustls(Box::new(Buffered::new(connection, fed)) as Box<dyn Rustls>),
    };
    Ok((TlsStream::new(stream, mode, unfed, last), leaf))
}

/// A version and suite whose records are opened and sealed here.
fn is_known(common: &CommonState) -> bool {
    let known = [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    common.protocol_version() == Some(ProtocolVersion::TLSv1_3)
        && common.negotiated_cipher_suite().is_some_and(|suite| known.contains(&suite.suite()))
}

/// Moves bytes until both sides are agreed; gives what is left to be sent.
async fn shake<S, C>(stream: &mut S, connection: &mut C, incoming: &mut Incoming) -> io::Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Side,
{
    let mut out = Vec::new();
    loop {
        match step(connection, incoming, &mut out) {
            Ok(Step::Again) => {}
            Ok(Step::Receive) => {
                if !incoming.next_record() {
                    // All that was said since the peer was last waited for, in one write.
                    stream.write_all(&out).await?;
                    stream.flush().await?;
                    out.clear();
                    incoming.read(stream).await?;
                }
            }
            Ok(Step::Done) => return Ok(out),
            Err(error) => {
                last_words(connection, &mut incoming.bytes, &error, &mut out);
                // The peer may be gone already.
                let _ = stream.write_all(&out).await;
                let _ = stream.flush().await;
                return Err(error);
            }
        }
    }
}

enum Step {
    Again,
    Receive,
    Done,
}

fn step<C: Side>(connection: &mut C, incoming: &mut Incoming, out: &mut Vec<u8>) -> io::Result<Step> {
    let UnbufferedStatus { discard, state } = connection.process(incoming.fed());
    let step = match state {
        Err(error) => Err(refused(error)),
        Ok(ConnectionState::EncodeTlsData(mut data)) => encode(out, |room| data.encode(room)).map(|()| Step::Again),
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            Ok(Step::Again)
        }
        Ok(ConnectionState::BlockedHandshake) => Ok(Step::Receive),
        Ok(ConnectionState::WriteTraffic(_)) => Ok(Step::Done),
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
            Err(io::Error::new(ErrorKind::UnexpectedEof, "the peer ended TLS in its handshake"))
        }
        // No early data is ever offered or accepted, and no record of data is shown before the end.
        Ok(_) => Err(io::Error::new(ErrorKind::InvalidData, "data in the handshake")),
    };
    incoming.discard(discard);
    step
}

/// Adds what rustls still has to say to a peer that it refused: an alert, and in a handshake what came before it.
pub(super) fn last_words<C: Side>(connection: &mut C, raw: &mut Vec<u8>, error: &io::Error, out: &mut Vec<u8>) {
    // A record that could not be read would be read and complained about anew, so rustls is asked once.
    let unread = error.get_ref().and_then(|error| error.downcast_ref()).is_none_or(|error| {
        matches!(error, Error::InvalidMessage(_) | Error::PeerSentOversizedRecord | Error::DecryptError)
            || *error == Error::PeerMisbehaved(PeerMisbehaved::IllegalMiddleboxChangeCipherSpec)
    });
    loop {
        let UnbufferedStatus { discard, state } = connection.process(raw);
        let Ok(ConnectionState::EncodeTlsData(mut data)) = state else { return };
        if encode(out, |room| data.encode(room)).is_err() || unread {
            return;
        }
        raw.drain(..discard);
    }
}

/// Adds what rustls wants to be sent.
pub(super) fn encode(
    out: &mut Vec<u8>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>,
) -> io::Result<()> {
    let start = out.len();
    let mut size = 0;
    loop {
        out.resize(start + size, 0);
        match write(out.get_mut(start..).unwrap_or_default()) {
            Ok(written) => {
                out.truncate(start + written);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) if required_size > size => {
                size = required_size;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

pub(super) fn refused(error: Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// What came and is not used yet, and how much of it rustls may see.
#[derive(Default)]
struct Incoming {
    bytes: Vec<u8>,
    fed: usize,
}

impl Incoming {
    fn fed(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.fed).unwrap_or_default()
    }

    fn discard(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
        self.fed = self.fed.saturating_sub(count);
    }

    /// Shows the next record, if it is there whole. What is no record at all is shown too: rustls says what is wrong.
    fn next_record(&mut self) -> bool {
        let rest = self.bytes.get(self.fed..).unwrap_or_default();
        let Some([kind, _, _, high, low]) = rest.first_chunk() else { return false };
        let size = HEADER + usize::from(u16::from_be_bytes([*high, *low]));
        let is_record = (20..=24).contains(kind) && size <= MAX_RECORD;
        if is_record && rest.len() < size {
            return false;
        }
        self.fed += if is_record { size } else { rest.len() };
        true
    }

    /// What rustls was shown and has not used, and what lies behind. rustls keeps what it has seen and counts on seeing it
    /// again; what lies behind may be data, and a write before the first read must not come upon that.
    fn split(mut self) -> (Vec<u8>, Vec<u8>) {
        let fed = self.bytes.drain(..self.fed.min(self.bytes.len())).collect();
        (fed, self.bytes)
    }

    async fn read<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> io::Result<()> {
        self.bytes.reserve(CHUNK);
        let read = stream.take(CHUNK as u64).read_buf(&mut self.bytes).await?;
        if read == 0 {
            Err(io::Error::new(ErrorKind::UnexpectedEof, "the peer left in the TLS handshake"))
        } else {
            Ok(())
        }
    }
}

/// What rustls has left to say when its connection is given up.
pub(super) type Taken = (rustls::ExtractedSecrets, Kernel);

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
