//! What a splice needs of a leg: chunks in, chunks out, and nothing held while it waits.
//!
//! Back-pressure is the caller's: it gathers only while the other leg holds nothing.

use super::batch::{Batch, Cut, Cuts};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

/// How a leg ended, or that it goes on.
#[derive(Debug)]
pub enum Gathered {
    /// Nothing more is there now; the context is woken when there is.
    Open,
    /// The batch took no more; ask again.
    Full,
    /// The peer sends no more.
    End,
    /// The leg is broken.
    Broken(io::Error),
}

/// One leg of a splice.
pub trait Transport: Unpin {
    /// Receives what is there, as much as the batch takes. What was gathered before an end is in the batch.
    fn poll_gather(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Gathered;

    /// Sends parts of a batch; holds what the transport does not take. What lies in the batch afterwards means nothing.
    ///
    /// # Errors
    /// The transport's.
    fn send(&mut self, cx: &mut Context<'_>, batch: &mut Batch, cuts: &Cuts) -> io::Result<()>;

    /// Holds these bytes, to be sent after what is held already.
    ///
    /// # Errors
    /// They cannot be sealed.
    fn hold(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// How many bytes wait to be sent.
    fn holds(&self) -> usize;

    /// Sends what is held; ready when nothing is. The bytes that left are added to `left`.
    fn poll_drain(&mut self, cx: &mut Context<'_>, left: &mut u64) -> Poll<io::Result<()>>;

    /// Gives what was sent to the network.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Little goes on for now: gives back what can be made again.
    fn rest(&mut self);

    /// Ends the sending half, once nothing is held.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A byte stream that can become a leg of a splice.
pub trait IntoTransport: AsyncRead + AsyncWrite + Unpin {
    /// What it becomes.
    type Transport: Transport;

    /// Becomes it.
    fn into_transport(self) -> Self::Transport;
}

impl IntoTransport for TcpStream {
    type Transport = Plain<Self>;

    fn into_transport(self) -> Plain<Self> {
        Plain::new(self)
    }
}

impl IntoTransport for DuplexStream {
    type Transport = Plain<Self>;

    fn into_transport(self) -> Plain<Self> {
        Plain::new(self)
    }
}

/// Parts that leave in one system call at the most.
const MOST_PARTS: usize = 64;

/// A leg whose bytes are nobody's business but its own.
#[derive(Debug)]
pub struct Plain<S> {
    stream: S,
    held: Held,
    unflushed: bool,
}

impl<S> Plain<S> {
    const fn new(stream: S) -> Self {
        Self { stream, held: Held::new(), unflushed: true }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for Plain<S> {
    fn poll_gather(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Gathered {
        loop {
            let room = batch.room();
            if room.is_empty() {
                return Gathered::Full;
            }
            match poll_read(&mut self.stream, cx, room) {
                Poll::Pending => return Gathered::Open,
                Poll::Ready(Ok(0)) => return Gathered::End,
                Poll::Ready(Ok(len)) => batch.push(len),
                Poll::Ready(Err(error)) => return Gathered::Broken(error),
            }
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, batch: &mut Batch, cuts: &Cuts) -> io::Result<()> {
        self.unflushed = true;
        if let [only] = cuts.as_slice() {
            return self.held.write(&mut self.stream, cx, only.of(batch.bytes()));
        }
        let (mut rest, mut sent) = (cuts.as_slice(), 0);
        while self.held.is_empty() && !rest.is_empty() {
            let mut parts = [IoSlice::new(&[]); MOST_PARTS];
            for (slot, cut) in parts.iter_mut().zip(rest) {
                *slot = IoSlice::new(cut.of(batch.bytes()));
            }
            let [first, ..] = &mut parts;
            first.advance(sent);
            let count = rest.len().min(MOST_PARTS);
            match Pin::new(&mut self.stream).poll_write_vectored(cx, parts.get(..count).unwrap_or_default()) {
                Poll::Ready(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => (rest, sent) = after(rest, sent + written),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        for (index, cut) in rest.iter().enumerate() {
            let bytes = cut.of(batch.bytes());
            self.held.add(bytes.get(if index == 0 { sent } else { 0 }..).unwrap_or_default());
        }
        Ok(())
    }

    fn hold(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.add(bytes);
        Ok(())
    }

    fn holds(&self) -> usize {
        self.held.len()
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, left: &mut u64) -> Poll<io::Result<()>> {
        self.unflushed |= !self.held.is_empty();
        self.held.poll_drain(&mut self.stream, cx, left)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.unflushed = false;
        }
        flushed
    }

    fn rest(&mut self) {}

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The parts that are left once so many bytes of them are gone, and how many of the first are gone too.
fn after(mut cuts: &[Cut], mut gone: usize) -> (&[Cut], usize) {
    while let Some((first, rest)) = cuts.split_first() {
        let len = match first {
            Cut::Range(range) => range.len(),
            Cut::Header(_) | Cut::Own(_) => first.of(&[]).len(),
        };
        if gone < len {
            break;
        }
        (cuts, gone) = (rest, gone - len);
    }
    (cuts, gone)
}

/// Reads once. `Ok(0)` is the end, also where TLS ends without a word (libraries reference 2).
pub(super) fn poll_read<S: AsyncRead + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut read = ReadBuf::new(buffer);
    match Pin::new(stream).poll_read(cx, &mut read) {
        Poll::Pending => Poll::Pending,
        Poll::Ready(Ok(())) => Poll::Ready(Ok(read.filled().len())),
        Poll::Ready(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Poll::Ready(Ok(0)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
    }
}

/// Bytes that wait to be written. Empty, it has no memory.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    sent: usize,
}

impl Held {
    pub(super) const fn new() -> Self {
        Self { bytes: Vec::new(), sent: 0 }
    }

    pub(super) const fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, sent: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The end, to add to.
    pub(super) const fn end(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Writes these bytes if nothing waits before them, and keeps what is not taken.
    pub(super) fn write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> io::Result<()> {
        let mut rest = bytes;
        while self.is_empty() && !rest.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => rest = rest.get(count..).unwrap_or_default(),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        self.add(rest);
        Ok(())
    }

    pub(super) fn poll_drain<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        left: &mut u64,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let bytes = self.bytes.get(self.sent..).unwrap_or_default();
            match Pin::new(&mut *stream).poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.sent += count;
                    *left += count as u64;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        *self = Self::new();
        Poll::Ready(Ok(()))
    }
}
