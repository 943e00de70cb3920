//! The engine between two in-memory peers, with time paused.

use super::super::{Departing, Leg};
use super::*;
use crate::id::Right;
use crate::wire::websocket::Header;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[path = "keep_alive_tests.rs"]
mod keep_alive;

const S: Duration = Duration::from_secs(1);
const KEY: Option<[u8; 4]> = Some([5, 6, 7, 8]);

/// A running splice, seen from its two peers.
struct Rig {
    browser: DuplexStream,
    node: DuplexStream,
    stop: Option<oneshot::Sender<Failure>>,
    task: JoinHandle<(Reason, Traffic)>,
}

fn rules(lasts: Duration) -> Rules {
    Rules {
        ping: S * 20,
        dead: S * 60,
        stall: S * 30,
        idle: None,
        keep_alive: None,
        ends: Instant::now() + lasts,
        flood: true,
        text: false,
    }
}

fn rig(change: impl FnOnce(&mut Rules)) -> Rig {
    rig_of(Guard::Open, change)
}

fn rig_of(guard: Guard, change: impl FnOnce(&mut Rules)) -> Rig {
    let mut rules = rules(S * 28_800);
    change(&mut rules);
    let (browser, client_leg) = duplex(4096);
    let (node, node_leg) = duplex(4096);
    let (stop, stopped) = oneshot::channel();
    let pair = Pair::new(Leg::client(client_leg, &[], false, 1024), Leg::node(node_leg, &[], 1024));
    let task = tokio::spawn(async move {
        let traffic = Traffic::default();
        let stopped = async { stopped.await.unwrap_or_else(|_| Reason::Killed.into()) };
        let ended = Splice::new(pair, rules, guard).run(&traffic, stopped).await;
        let code = ended.client_code.unwrap_or(ended.reason.public().close);
        let Ended { client, node, reason, .. } = *ended;
        tokio::join!(Departing::close(client, code, reason.word()), Departing::close(node, 1000, ""));
        (reason, traffic)
    });
    Rig { browser, node, stop: Some(stop), task }
}

async fn next_frame(stream: &mut DuplexStream) -> Option<(Header, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Ok(Some((header, size))) = Header::parse(&bytes) {
            let mut body = vec![0; header.len as usize];
            stream.read_exact(&mut body).await.ok()?;
            assert_eq!(bytes.len(), size);
            if let Some(key) = header.mask {
                crate::wire::websocket::apply_mask(&mut body, key, 0);
            }
            return Some((header, body));
        }
        bytes.push(stream.read_u8().await.ok()?);
    }
}

async fn expect_close(stream: &mut DuplexStream) -> u16 {
    loop {
        let (header, body) = next_frame(stream).await.expect("a close frame before the end");
        if header.opcode == Opcode::Close {
            return u16::from_be_bytes([body[0], body[1]]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_pass_both_ways_as_they_are() {
    let mut rig = rig(|_| {});
    let up = frame(Opcode::Binary, KEY, b"key press");
    let down = frame(Opcode::Binary, None, &[42; 3000]);
    rig.browser.write_all(&up).await.unwrap();
    rig.node.write_all(&down).await.unwrap();
    let (mut at_node, mut at_browser) = (vec![0; up.len()], vec![0; down.len()]);
    rig.node.read_exact(&mut at_node).await.unwrap();
    rig.browser.read_exact(&mut at_browser).await.unwrap();
    assert_eq!((at_node, at_browser), (up, down));
}

#[tokio::test(start_paused = true)]
async fn the_clients_close_ends_it_and_gets_its_code_back() {
    let mut rig = rig(|_| {});
    rig.browser.write_all(&frame(Opcode::Close, KEY, &3000_u16.to_be_bytes())).await.unwrap();
    assert_eq!(expect_close(&mut rig.browser).await, 3000);
    let (header, _) = next_frame(&mut rig.node).await.unwrap();
    assert_eq!((header.opcode, header.mask.is_some()), (Opcode::Close, true));
    drop((rig.browser, rig.node));
    assert_eq!(rig.task.await.unwrap().0, Reason::ClientClosed);
}

#[tokio::test(start_paused = true)]
async fn w13_data_after_close_is_dropped() {
    let mut rig = rig(|_| {});
    let bytes = [frame(Opcode::Close, KEY, &[]), frame(Opcode::Binary, KEY, b"late")].concat();
    rig.browser.write_all(&bytes).await.unwrap();
    assert_eq!(next_frame(&mut rig.node).await.unwrap().0.opcode, Opcode::Close);
    assert_eq!(next_frame(&mut rig.node).await, None, "the node's leg ends right behind");
}

#[tokio::test(start_paused = true)]
async fn w13_a_peer_that_does_not_answer_our_close_is_cut() {
    let mut rig = rig(|_| {});
    let began = Instant::now();
    rig.stop.take().unwrap().send(Reason::Killed.into()).unwrap();
    assert_eq!(expect_close(&mut rig.browser).await, 4403);
    assert_eq!(rig.task.await.unwrap().0, Reason::Killed);
    assert!(began.elapsed() <= S * 4, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn w18_a_client_that_is_gone_frees_the_node() {
    let mut rig = rig(|_| {});
    drop(rig.browser);
    assert_eq!(expect_close(&mut rig.node).await, 1000);
    drop(rig.node);
    assert_eq!(rig.task.await.unwrap().0, Reason::ClientGone);
}

#[tokio::test(start_paused = true)]
async fn u22_a_node_that_ends_gives_the_browser_all_its_bytes_and_a_close() {
    let mut rig = rig(|_| {});
    rig.node.write_all(&frame(Opcode::Binary, None, &[1; 2000])).await.unwrap();
    drop(rig.node);
    assert_eq!(next_frame(&mut rig.browser).await.unwrap().1.len(), 2000);
    assert_eq!(expect_close(&mut rig.browser).await, 1000);
    drop(rig.browser);
    assert_eq!(rig.task.await.unwrap().0, Reason::GuestEnded);
}

#[tokio::test(start_paused = true)]
async fn f02_a_frame_cut_by_the_node_is_not_passed_off_as_whole() {
    let mut rig = rig(|_| {});
    rig.node.write_all(&frame(Opcode::Binary, None, &[1; 2000])[..1000]).await.unwrap();
    drop(rig.node);
    let mut got = Vec::new();
    rig.browser.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 1000, "no close frame inside the payload");
    drop(rig.browser);
    assert_eq!(rig.task.await.unwrap().0, Reason::NodeCut);
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_here_and_pongs_go_no_further() {
    let mut rig = rig(|_| {});
    rig.browser.write_all(&frame(Opcode::Ping, KEY, b"are you there")).await.unwrap();
    let (header, body) = next_frame(&mut rig.browser).await.unwrap();
    assert_eq!((header.opcode, &body[..]), (Opcode::Pong, &b"are you there"[..]));
    rig.node.write_all(&frame(Opcode::Ping, None, b"x")).await.unwrap();
    let (header, _) = next_frame(&mut rig.node).await.unwrap();
    assert_eq!((header.opcode, header.mask.is_some()), (Opcode::Pong, true));
    rig.node.write_all(&frame(Opcode::Pong, None, b"")).await.unwrap();
    rig.node.write_all(&frame(Opcode::Binary, None, b"data")).await.unwrap();
    assert_eq!(next_frame(&mut rig.browser).await.unwrap().1, b"data");
}

#[tokio::test(start_paused = true)]
async fn u17_silent_peers_that_answer_pings_live_and_others_do_not() {
    let mut rig = rig(|_| {});
    for _ in 0..180 {
        let (header, body) = next_frame(&mut rig.browser).await.unwrap();
        assert_eq!(header.opcode, Opcode::Ping);
        rig.browser.write_all(&frame(Opcode::Pong, KEY, &body)).await.unwrap();
        assert_eq!(next_frame(&mut rig.node).await.unwrap().0.opcode, Opcode::Ping);
        rig.node.write_all(&frame(Opcode::Pong, None, b"")).await.unwrap();
    }
    let silent = Instant::now();
    let browser = async {
        while let Some((header, body)) = next_frame(&mut rig.browser).await {
            if header.opcode != Opcode::Ping {
                return u16::from_be_bytes([body[0], body[1]]);
            }
            rig.browser.write_all(&frame(Opcode::Pong, KEY, &body)).await.unwrap();
        }
        0
    };
    assert_eq!(browser.await, 4504);
    assert!(silent.elapsed() <= S * 61, "{:?}", silent.elapsed());
}

#[tokio::test(start_paused = true)]
async fn u07_a_ping_that_had_to_wait_for_the_end_of_a_browsers_frame_asks_the_node_too() {
    let mut rig = rig(|rules| (rules.ping, rules.dead) = (S * 50, S * 60));
    let began = Instant::now();
    let bytes = frame(Opcode::Binary, KEY, &[6; 100]);
    rig.browser.write_all(&bytes[..20]).await.unwrap();
    tokio::time::sleep(S * 51).await;
    rig.browser.write_all(&bytes[20..]).await.unwrap();
    assert_eq!(expect_close(&mut rig.browser).await, 4504);
    assert!(began.elapsed() < S * 61, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_came_with_the_upgrade_and_was_never_looked_at_goes_on_all_the_same() {
    let (_browser, client_leg) = duplex(4096);
    let (mut node, node_leg) = duplex(4096);
    let early = frame(Opcode::Binary, KEY, b"early");
    let pair = Pair::new(Leg::client(client_leg, &early, false, 1024), Leg::node(node_leg, &[], 1024));
    let spliced = tokio::spawn(async move {
        Splice::new(pair, rules(S * 60), Guard::Open).run(&Traffic::default(), std::future::pending()).await.reason
    });
    assert_eq!(next_frame(&mut node).await.unwrap().1, b"early");
    spliced.abort();
}

#[tokio::test(start_paused = true)]
async fn w16_a_client_that_never_reads_pauses_the_node_and_ends() {
    let mut rig = rig(|_| {});
    let began = Instant::now();
    let flood = async {
        let chunk = frame(Opcode::Binary, None, &[9; 4000]);
        let mut sent = 0;
        while rig.node.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        sent
    };
    let sent = flood.await;
    assert!(sent < 200 * 1024, "{sent} bytes were taken from the node");
    assert!(began.elapsed() >= S * 30 && began.elapsed() < S * 36, "{:?}", began.elapsed());
    let (reason, traffic) = rig.task.await.unwrap();
    let (down, paused) = (traffic.down.bytes(), traffic.down.paused());
    assert_eq!(reason, Reason::ClientStalled);
    assert!(down >= 4096 && paused >= S * 30, "{down} bytes, paused {paused:?}");
}

#[tokio::test(start_paused = true)]
async fn w17_a_node_that_never_reads_pauses_the_client_and_ends() {
    let mut rig = rig(|_| {});
    let chunk = frame(Opcode::Binary, KEY, &[9; 4000]);
    let mut sent = 0;
    while rig.browser.write_all(&chunk).await.is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 200 * 1024, "{sent} bytes were taken from the client");
    assert_eq!(rig.task.await.unwrap().0, Reason::NodeStalled);
}

#[tokio::test(start_paused = true)]
async fn u16_a_fragment_of_the_node_ends_the_session_though_more_of_it_comes() {
    let began = Instant::now();
    for before in [&b""[..], b"a whole frame before it"] {
        let mut rig = rig(|_| {});
        if !before.is_empty() {
            rig.node.write_all(&frame(Opcode::Binary, None, before)).await.unwrap();
            assert_eq!(next_frame(&mut rig.browser).await.unwrap().1, before);
        }
        rig.node.write_all(&[0x02, 10, b'x']).await.unwrap();
        let browser = async {
            assert_eq!(expect_close(&mut rig.browser).await, 4502);
            drop(rig.browser);
        };
        // The node may be gone by then.
        let rest = rig.node.write_all(b"123456789");
        let ((), _) = tokio::join!(browser, rest);
        drop(rig.node);
        assert_eq!(rig.task.await.unwrap().0, Reason::NodeWs);
    }
    assert!(began.elapsed() < S * 9, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_end_of_ours_waits_for_the_end_of_the_nodes_frame() {
    let mut rig = rig(|_| {});
    let whole = [frame(Opcode::Binary, None, &[7; 2000]), frame(Opcode::Binary, None, &[8; 50])].concat();
    rig.node.write_all(&whole[..500]).await.unwrap();
    let mut first = vec![0; 500];
    rig.browser.read_exact(&mut first).await.unwrap();
    rig.stop.take().unwrap().send(Reason::Killed.into()).unwrap();
    rig.node.write_all(&whole[500..]).await.unwrap();
    let mut rest = vec![0; 2004 - 500];
    rig.browser.read_exact(&mut rest).await.unwrap();
    assert_eq!([first, rest].concat(), whole[..2004]);
    assert_eq!(expect_close(&mut rig.browser).await, 4403, "and nothing of the next frame");
}

#[tokio::test(start_paused = true)]
async fn a_half_header_of_the_browser_does_not_keep_our_pings_from_the_node() {
    let mut rig = rig(|_| {});
    rig.browser.write_all(&[0x82]).await.unwrap();
    assert_eq!(next_frame(&mut rig.node).await.unwrap().0.opcode, Opcode::Ping);
    rig.browser.write_all(&frame(Opcode::Binary, KEY, b"late")[1..]).await.unwrap();
    assert_eq!(next_frame(&mut rig.node).await.unwrap().1, b"late");
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_the_handshake_owes_is_not_lost() {
    let (mut browser, client_leg) = duplex(4096);
    let (_node, node_leg) = duplex(4096);
    let early = [frame(Opcode::Binary, KEY, b"x"), frame(Opcode::Ping, KEY, b"owed")].concat();
    let mut client = Leg::client(client_leg, &early, false, 99);
    client.take::<1>().await.unwrap();
    let rules = rules(S);
    let pair = Pair::new(client, Leg::node(node_leg, &[], 99));
    tokio::spawn(async move {
        Splice::new(pair, rules, Guard::Open).run(&Traffic::default(), std::future::pending()).await.reason
    });
    let (header, body) = next_frame(&mut browser).await.unwrap();
    assert_eq!((header.opcode, &body[..]), (Opcode::Pong, &b"owed"[..]));
}

#[tokio::test(start_paused = true)]
async fn idle_and_lifetime_end_with_their_codes() {
    let mut idle = rig(|rules| rules.idle = Some(S * 5));
    assert_eq!(expect_close(&mut idle.browser).await, 4408);
    let mut short = rig(|rules| rules.ends = Instant::now() + S * 7);
    assert_eq!(expect_close(&mut short.browser).await, 4410);
}

#[tokio::test(start_paused = true)]
async fn w01_to_w12_each_violation_has_its_code() {
    let mut reserved = frame(Opcode::Binary, KEY, b"x");
    reserved[0] |= 0x40;
    for (bytes, code) in [
        (frame(Opcode::Binary, None, b"x"), 1002),
        (reserved, 1002),
        (frame(Opcode::Text, KEY, b"x"), 1003),
        (frame(Opcode::Close, KEY, &[3]), 1002),
        (frame(Opcode::Close, KEY, &[3, 232, 0xFF]), 1007),
        (vec![0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4], 1009),
        (frame(Opcode::Continuation, KEY, b"x"), 1002),
    ] {
        let mut rig = rig(|_| {});
        rig.browser.write_all(&bytes).await.unwrap();
        assert_eq!(expect_close(&mut rig.browser).await, code, "{bytes:x?}");
    }
}

#[tokio::test(start_paused = true)]
async fn w10_a_ping_flood_ends_with_1008() {
    let mut rig = rig(|_| {});
    let burst = frame(Opcode::Ping, KEY, b"").repeat(100);
    rig.browser.write_all(&burst).await.unwrap();
    assert_eq!(expect_close(&mut rig.browser).await, 1008);
}

#[tokio::test(start_paused = true)]
async fn what_the_handshake_read_too_far_goes_first() {
    let (mut browser, client_leg) = duplex(4096);
    let (mut node, node_leg) = duplex(4096);
    let early = frame(Opcode::Binary, KEY, b"hand");
    let mut client =
        Leg::client(client_leg, &[&early[..], &frame(Opcode::Binary, KEY, b"shake-rest")].concat(), false, 99);
    assert_eq!(&client.take::<9>().await.unwrap(), b"handshake");
    let mut nodes = Leg::node(node_leg, &[], 99);
    node.write_all(&frame(Opcode::Binary, None, b"ok+more")[..6]).await.unwrap();
    assert_eq!(&nodes.take::<2>().await.unwrap(), b"ok");
    node.write_all(&frame(Opcode::Binary, None, b"ok+more")[6..]).await.unwrap();
    let rules = rules(S);
    let pair = Pair::new(client, nodes);
    tokio::spawn(async move {
        Splice::new(pair, rules, Guard::Open).run(&Traffic::default(), std::future::pending()).await.reason
    });
    assert_eq!(next_frame(&mut node).await.unwrap().1, b"-rest");
    let mut got = next_frame(&mut browser).await.unwrap().1;
    got.extend(next_frame(&mut browser).await.unwrap().1);
    assert_eq!(got, b"+more");
}

#[tokio::test(start_paused = true)]
async fn r13_a_huge_paste_that_is_not_granted_goes_nowhere_and_what_follows_does() {
    let mut rig = rig_of(Guard::screen(&[Right::Input]), |_| {});
    let head = frame(Opcode::Binary, KEY, &[6, 0, 0, 0, 0, 0x80, 0, 0]);
    rig.browser.write_all(&head).await.unwrap();
    let megabyte = frame(Opcode::Binary, KEY, &[7; 1 << 20]);
    for _ in 0..8 {
        rig.browser.write_all(&megabyte).await.unwrap();
    }
    let key = [4, 1, 0, 0, 0, 0, 0, 65];
    rig.browser.write_all(&frame(Opcode::Binary, KEY, &key)).await.unwrap();
    assert_eq!(next_frame(&mut rig.node).await.unwrap().1, key);
}

#[tokio::test(start_paused = true)]
async fn r12_w19_what_is_dropped_counts_as_a_flood_like_anything_else() {
    let mut rig = rig_of(Guard::screen(&[]), |_| {});
    let burst = frame(Opcode::Binary, KEY, &[5, 0, 0, 1, 0, 1]).repeat(20_000);
    let (mut read, mut write) = tokio::io::split(rig.browser);
    let flood = tokio::spawn(async move { write.write_all(&burst).await });
    let mut got = Vec::new();
    read.read_to_end(&mut got).await.unwrap();
    assert!(got.windows(2).any(|two| two == 1008_u16.to_be_bytes()), "{got:?}");
    assert!(flood.await.unwrap().is_err(), "the rest was not read");
    drop(read);
    assert_eq!(next_frame(&mut rig.node).await.unwrap().0.opcode, Opcode::Close);
}
