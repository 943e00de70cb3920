//! A TLS connection after its handshake: a byte stream while HTTP and the logins are spoken, a leg of a splice afterwards.
//!
//! Where the keys are ours, a leg's records are opened and sealed where they lie. Idle, it holds no buffer. A peer that
//! breaks TLS is told so by an alert and nothing else is sent to it.

use super::batch::{Batch, CHUNK, Cuts, with_batch};
use super::buffered::Rustls;
use super::head::{Broke, MAX_PLAIN, MAX_RECORD, size};
use super::layer::{Layer, Opened};
use super::place;
use super::transport::{Gathered, Held, IntoTransport, Transport, poll_read};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Whose keys open and seal the records.
pub(super) enum Mode {
    InPlace(Box<Layer>),
    Rustls(Box<dyn Rustls>),
}

/// A TLS connection.
pub struct TlsStream<S = TcpStream> {
    stream: S,
    mode: Mode,
    /// What came and is not opened yet.
    raw: Vec<u8>,
    /// What was opened and is not taken yet.
    plain: Taken,
    held: Held,
    /// How many of the bytes held are the last words of the handshake, which wait to leave in one write with the first data.
    waiting: usize,
    /// The peer sends no more.
    ended: bool,
    /// It broke TLS.
    broken: Option<Broke>,
    /// Nothing more may be sent: we have said goodbye, or told the peer what it broke.
    silent: bool,
}

impl<S: std::fmt::Debug> std::fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsStream").field("stream", &self.stream).field("in_place", &self.is_in_place()).finish()
    }
}

impl<S> TlsStream<S> {
    /// `raw`: what came behind the handshake; `last`: what the handshake has left to send.
    pub(super) const fn new(stream: S, mode: Mode, raw: Vec<u8>, last: Vec<u8>) -> Self {
        let waiting = last.len();
        let held = Held::of(last);
        Self { stream, mode, raw, plain: Taken::new(), held, waiting, ended: false, broken: None, silent: false }
    }

    /// The transport below.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Whether records are opened and sealed where they lie.
    #[must_use]
    pub const fn is_in_place(&self) -> bool {
        matches!(self.mode, Mode::InPlace(_))
    }

    /// Tells the peer what it broke.
    fn broke(&mut self, broke: Broke) -> io::Error {
        if let Mode::InPlace(layer) = &mut self.mode
            && !self.silent
        {
            // Without a key left there is no way to say it.
            let _ = layer.add_alert(broke, self.held.end());
        }
        (self.silent, self.broken) = (true, Some(broke));
        broke.into()
    }

    /// Opens the records at the front of the batch's memory, `filled` bytes of it; keeps what is no whole record.
    fn open(&mut self, batch: &mut Batch, mut filled: usize) -> io::Result<()> {
        let mut result = Ok(());
        match &mut self.mode {
            Mode::InPlace(layer) => {
                while filled > 0 && !self.ended {
                    let raw = batch.raw().get_mut(..filled).unwrap_or_default();
                    let (size, opened) = match open_one(layer, raw) {
                        Ok(Some(opened)) => opened,
                        Ok(None) => break,
                        Err(broke) => {
                            result = Err(self.broke(broke));
                            filled = 0;
                            break;
                        }
                    };
                    match opened {
                        Opened::Data(len) => batch.push_record(size, len),
                        Opened::Nothing => batch.push_record(size, 0),
                        Opened::Closed => self.ended = true,
                    }
                    filled -= size;
                }
                let rest = if self.ended { 0 } else { filled };
                self.raw.extend_from_slice(batch.raw().get(..rest).unwrap_or_default());
            }
            Mode::Rustls(rustls) => {
                let mut plain = Vec::new();
                let received = batch.raw().get(..filled).unwrap_or_default();
                match rustls.open(received, &mut plain, self.held.end()) {
                    Ok(ended) => self.ended |= ended,
                    Err(error) => (self.silent, result) = (true, Err(error)),
                }
                let copied = batch.copy_in(&plain);
                self.plain.add(plain.get(copied..).unwrap_or_default());
            }
        }
        result
    }
}

/// Opens the first record; its size and what it was.
fn open_one(layer: &mut Layer, raw: &mut [u8]) -> Result<Option<(usize, Opened)>, Broke> {
    let Some(size) = size(raw)? else { return Ok(None) };
    let Some(record) = raw.get_mut(..size) else { return Ok(None) };
    Ok(Some((size, layer.open(record)?)))
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// Receives at most `most` bytes of the transport and opens what is whole.
    fn gather(&mut self, cx: &mut Context<'_>, batch: &mut Batch, most: usize) -> Gathered {
        let copied = batch.copy_in(self.plain.rest());
        self.plain.take(copied);
        if !self.plain.rest().is_empty() {
            return Gathered::Full;
        }
        if self.ended {
            return Gathered::End;
        }
        if let Some(broke) = self.broken {
            return Gathered::Broken(broke.into());
        }
        let room = batch.raw();
        let mut filled = self.raw.len().min(room.len());
        if let (Some(place), Some(raw)) = (room.get_mut(..filled), self.raw.get(..filled)) {
            place.copy_from_slice(raw);
        }
        self.raw = Vec::new();
        let end = filled.max(most).min(room.len());
        let received = receive(&mut self.stream, cx, room.get_mut(..end).unwrap_or_default(), &mut filled);
        if let Err(error) = self.open(batch, filled) {
            return Gathered::Broken(error);
        }
        if self.ended { Gathered::End } else { received }
    }

    fn seal(&mut self, plain: &[u8]) -> io::Result<()> {
        if self.silent {
            return Err(ErrorKind::BrokenPipe.into());
        }
        match &mut self.mode {
            Mode::InPlace(layer) => layer.add_data(plain, self.held.end()).map_err(|broke| self.broke(broke)),
            Mode::Rustls(rustls) => rustls.seal(plain, self.held.end()),
        }
    }

    /// Sends what is held, unless that is the last words alone: they wait for the first data, whatever is read or flushed
    /// before.
    fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.held.len() <= self.waiting {
            return Poll::Ready(Ok(()));
        }
        self.poll_drain(cx, &mut 0)
    }

    fn goodbye(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.silent, true) {
            return Ok(());
        }
        match &mut self.mode {
            Mode::InPlace(layer) => Ok(layer.add_close_notify(self.held.end())?),
            Mode::Rustls(rustls) => rustls.close(self.held.end()),
        }
    }
}

/// Reads until nothing is there or `room` is full.
fn receive<S: AsyncRead + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    room: &mut [u8],
    filled: &mut usize,
) -> Gathered {
    while let Some(rest) = room.get_mut(*filled..).filter(|rest| !rest.is_empty()) {
        match poll_read(stream, cx, rest) {
            Poll::Pending => return Gathered::Open,
            Poll::Ready(Ok(0)) => return Gathered::End,
            Poll::Ready(Ok(count)) => *filled += count,
            Poll::Ready(Err(error)) => return Gathered::Broken(error),
        }
    }
    Gathered::Full
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for TlsStream<S> {
    fn poll_gather(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Gathered {
        self.gather(cx, batch, CHUNK)
    }

    fn send(&mut self, cx: &mut Context<'_>, batch: &mut Batch, cuts: &Cuts) -> io::Result<()> {
        if self.silent {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let Mode::InPlace(layer) = &mut self.mode else {
            let parts: Vec<&[u8]> = cuts.as_slice().iter().map(|cut| cut.of(batch.bytes())).collect();
            self.hold(&parts.concat())?;
            let _ = self.poll_drain(cx, &mut 0)?;
            return Ok(());
        };
        let mut spill = Vec::new();
        let sealed = match place::seal(layer, batch.bytes_mut(), cuts.as_slice(), &mut spill) {
            Ok(sealed) => sealed,
            Err(broke) => return Err(self.broke(broke)),
        };
        self.held.write(&mut self.stream, cx, batch.bytes().get(sealed).unwrap_or_default())?;
        self.held.write(&mut self.stream, cx, &spill)
    }

    fn hold(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() { Ok(()) } else { self.seal(bytes) }
    }

    fn holds(&self) -> usize {
        self.held.len()
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, left: &mut u64) -> Poll<io::Result<()>> {
        self.waiting = 0;
        self.held.poll_drain(&mut self.stream, cx, left)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn rest(&mut self) {
        if let Mode::InPlace(layer) = &mut self.mode {
            layer.rest();
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(Pin::new(self), cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> IntoTransport for TlsStream<S> {
    type Transport = Self;

    fn into_transport(self) -> Self {
        self
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.plain.rest().is_empty() {
            let gathered = with_batch(|batch, _| {
                let gathered = this.gather(cx, batch, MAX_RECORD);
                batch.pieces().for_each(|piece| this.plain.add(piece));
                gathered
            });
            if !this.plain.rest().is_empty() {
                break;
            }
            // What TLS itself owes the peer, such as an alert.
            let drained = this.poll_owed(cx);
            match (gathered, drained) {
                // What was found first is told, and not that a peer that left took no answer.
                (Gathered::Broken(error), _) => return Poll::Ready(Err(error)),
                (Gathered::End, _) => return Poll::Ready(Ok(())),
                (Gathered::Open | Gathered::Full, Poll::Ready(Err(error))) => return Poll::Ready(Err(error)),
                (Gathered::Open, _) => return Poll::Pending,
                (Gathered::Full, _) => {}
            }
        }
        let count = this.plain.rest().len().min(buf.remaining());
        buf.put_slice(this.plain.rest().get(..count).unwrap_or_default());
        this.plain.take(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_owed(cx))?;
        let part = buf.get(..buf.len().min(MAX_PLAIN)).unwrap_or_default();
        this.hold(part)?;
        let _ = this.poll_drain(cx, &mut 0)?;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_owed(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.goodbye()?;
        ready!(this.poll_drain(cx, &mut 0))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

/// Bytes that are taken from the front. Empty, it has no memory.
#[derive(Debug, Default)]
struct Taken {
    bytes: Vec<u8>,
    taken: usize,
}

impl Taken {
    const fn new() -> Self {
        Self { bytes: Vec::new(), taken: 0 }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.bytes.len() {
            *self = Self::new();
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
