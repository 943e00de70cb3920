//! Too little of the machine: of its memory, of its processors. F22, F23, F26.

use super::apart::apart;
use super::crowd::Crowd;
use super::customer::{open, token_of};
use super::flood::{Flood, with_descriptors};
use super::limit::Limit;
use super::scene::{Scene, cluster, serve, until};
use super::{ALONE, LIVE, NODES};
use consolegate::sim::{Backend, GuestConfig};
use std::net::Ipv4Addr;
use std::process::{Child, Command};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

/// Silent connections at a time, more than a door has places.
const SILENT: usize = 4_500;

/// How long everything stays full before the limit is set, and after it: with as many opens as can be, because no test has
/// ten minutes.
const FLOOD: [Duration; 2] = [Duration::from_secs(7), Duration::from_secs(12)];

/// What the gateway may hold is bounded by counts (`limits.sessions`, `limits.per_client`, 4,096 connections without a
/// token), and its steady use is with all of these full. From there a fifth more is never needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f22_e04_with_a_fifth_more_memory_than_its_limits_need_a_flood_ends_neither_the_gateway_nor_a_console() {
    let _alone = ALONE.lock().await;
    with_descriptors();
    let limit = Limit::new();
    let extra = format!("[limits]\nsessions = {}\nper_client = 500\n[timeouts]\nheader = 300\n", LIVE + 10);
    let sim = cluster(NODES, LIVE + 30, |_| {}).await;
    let scene = Scene::start_changed(sim, NODES, limit.around(&serve()), |text| text + &extra).await;
    let place = &scene.gateway.place;
    let crowd = Crowd::gathers(place, 100..100 + LIVE as u32).await;
    let (before, open) = (scene.memory(), scene.descriptors());

    let mut flood = Flood::of_silence(place, SILENT);
    until("the door is full", async || flood.silent() > SILENT).await;
    flood.and_opens(place, 100 + LIVE as u32..130 + LIVE as u32, 60);
    let full = most_of(&scene, FLOOD[0]).await;
    limit.a_fifth_more(&scene);
    let most = most_of(&scene, FLOOD[1]).await;
    println!(
        "{limit}; {before} KiB with {LIVE} sessions, {full} KiB with all limits full, {most} KiB at most after that"
    );
    let said = flood.ends().await;
    println!("{said:?}");
    assert!(said["served"] > 0, "{said:?}");
    crowd.goes_on(3).await;
    assert!(crowd.ends().is_empty(), "{:?}", crowd.ends());
    scene.has_descriptors(open + NODES.len(), Duration::from_secs(10)).await;
    crowd.leaves().await;
}

/// The most memory that the gateway holds for so long, in KiB.
async fn most_of(scene: &Scene, time: Duration) -> usize {
    let (end, mut most, mut pace) = (Instant::now() + time, 0, interval(Duration::from_millis(100)));
    while Instant::now() < end {
        pace.tick().await;
        most = most.max(scene.memory());
    }
    most
}

/// Processes that do nothing, as fast as they can; ended when dropped.
struct Hogs(Vec<Child>);

impl Hogs {
    /// One for each core, as urgent as everybody else.
    fn one_per_core() -> Self {
        let cores = std::thread::available_parallelism().unwrap().get();
        let hog = |_| Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..cores).map(hog).collect())
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            let _ = hog.kill();
            let _ = hog.wait();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f23_beside_a_busy_loop_on_every_core_nobody_counts_as_dead_and_nothing_ends() {
    let _alone = ALONE.lock().await;
    let (count, dead) = (60, Duration::from_secs(4));
    let times = format!("[timeouts]\nping = 1\ndead = {}\n", dead.as_secs());
    let scene = Scene::start(cluster(NODES, count + 12, |_| {}).await, &times).await;
    let place = &scene.gateway.place;
    let mut crowd = Crowd::gathers(place, 100..100 + count as u32).await;
    crowd.goes_on(10).await;
    let calm = crowd.p99();

    let hogs = Hogs::one_per_core();
    crowd.and_visitors(place, (100 + count as u32..).take(12).collect());
    let until = Instant::now() + dead * 3;
    while Instant::now() < until {
        crowd.goes_on(5).await;
    }
    assert!(crowd.ends().is_empty(), "{:?}", crowd.ends());
    let starved = crowd.p99();
    println!("ninety-nine of a hundred words took at most {calm:?} before and {starved:?} beside the loops");
    // Ten times, where it was measurable before: at rest words take less than the slices that processors are shared in.
    assert!(starved <= 10 * calm.max(Duration::from_millis(100)), "{calm:?} before, {starved:?} beside the loops");
    assert!(crowd.leaves().await > 10);
    drop(hogs);
}

/// Of a thousand, what two cores can open in the time that a test has; the rest in proportion.
const STALLED: u32 = 300;
/// 200 MiB for a thousand, in KiB.
const EACH: usize = 200;

#[test]
fn f26_w16_hundreds_who_do_not_read_and_a_flood_of_opens_stay_within_the_memory_for_them() {
    let name = "starved::f26_w16_hundreds_who_do_not_read_and_a_flood_of_opens_stay_within_the_memory_for_them";
    let _alone = ALONE.blocking_lock();
    apart(name, async {
        with_descriptors();
        let live = 60;
        let sim = cluster(NODES, live + 30, |config| {
            let flood = Backend::Flood { bytes: 1 << 20, piece: 4096 };
            let guest = |n| GuestConfig::qemu(1_000 + 2 * n, NODES[n as usize % NODES.len()]).backend(flood.clone());
            config.guests.extend((0..STALLED).map(guest));
        })
        .await;
        let limits = "[limits]\nsessions = 380\nper_client = 2000\nper_node = 1000\n[timeouts]\nstall = 300\n";
        let scene = Scene::start(sim, limits).await;
        let place = &scene.gateway.place;
        let crowd = Crowd::gathers(place, 100..100 + live as u32).await;
        crowd.goes_on(3).await;
        let (before, open_before) = (scene.memory(), scene.descriptors());

        let (mut coming, mut stalled, began) = (JoinSet::new(), Vec::new(), Instant::now());
        for vmid in (1_000..).step_by(2).take(STALLED as usize) {
            let place = place.clone();
            coming.spawn(async move {
                let mut client = open(&place, &token_of(vmid), Ipv4Addr::LOCALHOST).await.unwrap();
                client.log_in().await.unwrap();
                client
            });
            if coming.len() >= 32 {
                stalled.push(coming.join_next().await.unwrap().unwrap());
            }
        }
        stalled.extend(coming.join_all().await);
        let took = began.elapsed();
        let with_stalled = scene.memory();
        println!("{took:?} for {STALLED}, {before} KiB before, {with_stalled} with them");
        until("they are all waited for", async || {
            place.metric("consolegate_sessions_paused{side=\"node\"}").await == Some(f64::from(STALLED))
        })
        .await;

        let mut flood = Flood::default();
        flood.and_opens(place, 100 + live as u32..130 + live as u32, 200);
        let most = most_of(&scene, Duration::from_secs(6)).await;
        let said = flood.ends().await;
        println!("at most {most} KiB in the flood; {said:?}");
        let bound = STALLED as usize * EACH;
        assert!(most - before < bound, "{before} KiB before, {most} KiB with them, and {bound} may be added");
        assert!(said["served"] > 0, "{said:?}");
        crowd.goes_on(3).await;
        assert!(crowd.ends().is_empty(), "{:?}", crowd.ends());
        drop(stalled);
        scene.has_descriptors(open_before + NODES.len(), Duration::from_secs(10)).await;
        crowd.leaves().await;
    });
}
