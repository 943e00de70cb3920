//! Handshakes against rustls's own: when what leaves, and how a wrong one ends.

use super::super::scene::{SUITES, TLS12, configs, name};
use super::*;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{DuplexStream, ReadBuf, duplex};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A transport that counts how often it is written to.
struct Written {
    stream: DuplexStream,
    times: Arc<AtomicUsize>,
}

impl Written {
    fn new(stream: DuplexStream) -> Self {
        Self { stream, times: Arc::default() }
    }
}

impl AsyncRead for Written {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Written {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.times.fetch_add(usize::from(written.is_ready()), Relaxed);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What it gives; on a paused clock, where both ends wait for each other, it fails at once.
async fn in_time<F: Future>(both: F) -> F::Output {
    timeout(Duration::from_secs(10), both).await.expect("what one end waits for left the other")
}

/// Waits for the peer once, and flushes: what may wait for the first data still does.
async fn idle(ours: &mut TlsStream<Written>) {
    poll_fn(|cx| {
        let read = Pin::new(&mut *ours).poll_read(cx, &mut ReadBuf::new(&mut [0; 9]));
        assert!(read.is_pending(), "{read:?}");
        Poll::Ready(())
    })
    .await;
    ours.flush().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_words_of_a_handshake_leave_with_the_first_data_in_one_write() {
    // In TLS 1.2 the client waits for the server's, so there they leave at once.
    for (suite, flights) in [(SUITES[0], (1, 1)), (TLS12[0], (2, 2))] {
        for engine in [Engine::Auto, Engine::Buffered] {
            let (server, client) = configs(suite);
            let (left, right) = duplex(1 << 16);
            let (left, right) = (Written::new(left), Written::new(right));
            let (of_server, of_client) = (Arc::clone(&left.times), Arc::clone(&right.times));
            let serving = async {
                let mut ours = accept(left, server, engine).await.unwrap();
                // They came in one write: there is data behind the handshake already.
                let mut heard = [0; 13];
                ours.read_exact(&mut heard).await.unwrap();
                idle(&mut ours).await;
                ours.write_all(b"of the server").await.unwrap();
                (ours, heard)
            };
            let asking = async {
                let (mut ours, _) = connect(right, client, name(), engine).await.unwrap();
                idle(&mut ours).await;
                ours.write_all(b"of the client").await.unwrap();
                let mut heard = [0; 13];
                ours.read_exact(&mut heard).await.unwrap();
                (ours, heard)
            };
            let ((_server, at_server), (_client, at_client)) = in_time(async { tokio::join!(serving, asking) }).await;
            assert_eq!((&at_server, &at_client), (b"of the client", b"of the server"));
            let times = (of_client.load(Relaxed), of_server.load(Relaxed));
            assert_eq!(times, (flights.0 + 1, flights.1 + 1), "its flights, and the rest with the data: {suite:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_only_ends_has_said_its_last_words() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (server, client) = configs(SUITES[0]);
        let (left, right) = duplex(1 << 16);
        let asking = async {
            let (mut ours, _) = connect(right, client, name(), engine).await.unwrap();
            ours.shutdown().await.unwrap();
            ours
        };
        let serving = async {
            let mut theirs = TlsAcceptor::from(server).accept(left).await.unwrap();
            assert_eq!(theirs.read(&mut [0; 9]).await.unwrap(), 0, "close_notify");
        };
        let ((), _ours) = in_time(async { tokio::join!(serving, asking) }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_ends_has_said_its_last_words() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (server, client) = configs(SUITES[0]);
        let (left, right) = duplex(1 << 16);
        let serving = async {
            let mut ours = accept(left, server, engine).await.unwrap();
            ours.shutdown().await.unwrap();
            ours
        };
        let asking = async {
            let mut theirs = TlsConnector::from(client).connect(name(), right).await.unwrap();
            assert_eq!(theirs.read(&mut [0; 9]).await.unwrap(), 0, "close_notify");
            assert!(theirs.get_ref().1.tls13_tickets_received() > 0);
        };
        let (_ours, ()) = in_time(async { tokio::join!(serving, asking) }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_goes_on_with_last_words_that_were_taken_in_part() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (mut server, client) = configs(SUITES[0]);
        // It would wait until they are read.
        Arc::make_mut(&mut server).send_tls13_tickets = 0;
        // Less than a Finished.
        let (left, right) = duplex(16);
        let serving = async {
            let mut theirs = TlsAcceptor::from(server).accept(left).await.unwrap();
            assert_eq!(theirs.read_u8().await.unwrap(), b'x');
        };
        let asking = async {
            let (mut ours, _) = connect(right, client, name(), engine).await.unwrap();
            ours.write_all(b"x").await.unwrap();
            ours.flush().await.unwrap();
            ours
        };
        let ((), _ours) = in_time(async { tokio::join!(serving, asking) }).await;
    }
}

#[tokio::test]
async fn a_wrong_handshake_is_refused_in_rustls_own_words() {
    let (server, _) = configs(SUITES[0]);
    let (_, stranger) = configs(SUITES[0]);
    let (left, right) = duplex(1 << 16);
    let (ours, theirs) =
        tokio::join!(accept(left, server, Engine::Auto), connect(right, stranger, name(), Engine::Auto));
    let inner = |error: io::Error| error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).cloned();
    assert!(matches!(inner(theirs.unwrap_err()), Some(Error::InvalidCertificate(_))));
    assert!(matches!(inner(ours.unwrap_err()), Some(Error::AlertReceived(_))), "and the peer was told");

    let (server, _) = configs(SUITES[0]);
    let (left, mut right) = duplex(1 << 16);
    right.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(inner(accept(left, server, Engine::Auto).await.unwrap_err()).is_some());

    let (server, _) = configs(SUITES[0]);
    let (left, mut right) = duplex(1 << 16);
    right.write_all(&[22, 3, 1, 0, 200, 1]).await.unwrap();
    right.shutdown().await.unwrap();
    assert_eq!(accept(left, server, Engine::Auto).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
}
