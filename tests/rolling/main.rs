//! A fleet in service behind a real HAProxy while its gateways are restarted, reloaded, killed and without their store:
//! nobody's console is lost, and none that is asked for is refused. F18, F19, F20, D01, D05.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

mod behind;
#[path = "../support/client.rs"]
mod client;
#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/gateway.rs"]
mod gateway;
mod killed;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/redis.rs"]
mod redis;

use behind::Fleet;
use client::Client;
use gateway::{PATIENCE, Place, token};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

const NODES: &[&str] = &["pve1", "pve2", "pve3", "pve4"];
const HOST: &str = "console.test";
/// The screens' size: small, because there are many.
const SIDE: u16 = 32;
/// How long a console may be away.
const AWAY: Duration = Duration::from_secs(2);
const LIVE: usize = 200;

/// What happened to the customers so far.
#[derive(Default)]
struct Seen {
    pictures: AtomicUsize,
    returns: AtomicUsize,
    opens: AtomicUsize,
    away: Mutex<Vec<Duration>>,
    wrong: Mutex<BTreeMap<String, usize>>,
}

impl Seen {
    fn wrong(&self, what: String) {
        *self.wrong.lock().unwrap().entry(what).or_default() += 1;
    }

    fn longest(&self) -> Duration {
        self.away.lock().unwrap().iter().max().copied().unwrap_or_default()
    }

    /// In the output of a test that failed, or was asked for.
    fn tell(&self) {
        let [pictures, returns, opens] = [&self.pictures, &self.returns, &self.opens].map(|count| count.load(Relaxed));
        let mut away = self.away.lock().unwrap().clone();
        away.sort();
        let median = away.get(away.len() / 2).copied().unwrap_or_default();
        println!(
            "{pictures} pictures, {opens} opens, {returns} returns: median {median:?}, longest {:?}",
            self.longest()
        );
    }

    /// Nothing was wrong, and nobody was away for too long.
    fn nothing_was_lost(&self) {
        assert_eq!(*self.wrong.lock().unwrap(), BTreeMap::new());
        assert!(self.longest() <= AWAY, "{:?}", self.longest());
    }
}

/// A customer who watches a machine, as a page does: what is cut is resumed.
struct Customer {
    front: Place,
    resume: String,
    client: Client,
    /// What the machine shows, which never changes.
    picture: Vec<u8>,
}

impl Customer {
    async fn comes(front: &Place, vmid: u32) -> Result<Self, String> {
        let opened =
            front.try_session(&token(vmid, |claims| claims["sub"] = format!("customer-{vmid}").into())).await?;
        let (mut client, resume) = Self::connect(front, &opened).await?;
        let picture = client.picture().await?;
        Ok(Self { front: front.clone(), resume, client, picture })
    }

    async fn connect(front: &Place, opened: &Value) -> Result<(Client, String), String> {
        let (Some(ticket), Some(resume)) = (opened["ticket"].as_str(), opened["resume"].as_str()) else {
            return Err(format!("no session: {}", opened["code"]));
        };
        let mut client = match front.try_open_with(ticket).await {
            Ok(client) => client,
            // Nobody has spent the ticket where the balancer found no gateway.
            Err(_) => front.try_open_with(ticket).await?,
        };
        client.log_in().await.map_err(|closed| format!("no console: {closed:?}"))?;
        Ok((client, resume.to_owned()))
    }

    /// Watches until told to stop; every picture is compared.
    async fn watches(mut self, seen: Arc<Seen>, stop: CancellationToken) {
        let mut pace = interval(Duration::from_millis(700));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = pace.tick() => {}
                () = stop.cancelled() => return,
            }
            let end = match self.client.picture().await {
                Ok(picture) if picture == self.picture => {
                    seen.pictures.fetch_add(1, Relaxed);
                    continue;
                }
                Ok(_) => return seen.wrong("another picture".to_owned()),
                Err(end) => end,
            };
            if !end.contains("1012") && !end.contains("1006") {
                return seen.wrong(end);
            }
            let began = Instant::now();
            let returned = async {
                // A page asks again where nobody answered for a gateway; what a gateway says is final.
                loop {
                    match self.returns().await {
                        Err(end) if end.starts_with("no gateway's answer") => tokio::task::yield_now().await,
                        otherwise => return otherwise,
                    }
                }
            };
            match timeout(PATIENCE, returned).await.unwrap_or_else(|_| Err("nobody answers".to_owned())) {
                Ok(()) => {
                    seen.returns.fetch_add(1, Relaxed);
                    seen.away.lock().unwrap().push(began.elapsed());
                }
                Err(end) => return seen.wrong(format!("cannot return: {end}")),
            }
        }
    }

    async fn returns(&mut self) -> Result<(), String> {
        let opened = self.front.try_session(&self.resume).await?;
        (self.client, self.resume) = Self::connect(&self.front, &opened).await?;
        let picture = self.client.picture().await?;
        if picture == self.picture { Ok(()) } else { Err("another picture".to_owned()) }
    }
}

impl Client {
    /// The whole screen's pixels.
    async fn picture(&mut self) -> Result<Vec<u8>, String> {
        let [high, low] = SIDE.to_be_bytes();
        let told = |closed| format!("{closed:?}");
        self.try_send(&[3, 0, 0, 0, 0, 0, high, low, high, low]).await.map_err(told)?;
        let mut pixels = Vec::new();
        let head = self.read(4).await.map_err(told)?;
        for _ in 0..u16::from_be_bytes([head[2], head[3]]) {
            let rectangle = self.read(12).await.map_err(told)?;
            let size = |at: usize| usize::from(u16::from_be_bytes([rectangle[at], rectangle[at + 1]]));
            pixels.extend(rectangle.iter().copied());
            pixels.extend(self.read(size(4) * size(6) * 4).await.map_err(told)?);
        }
        Ok(pixels)
    }
}

/// Everybody watches a machine of their own.
async fn everybody(fleet: &Fleet, count: usize) -> Vec<Customer> {
    let mut coming = JoinSet::new();
    let mut all = Vec::new();
    for n in 0..count as u32 {
        let front = fleet.front.clone();
        coming.spawn(async move { Customer::comes(&front, 100 + n).await });
        // A few at a time, as on any morning.
        if coming.len() >= 8 {
            all.push(coming.join_next().await.unwrap().unwrap().unwrap());
        }
    }
    all.extend(coming.join_all().await.into_iter().map(Result::unwrap));
    all
}

/// Somebody opens a console five times a second, looks at it and leaves.
async fn opens(front: Place, seen: Arc<Seen>, stop: CancellationToken) {
    let mut pace = interval(Duration::from_millis(200));
    for vmid in (0..50).cycle().map(|n| 100 + LIVE as u32 + n) {
        tokio::select! {
            _ = pace.tick() => {}
            () = stop.cancelled() => return,
        }
        match Customer::comes(&front, vmid).await {
            Ok(_) => drop(seen.opens.fetch_add(1, Relaxed)),
            Err(end) => seen.wrong(format!("an open failed: {end}")),
        }
    }
}

/// Does something to a fleet in service, and gives what its customers saw.
async fn in_service(fleet: &mut Fleet, count: usize, what: impl AsyncFnOnce(&mut Fleet)) -> Arc<Seen> {
    let (seen, stop) = (Arc::new(Seen::default()), CancellationToken::new());
    let mut tasks = JoinSet::new();
    for customer in everybody(fleet, count).await {
        tasks.spawn(customer.watches(Arc::clone(&seen), stop.clone()));
    }
    tasks.spawn(opens(fleet.front.clone(), Arc::clone(&seen), stop.clone()));
    what(fleet).await;
    // Everybody sees a picture once more.
    let enough = seen.pictures.load(Relaxed) + 3 * count;
    let look = async {
        while seen.pictures.load(Relaxed) < enough && seen.wrong.lock().unwrap().is_empty() {
            tokio::task::yield_now().await
        }
    };
    timeout(PATIENCE, look).await.expect("everybody still watches");
    stop.cancel();
    tasks.join_all().await;
    seen.tell();
    seen
}

/// One fleet at a time: each is a crowd.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const MANY: &str = "[limits]\nper_client = 2000\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_a_rolling_restart_of_both_gateways_loses_no_session_and_refuses_no_open() {
    let _alone = ALONE.lock().await;
    let mut fleet = Fleet::start(MANY).await;
    let seen = in_service(&mut fleet, LIVE, async |fleet| {
        fleet.restart(0).await;
        fleet.restart(1).await;
        fleet.gateways[0].place.lists(LIVE).await;
    })
    .await;
    seen.nothing_was_lost();
    assert!(seen.returns.load(Relaxed) >= LIVE, "everybody came back at least once: {}", seen.returns.load(Relaxed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f18_d01_a_reload_every_second_loses_no_session_and_refuses_no_open() {
    let _alone = ALONE.lock().await;
    let mut fleet = Fleet::start(MANY).await;
    let seen = in_service(&mut fleet, LIVE, async |fleet| {
        let mut pace = interval(Duration::from_secs(1));
        for _ in 0..60 {
            pace.tick().await;
            for gateway in &fleet.gateways {
                gateway.signal(Signal::HUP);
            }
        }
        for gateway in &fleet.gateways {
            let reloads = gateway.place.metric("consolegate_config_reloads_total").await;
            assert!(reloads >= Some(50.0), "{reloads:?}");
            assert_eq!(gateway.place.metric("consolegate_config_reload_failures_total").await, Some(0.0));
        }
    })
    .await;
    seen.nothing_was_lost();
    assert_eq!(seen.returns.load(Relaxed), 0, "nobody noticed");
    assert!(seen.opens.load(Relaxed) > 200, "{}", seen.opens.load(Relaxed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_a_redis_that_is_killed_and_comes_back_is_noticed_by_nobody_who_watches() {
    let _alone = ALONE.lock().await;
    let mut fleet = Fleet::start(MANY).await;
    let seen = in_service(&mut fleet, LIVE, async |fleet| {
        fleet.redis.kill().await;
        for gateway in &fleet.gateways {
            gateway.says("the store cannot be used").await;
        }
        fleet.redis.again().await;
        for gateway in &fleet.gateways {
            gateway.says("the store answers again").await;
        }
        fleet.gateways[0].place.lists(LIVE).await;
    })
    .await;
    assert_eq!(seen.returns.load(Relaxed), 0, "nobody who watches noticed");
    let wrong = seen.wrong.lock().unwrap();
    let refused =
        |what: &&String| ["overloaded", "token_used", "token_before_start"].iter().any(|code| what.contains(code));
    assert!(wrong.keys().all(|what| refused(&what)), "whoever came meanwhile was told to come again: {wrong:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_whoever_was_on_a_gateway_that_is_killed_comes_back_on_the_other_and_limits_are_right_again() {
    let _alone = ALONE.lock().await;
    let mut fleet = Fleet::start("[limits]\nper_client = 2000\nper_guest = 1\n").await;
    let seen = in_service(&mut fleet, 20, async |fleet| {
        // One that nobody will resume.
        let direct = Customer::comes(&fleet.gateways[0].place, 150)
            .await
            .map_err(|end| panic!("{end}"))
            .unwrap_or_else(|()| unreachable!());
        fleet.gateways[0].signal(Signal::KILL);
        fleet.gateways[0].ended().await;
        drop(direct);
        let began = Instant::now();
        let place = &fleet.gateways[1].place;
        let again = async {
            while Customer::comes(place, 150).await.is_err() {
                tokio::task::yield_now().await
            }
        };
        timeout(Duration::from_secs(60), again).await.expect("the limit is right again within a minute");
        assert!(began.elapsed() > Duration::from_secs(5), "until its lease ended the place was taken");
        fleet.gateways[1].place.lists(20).await;
    })
    .await;
    let wrong = seen.wrong.lock().unwrap();
    assert!(wrong.keys().all(|what| what.starts_with("an open failed")), "{wrong:?}");
    assert!(seen.returns.load(Relaxed) > 0 && seen.longest() <= AWAY, "{:?}", seen.longest());
}
