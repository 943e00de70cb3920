//! Connections that end without a goodbye: a node resets them, a customer's cable is pulled. F01, F04.

use super::apart::{apart, packets};
use super::crowd::Crowd;
use super::customer::Customer;
use super::scene::{Scene, cluster, serve, until};
use super::way::Way;
use super::{ALONE, LIVE, NODES};
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const MANY: &str = "[limits]\nper_client = 2000\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_a_node_that_resets_its_connections_ends_its_own_consoles_at_once_and_nobody_elses() {
    let _alone = ALONE.lock().await;
    let sim = cluster(NODES, LIVE + 12, |_| {}).await;
    let (node, third) = (sim.node_address(NODES[0]), LIVE / NODES.len());
    let way = Way::from("127.0.0.1", node).await;
    let through = |text: String| text.replace(&node.to_string(), &way.address.to_string()) + MANY;
    let scene = Scene::start_changed(sim, NODES, serve(), through).await;
    let place = &scene.gateway.place;
    let mut crowd = Crowd::gathers(place, 100..100 + LIVE as u32).await;
    let open = scene.descriptors();

    // Others come to guests of the other two nodes meanwhile.
    let visited = (100 + LIVE as u32..).take(12).filter(|vmid| (vmid - 100) % 3 != 0).collect();
    crowd.and_visitors(place, visited);
    let began = Instant::now();
    way.reset();
    until("all its sessions ended", async || crowd.ends().len() >= third).await;
    // A visitor has two connections for a second or two, and five come every second.
    scene.has_descriptors(open - 2 * third + 30, Duration::from_secs(2)).await;
    let ends = crowd.ends();
    for end in &ends {
        assert!(end.code == 4502 && end.how.contains("\"host_refused\""), "{end:?}");
        assert!(end.at - began <= Duration::from_secs(1), "{:?} after the reset", end.at - began);
    }
    assert_eq!(scene.ended("node_reset").await, third);

    crowd.goes_on(3).await;
    let ended: Vec<u32> = crowd.ends().iter().map(|end| end.vmid).collect();
    assert!(ended.len() == third && ended.iter().all(|vmid| (vmid - 100) % 3 == 0), "{ended:?}");
    // A node that failed is left alone for a moment.
    let comes_back = async {
        while Customer::comes(place, 100).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), comes_back).await.expect("its guests can be opened again");
    assert!(crowd.leaves().await > 0);
}

/// How long a customer may be silent here; a minute where nothing is configured.
const DEAD: Duration = Duration::from_secs(4);
const PULLED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

#[test]
fn f04_customers_whose_cable_is_pulled_leave_their_guests_within_dead_and_nobody_else_does() {
    apart("cut::f04_customers_whose_cable_is_pulled_leave_their_guests_within_dead_and_nobody_else_does", async {
        let (pulled, others) = (10, 30);
        let sim = cluster(NODES, pulled + others, |_| {}).await;
        let times = format!("[timeouts]\nping = 1\ndead = {}\n", DEAD.as_secs());
        let scene = Scene::start(sim, &times).await;
        let place = &scene.gateway.place;
        let open = scene.descriptors();
        let crowd = Crowd::gathers(place, 100..100 + others as u32).await;
        let with_others = scene.descriptors();
        let mut cut = Vec::new();
        for vmid in (100..).skip(others).take(pulled) {
            let mut customer = Customer::comes_from(place, vmid, PULLED).await.unwrap();
            customer.talks().await.unwrap();
            cut.push(customer);
        }
        assert_eq!(scene.sim.counters().websocket_live, (pulled + others) as u64);

        let began = Instant::now();
        packets(&[&format!("saddr {PULLED}"), &format!("daddr {PULLED}")], "drop");
        let is_left = |counters: &consolegate::sim::Counters| counters.websocket_live == others as u64;
        scene.sim.wait_for(is_left).await.expect("the nodes have their ports again");
        let took = began.elapsed();
        assert!(took > DEAD / 2 && took < DEAD + Duration::from_secs(4), "{took:?}");
        let dead = scene.ended("client_dead").await + scene.ended("client_gone").await;
        assert_eq!(dead, pulled, "{}", scene.gateway.logged());
        scene.has_descriptors(with_others, Duration::from_secs(2)).await;
        crowd.goes_on(3).await;
        assert!(crowd.ends().is_empty(), "{:?}", crowd.ends());
        crowd.leaves().await;
        scene.has_descriptors(open + NODES.len(), Duration::from_secs(4)).await;
        drop(cut);
    });
}
