//! One socket address for both calls of a console, whatever names do meanwhile: the first half of U12, and F16.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod resolve_peer;

use consolegate::config::Cluster;
use consolegate::net::Lookup;
use consolegate::reason::Reason;
use consolegate::resolve::Resolver;
use resolve_peer::cert::Identity;
use resolve_peer::setup::{cluster, console, metrics, node, ordinary, resolver, timeouts};
use resolve_peer::{Peer, Seen};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the name means now; none: the name server fails.
type Names = Arc<Mutex<Option<Vec<SocketAddr>>>>;

fn by_name(names: &Names) -> Lookup {
    let names = names.clone();
    Lookup::by(move |host, _| {
        assert_eq!(host, "node.example");
        let found = names.lock().unwrap().clone();
        async move { found.ok_or_else(|| std::io::Error::other("SERVFAIL")) }
    })
}

fn named_cluster(identity: &Identity, port: u16) -> Cluster {
    let mut node = node("pve1", ([127, 0, 0, 1], port).into(), identity);
    node.host = "node.example".into();
    cluster(vec![node])
}

fn named_resolver(identity: &Identity, port: u16, names: &Names) -> Resolver {
    let clusters = [named_cluster(identity, port)];
    Resolver::with_lookup(&clusters, &timeouts(), metrics(), &by_name(names)).unwrap()
}

/// Two hosts with one certificate and one port, as behind a shared name.
async fn twins(identity: &Identity) -> (Peer, Peer) {
    let first = Peer::start(identity, ordinary).await;
    let second = Peer::start_at(&format!("127.0.0.2:{}", first.address.port()), identity, ordinary).await;
    (first, second)
}

async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn posts(peer: &Peer) -> Vec<Seen> {
    peer.seen().into_iter().filter(|seen| seen.line.starts_with("POST")).collect()
}

#[tokio::test]
async fn u12_a_name_that_flips_between_the_calls_leaves_the_target_where_the_ticket_is() {
    let identity = Identity::self_signed(&["node.example"]);
    let (first, second) = twins(&identity).await;
    let names: Names = Arc::new(Mutex::new(Some(vec![first.address, second.address])));
    let resolver = named_resolver(&identity, first.address.port(), &names);
    let place = resolver.locate(&console("qemu/100"), None).await.unwrap();

    // The list came from the first; the kept connection there carries the POST though the name has flipped.
    *names.lock().unwrap() = Some(vec![second.address, first.address]);
    let target = resolver.open(&place).await.unwrap();
    assert_eq!((target.address, posts(&first).len(), posts(&second).len()), (first.address, 1, 0));

    // Once connection and name are forgotten the second is asked, and the target says so.
    advance(Duration::from_secs(60)).await;
    let target = resolver.open(&place).await.unwrap();
    assert_eq!((target.address, posts(&first).len(), posts(&second).len()), (second.address, 1, 1));
    assert_eq!(target.authority, format!("node.example:{}", first.address.port()));
    assert_eq!(target.leaf, identity.sha256());
}

#[tokio::test]
async fn u12_of_several_addresses_the_target_is_the_one_that_answered() {
    let identity = Identity::self_signed(&["node.example"]);
    let (first, second) = twins(&identity).await;
    let dead = first.stop().await;
    let port = dead.port();
    let names: Names = Arc::new(Mutex::new(Some(vec![dead, second.address])));
    let resolver = named_resolver(&identity, port, &names);
    let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
    assert_eq!(resolver.open(&place).await.unwrap().address, second.address);
}

#[tokio::test]
async fn u12_a_wrong_certificate_is_not_hidden_by_the_next_address() {
    let (right, wrong) = (Identity::self_signed(&["node.example"]), Identity::self_signed(&["node.example"]));
    let first = Peer::start(&wrong, ordinary).await;
    let second = Peer::start_at(&format!("127.0.0.2:{}", first.address.port()), &right, ordinary).await;
    let names: Names = Arc::new(Mutex::new(Some(vec![first.address, second.address])));
    let resolver = named_resolver(&right, first.address.port(), &names);
    let failure = resolver.locate(&console("qemu/100"), None).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeCert, "{failure}");
    assert_eq!(second.connections(), 0);
}

#[tokio::test]
async fn u12_a_host_that_calls_itself_otherwise_is_node_moved() {
    // Both configured nodes lead to the host pve1: what a shared address does.
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, ordinary).await;
    let mut cluster = cluster(vec![node("pve2", peer.address, &identity)]);
    cluster.nodes.push(node("pve3", peer.address, &identity));
    let resolver = resolver(&cluster);
    let console = console("qemu/101");
    let place = resolver.locate(&console, Some(&"pve2".parse().unwrap())).await.unwrap();
    let failure = resolver.open(&place).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Identity, "another guest is the graver finding: {failure}");

    let console = resolve_peer::setup::console("qemu/100");
    let peer =
        Peer::start(
            &identity,
            |seen| {
                if seen.line.starts_with("GET") { resolve_peer::data("[]") } else { ordinary(seen) }
            },
        )
        .await;
    cluster.nodes[0] = node("pve2", peer.address, &identity);
    let resolver = resolve_peer::setup::resolver(&cluster);
    let place = resolver.locate(&console, Some(&"pve2".parse().unwrap())).await.unwrap();
    let failure = resolver.open(&place).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeMoved, "{failure}");
    assert!(failure.cause.contains("pve1"), "{failure}");
}

#[tokio::test]
async fn f16_a_failing_name_server_leaves_the_addresses_known_before() {
    let identity = Identity::self_signed(&["node.example"]);
    let peer = Peer::start(&identity, ordinary).await;
    let names: Names = Arc::new(Mutex::new(None));
    let resolver = named_resolver(&identity, peer.address.port(), &names);
    let failure = resolver.locate(&console("qemu/100"), None).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeUnreachable);
    assert!(failure.cause.contains("SERVFAIL"), "{failure}");

    *names.lock().unwrap() = Some(vec![peer.address]);
    advance(Duration::from_secs(2)).await;
    let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
    *names.lock().unwrap() = None;
    advance(Duration::from_secs(60)).await;
    assert_eq!(resolver.open(&place).await.unwrap().address, peer.address);
}

#[tokio::test(start_paused = true)]
async fn f16_a_name_server_that_never_answers_ends_at_the_deadline() {
    let identity = Identity::self_signed(&["node.example"]);
    let lookup = Lookup::by(|_, _| std::future::pending());
    let clusters = [named_cluster(&identity, 8006)];
    let resolver = Resolver::with_lookup(&clusters, &timeouts(), metrics(), &lookup).unwrap();
    let before = tokio::time::Instant::now();
    let failure = resolver.locate(&console("qemu/100"), None).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeUnreachable, "{failure}");
    assert_eq!(before.elapsed().as_secs(), 5);
}
