//! A leg's transport in the splice: what waits to be written, and reads that hold no buffer.

use super::cuts::{Cut, Cuts};
use crate::wire::walk::Control;
use crate::wire::websocket::{Opcode, frame};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that waits as frames of our own.
const MAX_OWN: usize = 2048;

/// A transport and what could not be written yet. Idle, it holds no buffer.
#[derive(Debug)]
pub(super) struct Side<S> {
    pub(super) stream: S,
    held: Vec<u8>,
    sent: usize,
    unflushed: bool,
    /// Frames of our own that wait for a boundary.
    pub(super) own: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Side<S> {
    /// A transport after its handshake; `held` goes out first. What the handshake wrote may not have been flushed.
    pub(super) const fn new(stream: S, held: Vec<u8>) -> Self {
        Self { stream, held, sent: 0, unflushed: true, own: Vec::new() }
    }

    /// Bytes that wait to be written.
    pub(super) const fn holds(&self) -> usize {
        self.held.len() - self.sent
    }

    /// Reads what is there, at most `buffer`. `Ok(0)` is the end.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        match Pin::new(&mut self.stream).poll_read(cx, &mut read) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Ok(read.filled().len())),
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Poll::Ready(Ok(0)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }

    /// Queues parts of a chunk. A chunk that leaves as it is goes straight to the transport.
    pub(super) fn write(&mut self, cx: &mut Context<'_>, chunk: &[u8], cuts: &Cuts) -> io::Result<()> {
        for cut in cuts.as_slice() {
            let bytes = match cut {
                Cut::Range(range) => chunk.get(range.clone()).unwrap_or_default(),
                Cut::Header(header) => header.as_slice(),
                Cut::Own(own) => own,
            };
            let rest = if self.holds() == 0 && cuts.as_slice().len() == 1 {
                let written = self.write_now(cx, bytes)?;
                bytes.get(written..).unwrap_or_default()
            } else {
                bytes
            };
            self.held.extend_from_slice(rest);
        }
        Ok(())
    }

    /// Queues a pong, unless so many wait that the peer does not read them.
    pub(super) fn answer(&mut self, mask: Option<[u8; 4]>, ping: &Control) {
        if self.own.len() < MAX_OWN {
            self.own.extend_from_slice(&frame(Opcode::Pong, mask, ping.payload()));
        }
    }

    /// Queues whole frames; only between two frames.
    pub(super) fn queue(&mut self, frames: &[u8]) {
        self.held.extend_from_slice(frames);
    }

    /// Queues frames of our own; only between two frames.
    pub(super) fn push_own(&mut self) {
        self.held.append(&mut self.own);
    }

    fn write_now(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.unflushed = true;
                    written += count;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        Ok(written)
    }

    /// Writes what waits; ready when nothing does. The bytes that left are added to `left`.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>, left: &mut u64) -> Poll<io::Result<()>> {
        while self.holds() > 0 {
            let bytes = self.held.get(self.sent..).unwrap_or_default();
            match Pin::new(&mut self.stream).poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.unflushed = true;
                    self.sent += count;
                    *left += count as u64;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        (self.held, self.sent) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }

    /// Flushes once the other side has nothing more: many frames leave in one record.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.unflushed = false;
        }
        flushed
    }
}
