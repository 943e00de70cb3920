//! Records: sealed by a node, opened in place, sealed in place for the browser.

use consolegate::config::Engine;
use consolegate::record::{Gathered, IntoTransport, TlsStream, Transport, accept, connect, with_batch};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, version};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, DuplexStream, ReadBuf, duplex};

pub const RECORDS: u64 = 12;
const SIZE: usize = 4096;

/// Twelve records of 4 KiB, which a splice gathers and sends at once.
pub fn open_and_seal() -> Box<dyn FnMut()> {
    let (node, node_leg) = shaken();
    let (client_leg, mut client) = shaken();
    let (mut node, mut from) = (node.into_transport(), node_leg.into_transport());
    let mut to = client_leg.into_transport();
    let picture = vec![7; SIZE];
    let mut sink = vec![0; RECORDS as usize * SIZE];
    Box::new(move || {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..RECORDS {
            node.hold(&picture).expect("a key");
        }
        assert!(matches!(node.poll_drain(&mut cx, &mut 0), Poll::Ready(Ok(()))), "the duplex has room");
        with_batch(|batch, cuts| {
            assert!(matches!(from.poll_gather(&mut cx, batch), Gathered::Open));
            assert_eq!(batch.total(), RECORDS as usize * SIZE);
            for piece in batch.parts().1 {
                cuts.range(piece.clone());
            }
            to.send(&mut cx, batch, cuts).expect("a key");
        });
        assert_eq!(to.holds(), 0);
        let mut got = ReadBuf::new(&mut sink);
        while got.remaining() > 0 {
            let read = std::pin::Pin::new(&mut client).poll_read(&mut cx, &mut got);
            assert!(matches!(read, Poll::Ready(Ok(()))));
        }
    })
}

/// A server's and a client's end that have shaken hands.
fn shaken() -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (server, client) = configs();
    let (left, right) = duplex(1 << 20);
    let name = ServerName::try_from("node.example").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (server, client) = runtime.block_on(async {
        tokio::join!(accept(left, server, Engine::Auto), async {
            let (mut client, _) = connect(right, client, name, Engine::Auto).await.unwrap();
            // Its last words would leave with its first data, and the server waits for them.
            poll_fn(|cx| client.poll_drain(cx, &mut 0)).await.unwrap();
            client
        })
    });
    let server = server.unwrap();
    assert!(server.is_in_place() && client.is_in_place());
    (server, client)
}

fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let suite = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let provider = Arc::new(CryptoProvider { cipher_suites: vec![suite], ..aws_lc_rs::default_provider() });
    let made = rcgen::generate_simple_self_signed(["node.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let server = server.with_protocol_versions(&[&version::TLS13]).unwrap().with_no_client_auth();
    let mut server = server.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13]).unwrap();
    let mut client = client.with_root_certificates(roots).with_no_client_auth();
    // Tickets would be records of their own.
    server.send_tls13_tickets = 0;
    (server.enable_secret_extraction, client.enable_secret_extraction) = (true, true);
    (Arc::new(server), Arc::new(client))
}
