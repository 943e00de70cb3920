//! A node whose API misbehaves: U05 to U08, U15, U18, and connections that end at the wrong moment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod resolve_peer;

use consolegate::config::Timeouts;
use consolegate::metrics::Metrics;
use consolegate::reason::{Failure, Reason};
use consolegate::resolve::{Resolver, Target};
use resolve_peer::cert::Identity;
use resolve_peer::setup::{
    TICKET, UUID, cluster, console, console_answer, listed, metrics, node, one_node, ordinary, resolver_within,
    timeouts,
};
use resolve_peer::{Peer, Reply, Seen, data, refuse};
use std::time::Duration;

const LIST: &str = "GET /api2/json/cluster/resources";
const OPEN: &str = "POST /api2/json/nodes/pve1/qemu/100/vncproxy";

/// Lists guest 100 as running and answers the POST with this.
fn opening(reply: Reply) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| if seen.line.starts_with("POST") { reply.clone() } else { ordinary(seen) }
}

async fn open(resolver: &Resolver) -> Result<Target, Failure> {
    let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
    resolver.open(&place).await
}

/// Opens at a peer that answers the POST with this; exactly one POST must have been made.
async fn open_answered(reply: Reply) -> Failure {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, opening(reply)).await;
    let failure = open(&one_node(&peer, &identity)).await.unwrap_err();
    assert_eq!(peer.count(OPEN), 1, "{failure}");
    assert_eq!(peer.seen().last().map(|seen| seen.line.as_str()), Some(OPEN), "nothing follows: {failure}");
    failure
}

/// A 200 with this body and these further headers.
fn answer(headers: &str, body: &[u8]) -> Reply {
    let length = body.len();
    Reply::Raw([format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n").as_bytes(), body].concat())
}

fn impatient() -> Timeouts {
    Timeouts { node_answer: Duration::from_millis(300), ..timeouts() }
}

#[tokio::test]
async fn u05_refusals_have_their_reason_and_close_code() {
    let rows = [
        (401, "Authentication failed!", Reason::PveAuth, 4502),
        (403, "Permission check failed (/vms/100, VM.Console)", Reason::PveAuth, 4502),
        (500, "VM 100 not running", Reason::GuestStopped, 4423),
        (595, "Connection refused", Reason::NodeDown, 4503),
        (596, "tls_process_server_certificate: certificate verify failed", Reason::NodeDown, 4503),
        (599, "Too many redirections", Reason::NodeDown, 4503),
        (503, "Service Unavailable", Reason::NodeDown, 4503),
        (400, "Parameter verification failed.", Reason::PveAnswer, 4502),
    ];
    for (status, text, reason, close) in rows {
        let failure = open_answered(refuse(status, text)).await;
        assert_eq!((failure.reason, failure.reason.public().close), (reason, close), "{failure}");
        assert!(failure.cause.contains("pve1") && failure.cause.contains(&status.to_string()), "{failure}");
        assert!(failure.cause.contains(text), "{failure}");
    }
}

#[tokio::test]
async fn u05_a_guest_that_does_not_exist_is_looked_for_once_more() {
    let identity = Identity::self_signed(&["pve1"]);
    let gone = "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist";
    for (now, reason) in [("[]".into(), Reason::GuestNotFound), (listed_on("pve2"), Reason::GuestMoved)] {
        let lists = std::sync::atomic::AtomicUsize::new(0);
        let peer = Peer::start(&identity, move |seen| {
            let first = || lists.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            if seen.line.starts_with("POST") {
                refuse(500, gone)
            } else if first() {
                ordinary(seen)
            } else {
                data(&now)
            }
        })
        .await;
        let failure = open(&one_node(&peer, &identity)).await.unwrap_err();
        assert_eq!(failure.reason, reason, "{failure}");
        assert_eq!((peer.count(OPEN), peer.count(LIST)), (1, 2));
    }
}

fn listed_on(node: &str) -> String {
    format!("[{}]", listed("qemu/100", node, "running"))
}

#[tokio::test]
async fn u05_metrics_say_which_call_failed_and_why() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, opening(refuse(403, "Permission check failed (/vms/100, VM.Console)"))).await;
    let metrics = metrics();
    let clusters = [cluster(vec![node("pve1", peer.address, &identity)])];
    let resolver = Resolver::new(&clusters, &timeouts(), metrics.clone()).unwrap();
    open(&resolver).await.unwrap_err();
    let text = rendered(&metrics);
    for line in [
        r#"consolegate_pve_requests_total{operation="resources",pve_cluster="eu1"} 1"#,
        r#"consolegate_pve_requests_total{operation="vncproxy",pve_cluster="eu1"} 1"#,
        r#"consolegate_pve_request_failures_total{operation="vncproxy",pve_cluster="eu1",reason="pve_auth"} 1"#,
        r#"consolegate_pve_up{pve_cluster="eu1"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

fn rendered(metrics: &Metrics) -> String {
    String::from_utf8(metrics.render(std::iter::empty()).unwrap()).unwrap()
}

#[tokio::test]
async fn u04_a_certificate_that_changed_is_counted_and_brings_the_cluster_down() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&Identity::self_signed(&["pve1"]), ordinary).await;
    let metrics = metrics();
    let clusters = [cluster(vec![node("pve1", peer.address, &identity)])];
    let resolver = Resolver::new(&clusters, &timeouts(), metrics.clone()).unwrap();
    let failure = resolver.locate(&console("qemu/100"), None).await.unwrap_err();
    assert_eq!(failure.reason, Reason::NodeCert);
    let text = rendered(&metrics);
    let failures = r#"failures_total{operation="resources",pve_cluster="eu1",reason="node_cert"} 1"#;
    assert!(text.contains(failures), "{text}");
    assert!(text.contains(r#"consolegate_pve_up{pve_cluster="eu1"} 0"#), "{text}");
}

#[tokio::test]
async fn u06_redirects_are_not_followed() {
    let identity = Identity::self_signed(&["pve1"]);
    let trap = Peer::start(&identity, ordinary).await;
    for status in [301, 302, 303, 307, 308] {
        let location =
            format!("HTTP/1.1 {status} Moved\r\nLocation: https://{}/x\r\nContent-Length: 0\r\n\r\n", trap.address);
        let failure = open_answered(Reply::Raw(location.into())).await;
        assert_eq!(failure.reason, Reason::PveRedirect, "{failure}");
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn u07_e10_answers_that_are_no_console_answers_are_refused() {
    let deep = format!("{{\"data\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_port = format!("{{\"data\":{{\"port\":{}1{}}}}}", "[".repeat(10_000), "]".repeat(10_000));
    let good = format!("{{\"data\":{}}}", console_answer());
    let padded = format!("{{\"data\":{},\"pad\":\"{}\"}}", console_answer(), "x".repeat(64 * 1024));
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let rows = [
        ("HTML", answer("Content-Type: text/html\r\n", b"<html><title>Login</title></html>")),
        ("nothing", answer("", b"")),
        ("null", answer("", b"{\"data\":null}")),
        ("a list", answer("", b"{\"data\":[]}")),
        ("not UTF-8", answer("", b"{\"data\":\"\xff\xfe\"}")),
        ("a gzip bomb", answer("Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\0\0\0\0\0\0\x03bomb")),
        ("compressed though nobody asked", answer("Content-Encoding: gzip\r\n", good.as_bytes())),
        ("10,000 deep", answer("", deep.as_bytes())),
        ("a port 10,000 deep", answer("", deep_port.as_bytes())),
        ("100 MB announced", Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n{".to_vec())),
        ("64 KiB and more", answer("", padded.as_bytes())),
        ("not HTTP", Reply::Cut(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())),
        ("no answer", Reply::Cut(Vec::new())),
        ("cut in the head", Reply::Cut(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec())),
        ("cut in the body", Reply::Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"data\":".to_vec())),
        ("201", Reply::Json(201, "Created", good.clone())),
        ("101", Reply::Raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n".to_vec())),
        ("a huge head", answer(&format!("X-A: {}\r\n", "a".repeat(100_000)), good.as_bytes())),
        ("1,000 headers", answer(&"X-A: a\r\n".repeat(1000), good.as_bytes())),
        ("chunks cut short", Reply::Cut(format!("{chunks}5\r\n{{\"dat").into())),
    ];
    for (what, reply) in rows {
        // The POST must be the connection's first request, or a cut would be a closed kept connection.
        let identity = Identity::self_signed(&["pve1"]);
        let peer = Peer::start(&identity, opening(reply)).await;
        let resolver = one_node(&peer, &identity);
        let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
        drop_kept().await;
        let failure = resolver.open(&place).await.unwrap_err();
        assert_eq!(failure.reason, Reason::PveAnswer, "{what}: {failure}");
        assert_eq!(failure.reason.public().close, 4502);
        assert_eq!(peer.count(OPEN), 1, "{what}");
    }
}

/// Lets kept connections grow too old.
async fn drop_kept() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(4)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn u07_endless_answers_end_at_the_limit() {
    let chunk = [b"1000\r\n".as_slice(), &[b' '; 4096], b"\r\n"].concat();
    let endless = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice(), &chunk.repeat(4)].concat();
    let identity = Identity::self_signed(&["pve1"]);
    // The head again is no chunk, but the limit comes before it.
    let peer = Peer::start(&identity, opening(Reply::Endless([endless, chunk.repeat(64)].concat()))).await;
    let failure = open(&one_node(&peer, &identity)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::PveAnswer, "{failure}");
    assert!(failure.cause.contains("65536"), "{failure}");
}

#[tokio::test]
async fn u07_a_silent_or_dribbling_node_is_too_slow_at_the_deadline() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{\"data\":{".to_vec();
    for reply in [Reply::Silence, Reply::Stuck(b"HTTP/1.1 200".to_vec()), Reply::Stuck(head)] {
        let identity = Identity::self_signed(&["pve1"]);
        let peer = Peer::start(&identity, opening(reply)).await;
        let cluster = cluster(vec![node("pve1", peer.address, &identity)]);
        let failure = open(&resolver_within(&cluster, &impatient())).await.unwrap_err();
        assert_eq!(failure.reason, Reason::NodeSlow, "{failure}");
        assert_eq!(failure.reason.public().close, 4504);
        assert_eq!(peer.count(OPEN), 1, "a slow answer is not asked for twice");
    }
}

#[tokio::test]
async fn u08_an_impossible_port_or_ticket_ends_it_without_another_request() {
    for (field, value) in [("port", "22"), ("port", "6000"), ("ticket", "\"\""), ("ticket", "\"a\\r\\nX: y\"")] {
        let mut wrong = console_answer();
        wrong[field] = serde_json::from_str(value).unwrap();
        let failure = open_answered(data(&wrong.to_string())).await;
        assert_eq!(failure.reason, Reason::PveAnswer, "{field} {value}: {failure}");
    }
}

#[tokio::test]
async fn u11_an_answer_about_another_guest_ends_it_without_another_request() {
    let mut wrong = console_answer();
    wrong["upid"] = wrong["upid"].as_str().unwrap().replace(":100:", ":101:").into();
    let failure = open_answered(data(&wrong.to_string())).await;
    assert_eq!(failure.reason, Reason::Identity, "{failure}");
}

#[tokio::test]
async fn u15_nothing_a_node_says_reaches_anybody_but_the_log_and_no_secret_even_that() {
    let said = format!("no such thing {TICKET} for {UUID} at 10.0.0.11 \u{1b}[2J{}", "x".repeat(400));
    let body = serde_json::json!({ "data": null, "message": said }).to_string();
    let failure = open_answered(Reply::Json(500, "Internal Server Error", body)).await;
    assert_eq!(failure.reason, Reason::PveAnswer);
    assert!(failure.cause.contains("no such thing"), "{failure}");
    for secret in [TICKET, "PVEVNC", UUID, "\x1b"] {
        assert!(!failure.cause.contains(secret), "{failure}");
    }
    assert!(failure.cause.len() < 256, "{failure}");
    let public = format!("{:?}", failure.reason.public());
    assert!(!public.contains("10.0.0.11") && !public.contains("no such thing"), "{public}");
}

#[tokio::test]
async fn u15_a_rewritten_reason_phrase_leaves_the_message_of_the_body() {
    let body = r#"{"data":null,"message":"unable to find free port (5900-6000)\n"}"#;
    for (what, reply, reason) in [
        ("message", Reply::Json(500, "Internal Server Error", body.into()), Reason::NodeFull),
        (
            "cut body",
            Reply::Cut(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 9\r\n\r\n{\"d".to_vec()),
            Reason::PveAnswer,
        ),
    ] {
        assert_eq!(open_answered(reply).await.reason, reason, "{what}");
    }
}

#[tokio::test]
async fn u18_a_node_without_free_ports_is_full_and_not_asked_again() {
    let failure = open_answered(refuse(500, "unable to find free port (5900-6000)")).await;
    assert_eq!((failure.reason, failure.reason.public().close), (Reason::NodeFull, 4429), "{failure}");
}

#[tokio::test]
async fn u21_a_refused_credential_names_the_difference_of_clocks() {
    let old = "HTTP/1.1 401 Authentication failed!\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n";
    let failure = open_answered(Reply::Raw(old.into())).await;
    assert_eq!(failure.reason, Reason::PveAuth);
    assert!(failure.cause.contains("clock is -"), "{failure}");
}

#[tokio::test]
async fn a_kept_connection_that_ended_is_replaced_once() {
    let identity = Identity::self_signed(&["pve1"]);
    // The second request of a connection gets nothing but its end.
    let used = std::sync::Mutex::new(std::collections::HashSet::new());
    let peer = Peer::start(&identity, move |seen| {
        if used.lock().unwrap().insert(seen.connection) { ordinary(seen) } else { Reply::Cut(Vec::new()) }
    })
    .await;
    assert!(open(&one_node(&peer, &identity)).await.is_ok());
    assert_eq!((peer.count(OPEN), peer.connections()), (2, 2));
}

#[tokio::test]
async fn a_kept_connection_that_sent_back_something_is_not_replaced() {
    let failure = open_answered(Reply::Cut(b"HTTP/1.1 2".to_vec())).await;
    assert_eq!(failure.reason, Reason::PveAnswer, "{failure}");
}

#[tokio::test]
async fn an_idle_connection_is_not_used_when_the_node_is_about_to_close_it() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, ordinary).await;
    let resolver = one_node(&peer, &identity);
    let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
    resolver.open(&place).await.unwrap();
    assert_eq!(peer.connections(), 1);
    drop_kept().await;
    resolver.open(&place).await.unwrap();
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_busy_node_is_asked_on_the_connections_it_already_has() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, ordinary).await;
    let resolver = one_node(&peer, &identity);
    let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
    for _ in 0..3 {
        let opens = futures_util::future::join_all((0..8).map(|_| resolver.open(&place))).await;
        assert!(opens.iter().all(Result::is_ok), "{opens:?}");
    }
    assert_eq!((peer.count(OPEN), peer.connections()), (24, 8));
}

#[tokio::test]
async fn an_answer_with_the_connections_end_is_whole() {
    let identity = Identity::self_signed(&["pve1"]);
    let body = format!("{{\"data\":{}}}", console_answer());
    let closing = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let peer = Peer::start(&identity, opening(Reply::Cut(closing.into()))).await;
    let resolver = one_node(&peer, &identity);
    assert!(open(&resolver).await.is_ok());
    assert!(open(&resolver).await.is_ok());
}
