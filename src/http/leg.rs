//! A client's stream while it still speaks HTTP: what hyper reads from and writes to.
//!
//! Adds what hyper lacks: strict line endings, patience that ends with a client that asks and does not read, and an end
//! that lets the last answer arrive. Taken off again when the connection becomes a WebSocket; owns no bytes.

use super::lines::Lines;
use crate::listen::Patience;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// After the last answer: how long, and for how many bytes, the client's remaining request is read away. Closing over
/// unread bytes would reset the connection and may take the answer with it.
const LINGER: (Duration, usize) = (Duration::from_secs(2), 4 * 1024 * 1024);

/// The stream and what is watched on it.
#[derive(Debug)]
pub(super) struct Leg<S> {
    stream: Patience<S>,
    lines: Lines,
    within: Arc<AtomicBool>,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Leg<S> {
    /// `within` says at any time whether a request has begun and not ended; `patience`: how long a write may wait.
    pub(super) fn new(stream: S, within: Arc<AtomicBool>, patience: Duration) -> Self {
        Self { stream: Patience::new(stream, patience), lines: Lines::default(), within, lingering: None }
    }

    /// The stream itself, once it is no longer HTTP.
    pub(super) fn into_inner(self) -> S {
        self.stream.into_inner()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Leg<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if let Some(new) = buf.filled_mut().get_mut(before..) {
            self.lines.walk(new);
        }
        self.within.store(self.lines.is_within(), Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Leg<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let (until, left) = this.lingering.get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER.0)), LINGER.1));
        let mut away = [0; 4096];
        while *left > 0 && until.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut away);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => *left = left.saturating_sub(buf.filled().len()),
                // Its end, or its reset: either way nothing more comes.
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn leg<S>(stream: S) -> Leg<S> {
        Leg::new(stream, Arc::default(), Duration::from_secs(30))
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_the_client_but_not_for_long() {
        let (server, mut client) = duplex(64);
        client.write_all(&[b'x'; 64]).await.unwrap();
        let started = tokio::time::Instant::now();
        leg(server).shutdown().await.unwrap();
        assert_eq!(started.elapsed(), LINGER.0);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_is_at_once_when_the_client_ends_too() {
        let (server, client) = duplex(64);
        drop(client);
        let started = tokio::time::Instant::now();
        leg(server).shutdown().await.unwrap();
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn it_knows_whether_a_request_has_begun() {
        let (server, mut client) = duplex(64);
        let within = Arc::new(AtomicBool::new(false));
        let mut leg = Leg::new(server, Arc::clone(&within), Duration::from_secs(1));
        client.write_all(b"GET / HT").await.unwrap();
        leg.read_exact(&mut [0; 8]).await.unwrap();
        assert!(within.load(Ordering::Relaxed));
        client.write_all(b"TP/1.1\r\n\r\n").await.unwrap();
        leg.read_exact(&mut [0; 10]).await.unwrap();
        assert!(!within.load(Ordering::Relaxed));
    }
}
