//! Which key exchange a server chose the last time, so that the next hello shows a share of that one alone.
//!
//! Without it every hello carries a share for the post-quantum exchange that rustls likes best, 1.2 KiB and a key to be
//! made, although a node of Proxmox 8 has never heard of it. What is offered, and in which order, stays the same, so a
//! server that prefers another one asks for it (RFC 8446 section 4.1.4). One that is content with whatever share it is
//! shown would keep the one it had, so after an hour the best is shown again.
//!
//! Never remembers a session: a resumed one skips the verifier, and both calls of a console must show the certificate they
//! compare.

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a choice is believed.
const KEPT: Duration = Duration::from_secs(3600);

/// The choice of the one server that a configuration is for, and since when.
#[derive(Debug, Default)]
pub(super) struct ChosenGroup(Mutex<Option<(NamedGroup, Instant)>>);

impl ChosenGroup {
    fn chosen(&self) -> MutexGuard<'_, Option<(NamedGroup, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for ChosenGroup {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        // What it chose of a share alone says nothing new, and does not make the choice younger.
        if self.kx_hint(&server) != Some(group) {
            *self.chosen() = Some((group, Instant::now()));
        }
    }

    fn kx_hint(&self, _server: &ServerName<'_>) -> Option<NamedGroup> {
        self.chosen().filter(|(_, since)| since.elapsed() < KEPT).map(|(group, _)| group)
    }

    fn set_tls12_session(&self, _server: ServerName<'static>, _session: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _server: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _server: ServerName<'static>, _ticket: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NodeTls, server_tls};
    use super::*;
    use crate::record::connect;
    use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
    use rustls::crypto::{CryptoProvider, SupportedKxGroup};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{HandshakeKind, ServerConfig};
    use std::io::Cursor;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, join, split};
    use tokio_rustls::TlsAcceptor;

    /// ML-KEM-768's part of a share: its encapsulation key (FIPS 203).
    const SHARE: usize = 1184;

    struct Server {
        key: rcgen::KeyPair,
        certificate: rcgen::Certificate,
    }

    impl Server {
        fn new() -> Self {
            let made = rcgen::generate_simple_self_signed(vec!["node.example".into()]).unwrap();
            Self { key: made.signing_key, certificate: made.cert }
        }

        /// A client that believes it.
        fn believed(&self) -> NodeTls {
            server_tls("node.example", Some(self.certificate.pem().as_bytes())).unwrap()
        }

        fn with(&self, kx_groups: &[&'static dyn SupportedKxGroup]) -> Arc<ServerConfig> {
            let provider = CryptoProvider { kx_groups: kx_groups.to_vec(), ..default_provider() };
            let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
            let config = ServerConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
            let config = config.unwrap().with_no_client_auth();
            Arc::new(config.with_single_cert(vec![self.certificate.der().clone()], key).unwrap())
        }
    }

    /// How long the hello was, what the server chose, and in which way.
    async fn shake(tls: &NodeTls, server: Arc<ServerConfig>) -> (usize, NamedGroup, HandshakeKind) {
        let (left, right) = duplex(1 << 16);
        let serving = async {
            let (mut read, write) = split(left);
            let mut hello = vec![0; 5];
            read.read_exact(&mut hello).await.unwrap();
            let size = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
            hello.resize(5 + size, 0);
            read.read_exact(&mut hello[5..]).await.unwrap();
            let stream = join(Cursor::new(hello).chain(read), write);
            let mut stream = TlsAcceptor::from(server).accept(stream).await.unwrap();
            // Behind the tickets.
            stream.write_all(b"x").await.unwrap();
            stream.flush().await.unwrap();
            let tls = stream.get_ref().1;
            (size, tls.negotiated_key_exchange_group().unwrap().name(), tls.handshake_kind().unwrap())
        };
        let asking = async {
            let (mut stream, _) = connect(right, Arc::clone(&tls.config), tls.name.clone(), tls.engine).await.unwrap();
            // Its Finished leaves with its first data, and the server waits for it.
            stream.write_all(b"x").await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'x');
            stream
        };
        tokio::join!(serving, asking).0
    }

    const OLD: &[&dyn SupportedKxGroup] = &[kx_group::X25519];
    const NEW: &[&dyn SupportedKxGroup] = &[kx_group::X25519MLKEM768, kx_group::X25519];

    #[tokio::test]
    async fn the_share_that_a_node_did_not_want_is_shown_once() {
        let server = Server::new();
        let (tls, old) = (server.believed(), server.with(OLD));
        let (first, group, _) = shake(&tls, Arc::clone(&old)).await;
        assert!(first > SHARE && group == NamedGroup::X25519, "{first} {group:?}");
        let (second, group, _) = shake(&tls, old).await;
        assert!(second < SHARE && group == NamedGroup::X25519, "{second} {group:?}");
    }

    #[tokio::test]
    async fn a_node_that_asks_for_a_better_exchange_gets_it() {
        let server = Server::new();
        let (tls, new) = (server.believed(), server.with(&NEW[..1]));
        shake(&tls, server.with(OLD)).await;
        let (_, group, kind) = shake(&tls, Arc::clone(&new)).await;
        assert_eq!((group, kind), (NamedGroup::X25519MLKEM768, HandshakeKind::FullWithHelloRetryRequest));
        let (hello, group, kind) = shake(&tls, new).await;
        assert_eq!((group, kind), (NamedGroup::X25519MLKEM768, HandshakeKind::Full), "and from then on at once");
        assert!(hello > SHARE, "{hello}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_takes_any_share_is_shown_the_best_again_after_an_hour() {
        let chosen = ChosenGroup::default();
        let name = ServerName::try_from("node.example").unwrap();
        chosen.set_kx_hint(name.clone(), NamedGroup::X25519);
        tokio::time::advance(KEPT / 2).await;
        chosen.set_kx_hint(name.clone(), NamedGroup::X25519);
        assert_eq!(chosen.kx_hint(&name), Some(NamedGroup::X25519));
        tokio::time::advance(KEPT / 2).await;
        assert_eq!(chosen.kx_hint(&name), None, "its choice of what it was shown alone does not count anew");
        chosen.set_kx_hint(name.clone(), NamedGroup::X25519);
        assert_eq!(chosen.kx_hint(&name), Some(NamedGroup::X25519), "but that of the best and the rest does");
    }

    #[tokio::test]
    async fn u04_no_session_with_a_node_is_resumed() {
        let server = Server::new();
        let (tls, config) = (server.believed(), server.with(NEW));
        for _ in 0..3 {
            assert_eq!(shake(&tls, Arc::clone(&config)).await.2, HandshakeKind::Full);
        }
    }
}
