//! A gateway's two TLS legs between `openssl s_client` and `openssl s_server`.

use crate::PATIENCE;
use crate::peer::{Ended, Peer, Typed};
use crate::relay::relay;
use consolegate::config::Engine;
use consolegate::record::{IntoTransport, TlsStream, accept, connect};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::io;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const NAME: &str = "node.example";

/// What a server shows, and its clients trust.
pub(crate) struct Identity {
    pub(crate) cert_pem: String,
    pub(crate) key_pem: String,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        Self { cert_pem: made.cert.pem(), key_pem: made.signing_key.serialize_pem() }
    }

    fn cert(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.cert_pem.as_bytes()).unwrap()
    }

    fn server(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = builder.with_single_cert(vec![self.cert()], key).unwrap();
        config.enable_secret_extraction = true;
        Arc::new(config)
    }

    /// A client's configuration, with the tickets it was given.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.cert()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let mut config = builder.with_no_client_auth();
        config.enable_secret_extraction = true;
        Arc::new(config)
    }
}

/// How the two peers are started, and what the legs between them run on.
#[derive(Clone, Copy)]
pub(crate) struct Legs<'a> {
    pub(crate) client: &'a [&'a str],
    pub(crate) server: &'a [&'a str],
    pub(crate) engine: Engine,
    /// Whether the records of the client's and the node's leg are opened and sealed in place.
    pub(crate) in_place: (bool, bool),
}

/// Both peers and what is between them.
pub(crate) struct Scene {
    pub(crate) client: Peer,
    pub(crate) server: Peer,
    pub(crate) relay: JoinHandle<io::Result<()>>,
}

impl Scene {
    pub(crate) async fn begin(legs: Legs<'_>) -> Self {
        let identity = Identity::new();
        let (server, address) = Peer::server(&identity, 1, legs.server).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Peer::client(listener.local_addr().unwrap(), legs.client);
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.expect("openssl connects").unwrap();
        let theirs = timeout(PATIENCE, accept(stream, identity.server(), legs.engine)).await.expect("a handshake");
        let theirs = theirs.unwrap();
        let ours = open(address, identity.client(), legs.engine).await;
        assert_eq!((theirs.is_in_place(), ours.is_in_place()), legs.in_place);
        let relay = tokio::spawn(relay(theirs.into_transport(), ours.into_transport()));
        Self { client, server, relay }
    }

    /// Both type one letter more and receive it.
    async fn last_word(&mut self) {
        for peer in [&self.client, &self.server] {
            peer.types(vec![Typed::Data(vec![END])]).await.unwrap();
        }
        tokio::join!(self.client.prints(END), self.server.prints(END));
    }

    /// Both type at once, and receive each what the other typed; then the client leaves.
    pub(crate) async fn exchange(mut self, up: Vec<Typed>, down: Vec<Typed>) -> (Ended, Ended) {
        let (said_up, said_down) = (data(&up), data(&down));
        let (client_types, server_types) = (self.client.types(up), self.server.types(down));
        let (at_client, at_server) = tokio::join!(self.client.prints(END), self.server.prints(END));
        client_types.await.unwrap();
        server_types.await.unwrap();
        assert!(received(&at_client) == said_down, "the client received what the server sent");
        assert!(received(&at_server) == said_up, "the server received what the client sent");
        // An answer that TLS owes comes before the next data.
        self.last_word().await;
        self.client.leaves();
        timeout(PATIENCE, self.relay).await.expect("an end").unwrap().expect("a clean one");
        // The server ends after its one connection.
        (self.client.ended().await, self.server.ended().await)
    }
}

/// Opens a leg to a server.
pub(crate) async fn open(
    address: std::net::SocketAddr,
    config: Arc<ClientConfig>,
    engine: Engine,
) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    timeout(PATIENCE, connect(stream, config, name, engine)).await.expect("a handshake").unwrap().0
}

/// Around all that is typed, and nowhere in what openssl says by itself.
pub(crate) const BEGIN: u8 = b'^';
pub(crate) const END: u8 = b'~';

/// So many KiB in lines of `line` bytes, each different, with a command after every `each` of them.
pub(crate) fn text(kib: usize, line: usize, commands: &[Typed], each: usize) -> Vec<Typed> {
    let mut typed = vec![Typed::Data(vec![BEGIN])];
    let mut commands = commands.iter().cycle();
    // None of these begins a command.
    let letters = b"0123456789adefgh";
    let mut state = 1_u64;
    for number in 1..=(kib * 1024).div_ceil(line) {
        let data = (0..line).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            letters[(state >> 60) as usize]
        });
        typed.push(Typed::Data(data.collect()));
        if number % each == 0 {
            typed.extend(commands.next().cloned());
        }
    }
    typed.push(Typed::Data(vec![END]));
    typed
}

fn data(typed: &[Typed]) -> Vec<u8> {
    let parts = typed.iter().filter_map(|each| match each {
        Typed::Data(data) => Some(data.as_slice()),
        Typed::Update | Typed::UpdateBoth => None,
    });
    parts.collect::<Vec<_>>().concat()
}

/// What was received, without what a server says of the connection: before it, and wherever TLS speaks for itself.
fn received(printed: &[u8]) -> Vec<u8> {
    let begin = printed.iter().position(|byte| *byte == BEGIN).expect("the beginning");
    let text = String::from_utf8(printed[begin..].to_vec()).unwrap();
    text.replace("Read BLOCK\n", "").replace("SSL_do_handshake -> 1\n", "").into_bytes()
}
