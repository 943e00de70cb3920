//! The registry: limits, guards, take-over and shutdown.

use super::*;
use crate::id::{Guest, Vmid};
use crate::token::Grant;
use std::net::Ipv4Addr;

const NOW: u64 = 1_800_000_000;
const BROWSER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn limits() -> Limits {
    Limits { sessions: 5, per_guest: 2, per_subject: 3, per_node: 2, per_node_opening: 8, per_client: 8 }
}

fn pass(session: u128, vmid: u32, subject: &str) -> Pass {
    pass_of(session, 0, vmid, subject, Protocol::Vnc)
}

fn pass_of(session: u128, generation: u32, vmid: u32, subject: &str, protocol: Protocol) -> Pass {
    let guest = Guest::Qemu(Vmid::try_from(vmid).unwrap());
    let console = Console { cluster: "eu1".parse().unwrap(), guest, protocol };
    Pass::unspent(SessionId::from_bits(session), generation, Grant::unproven(subject, console))
}

/// The same guest's terminal.
fn terminal(session: u128, vmid: u32, subject: &str) -> Pass {
    pass_of(session, 0, vmid, subject, Protocol::Term)
}

fn refusal(sessions: &Arc<Sessions>, pass: &Pass) -> Reason {
    sessions.admit(pass, BROWSER, &limits(), NOW).unwrap_err().reason
}

#[test]
fn e05_e06_each_limit_refuses_with_its_own_word_and_a_drop_gives_the_place_back() {
    let sessions = Sessions::new();
    let first = sessions.admit(&pass(1, 100, "a"), BROWSER, &limits(), NOW).unwrap();
    let _second = sessions.admit(&pass(2, 100, "b"), BROWSER, &limits(), NOW).unwrap();
    assert_eq!(refusal(&sessions, &pass(3, 100, "c")), Reason::LimitGuest);
    drop(first);
    let _third = sessions.admit(&pass(3, 100, "b"), BROWSER, &limits(), NOW).unwrap();
    let _fourth = sessions.admit(&pass(4, 101, "b"), BROWSER, &limits(), NOW).unwrap();
    assert_eq!(refusal(&sessions, &pass(5, 102, "b")), Reason::LimitSubject);
    let _fifth = sessions.admit(&pass(5, 102, "d"), BROWSER, &limits(), NOW).unwrap();
    let _sixth = sessions.admit(&pass(6, 103, "d"), BROWSER, &limits(), NOW).unwrap();
    assert_eq!(refusal(&sessions, &pass(7, 104, "e")), Reason::GatewayFull);
    assert_eq!(sessions.len(), 5);
}

#[test]
fn e05_screens_and_terminals_of_a_guest_are_counted_together() {
    let sessions = Sessions::new();
    let screen = sessions.admit(&pass(1, 100, "a"), BROWSER, &limits(), NOW).unwrap();
    let _terminal = sessions.admit(&terminal(2, 100, "b"), BROWSER, &limits(), NOW).unwrap();
    assert_eq!(refusal(&sessions, &terminal(3, 100, "c")), Reason::LimitGuest);
    assert_eq!(refusal(&sessions, &pass(3, 100, "c")), Reason::LimitGuest);
    drop(screen);
    let _another = sessions.admit(&terminal(3, 100, "c"), BROWSER, &limits(), NOW).unwrap();
    assert_eq!(refusal(&sessions, &pass(4, 100, "d")), Reason::LimitGuest);
}

#[test]
fn a_nodes_places_are_counted_and_given_back() {
    let sessions = Sessions::new();
    let node: NodeName = "pve1".parse().unwrap();
    let guards: Vec<_> =
        (0..3).map(|n| sessions.admit(&pass(n, 100 + n as u32, "s"), BROWSER, &limits(), NOW).unwrap()).collect();
    guards[0].place(&node, limits().per_node).unwrap();
    guards[1].place(&node, limits().per_node).unwrap();
    assert_eq!(guards[2].place(&node, limits().per_node).unwrap_err().reason, Reason::LimitNode);
    drop(guards);
    let guard = sessions.admit(&pass(9, 100, "s"), BROWSER, &limits(), NOW).unwrap();
    guard.place(&node, limits().per_node).unwrap();
    assert_eq!(sessions.list()[0].node, Some(node));
}

#[test]
fn what_is_counted_is_the_traffic_of_the_live_sessions() {
    let sessions = Sessions::new();
    let screen = sessions.admit(&pass(1, 100, "a"), BROWSER, &limits(), NOW).unwrap();
    let _terminal = sessions.admit(&terminal(2, 101, "a"), BROWSER, &limits(), NOW).unwrap();
    screen.traffic().up.add(7, 1);
    let mut counted: Vec<_> =
        sessions.traffics().iter().map(|(protocol, traffic)| (protocol.word(), traffic.up.bytes())).collect();
    counted.sort_unstable();
    assert_eq!(counted, [("term", 0), ("vnc", 7)]);
}

#[tokio::test]
async fn a_resume_takes_the_old_leg_over_and_the_old_guard_frees_nothing_of_the_new() {
    let sessions = Sessions::new();
    let old = sessions.admit(&pass(1, 100, "a"), BROWSER, &limits(), NOW).unwrap();
    let new = sessions.admit(&pass(1, 100, "a"), BROWSER, &limits(), NOW).unwrap();
    assert_eq!(old.stopped().await.reason, Reason::TakenOver);
    drop(old);
    assert_eq!(sessions.len(), 1);
    drop(new);
    assert!(sessions.is_empty());
}

#[test]
fn a_late_ticket_of_an_older_generation_takes_nothing_over() {
    let sessions = Sessions::new();
    let newer = pass_of(1, 1, 100, "a", Protocol::Vnc);
    let _live = sessions.admit(&newer, BROWSER, &limits(), NOW).unwrap();
    assert_eq!(refusal(&sessions, &pass(1, 100, "a")), Reason::TakenOver);
    assert_eq!(sessions.len(), 1);
}

#[tokio::test]
async fn stop_and_close_reach_the_guard() {
    let sessions = Sessions::new();
    let guard = sessions.admit(&pass(1, 100, "a"), BROWSER, &limits(), NOW).unwrap();
    assert!(!sessions.stop(SessionId::from_bits(2), Reason::Killed));
    assert!(sessions.stop(SessionId::from_bits(1), Reason::Killed));
    assert_eq!(guard.stopped().await.reason, Reason::Killed);
    sessions.close(Reason::Shutdown);
    assert_eq!(refusal(&sessions, &pass(2, 100, "a")), Reason::Shutdown);
    drop(guard);
    sessions.emptied().await;
}
