//! Who is believed to be a node: U01 to U04, and the socket that comes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod resolve_peer;

use consolegate::config::{Cluster, Trust};
use consolegate::net::{Dialled, dial, node_tls};
use consolegate::reason::{Failure, Reason};
use resolve_peer::Peer;
use resolve_peer::cert::{Authority, Identity};
use resolve_peer::setup::{cluster, node, ordinary};
use rustls::version::{TLS12, TLS13};
use socket2::{Domain, SockRef, Socket, Type};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_secs(5);

/// Dials the cluster's first node as configured.
async fn dial_first(cluster: &Cluster, address: SocketAddr) -> Result<Dialled, Failure> {
    dial(address, &node_tls(cluster, &cluster.nodes[0]).unwrap(), SOON).await
}

fn pinned(address: SocketAddr, identity: &Identity) -> Cluster {
    cluster(vec![node("pve1", address, identity)])
}

/// A node checked by authority alone.
fn by_authority(address: SocketAddr, authority: &Authority, host: &str) -> Cluster {
    let mut cluster = pinned(address, &Identity::self_signed(&["x"]));
    cluster.nodes[0].fingerprint = None;
    cluster.nodes[0].host = host.to_owned();
    cluster.trust = Trust::Ca(authority.pem.clone().into_bytes());
    cluster
}

/// Accepts one TCP connection, reads what comes first, and does this with it.
async fn plain_peer<F>(then: impl FnOnce(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.read_u8().await.unwrap();
        then(tcp).await;
    });
    address
}

#[tokio::test]
async fn u01_a_closed_port_is_node_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = dial_first(&pinned(address, &Identity::self_signed(&["x"])), address).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeRefused);
    assert_eq!(failure.reason.public().close, 4503);
    assert!(failure.cause.contains(&address.to_string()), "{failure}");
}

#[tokio::test]
async fn u02_no_answer_to_the_connection_is_node_unreachable_at_the_deadline() {
    // A full accept queue: the kernel drops further connection requests.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let short = Duration::from_millis(300);
    let mut queued = Vec::new();
    while let Ok(Ok(tcp)) = tokio::time::timeout(short, TcpStream::connect(address)).await {
        queued.push(tcp);
        assert!(queued.len() < 16, "the queue never fills");
    }
    let cluster = pinned(address, &Identity::self_signed(&["x"]));
    let tls = node_tls(&cluster, &cluster.nodes[0]).unwrap();
    let failure = dial(address, &tls, short).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeUnreachable);
    assert_eq!(failure.reason.public().close, 4503);
    assert!(failure.cause.contains("0.3 s"), "{failure}");
}

#[tokio::test]
async fn u02_tls_that_never_gets_ready_ends_at_the_same_deadline() {
    let address = plain_peer(|tcp| async move {
        std::future::pending::<()>().await;
        drop(tcp);
    })
    .await;
    let cluster = pinned(address, &Identity::self_signed(&["x"]));
    let tls = node_tls(&cluster, &cluster.nodes[0]).unwrap();
    let failure = dial(address, &tls, Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeUnreachable);
}

#[tokio::test]
async fn u03_fin_rst_or_plain_http_inside_tls_is_node_tls() {
    let fin = plain_peer(|tcp| async move { drop(tcp) }).await;
    let rst = plain_peer(|tcp| async move { SockRef::from(&tcp).set_linger(Some(Duration::ZERO)).unwrap() }).await;
    let http = plain_peer(|mut tcp| async move {
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        tcp.shutdown().await.unwrap();
        let mut rest = Vec::new();
        // The client may reset the connection; how it leaves is its business.
        tcp.read_to_end(&mut rest).await.ok();
    })
    .await;
    for address in [fin, rst, http] {
        let failure = dial_first(&pinned(address, &Identity::self_signed(&["x"])), address).await.unwrap_err();
        assert_eq!(failure.reason, Reason::NodeTls, "{failure}");
        assert_eq!(failure.reason.public().close, 4502);
    }
}

#[tokio::test]
async fn u04_the_pinned_certificate_is_taken_and_reported() {
    let identity = Identity::self_signed(&["anything"]);
    let peer = Peer::start(&identity, ordinary).await;
    let dialled = dial_first(&pinned(peer.address, &identity), peer.address).await.unwrap();
    assert_eq!(dialled.leaf, identity.sha256());
    let tcp = dialled.stream.get_ref();
    assert!(tcp.nodelay().unwrap());
    assert!(SockRef::from(tcp).keepalive().unwrap());
    assert_eq!(SockRef::from(tcp).tcp_user_timeout().unwrap(), Some(Duration::from_secs(60)));
}

#[tokio::test]
async fn u04_a_changed_pin_is_node_cert_with_both_fingerprints_and_no_second_try() {
    let (old, new) = (Identity::self_signed(&["pve1"]), Identity::self_signed(&["pve1"]));
    let peer = Peer::start(&new, ordinary).await;
    let failure = dial_first(&pinned(peer.address, &old), peer.address).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeCert);
    assert_eq!(failure.reason.public().close, 4502);
    assert!(failure.cause.contains(&old.fingerprint()), "{failure}");
    assert!(failure.cause.contains(&new.fingerprint()), "{failure}");
    assert!(failure.cause.ends_with(" (fingerprint of [[cluster.node]] pve1)"), "{failure}");
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn u04_a_replayed_certificate_without_its_key_is_refused_in_both_versions() {
    let identity = Identity::self_signed(&["pve1"]);
    for version in [&TLS12, &TLS13] {
        let (honest, thief) = (identity.server_config_of(&[version]), identity.replayed().server_config_of(&[version]));
        for (config, reason) in [(honest, None), (thief, Some(Reason::NodeCert))] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let accepting = tokio::spawn(async move {
                let (tcp, _) = listener.accept().await.unwrap();
                tokio_rustls::TlsAcceptor::from(config).accept(tcp).await.is_ok()
            });
            let mut result = dial_first(&pinned(address, &identity), address).await;
            if let Ok(dialled) = &mut result {
                dialled.stream.shutdown().await.unwrap();
            }
            assert_eq!(result.as_ref().err().map(|failure| failure.reason), reason, "{version:?}: {result:?}");
            drop(result);
            assert_eq!(accepting.await.unwrap(), reason.is_none(), "{version:?}");
        }
    }
}

#[tokio::test]
async fn u04_a_node_whose_chain_is_believed_has_to_prove_its_key_all_the_same() {
    for version in [&TLS12, &TLS13] {
        let (ours, other) = (Authority::new(), Authority::new());
        let identity = ours.issue(&["127.0.0.1"]);
        let servers = [
            (identity.server_config_of(&[version]), None),
            (identity.server_config_of(&[version]), None),
            (identity.replayed().server_config_of(&[version]), Some(Reason::NodeCert)),
            (other.issue(&["127.0.0.1"]).server_config_of(&[version]), Some(Reason::NodeCert)),
            (ours.issue_expired(&["127.0.0.1"]).server_config_of(&[version]), Some(Reason::NodeCert)),
            (identity.server_config_of(&[version]), None),
        ];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cluster = by_authority(address, &ours, "127.0.0.1");
        let tls = node_tls(&cluster, &cluster.nodes[0]).unwrap();
        for (at, (config, reason)) in servers.into_iter().enumerate() {
            let accepting = async {
                let (tcp, _) = listener.accept().await.unwrap();
                tokio_rustls::TlsAcceptor::from(config).accept(tcp).await.ok()
            };
            let dialling = async {
                let mut dialled = dial(address, &tls, SOON).await?;
                dialled.stream.shutdown().await.unwrap();
                Ok(dialled)
            };
            let (dialled, _accepted): (Result<Dialled, Failure>, _) = tokio::join!(dialling, accepting);
            let refused = dialled.as_ref().err().map(|failure| failure.reason);
            assert_eq!(refused, reason, "{version:?}, server {at}: {dialled:?}");
        }
    }
}

#[tokio::test]
async fn u04_a_node_of_the_clusters_authority_is_taken_by_address_or_name() {
    let authority = Authority::new();
    let peer = Peer::start(&authority.issue(&["127.0.0.1", "pve1"]), ordinary).await;
    for host in ["127.0.0.1", "pve1"] {
        let cluster = by_authority(peer.address, &authority, host);
        assert!(dial_first(&cluster, peer.address).await.is_ok(), "{host}");
    }
}

#[tokio::test]
async fn u04_other_authority_other_name_expired_and_self_signed_are_node_cert() {
    let (ours, other) = (Authority::new(), Authority::new());
    let rows = [
        ("other authority", other.issue(&["127.0.0.1"])),
        ("other address", ours.issue(&["127.0.0.2", "pve1"])),
        ("expired", ours.issue_expired(&["127.0.0.1"])),
        ("self-signed without pin", Identity::self_signed(&["127.0.0.1"])),
    ];
    for (what, identity) in rows {
        let peer = Peer::start(&identity, ordinary).await;
        let cluster = by_authority(peer.address, &ours, "127.0.0.1");
        let failure = dial_first(&cluster, peer.address).await.unwrap_err();
        assert_eq!(failure.reason, Reason::NodeCert, "{what}: {failure}");
        assert!(failure.cause.contains(&identity.fingerprint()), "{what}: {failure}");
        let words = "configured is a certificate authority (ca_file of [[cluster]] eu1)";
        assert!(failure.cause.ends_with(words), "{what}: {failure}");
        assert_eq!(peer.connections(), 1, "{what}");
    }
}

#[tokio::test]
async fn u04_a_node_that_the_systems_roots_do_not_know_is_told_with_the_setting_that_says_so() {
    let peer = Peer::start(&Authority::new().issue(&["127.0.0.1"]), ordinary).await;
    let mut cluster = by_authority(peer.address, &Authority::new(), "127.0.0.1");
    cluster.trust = Trust::System;
    let failure = dial_first(&cluster, peer.address).await.unwrap_err();
    let words = "configured is a certificate authority (tls = \"system\" of [[cluster]] eu1)";
    assert!(failure.cause.ends_with(words), "{failure}");
}

#[test]
fn a_cluster_that_cannot_verify_is_refused_at_start() {
    let identity = Identity::self_signed(&["x"]);
    let mut cluster = pinned("127.0.0.1:1".parse().unwrap(), &identity);
    cluster.nodes[0].fingerprint = None;
    assert!(node_tls(&cluster, &cluster.nodes[0]).unwrap_err().contains("pve1"));
    for pem in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        cluster.trust = Trust::Ca(pem.into());
        assert!(node_tls(&cluster, &cluster.nodes[0]).unwrap_err().contains("eu1: ca_file"), "{pem:?}");
    }
    cluster.trust = Trust::Ca(Authority::new().pem.into());
    cluster.nodes[0].host = "not a host".into();
    assert!(node_tls(&cluster, &cluster.nodes[0]).unwrap_err().contains("not a host"));
}
