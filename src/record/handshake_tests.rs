//! Handshakes against rustls's own: when what leaves, and how a wrong one ends.

use super::super::scene::{SUITES, configs, name};
use super::*;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use tokio::io::{DuplexStream, ReadBuf, duplex};
use tokio_rustls::TlsAcceptor;

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

#[tokio::test]
async fn the_last_words_of_a_handshake_leave_with_the_first_data_in_one_write() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (server, client) = configs(SUITES[0]);
        let (left, right) = duplex(1 << 16);
        let (left, right) = (Written::new(left), Written::new(right));
        let (of_server, of_client) = (Arc::clone(&left.times), Arc::clone(&right.times));
        let serving = async {
            let mut ours = accept(left, server, engine).await.unwrap();
            ours.write_all(b"behind the tickets").await.unwrap();
            ours.flush().await.unwrap();
            ours
        };
        let asking = async {
            let (mut theirs, _) = connect(right, client, name(), engine).await.unwrap();
            theirs.write_all(b"behind the Finished").await.unwrap();
            theirs.flush().await.unwrap();
            theirs
        };
        let (mut ours, mut theirs) = tokio::join!(serving, asking);
        let (mut at_ours, mut at_theirs) = ([0; 19], [0; 18]);
        ours.read_exact(&mut at_ours).await.unwrap();
        theirs.read_exact(&mut at_theirs).await.unwrap();
        assert_eq!((&at_ours, &at_theirs), (b"behind the Finished", b"behind the tickets"));
        let times = (of_client.load(Relaxed), of_server.load(Relaxed));
        assert_eq!(times, (2, 2), "its flight, and the rest with the data");
    }
}

#[tokio::test]
async fn the_last_words_of_a_handshake_leave_when_the_peer_is_waited_for() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (server, client) = configs(SUITES[0]);
        let (left, right) = duplex(1 << 16);
        let speaking = async {
            let mut theirs = TlsAcceptor::from(server).accept(left).await.unwrap();
            theirs.write_all(b"first").await.unwrap();
            theirs.flush().await.unwrap();
            theirs
        };
        let listening = async {
            let (mut ours, _) = connect(right, client, name(), engine).await.unwrap();
            let mut heard = [0; 5];
            ours.read_exact(&mut heard).await.unwrap();
            heard
        };
        let (_theirs, heard) = tokio::join!(speaking, listening);
        assert_eq!(&heard, b"first");
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
