//! Finding guests: one list a cluster, states confirmed, hints where the list is silent, and why a console ended.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod resolve_peer;

use consolegate::reason::{Failure, Reason};
use consolegate::resolve::{Place, Resolver};
use resolve_peer::cert::Identity;
use resolve_peer::setup::{cluster, console, listed, name, node, one_node, ordinary, resolver};
use resolve_peer::{Peer, Reply, Seen, data, refuse};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const LIST: &str = "GET /api2/json/cluster/resources";
const STATUS: &str = "GET /api2/json/nodes/pve1/qemu/100/status/current";
const GONE: &str = "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist";

async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A node whose list is this and whose `status/current` is that.
fn saying(list: &str, status: Reply) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let list = data(&format!("[{list}]"));
    move |seen| if seen.line.starts_with(LIST) { list.clone() } else { status.clone() }
}

fn state(json: &str) -> Reply {
    data(json)
}

async fn reason(resolver: &Resolver, guest: &str) -> Reason {
    resolver.locate(&console(guest), None).await.unwrap_err().reason
}

/// Locates guest 100 at a node with this list and status.
async fn located(list: &str, status: Reply) -> (Result<Place, Failure>, Peer) {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, saying(list, status)).await;
    let result = one_node(&peer, &identity).locate(&console("qemu/100"), None).await;
    (result, peer)
}

#[tokio::test]
async fn one_request_serves_a_hundred_who_ask_at_once() {
    let identity = Identity::self_signed(&["pve1"]);
    for answers in [true, false] {
        let peer = Peer::start(&identity, move |seen| if answers { ordinary(seen) } else { refuse(599, "no") }).await;
        let resolver = Arc::new(one_node(&peer, &identity));
        let mut asking = JoinSet::new();
        for _ in 0..100 {
            let resolver = resolver.clone();
            asking.spawn(async move { resolver.locate(&console("qemu/100"), None).await.is_ok() });
        }
        let found = asking.join_all().await;
        assert_eq!(found, vec![answers; 100]);
        assert_eq!(peer.count(LIST), 1);
    }
}

#[tokio::test]
async fn who_asks_first_may_leave_without_harm_to_the_others() {
    let identity = Identity::self_signed(&["pve1"]);
    let arrived = Arc::new(Notify::new());
    let (told, first) = (arrived.clone(), AtomicUsize::new(0));
    let peer = Peer::start_slow("127.0.0.1:0", &identity, move |seen| {
        let (told, silent) = (told.clone(), first.fetch_add(1, SeqCst) == 0);
        Box::pin(async move {
            told.notify_one();
            if silent { Reply::Silence } else { ordinary(&seen) }
        })
    })
    .await;
    let resolver = Arc::new(one_node(&peer, &identity));
    let spawn = || {
        let resolver = resolver.clone();
        tokio::spawn(async move { resolver.locate(&console("qemu/100"), None).await })
    };
    let leaving = spawn();
    arrived.notified().await;
    let staying = spawn();
    leaving.abort();
    assert!(staying.await.unwrap().is_ok());
    assert_eq!(peer.count(LIST), 2);
}

#[tokio::test]
async fn a_list_is_believed_three_seconds_and_a_failure_one() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, ordinary).await;
    let resolver = one_node(&peer, &identity);
    for (after, lists) in [(0, 1), (2900, 1), (200, 2)] {
        advance(Duration::from_millis(after)).await;
        resolver.locate(&console("qemu/100"), None).await.unwrap();
        assert_eq!(peer.count(LIST), lists, "after {after} ms");
    }
    let peer = Peer::start(&identity, |_| refuse(595, "Connection refused")).await;
    let resolver = one_node(&peer, &identity);
    for (after, lists) in [(0, 1), (900, 1), (200, 2)] {
        advance(Duration::from_millis(after)).await;
        assert_eq!(reason(&resolver, "qemu/100").await, Reason::NodeDown);
        assert_eq!(peer.count(LIST), lists, "after {after} ms");
    }
}

#[tokio::test]
async fn ten_thousand_guests_are_read() {
    let guests: Vec<String> = (100..10_100).map(|vmid| listed(&format!("qemu/{vmid}"), "pve1", "running")).collect();
    let list = guests.join(",");
    assert!(list.len() > 2_000_000);
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, saying(&list, refuse(500, "not asked"))).await;
    let resolver = one_node(&peer, &identity);
    for guest in ["qemu/100", "qemu/10099"] {
        assert_eq!(resolver.locate(&console(guest), None).await.unwrap().node().as_str(), "pve1");
    }
    assert_eq!(reason(&resolver, "qemu/10100").await, Reason::GuestNotFound);
    assert_eq!(peer.count(LIST), 1);
}

#[tokio::test]
async fn odd_items_of_the_list_do_not_hide_the_others() {
    let odd = r#"{"type":"storage","id":"x"},{"type":"qemu","vmid":null,"node":null},{"type":"qemu","vmid":-1},
        {"type":"qemu","vmid":100,"node":"../../access"},{"type":"lxc","vmid":"101","node":"pve1","lock":null}"#;
    let (result, _peer) = located(odd, refuse(500, "not asked")).await;
    assert_eq!(result.unwrap_err().reason, Reason::GuestNotFound);
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, saying(odd, refuse(500, "not asked"))).await;
    assert!(one_node(&peer, &identity).locate(&console("lxc/101"), None).await.is_ok());
}

#[tokio::test]
async fn stopped_counts_only_if_the_guests_node_says_so_now() {
    let stopped = listed("qemu/100", "pve1", "stopped");
    let rows = [
        (r#"{"status":"running"}"#, None),
        (r#"{"status":"stopped"}"#, Some(Reason::GuestStopped)),
        (r#"{"status":"stopped","lock":"migrate"}"#, Some(Reason::GuestLocked)),
        (r#"{"status":"stopped","lock":"backup"}"#, Some(Reason::GuestLocked)),
    ];
    for (status, expected) in rows {
        let (result, peer) = located(&stopped, state(status)).await;
        assert_eq!(result.err().map(|failure| failure.reason), expected, "{status}");
        assert_eq!(peer.count(STATUS), 1, "{status}");
    }
    for status in ["running", "paused", "unknown"] {
        let (result, peer) = located(&listed("qemu/100", "pve1", status), refuse(500, "not asked")).await;
        assert!(result.is_ok() && peer.count(STATUS) == 0, "{status}");
    }
}

#[tokio::test]
async fn a_guest_that_moved_since_the_list_is_found_by_a_new_one() {
    let identity = Identity::self_signed(&["pve1"]);
    let lists = AtomicUsize::new(0);
    let peer = Peer::start(&identity, move |seen| {
        if !seen.line.starts_with(LIST) {
            refuse(500, GONE)
        } else if lists.fetch_add(1, SeqCst) == 0 {
            data(&format!("[{}]", listed("qemu/100", "pve1", "stopped")))
        } else {
            data(&format!("[{}]", listed("qemu/100", "pve2", "running")))
        }
    })
    .await;
    let mut cluster = cluster(vec![node("pve1", peer.address, &identity)]);
    cluster.nodes.push(node("pve2", peer.address, &identity));
    let place = resolver(&cluster).locate(&console("qemu/100"), None).await.unwrap();
    assert_eq!((place.node().as_str(), peer.count(LIST)), ("pve2", 2));
}

#[tokio::test]
async fn a_guest_nobody_can_open_is_said_to_be_missing_and_the_log_says_why() {
    let template = listed("qemu/100", "pve1", "stopped").replace("\"template\":0", "\"template\":1");
    for (list, cause) in [
        (template, "template"),
        (listed("lxc/100", "pve1", "running"), "needs kind \"lxc\""),
        (listed("qemu/101", "pve1", "running"), "VM.Audit"),
    ] {
        let (result, peer) = located(&list, refuse(500, "not asked")).await;
        let failure = result.unwrap_err();
        assert_eq!((failure.reason, failure.reason.public().close), (Reason::GuestNotFound, 4404));
        assert!(failure.cause.contains(cause), "{failure}");
        assert_eq!(peer.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_node_that_is_not_configured_is_named_with_its_cure() {
    let (result, _peer) = located(&listed("qemu/100", "pve9", "running"), refuse(500, "not asked")).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeUnreachable);
    let said = "cluster eu1 has no [[cluster.node]] of the name pve9; it has pve1;";
    assert!(failure.cause.starts_with(said), "{failure}");
}

#[tokio::test]
async fn the_hint_counts_where_the_list_is_silent() {
    let identity = Identity::self_signed(&["pve1"]);
    let forbidden = || refuse(403, "Permission check failed");
    let elsewhere = format!("[{}]", listed("qemu/100", "pve2", "running"));
    let other_kind = format!("[{}]", listed("lxc/100", "pve2", "running"));
    let rows = [
        (forbidden(), Some("pve1"), Ok("pve1")),
        (data("[]"), Some("pve1"), Ok("pve1")),
        (data(&format!("[{}]", listed("qemu/7777", "pve2", "running"))), Some("pve1"), Ok("pve1")),
        (data(&elsewhere), Some("pve1"), Ok("pve2")),
        (data(&other_kind), Some("pve1"), Err(Reason::GuestNotFound)),
        (data("[]"), Some("pve9"), Err(Reason::NodeUnreachable)),
        (forbidden(), None, Err(Reason::PveAuth)),
        (data("[]"), None, Err(Reason::GuestNotFound)),
        (refuse(401, "Authentication failed!"), Some("pve1"), Err(Reason::PveAuth)),
        (refuse(595, "Connection refused"), Some("pve1"), Err(Reason::NodeDown)),
    ];
    for (at, (reply, hint, expected)) in rows.into_iter().enumerate() {
        let peer = Peer::start(&identity, move |_| reply.clone()).await;
        let mut cluster = cluster(vec![node("pve1", peer.address, &identity)]);
        cluster.nodes.push(node("pve2", peer.address, &identity));
        let place = resolver(&cluster).locate(&console("qemu/100"), hint.map(name).as_ref()).await;
        let found = place.as_ref().map(|place| place.node().as_str()).map_err(|failure| failure.reason);
        assert_eq!(found, expected, "row {at}");
    }
}

#[tokio::test]
async fn a_nodes_own_console_needs_the_node_configured_and_nothing_asked() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, ordinary).await;
    let resolver = one_node(&peer, &identity);
    assert_eq!(resolver.locate(&console("node/pve1"), None).await.unwrap().node().as_str(), "pve1");
    assert_eq!(reason(&resolver, "node/pve2").await, Reason::NodeUnreachable);
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn the_list_comes_from_any_node_that_answers_and_that_one_is_asked_first_then() {
    let identity = Identity::self_signed(&["pve1"]);
    let broken = Peer::start(&identity, |_| refuse(595, "Connection refused")).await;
    let healthy = Peer::start(&identity, ordinary).await;
    let mut cluster = cluster(vec![node("pve0", "127.0.0.1:1".parse().unwrap(), &identity)]);
    cluster.nodes.push(node("pve2", broken.address, &identity));
    cluster.nodes.push(node("pve1", healthy.address, &identity));
    let resolver = resolver(&cluster);
    for lists in 1..=3 {
        resolver.locate(&console("qemu/100"), None).await.unwrap();
        assert_eq!((broken.count(LIST), healthy.count(LIST)), (1, lists));
        advance(Duration::from_secs(4)).await;
    }
}

#[tokio::test]
async fn why_ended_says_what_became_of_the_guest() {
    let here = listed("qemu/100", "pve1", "running");
    let there = listed("qemu/100", "pve2", "running");
    let migrating = r#"{"status":"running","lock":"migrate"}"#;
    let rows = [
        (here.clone(), state(r#"{"status":"running"}"#), Reason::GuestEnded),
        (here.clone(), state(r#"{"status":"running","lock":"backup"}"#), Reason::GuestEnded),
        (here.clone(), state(r#"{"status":"stopped"}"#), Reason::GuestStopped),
        (here.clone(), state(r#"{"status":"stopped","lock":"backup"}"#), Reason::GuestLocked),
        (here.clone(), state(migrating), Reason::GuestLocked),
        (there.clone(), state(migrating), Reason::GuestMoved),
        (there.clone(), state(r#"{"status":"stopped","lock":"migrate"}"#), Reason::GuestMoved),
        (there, refuse(500, GONE), Reason::GuestMoved),
        (String::new(), refuse(500, GONE), Reason::GuestNotFound),
        (here.clone(), refuse(595, "Connection refused"), Reason::GuestEnded),
        (here.clone(), refuse(403, "Permission check failed (/vms/100, VM.Audit)"), Reason::GuestEnded),
        (here, state("null"), Reason::GuestEnded),
    ];
    for (at, (list, status, expected)) in rows.into_iter().enumerate() {
        let identity = Identity::self_signed(&["pve1"]);
        let before = AtomicUsize::new(0);
        let peer = Peer::start(&identity, move |seen| {
            if before.fetch_add(1, SeqCst) == 0 { ordinary(seen) } else { saying(&list, status.clone())(seen) }
        })
        .await;
        let resolver = one_node(&peer, &identity);
        let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
        let why = resolver.why_ended(&place).await;
        assert_eq!(why.reason, expected, "row {at}: {why}");
    }
}

#[tokio::test]
async fn why_ended_of_a_dead_node_or_a_shell_is_that_it_ended() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, ordinary).await;
    let resolver = one_node(&peer, &identity);
    let guest = resolver.locate(&console("qemu/100"), None).await.unwrap();
    let shell = resolver.locate(&console("node/pve1"), None).await.unwrap();
    assert_eq!(resolver.why_ended(&shell).await.reason, Reason::GuestEnded);
    peer.stop().await;
    advance(Duration::from_secs(4)).await;
    let why = resolver.why_ended(&guest).await;
    assert_eq!(why.reason, Reason::GuestEnded);
    assert!(why.cause.contains("node_refused"), "{why}");
}

#[tokio::test]
async fn a_node_that_could_not_be_reached_is_left_alone_for_a_second() {
    let identity = Identity::self_signed(&["pve1"]);
    let address = Peer::start(&identity, ordinary).await.stop().await;
    let resolver = resolver(&cluster(vec![node("pve1", address, &identity)]));
    let place = resolver.locate(&console("node/pve1"), None).await.unwrap();
    let open = async || resolver.open(&place).await.unwrap_err().reason;
    assert_eq!(open().await, Reason::NodeRefused);
    let peer = Peer::start_at(&address.to_string(), &identity, |_| refuse(500, "unable to find free port")).await;
    advance(Duration::from_millis(900)).await;
    assert_eq!((open().await, peer.connections()), (Reason::NodeRefused, 0));
    advance(Duration::from_millis(200)).await;
    assert_eq!((open().await, peer.connections()), (Reason::NodeFull, 1));
}
