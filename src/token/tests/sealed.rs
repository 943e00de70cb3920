//! What a seal that holds may say and still opens nothing: whoever has the session key writes anything into one.

use super::*;
use crate::id::{Console, Guest, NodeName, Protocol};
use crate::token::{Envelope, Grant};
use Reason::{TokenBinding, TokenClaimType, TokenClaimValue, TokenKind, TokenLifetime, TokenScope};

fn envelope() -> Envelope {
    let grant = verify(&good()).unwrap().grant;
    Envelope { session: SessionId::from_bits(7), generation: 0, expires: NOW + 3600, ends: NOW + 3600, grant }
}

/// How long it is good for and its session goes on, by the rules of now.
fn accepted(forge: impl FnOnce(&mut Envelope)) -> Result<(u64, u64), Reason> {
    let mut envelope = envelope();
    forge(&mut envelope);
    let gate = gateway(&[issuer(&[&panel()])]);
    let accepted = gate.accept_sealed(envelope, Some(PANEL), &rules(), NOW).map_err(|failure| failure.reason)?;
    Ok((accepted.expires - NOW, accepted.ends - NOW))
}

fn checked(forge: impl FnOnce(&mut Envelope)) -> Result<(), Reason> {
    accepted(forge).map(drop)
}

fn granted(forge: impl FnOnce(&mut Grant)) -> Result<(), Reason> {
    checked(|envelope| forge(&mut envelope.grant))
}

fn guest(cluster: &str, guest: Guest) -> Console {
    Console { cluster: cluster.parse().unwrap(), guest, protocol: Protocol::Vnc }
}

fn node(name: &str) -> NodeName {
    name.parse().unwrap()
}

#[test]
fn what_a_token_was_granted_passes_as_long_as_nothing_changes() {
    assert_eq!(granted(|_| ()), Ok(()));
    assert_eq!(granted(|grant| grant.node = Some(node("pve2"))), Ok(()));
}

#[test]
fn t26_a_seal_opens_no_console_that_its_issuer_may_not() {
    let console = |console: Console| granted(|grant| grant.console = console);
    let vm = |vmid: u32| Guest::Qemu(vmid.try_into().unwrap());
    assert_eq!(granted(|grant| grant.issuer = "nobody".into()), Err(TokenScope));
    assert_eq!(console(guest("eu1", vm(1000))), Err(TokenScope), "another guest");
    assert_eq!(console(guest("us1", vm(100))), Err(TokenScope), "another cluster");
    assert_eq!(console(guest("nowhere", vm(100))), Err(TokenScope), "a cluster that is none");
    assert_eq!(console(guest("eu1", Guest::Node(node("pve1")))), Err(TokenKind), "a host");
    assert_eq!(granted(|grant| grant.node = Some(node("pve7"))), Err(TokenClaimValue), "another cluster's node");
    assert_eq!(granted(|grant| grant.origin = Some("https://evil.example".into())), Err(TokenBinding));
}

#[test]
fn t31_a_seal_names_one_host_and_not_two() {
    let mut shells = issuer(&[&panel()]);
    shells.kinds = vec![Kind::Node];
    let gate = gateway(&[shells]);
    let checked = |asked: &str, named: Option<&str>| {
        let mut envelope = envelope();
        envelope.grant.console = guest("eu1", Guest::Node(node(asked)));
        envelope.grant.node = named.map(node);
        gate.accept_sealed(envelope, Some(PANEL), &rules(), NOW).map(drop).map_err(|failure| failure.reason)
    };
    assert_eq!(checked("pve1", Some("pve1")), Ok(()));
    assert_eq!(checked("pve9", Some("pve1")), Err(TokenScope));
    assert_eq!(checked("pve1", None), Err(TokenClaimType));
}

#[test]
fn t16_a_seal_is_of_no_token_that_was_made_later_than_now() {
    for (issued, is_good) in [(NOW + 10, true), (NOW + 11, false), (u64::MAX, false)] {
        assert_eq!(granted(|grant| grant.issued = issued).is_ok(), is_good, "{issued}");
    }
}

/// The token's time, both leeways and the longest session, from when the token was made.
const LONGEST: u64 = 120 + 10 + 3600;

#[test]
fn d01_a_session_that_was_given_longer_goes_on_until_the_end_that_sessions_have_now() {
    let issued = envelope().grant.issued;
    assert_eq!(issued, NOW, "all below counts from it");
    assert_eq!(accepted(|_| ()), Ok((3600, 3600)), "what a gateway with the same rules gave");
    for given in [LONGEST + 31, 8 * 3600, u64::MAX - NOW] {
        let accepted = accepted(|envelope| (envelope.ends, envelope.expires) = (NOW + given, NOW + given));
        assert_eq!(accepted, Ok((LONGEST + 30, LONGEST)), "{given}");
    }
    let half_over = accepted(|envelope| {
        envelope.grant.issued = NOW - 2000;
        envelope.ends = NOW + 7 * 3600;
    });
    assert_eq!(half_over.map(|(_, ends)| ends), Ok(LONGEST - 2000), "counted from its beginning");
    let tightened = accepted(|envelope| envelope.grant.max_seconds = Some(60));
    assert_eq!(tightened.map(|(_, ends)| ends), Ok(120 + 10 + 60), "the token asked for less");
}

#[test]
fn d01_a_session_that_is_older_than_sessions_may_be_now_is_over() {
    let begun = |ago| checked(|envelope| (envelope.grant.issued, envelope.ends) = (NOW - ago, NOW + 7 * 3600));
    assert_eq!((begun(LONGEST - 1), begun(LONGEST)), (Ok(()), Err(TokenLifetime)));
}

#[test]
fn a_ticket_may_outlast_its_session() {
    let nearly_over = accepted(|envelope| {
        envelope.grant.max_seconds = Some(1);
        (envelope.ends, envelope.expires) = (NOW + 1, NOW + 30);
    });
    assert_eq!(nearly_over, Ok((30, 1)));
}
