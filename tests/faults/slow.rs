//! Networks and guests that are slow, or do not take anything: whoever moves stays, with every byte in its place, nobody's
//! bytes pile up, and whoever does not move is told. F07, F08.

use super::NODES;
use super::apart::{apart, packets};
use super::client::{Client, Closed};
use super::crowd::Crowd;
use super::customer::{Customer, open, token_of};
use super::gateway::{PATIENCE, Place};
use super::scene::{Scene, cluster, serve};
use super::way::{Toll, Way};
use consolegate::reason::Reason;
use consolegate::sim::{Backend, Sim};
use consolegate::wire::websocket::{Opcode, frame};
use futures_util::stream::SplitStream;
use futures_util::{SinkExt, StreamExt};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// What an echo or a flood is made of: byte `n` is `n mod 251`.
fn pattern(from: u64, length: usize) -> Vec<u8> {
    (from..).take(length).map(|n| (n % 251) as u8).collect()
}

/// The socket of a customer who says ever more without waiting for an answer, and hears it again.
struct Talker {
    client: Client,
    said: AtomicU64,
    heard: u64,
}

impl Talker {
    async fn comes(place: &Place, vmid: u32) -> Self {
        let mut client = open(place, &token_of(vmid), Ipv4Addr::LOCALHOST).await.unwrap();
        client.log_in().await.unwrap();
        Self { client, said: AtomicU64::new(0), heard: 0 }
    }

    /// Talks on until then, or until the console ends; how it ended.
    async fn talks_until(&mut self, until: Instant) -> Option<Closed> {
        let (mut says, hears) = (&mut self.client.socket).split();
        let said = &self.said;
        let talk = async {
            // Counted before it is flushed: whoever is interrupted then has said it.
            while says.feed(Message::binary(pattern(said.load(Relaxed), 1024))).await.is_ok() {
                said.fetch_add(1024, Relaxed);
                let _ = says.flush().await;
            }
            // It ended; the other half knows why.
            std::future::pending::<()>().await;
        };
        let hear = heard_until(hears, &mut self.heard);
        tokio::select! {
            () = talk => None,
            closed = hear => Some(closed),
            () = tokio::time::sleep_until(until) => None,
        }
    }
}

/// Every byte of the pattern that comes, each compared, to the end of the console.
async fn heard_until(mut hears: SplitStream<&mut WebSocketStream<TcpStream>>, heard: &mut u64) -> Closed {
    loop {
        match hears.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                assert_eq!(bytes[..], pattern(*heard, bytes.len()), "behind {heard} bytes that were right");
                *heard += bytes.len() as u64;
            }
            Some(Ok(Message::Close(Some(frame)))) => {
                return Closed { code: frame.code.into(), reason: frame.reason.to_string() };
            }
            Some(Ok(_)) => {}
            other => return Closed { code: 1006, reason: format!("{other:?}") },
        }
    }
}

/// What all sockets of a way hold together where none holds more than 16 KiB for itself, and twice that in the kernel's
/// own accounts; and what the gateway holds of a direction.
const HELD: u64 = (6 * 32 + 64) * 1024;

/// A gateway that reaches its first node through a way.
async fn through_a_way(sim: Sim, extra: &str) -> (Scene, Way) {
    let node = sim.node_address(NODES[0]);
    let way = Way::from("127.0.0.1", node).await;
    let change = |text: String| text.replace(&node.to_string(), &way.address.to_string()) + extra;
    (Scene::start_changed(sim, NODES, serve(), change).await, way)
}

#[test]
fn f07_w17_slow_sides_keep_their_consoles_and_a_node_that_reads_nothing_is_4508_with_little_held() {
    apart(
        "slow::f07_w17_slow_sides_keep_their_consoles_and_a_node_that_reads_nothing_is_4508_with_little_held",
        async {
            let stall = Duration::from_secs(5);
            let times = "[timeouts]\nping = 1\ndead = 3\nstall = 5\n";
            let (scene, way) = through_a_way(cluster(NODES, 8, |_| {}).await, times).await;
            let place = &scene.gateway.place;
            let mut talker = Talker::comes(place, 100).await;
            let mut slow = Customer::comes(place, 104).await.unwrap();
            let mut others = Crowd::gathers(place, 101..103).await;
            let before = scene.memory();

            // A customer who takes ten seconds for a frame, and a node that takes 8 KiB a second: longer than dead and stall
            // allow to whoever does nothing.
            way.set(Toll::Rate(8 * 1024));
            let taken = way.taken();
            let (ended, ()) = tokio::join!(
                talker.talks_until(Instant::now() + stall * 2),
                says_slowly(&mut slow, Duration::from_millis(250))
            );
            assert_eq!(ended, None, "it moves");
            let said = talker.said.load(Relaxed);
            assert!(
                said < way.taken() - taken + HELD,
                "{said} bytes went, {} of them to the node",
                way.taken() - taken
            );
            assert!(talker.heard > 0);

            others.joins(slow);

            // Now it takes nothing.
            way.set(Toll::Shut);
            let (taken, said, began) = (way.taken(), talker.said.load(Relaxed), Instant::now());
            let ended = talker.talks_until(began + PATIENCE).await.expect("it ends");
            assert!(ended.is(Reason::NodeStalled), "{ended:?}");
            assert!(began.elapsed() >= stall / 2, "{:?}", began.elapsed());
            let more = talker.said.load(Relaxed) - said;
            assert!(more < HELD && way.taken() - taken < HELD, "{more} bytes went nowhere");
            let grown = scene.memory().saturating_sub(before);
            assert!(grown < 4096, "{grown} KiB more");

            others.goes_on(2).await;
            assert!(others.ends().is_empty(), "{:?}", others.ends());
            way.set(Toll::Free);
            scene.sim.wait_for(|counters| counters.websocket_live == 3).await.expect("the node has its port again");
            assert!(scene.sim.counters().max_waiting < 640 << 10, "pveproxy ends who makes it hold 640 KiB");
        },
    );
}

/// Says a frame byte by byte, and reads nothing meanwhile, not even pings.
async fn says_slowly(customer: &mut Customer, pause: Duration) {
    let mut pace = interval(pause);
    let stream = customer.client.socket.get_mut();
    for byte in frame(Opcode::Binary, Some([1, 2, 3, 4]), &pattern(0, 34)) {
        pace.tick().await;
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(customer.client.read(34).await.unwrap(), pattern(0, 34));
}

/// Four bad networks on the customers' side and the same four on the nodes', each with a console through it.
#[test]
fn f08_loss_delay_a_narrow_line_and_single_bytes_on_either_side_change_no_byte_and_end_nothing() {
    apart("slow::f08_loss_delay_a_narrow_line_and_single_bytes_on_either_side_change_no_byte_and_end_nothing", async {
        let stall = Duration::from_secs(22);
        let nodes = ["good", "late", "narrow", "bytes", "lossy"];
        let narrow = Toll::Rate(1024);
        let tolls = [Toll::Free, Toll::Delay(Duration::from_millis(200)), narrow, Toll::Bytes, Toll::Free];
        // Guests of the five nodes in turn: 100, 105, 110 and so on are those of the first.
        let sim = cluster(&nodes, 40, |config| {
            config.guests[10].backend = Backend::Flood { bytes: 4 << 20, piece: 1000 };
        })
        .await;
        let (mut ways, mut told) = (Vec::new(), Vec::new());
        for (node, at) in nodes.iter().zip(["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.18"]) {
            let address = sim.node_address(node);
            ways.push(Way::from(at, address).await);
            told.push((address.to_string(), ways.last().unwrap().address.to_string()));
        }
        // No certificate is of the address where packets are lost.
        let pin = format!("\"\nfingerprint = \"{}\"", sim.fingerprint("lossy"));
        let through = |text: String| {
            let text = told.iter().fold(text, |text, (from, to)| text.replace(from, to));
            text.replace(&format!("{}\"", told[4].1), &(told[4].1.clone() + &pin)) + "[timeouts]\nstall = 22\n"
        };
        let scene = Scene::start_changed(sim, &nodes, serve(), through).await;
        let place = &scene.gateway.place;
        let mut fronts = Vec::new();
        for toll in [Toll::Free, tolls[1], narrow, Toll::Bytes] {
            let way = Way::from("127.0.0.1", place.address).await;
            way.set(toll);
            fronts.push((Place { address: way.address, ..place.clone() }, way));
        }
        // Through the good node and a bad line, opened over that line; and through a good line and each bad node.
        let mut customers = Vec::new();
        for (front, vmid) in [(1, 100), (2, 120), (3, 130)] {
            customers.push((format!("line {front}"), Customer::comes(&fronts[front].0, vmid).await.unwrap()));
        }
        let lossy = Ipv4Addr::new(127, 0, 0, 8);
        customers.push(("a lossy line".to_owned(), Customer::comes_from(place, 115, lossy).await.unwrap()));
        for (node, vmid) in [(1, 101), (3, 103), (4, 104), (1, 106), (4, 109)] {
            customers.push((format!("node {}", nodes[node]), Customer::comes(place, vmid).await.unwrap()));
        }
        let mut talker = Talker::comes(place, 102).await;
        let mut flooded = open(&fronts[2].0, &token_of(110), Ipv4Addr::LOCALHOST).await.unwrap();
        flooded.log_in().await.unwrap();

        ways.iter().zip(tolls).for_each(|(way, toll)| way.set(toll));
        // In one direction: lost both ways, a word could wait for its answer longer than a test does.
        packets(&["saddr 127.0.0.8", "saddr 127.0.0.18"], "numgen random mod 100 < 30 drop");
        let end = Instant::now() + stall + Duration::from_secs(4);
        let mut talks = JoinSet::new();
        for (line, mut customer) in customers {
            talks.spawn(async move {
                let mut times = 0;
                while let Ok(talked) = timeout_at(end, customer.talks()).await {
                    talked.unwrap_or_else(|closed| panic!("through {line}: {closed:?}"));
                    times += 1;
                }
                assert!(times > 0, "nothing came through {line}");
            });
        }
        talks.spawn(async move {
            let mut heard = 0;
            let (_says, hears) = (&mut flooded.socket).split();
            let ended = timeout_at(end, heard_until(hears, &mut heard)).await;
            assert!(ended.is_err() && heard > 8 * 1024, "{ended:?} behind {heard} bytes of a flood");
        });
        assert_eq!(talker.talks_until(end).await, None);
        assert!(talker.heard > 0 && talker.said.load(Relaxed) > talker.heard);
        while let Some(ended) = talks.join_next().await {
            ended.unwrap();
        }
        // Who comes now does so through what is slow, and within the times for that.
        for (front, _) in &fronts[1..] {
            let came = timeout(PATIENCE, Customer::comes(front, 125)).await.expect("an answer");
            drop(came.expect("a slow line"));
        }
        Customer::comes(place, 131).await.expect("a node 200 ms away").talks().await.unwrap();
        Customer::comes(place, 133).await.expect("a node whose bytes come one by one").talks().await.unwrap();
    });
}
