//! Nodes that take a question and never answer it, with default timeouts; what is counted, and when a cluster is down.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod resolve_peer;

use consolegate::metrics::Metrics;
use consolegate::reason::Reason;
use consolegate::resolve::Resolver;
use resolve_peer::cert::Identity;
use resolve_peer::setup::{cluster, console, metrics, node, ordinary, timeouts};
use resolve_peer::{Peer, Reply, refuse};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;

const LIST: &str = "GET /api2/json/cluster/resources";

async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A node that takes the request and never answers, the word that it came, and a node that is well.
async fn silent_and_healthy() -> (Peer, Arc<Notify>, Peer, Identity) {
    let identity = Identity::self_signed(&["pve1"]);
    let arrived = Arc::new(Notify::new());
    let told = arrived.clone();
    let silent = Peer::start(&identity, move |_| {
        told.notify_one();
        Reply::Silence
    })
    .await;
    let healthy = Peer::start(&identity, ordinary).await;
    (silent, arrived, healthy, identity)
}

fn counting(cluster: &consolegate::config::Cluster) -> (Arc<Resolver>, Arc<Metrics>) {
    let metrics = metrics();
    let resolver = Resolver::new(std::slice::from_ref(cluster), &timeouts(), metrics.clone()).unwrap();
    (Arc::new(resolver), metrics)
}

fn has(metrics: &Metrics, line: &str) -> bool {
    String::from_utf8(metrics.render(std::iter::empty()).unwrap()).unwrap().lines().any(|each| each == line)
}

const SLOW_ONCE: &str =
    r#"consolegate_pve_request_failures_total{operation="resources",pve_cluster="eu1",reason="node_slow"} 1"#;

#[tokio::test]
async fn u07_a_node_that_never_answers_costs_its_share_once_and_not_the_cluster() {
    let (silent, arrived, healthy, identity) = silent_and_healthy().await;
    let mut cluster = cluster(vec![node("pve2", silent.address, &identity)]);
    cluster.nodes.push(node("pve1", healthy.address, &identity));
    let (resolver, metrics) = counting(&cluster);
    let asking = resolver.clone();
    let asking = tokio::spawn(async move { asking.locate(&console("qemu/100"), None).await });
    arrived.notified().await;
    advance(Duration::from_millis(4100)).await;
    assert_eq!(asking.await.unwrap().unwrap().node().as_str(), "pve1");
    assert!(has(&metrics, SLOW_ONCE));
    assert!(has(&metrics, r#"consolegate_pve_up{pve_cluster="eu1"} 1"#));
    advance(Duration::from_secs(4)).await;
    resolver.locate(&console("qemu/100"), None).await.unwrap();
    assert_eq!((silent.count(LIST), healthy.count(LIST)), (1, 2), "the next is asked of the healthy one at once");
}

#[tokio::test]
async fn u07_who_gives_up_on_a_silent_node_leaves_a_trace_and_the_next_asks_another() {
    let (silent, arrived, healthy, identity) = silent_and_healthy().await;
    let mut cluster = cluster(vec![node("pve2", silent.address, &identity)]);
    cluster.nodes.push(node("pve1", healthy.address, &identity));
    let (resolver, metrics) = counting(&cluster);
    let asking = resolver.clone();
    let asking = tokio::spawn(async move { asking.locate(&console("qemu/100"), None).await });
    arrived.notified().await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert!(has(&metrics, SLOW_ONCE));
    resolver.locate(&console("qemu/100"), None).await.unwrap();
    assert_eq!((silent.count(LIST), healthy.count(LIST)), (1, 1));
}

#[tokio::test]
async fn e05_only_an_open_that_was_sent_may_have_a_port_at_the_node() {
    let (silent, arrived, healthy, identity) = silent_and_healthy().await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (node_of_guest, sent) in [(deaf.local_addr().unwrap(), false), (silent.address, true)] {
        // The list names pve1, and only pve2 answers for it.
        let mut cluster = cluster(vec![node("pve2", healthy.address, &identity)]);
        cluster.nodes.push(node("pve1", node_of_guest, &identity));
        let (resolver, _) = counting(&cluster);
        let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
        let asked = Arc::clone(place.asked());
        let opening = tokio::spawn(async move { resolver.open(&place).await.map(drop) });
        if sent {
            arrived.notified().await;
        } else {
            deaf.accept().await.unwrap();
        }
        opening.abort();
        assert!(opening.await.unwrap_err().is_cancelled());
        assert_eq!(asked.load(SeqCst), sent);
    }
}

#[tokio::test]
async fn u07_the_only_node_has_until_the_open_gives_up_and_then_counts_as_down() {
    let (silent, arrived, _healthy, identity) = silent_and_healthy().await;
    let (resolver, metrics) = counting(&cluster(vec![node("pve1", silent.address, &identity)]));
    let asking = tokio::spawn(async move { resolver.locate(&console("qemu/100"), None).await });
    arrived.notified().await;
    advance(Duration::from_millis(8900)).await;
    assert!(!asking.is_finished());
    advance(Duration::from_millis(200)).await;
    assert_eq!(asking.await.unwrap().unwrap_err().reason, Reason::NodeSlow);
    assert!(has(&metrics, SLOW_ONCE));
    assert!(has(&metrics, r#"consolegate_pve_up{pve_cluster="eu1"} 0"#));
}

#[tokio::test]
async fn an_api_that_refuses_is_up_and_one_that_fails_is_down() {
    let identity = Identity::self_signed(&["pve1"]);
    for (status, up) in [(403, 1), (401, 1), (404, 1), (500, 0), (595, 0)] {
        let first = AtomicUsize::new(0);
        let peer =
            Peer::start(
                &identity,
                move |seen| {
                    if first.fetch_add(1, SeqCst) == 0 { ordinary(seen) } else { refuse(status, "no") }
                },
            )
            .await;
        let (resolver, metrics) = counting(&cluster(vec![node("pve1", peer.address, &identity)]));
        resolver.locate(&console("qemu/100"), None).await.unwrap();
        advance(Duration::from_secs(4)).await;
        resolver.locate(&console("qemu/100"), None).await.unwrap_err();
        assert!(has(&metrics, &format!("consolegate_pve_up{{pve_cluster=\"eu1\"}} {up}")), "{status}");
    }
}
