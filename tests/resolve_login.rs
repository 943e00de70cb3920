//! Signing in with user and password: tickets, CSRF, renewal, and what a refused one costs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod resolve_peer;

use consolegate::reason::{Failure, Reason};
use consolegate::resolve::{Resolver, Target};
use resolve_peer::cert::Identity;
use resolve_peer::setup::{USER, cluster, console, console_answer, node, ordinary, password, resolver};
use resolve_peer::{Peer, Reply, Seen, data, refuse};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::task::JoinSet;

const LOGIN: &str = "POST /api2/json/access/ticket";
const PASSWORD: &str = "p%26w%3B%2B%20%3D%25";

/// The ticket of the n-th login, with everything in it that a cookie must not carry raw.
fn ticket(number: usize) -> String {
    format!("PVE:gate@pve:{number:08X}::c2ln+/==")
}

fn login_answer(number: usize) -> Reply {
    let ticket = ticket(number);
    data(&format!(
        r#"{{"username":"gate@pve","ticket":"{ticket}","CSRFPreventionToken":"{number}:csrf","cap":{{"vms":{{}}}}}}"#
    ))
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A node that counts logins, and takes only tickets for which `valid` says so.
fn node_that_takes(valid: impl Fn(usize) -> bool + Send + Sync + 'static) -> impl Fn(&Seen) -> Reply + Send + Sync {
    let logins = AtomicUsize::new(0);
    move |seen| {
        if seen.line == LOGIN {
            return login_answer(logins.fetch_add(1, SeqCst));
        }
        let cookie = seen.header("cookie").unwrap_or_default();
        let shown = (0..10).find(|number| cookie == format!("PVEAuthCookie={}", encoded(&ticket(*number))));
        let Some(number) = shown.filter(|number| valid(*number)) else {
            return refuse(401, "Authentication failed!");
        };
        if seen.line.starts_with("POST") && seen.header("csrfpreventiontoken") != Some(&format!("{number}:csrf")) {
            return refuse(401, "Permission denied - invalid csrf token");
        }
        as_gate(seen)
    }
}

/// The ordinary answers, for the user instead of its token.
fn as_gate(seen: &Seen) -> Reply {
    if seen.line.ends_with("/vncproxy") {
        data(&console_answer().to_string().replace(USER, "gate@pve"))
    } else {
        ordinary(seen)
    }
}

fn by_password(peer: &Peer, identity: &Identity) -> Resolver {
    let mut cluster = cluster(vec![node("pve1", peer.address, identity)]);
    cluster.credential = password();
    resolver(&cluster)
}

async fn open(resolver: &Resolver) -> Result<Target, Failure> {
    let place = resolver.locate(&console("qemu/100"), None).await?;
    resolver.open(&place).await
}

async fn advance(minutes: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(minutes * 60)).await;
    tokio::time::resume();
}

fn logins(peer: &Peer) -> Vec<String> {
    peer.seen().into_iter().filter(|seen| seen.line == LOGIN).map(|seen| seen.body).collect()
}

#[tokio::test]
async fn a_user_signs_in_once_and_both_calls_carry_the_same_ticket() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, node_that_takes(|_| true)).await;
    let resolver = by_password(&peer, &identity);
    let target = open(&resolver).await.unwrap();
    assert_eq!(target.credential.0, "cookie");
    assert_eq!(target.credential.1.reveal_text(), Some(format!("PVEAuthCookie={}", encoded(&ticket(0))).as_str()));
    assert_eq!(target.login.0, "gate@pve");
    open(&resolver).await.unwrap();
    assert_eq!(logins(&peer), [format!("username=gate%40pve&password={PASSWORD}")]);
    for seen in peer.seen().iter().filter(|seen| seen.line.starts_with("GET")) {
        assert_eq!(seen.header("csrfpreventiontoken"), None);
    }
}

#[tokio::test]
async fn one_login_serves_all_who_wait() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, node_that_takes(|_| true)).await;
    let resolver = Arc::new(by_password(&peer, &identity));
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let resolver = resolver.clone();
        asking.spawn(async move { open(&resolver).await.is_ok() });
    }
    assert_eq!(asking.join_all().await, vec![true; 20]);
    assert_eq!(logins(&peer).len(), 1);
}

#[tokio::test]
async fn a_ticket_is_renewed_by_itself_before_two_hours() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, node_that_takes(|_| true)).await;
    let resolver = by_password(&peer, &identity);
    open(&resolver).await.unwrap();
    advance(89).await;
    open(&resolver).await.unwrap();
    assert_eq!(logins(&peer).len(), 1);
    advance(2).await;
    open(&resolver).await.unwrap();
    let renewal = format!("username=gate%40pve&password={}", encoded(&ticket(0)));
    assert_eq!(logins(&peer)[1..], [renewal]);
    // After two hours the old ticket is worth nothing: the password again.
    advance(121).await;
    open(&resolver).await.unwrap();
    assert_eq!(logins(&peer)[2..], [format!("username=gate%40pve&password={PASSWORD}")]);
}

#[tokio::test]
async fn a_renewal_that_is_refused_falls_back_to_the_password() {
    let identity = Identity::self_signed(&["pve1"]);
    let takes = node_that_takes(|_| true);
    let peer = Peer::start(&identity, move |seen| {
        let renewal = seen.line == LOGIN && !seen.body.ends_with(PASSWORD);
        if renewal { refuse(401, "authentication failure") } else { takes(seen) }
    })
    .await;
    let resolver = by_password(&peer, &identity);
    open(&resolver).await.unwrap();
    advance(91).await;
    open(&resolver).await.unwrap();
    assert_eq!(logins(&peer).len(), 3);
}

#[tokio::test]
async fn a_node_that_cannot_renew_leaves_the_old_ticket_while_it_lives() {
    let identity = Identity::self_signed(&["pve1"]);
    let (takes, broken) = (node_that_takes(|_| true), Arc::new(AtomicBool::new(false)));
    let breaks = broken.clone();
    let peer = Peer::start(&identity, move |seen| {
        if seen.line == LOGIN && breaks.load(SeqCst) { refuse(595, "Connection refused") } else { takes(seen) }
    })
    .await;
    let resolver = by_password(&peer, &identity);
    open(&resolver).await.unwrap();
    broken.store(true, SeqCst);
    advance(91).await;
    assert!(open(&resolver).await.is_ok());
    advance(60).await;
    assert_eq!(open(&resolver).await.unwrap_err().reason, Reason::NodeDown);
}

#[tokio::test]
async fn a_refused_ticket_forces_one_login_and_one_retry() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, node_that_takes(|number| number == 1)).await;
    let resolver = by_password(&peer, &identity);
    open(&resolver).await.unwrap();
    assert_eq!(logins(&peer), vec![format!("username=gate%40pve&password={PASSWORD}"); 2]);

    let peer = Peer::start(&identity, node_that_takes(|_| false)).await;
    let failure = open(&by_password(&peer, &identity)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::PveAuth);
    assert_eq!((logins(&peer).len(), peer.seen().len()), (2, 4));
}

#[tokio::test]
async fn u05_a_refused_password_is_pve_auth_asked_once_a_second() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, |_| refuse(401, "authentication failure")).await;
    let mut cluster = cluster(vec![node("pve1", peer.address, &identity)]);
    cluster.nodes.push(node("pve2", peer.address, &identity));
    cluster.credential = password();
    let resolver = Arc::new(resolver(&cluster));
    let mut asking = JoinSet::new();
    for node in ["pve1", "pve2"].repeat(10) {
        let resolver = resolver.clone();
        asking.spawn(async move {
            let place = resolver.locate(&console(&format!("node/{node}")), None).await.unwrap();
            resolver.open(&place).await.unwrap_err()
        });
    }
    for failure in asking.join_all().await {
        assert_eq!(failure.reason, Reason::PveAuth);
        assert!(failure.cause.contains("login of gate@pve") && !failure.cause.contains("p&w"), "{failure}");
    }
    assert_eq!(peer.seen().len(), 1, "a locked account helps nobody");
}

#[tokio::test]
async fn a_user_with_a_second_factor_is_told_to_use_an_api_token() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, |_| {
        data(r#"{"username":"gate@pve","ticket":"PVE:!tfa!%7B%22totp%22%3Atrue%7D:1::x","NeedTFA":1}"#)
    })
    .await;
    let failure = open(&by_password(&peer, &identity)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::PveAuth);
    assert!(failure.cause.contains("API token"), "{failure}");
}

#[tokio::test]
async fn a_login_answer_that_is_none_is_refused_without_quoting_it() {
    let identity = Identity::self_signed(&["pve1"]);
    let rows = [
        (r#"{"username":"gate@pve","ticket":"","CSRFPreventionToken":"x"}"#, Reason::PveAnswer),
        (r#"{"username":"gate@pve","ticket":"PVE:secret"}"#, Reason::PveAnswer),
        (r#"{"username":"gate@pve","ticket":"PVE:\r\nsecret","CSRFPreventionToken":"x"}"#, Reason::PveAnswer),
        (r#"{"username":"root@pam","ticket":"PVE:secret","CSRFPreventionToken":"x"}"#, Reason::Identity),
        ("\"PVE:secret\"", Reason::PveAnswer),
        ("null", Reason::PveAnswer),
    ];
    for (json, reason) in rows {
        let peer = Peer::start(&identity, move |_| data(json)).await;
        let failure = open(&by_password(&peer, &identity)).await.unwrap_err();
        assert_eq!(failure.reason, reason, "{json}: {failure}");
        assert!(!failure.cause.contains("secret"), "{failure}");
    }
}
