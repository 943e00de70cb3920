//! Which key exchange a server chose the last time, so that the next hello shows a share of that one alone.
//!
//! Without it every hello carries a share for the post-quantum exchange that rustls likes best, 1.2 KiB and a key to be
//! made, although a node of Proxmox 8 has never heard of it. What is offered stays the same, so a server that learns a
//! better one asks for it (RFC 8446 section 4.1.4) and gets it from then on. Never remembers a session: a resumed one
//! skips the verifier, and both calls of a console must show the certificate they compare.

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// The choice of the one server that a configuration is for; zero, which names no group, before it made one.
#[derive(Debug, Default)]
pub(super) struct Chosen(AtomicU16);

impl ClientSessionStore for Chosen {
    fn set_kx_hint(&self, _server: ServerName<'static>, group: NamedGroup) {
        self.0.store(group.into(), Relaxed);
    }

    fn kx_hint(&self, _server: &ServerName<'_>) -> Option<NamedGroup> {
        match self.0.load(Relaxed) {
            0 => None,
            group => Some(group.into()),
        }
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
    use super::super::server_tls;
    use crate::record::connect;
    use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
    use rustls::crypto::{CryptoProvider, SupportedKxGroup};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{NamedGroup, ServerConfig};
    use std::io::Cursor;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, join, split};
    use tokio_rustls::TlsAcceptor;

    /// The post-quantum share alone.
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

        fn with(&self, kx_groups: &[&'static dyn SupportedKxGroup]) -> Arc<ServerConfig> {
            let provider = CryptoProvider { kx_groups: kx_groups.to_vec(), ..default_provider() };
            let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
            let config = ServerConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
            let config = config.unwrap().with_no_client_auth();
            Arc::new(config.with_single_cert(vec![self.certificate.der().clone()], key).unwrap())
        }
    }

    /// How long the hello was, and what the server chose.
    async fn shake(tls: &super::super::NodeTls, server: Arc<ServerConfig>) -> (usize, NamedGroup) {
        let (left, right) = duplex(1 << 16);
        let serving = async {
            let (mut read, write) = split(left);
            let mut hello = vec![0; 5];
            read.read_exact(&mut hello).await.unwrap();
            let size = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
            hello.resize(5 + size, 0);
            read.read_exact(&mut hello[5..]).await.unwrap();
            let stream = join(Cursor::new(hello).chain(read), write);
            let stream = TlsAcceptor::from(server).accept(stream).await.unwrap();
            (size, stream.get_ref().1.negotiated_key_exchange_group().unwrap().name())
        };
        let asking = async {
            let (mut stream, _) = connect(right, Arc::clone(&tls.config), tls.name.clone(), tls.engine).await.unwrap();
            stream.flush().await.unwrap();
            stream
        };
        tokio::join!(serving, asking).0
    }

    #[tokio::test]
    async fn the_share_that_a_node_did_not_want_is_shown_once() {
        let server = Server::new();
        let tls = server_tls("node.example", Some(server.certificate.pem().as_bytes())).unwrap();
        let old = server.with(&[kx_group::X25519]);
        let (first, group) = shake(&tls, Arc::clone(&old)).await;
        assert!(first > SHARE && group == NamedGroup::X25519, "{first} {group:?}");
        let (second, group) = shake(&tls, old).await;
        assert!(second < SHARE && group == NamedGroup::X25519, "{second} {group:?}");
    }

    #[tokio::test]
    async fn a_node_that_learns_a_better_exchange_gets_it() {
        let server = Server::new();
        let tls = server_tls("node.example", Some(server.certificate.pem().as_bytes())).unwrap();
        shake(&tls, server.with(&[kx_group::X25519])).await;
        let new = server.with(&[kx_group::X25519MLKEM768]);
        assert_eq!(shake(&tls, Arc::clone(&new)).await.1, NamedGroup::X25519MLKEM768, "asked for again");
        let (hello, group) = shake(&tls, new).await;
        assert!(hello > SHARE && group == NamedGroup::X25519MLKEM768, "and from then on at once: {hello} {group:?}");
    }
}
