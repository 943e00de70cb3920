//! The stream against rustls's own: every suite and version, cut anywhere, with updates, alerts and endings.

use super::super::scene::{SUITES, TLS12, accepted, configs, connected, name, shaken};
use super::super::{accept, connect};
use super::*;
use crate::config::Engine;
use rustls::SupportedCipherSuite;
use std::future::poll_fn;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

impl<S> TlsStream<S> {
    /// The keys of a connection, for tests of them alone.
    pub(in super::super) fn into_layer(self) -> Layer {
        match self.mode {
            Mode::InPlace(layer) => *layer,
            Mode::Rustls(_) => panic!("the keys are rustls's"),
        }
    }
}

/// Ours as the server, rustls's as the client.
async fn as_server(
    suite: SupportedCipherSuite,
    engine: Engine,
    room: usize,
) -> (TlsStream<DuplexStream>, client::TlsStream<DuplexStream>) {
    let (server, client) = configs(suite);
    let (left, right) = duplex(room);
    let connecting = TlsConnector::from(client).connect(name(), right);
    let (ours, theirs) = tokio::join!(accepted(left, server, engine), connecting);
    (ours, theirs.unwrap())
}

/// Ours as the client, rustls's as the server.
async fn as_client(
    suite: SupportedCipherSuite,
    engine: Engine,
    room: usize,
) -> (TlsStream<DuplexStream>, server::TlsStream<DuplexStream>) {
    let (server, client) = configs(suite);
    let (left, right) = duplex(room);
    let accepting = TlsAcceptor::from(server).accept(left);
    let ((ours, leaf), theirs) = tokio::join!(connected(right, client, engine), accepting);
    assert!(leaf.is_some_and(|leaf| leaf.len() > 100));
    (ours, theirs.unwrap())
}

fn text(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 31 + n / 251 + seed) as u8).collect()
}

/// Sends on both ends at once and compares what arrives.
async fn exchange<A, B>(ours: &mut A, theirs: &mut B, len: usize)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (up, down) = (text(len, 1), text(len, 2));
    let (mut from_ours, mut to_ours) = tokio::io::split(ours);
    let (mut from_theirs, mut to_theirs) = tokio::io::split(theirs);
    let (mut at_theirs, mut at_ours) = (vec![0; len], vec![0; len]);
    let sends = async {
        let one = async {
            to_ours.write_all(&up).await.unwrap();
            to_ours.flush().await.unwrap();
        };
        let two = async {
            to_theirs.write_all(&down).await.unwrap();
            to_theirs.flush().await.unwrap();
        };
        tokio::join!(one, two)
    };
    let reads = async { tokio::join!(from_theirs.read_exact(&mut at_theirs), from_ours.read_exact(&mut at_ours)) };
    let (_, (one, two)) = tokio::join!(sends, reads);
    one.unwrap();
    two.unwrap();
    assert!(at_theirs == up && at_ours == down);
}

#[tokio::test]
async fn every_suite_of_every_version_speaks_with_rustls_in_both_roles() {
    for suite in SUITES.into_iter().chain(TLS12) {
        for engine in [Engine::Auto, Engine::Buffered] {
            let in_place = engine == Engine::Auto && suite.tls13().is_some();
            let (mut ours, mut theirs) = as_server(suite, engine, 1 << 16).await;
            assert_eq!(ours.is_in_place(), in_place);
            exchange(&mut ours, &mut theirs, 300_000).await;
            let (mut ours, mut theirs) = as_client(suite, engine, 1 << 16).await;
            assert_eq!(ours.is_in_place(), in_place);
            exchange(&mut ours, &mut theirs, 300_000).await;
        }
    }
}

/// A transport that takes and gives a few bytes at a time.
struct Trickle(DuplexStream, usize);

impl AsyncRead for Trickle {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut few = vec![0; self.1.min(buf.remaining())];
        let mut read = ReadBuf::new(&mut few);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut read))?;
        buf.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Trickle {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let few = &buf[..buf.len().min(self.1)];
        Pin::new(&mut self.0).poll_write(cx, few)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn s04_w14_records_may_be_cut_at_every_byte() {
    for engine in [Engine::Auto, Engine::Buffered] {
        for few in [1, 7, 1460] {
            let (server, client) = configs(SUITES[0]);
            let (left, right) = duplex(1 << 16);
            let accepting = accepted(Trickle(left, few), server, engine);
            let connecting = connected(Trickle(right, few), client, engine);
            let (mut ours, (mut theirs, _)) = tokio::join!(accepting, connecting);
            exchange(&mut ours, &mut theirs, 20_000).await;
        }
    }
}

#[tokio::test]
async fn the_peer_may_update_its_keys_at_any_time() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (mut ours, mut theirs) = as_server(SUITES[0], engine, 1 << 16).await;
        for _ in 0..5 {
            theirs.get_mut().1.refresh_traffic_keys().unwrap();
            exchange(&mut ours, &mut theirs, 30_000).await;
        }
        let (mut ours, mut theirs) = as_client(SUITES[2], engine, 1 << 16).await;
        for _ in 0..5 {
            theirs.get_mut().1.refresh_traffic_keys().unwrap();
            exchange(&mut ours, &mut theirs, 30_000).await;
        }
    }
}

#[tokio::test]
async fn our_updates_are_understood() {
    let (mut ours, mut theirs) = as_server(SUITES[0], Engine::Auto, 1 << 16).await;
    for _ in 0..5 {
        let Mode::InPlace(layer) = &mut ours.mode else { panic!() };
        layer.owe_update();
        exchange(&mut ours, &mut theirs, 30_000).await;
    }
}

#[tokio::test]
async fn w18_a_goodbye_is_an_end_and_what_comes_behind_it_is_nothing() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (mut ours, mut theirs) = as_server(SUITES[0], engine, 1 << 16).await;
        theirs.write_all(b"last words").await.unwrap();
        theirs.shutdown().await.unwrap();
        let mut all = Vec::new();
        ours.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"last words");
        ours.write_all(b"and mine").await.unwrap();
        ours.shutdown().await.unwrap();
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"and mine");
        assert!(ours.write_all(b"more").await.is_err(), "nothing follows a goodbye");
    }
}

#[tokio::test]
async fn an_end_without_a_goodbye_is_an_end_too() {
    let (mut ours, theirs) = as_server(SUITES[0], Engine::Auto, 1 << 16).await;
    drop(theirs);
    assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn while_a_peer_is_silent_nothing_of_a_handshake_is_kept_but_its_last_words() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (server, client) = configs(SUITES[0]);
        let (left, right) = duplex(1 << 16);
        let connecting = TlsConnector::from(client).connect(name(), right);
        let (ours, _theirs) = tokio::join!(accept(left, server, engine), connecting);
        let mut ours = ours.unwrap();
        assert!(ours.holds() > 0);
        assert_eq!(ours.held.end().capacity(), ours.holds());
    }
}

/// A connection whose transport the test holds in its hands: ours, and rustls's without one.
struct ByHand {
    ours: TlsStream<DuplexStream>,
    wire: DuplexStream,
    theirs: rustls::ClientConnection,
}

impl ByHand {
    async fn new(engine: Engine) -> Self {
        let (server, client) = configs(SUITES[0]);
        let (left, right) = duplex(1 << 16);
        let connecting = TlsConnector::from(client).connect(name(), right);
        // Its tickets still wait, so an alert has to take them along.
        let (ours, theirs) = tokio::join!(accept(left, server, engine), connecting);
        let (wire, theirs) = theirs.unwrap().into_inner();
        Self { ours: ours.unwrap(), wire, theirs }
    }

    fn sealed(&mut self, plain: &[u8]) -> Vec<u8> {
        io::Write::write_all(&mut self.theirs.writer(), plain).unwrap();
        let mut out = Vec::new();
        while self.theirs.wants_write() {
            self.theirs.write_tls(&mut out).unwrap();
        }
        out
    }

    /// The error that rustls has for what we send.
    async fn told(&mut self) -> rustls::Error {
        let _ = self.ours.flush().await;
        loop {
            let mut bytes = vec![0; 4096];
            let read = timeout(Duration::from_secs(10), self.wire.read(&mut bytes)).await;
            let count = read.expect("the alert left").unwrap();
            assert_ne!(count, 0, "an alert comes before the end");
            let mut bytes = &bytes[..count];
            while !bytes.is_empty() {
                self.theirs.read_tls(&mut bytes).unwrap();
                if let Err(error) = self.theirs.process_new_packets() {
                    return error;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_record_that_does_not_open_ends_it_with_an_alert_and_nothing_of_it_is_passed_on() {
    for (change, engine) in [7, 20, 30].into_iter().zip([Engine::Auto, Engine::Buffered].into_iter().cycle()) {
        let mut hand = ByHand::new(engine).await;
        let good = hand.sealed(b"good");
        let mut bad = hand.sealed(b"these bytes are changed on their way");
        let late = hand.sealed(b"late");
        let at = bad.len() - change;
        bad[at] ^= 1;
        hand.wire.write_all(&[good, bad, late].concat()).await.unwrap();
        let mut got = vec![0; 100];
        let count = hand.ours.read(&mut got).await.unwrap();
        assert_eq!(got[..count], *b"good");
        for _ in 0..3 {
            let error = hand.ours.read(&mut got).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            let words = ["does not open", "cannot decrypt"];
            assert!(words.iter().any(|words| error.to_string().contains(words)), "{error}");
        }
        let told = hand.told().await;
        assert_eq!(told, rustls::Error::AlertReceived(rustls::AlertDescription::BadRecordMac));
        assert!(hand.ours.write_all(b"x").await.is_err(), "nothing follows the alert");
    }
}

#[tokio::test]
async fn what_a_peer_did_before_it_left_is_told_and_not_that_no_answer_reached_it() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let mut hand = ByHand::new(engine).await;
        let mut bad = hand.sealed(b"changed on its way");
        *bad.last_mut().unwrap() ^= 1;
        let ByHand { mut ours, mut wire, .. } = hand;
        wire.write_all(&bad).await.unwrap();
        drop(wire);
        assert_eq!(ours.read(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::InvalidData, "no alert can leave");

        let (mut ours, mut theirs) = as_server(SUITES[0], engine, 1 << 16).await;
        // More than the transport takes.
        while ours.holds() == 0 {
            ours.write_all(&text(10_000, 4)).await.unwrap();
        }
        theirs.shutdown().await.unwrap();
        drop(theirs);
        assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 0, "what is held can leave no more");
    }
}

#[tokio::test]
async fn what_is_no_record_of_an_established_connection_is_told_so() {
    use rustls::AlertDescription::{RecordOverflow, UnexpectedMessage};
    let change_cipher_spec: &[u8] = &[20, 3, 3, 0, 1, 1];
    let plain_alert: &[u8] = &[21, 3, 3, 0, 2, 1, 0];
    let too_long: &[u8] = &[23, 3, 3, 0x41, 1];
    for (bytes, alert) in [
        (change_cipher_spec, UnexpectedMessage),
        (plain_alert, UnexpectedMessage),
        (b"GET / HTTP/1.1\r\n", UnexpectedMessage),
        (too_long, RecordOverflow),
    ] {
        let mut hand = ByHand::new(Engine::Auto).await;
        hand.wire.write_all(bytes).await.unwrap();
        assert!(hand.ours.read(&mut [0; 9]).await.is_err());
        assert_eq!(hand.told().await, rustls::Error::AlertReceived(alert), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_leg_gathers_what_came_in_pieces_and_holds_nothing_while_it_waits() {
    for engine in [Engine::Auto, Engine::Buffered] {
        let (mut ours, mut theirs) = shaken(SUITES[0], engine, 1 << 18).await;
        theirs.write_all(&text(40_000, 3)).await.unwrap();
        // What a handshake above TLS read too far comes first.
        let mut first = [0; 10];
        ours.read_exact(&mut first).await.unwrap();
        let mut all = first.to_vec();
        let mut ours = ours.into_transport();
        poll_fn(|cx| {
            loop {
                let gathered = with_batch(|batch, _| {
                    let gathered = ours.poll_gather(cx, batch);
                    batch.pieces().for_each(|piece| all.extend_from_slice(piece));
                    gathered
                });
                match gathered {
                    Gathered::Full => {}
                    Gathered::Open if all.len() < 40_000 => return Poll::Pending,
                    Gathered::Open => return Poll::Ready(()),
                    Gathered::End | Gathered::Broken(_) => panic!("{gathered:?}"),
                }
            }
        })
        .await;
        assert!(all == text(40_000, 3));
        assert_eq!((ours.raw.capacity(), ours.plain.bytes.capacity(), ours.held.end().capacity()), (0, 0, 0));
    }
}

/// What one end says first to a peer that says `before`.
fn first_flight(connection: &mut rustls::Connection, mut before: &[u8]) -> Vec<u8> {
    while !before.is_empty() {
        connection.read_tls(&mut before).unwrap();
        connection.process_new_packets().unwrap();
    }
    let mut flight = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut flight).unwrap();
    }
    flight
}

#[tokio::test]
async fn s05_a_flight_with_a_wrong_byte_anywhere_is_refused_or_taken_and_nothing_else() {
    for suite in [SUITES[0], TLS12[0]] {
        let (server, client) = configs(suite);
        let hello = first_flight(&mut rustls::ClientConnection::new(client, name()).unwrap().into(), &[]);
        for at in 0..hello.len() {
            let mut wrong = hello.clone();
            wrong[at] ^= 0x41;
            let (left, mut right) = duplex(1 << 16);
            right.write_all(&wrong).await.unwrap();
            right.shutdown().await.unwrap();
            let error = accept(left, server.clone(), Engine::Auto).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof), "{at}: {error}");
        }
    }
}

#[tokio::test]
async fn u03_a_servers_flight_with_a_wrong_byte_anywhere_is_refused() {
    for suite in [SUITES[0], TLS12[0]] {
        let (server, client) = configs(suite);
        for at in (0..900).step_by(7) {
            let (left, mut right) = duplex(1 << 16);
            let peer = async {
                let mut hello = vec![0; 16_384];
                let count = right.read(&mut hello).await.unwrap();
                let mut connection = rustls::ServerConnection::new(server.clone()).unwrap().into();
                let mut flight = first_flight(&mut connection, &hello[..count]);
                let at = at % flight.len();
                flight[at] ^= 0x41;
                right.write_all(&flight).await.unwrap();
                right.shutdown().await.unwrap();
            };
            let (error, ()) = tokio::join!(connect(left, client.clone(), name(), Engine::Auto), peer);
            let error = error.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof), "{at}: {error}");
        }
    }
}
