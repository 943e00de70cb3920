//! Gateways that are killed at a hundred random instants while customers come, look, leave and come back. Whatever was under
//! way: nothing opens twice, nobody meets another's machine, and no place stays taken. F20, T20, T21, D06.

use super::client::Client;
use super::fleet::toml;
use super::gateway::{PATIENCE, Place, configuration, keys, token};
use super::redis::Redis;
use super::{ALONE, HOST, NODES, SIDE};
use consolegate::random;
use consolegate::sim::{Backend, GuestConfig, NodeConfig, Sim, SimConfig};
use futures_util::future::join_all;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

const GATEWAYS: usize = 3;
const KILLS: usize = 100;
const CUSTOMERS: usize = 16;
const GUESTS: u32 = 200;

/// Numbers that a seed gives again (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        for (left, by) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << by } else { self.0 >> by };
        }
        self.0 as usize % most
    }
}

/// A gateway that comes back where it was. On an address of its own, so that no client's port is in its way.
struct Gateway {
    place: Place,
    file: PathBuf,
    log: PathBuf,
    child: Child,
}

impl Gateway {
    async fn start(folder: &Path, nth: usize, sim: &Sim, rest: &str) -> Self {
        let mut addresses = Vec::new();
        for _ in 0..2 {
            let free = TcpListener::bind((format!("127.0.0.{}", nth + 2), 0)).await.unwrap();
            addresses.push(free.local_addr().unwrap());
        }
        let [address, admin] = addresses[..] else { unreachable!() };
        let text = configuration(HOST, sim, NODES, rest).replacen("127.0.0.1:0", &address.to_string(), 1).replacen(
            "127.0.0.1:0",
            &admin.to_string(),
            1,
        );
        let (file, log) = (folder.join(format!("{nth}.toml")), folder.join(format!("{nth}.log")));
        std::fs::write(&file, text).unwrap();
        let child = run(&file, &log);
        Self { place: Place { address, admin, host: HOST.to_owned() }, file, log, child }
    }

    /// It is killed, whatever it was doing, and started again.
    async fn killed(&mut self) {
        self.child.kill().await.unwrap();
        self.child = run(&self.file, &self.log);
    }
}

fn run(file: &Path, log: &Path) -> Child {
    let log = File::options().append(true).create(true).open(log).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_consolegate"));
    command.args(["serve", "--config"]).arg(file).stderr(log).stdout(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// What all customers see together.
struct World {
    places: Vec<Place>,
    /// Requests, opens and looks so far.
    steps: watch::Sender<usize>,
    /// Who looks at each guest now.
    looking: Vec<AtomicUsize>,
    /// What was said, and how often.
    said: Mutex<BTreeMap<String, usize>>,
    wrong: Mutex<Vec<String>>,
}

impl World {
    fn step(&self) {
        self.steps.send_modify(|steps| *steps += 1);
    }

    fn says(&self, what: String) {
        *self.said.lock().unwrap().entry(what).or_default() += 1;
    }

    fn count(&self, what: &str) -> usize {
        self.said.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    fn wrong(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }
}

/// What a page is given for a token.
struct Given {
    session: String,
    resume: String,
    /// All that open the same connection.
    tickets: Vec<String>,
}

/// What came of bringing a token.
struct Asked {
    given: Vec<Given>,
    is_refused: bool,
}

struct Customer {
    world: Arc<World>,
    chance: Chance,
}

impl Customer {
    /// Opens consoles until told to stop.
    async fn lives(mut self, stop: CancellationToken) {
        let mut pace = interval(Duration::from_millis(20));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            pace.tick().await;
            let vmid = 100 + self.chance.below(GUESTS as usize) as u32;
            let fresh = token(vmid, |claims| claims["sub"] = format!("customer-{vmid}").into());
            if self.chance.below(4) == 0 {
                // A client of its own, without a page.
                drop(self.opens(&[fresh], vmid).await);
                continue;
            }
            let mut given = self.asks(&fresh, "came").await.given;
            if given.len() > 1 {
                self.world.wrong(format!("a connect token began {} sessions", given.len()));
            }
            if let Some(given) = given.pop() {
                self.stays(given, vmid, &mut pace).await;
                if !self.asks(&fresh, "came with what was used").await.given.is_empty() {
                    self.world.wrong("a connect token began another session later".to_owned());
                }
            }
        }
    }

    /// Looks at the console and comes back to it, until there is enough of it or it is refused.
    async fn stays(&mut self, mut given: Given, vmid: u32, pace: &mut Interval) {
        let (world, mut used) = (Arc::clone(&self.world), None::<String>);
        for _ in 0..1 + self.chance.below(4) {
            if let Some(client) = self.opens(&given.tickets, vmid).await {
                if let Some(used) = &used
                    && !self.asks(used, "came back with what was used").await.given.is_empty()
                {
                    world.wrong("a resume token resumed again behind the connection that it gave".to_owned());
                }
                self.looks(client, vmid, pace).await;
            }
            let Some(next) = self.returns(&given, pace).await else { return };
            if next.session != given.session {
                world.wrong("a resume gave another session".to_owned());
            }
            used = Some(std::mem::replace(&mut given, next).resume);
        }
    }

    /// Looks at the guest for a while, and leaves without a word or is cut.
    async fn looks(&mut self, mut client: Client, vmid: u32, pace: &mut Interval) {
        let looking = &self.world.looking[(vmid - 100) as usize];
        if looking.fetch_add(1, Relaxed) > 0 {
            self.world.wrong(format!("two consoles of guest {vmid}, of which one may be open"));
        }
        for _ in 0..self.chance.below(8) {
            pace.tick().await;
            self.world.step();
            if client.picture().await.is_err() {
                self.world.says("cut".to_owned());
                break;
            }
        }
        looking.fetch_sub(1, Relaxed);
    }

    /// The next connection of the session, once somebody answers.
    async fn returns(&mut self, given: &Given, pace: &mut Interval) -> Option<Given> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            let Asked { mut given, is_refused } = self.asks(&given.resume, "came back").await;
            if let Some(mut next) = given.pop() {
                // Whoever holds the token may ask twice before it connects; all these tickets are one connection's.
                next.tickets.extend(given.into_iter().flat_map(|each| each.tickets));
                return Some(next);
            }
            if is_refused {
                return None;
            }
            pace.tick().await;
        }
        None
    }

    /// Brings a token to a gateway or to two at once, and gives what they gave for it.
    async fn asks(&mut self, token: &str, what: &str) -> Asked {
        self.world.step();
        let (one, other) = self.two();
        let answers = match self.chance.below(2) {
            0 => vec![one.try_session(token).await],
            _ => join_all([one.try_session(token), other.try_session(token)]).await,
        };
        let mut asked = Asked { given: Vec::new(), is_refused: false };
        for answer in answers {
            match answer {
                Ok(page) if page["ticket"].is_string() => {
                    let text = |key: &str| page[key].as_str().unwrap().to_owned();
                    let (session, resume) = (text("session"), text("resume"));
                    asked.given.push(Given { session, resume, tickets: vec![text("ticket")] });
                    self.world.says(what.to_owned());
                }
                Ok(problem) => {
                    asked.is_refused = true;
                    self.world.says(format!("{what}: {}", problem["code"].as_str().unwrap_or("?")));
                }
                Err(_) => self.world.says(format!("{what}: nobody answered")),
            }
        }
        asked
    }

    /// Brings tickets of one connection, or a connect token, to two gateways at once: at most one opens. Gives a console that is
    /// the guest's.
    async fn opens(&mut self, tickets: &[String], vmid: u32) -> Option<Client> {
        self.world.step();
        let (one, other) = self.two();
        let (first, last) = (tickets.first()?, tickets.last()?);
        let (one, other) = tokio::join!(one.try_open_with(first), other.try_open_with(last));
        let mut clients: Vec<Client> = [one, other].into_iter().flatten().collect();
        if clients.len() > 1 {
            self.world.wrong(format!("a ticket of guest {vmid} opened twice"));
        }
        let mut client = clients.pop()?;
        match client.log_in().await {
            Ok((_, _, name)) if name == format!("QEMU (vm-{vmid})") => {
                self.world.says("opened".to_owned());
                Some(client)
            }
            Ok((_, _, name)) => {
                self.world.wrong(format!("guest {vmid} was asked for, and {name} opened"));
                None
            }
            Err(closed) => {
                let said: Option<Value> = serde_json::from_str(&closed.reason).ok();
                let code = said.and_then(|said| Some(said["code"].as_str()?.to_owned()));
                self.world.says(format!("opened and closed: {}", code.unwrap_or("nobody says why".to_owned())));
                None
            }
        }
    }

    fn two(&mut self) -> (Place, Place) {
        let one = self.chance.below(GATEWAYS);
        let other = (one + 1 + self.chance.below(GATEWAYS - 1)) % GATEWAYS;
        (self.world.places[one].clone(), self.world.places[other].clone())
    }
}

async fn cluster() -> Sim {
    let mut config = SimConfig::quick();
    config.nodes = NODES.iter().map(|node| NodeConfig::new(node)).collect();
    config.timing.port_reserve = Duration::from_millis(500);
    let still = Backend::Still { width: SIDE, height: SIDE };
    let guest = |n: u32| GuestConfig::qemu(100 + n, NODES[n as usize % NODES.len()]).backend(still.clone());
    config.guests = (0..GUESTS).map(guest).collect();
    Sim::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_d06_gateways_killed_at_a_hundred_random_instants_let_nothing_in_twice_and_keep_no_place() {
    let _alone = ALONE.lock().await;
    let seed = std::env::var("CONSOLEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from_ne_bytes(random::bytes().unwrap()) | 1);
    println!("CONSOLEGATE_SEED={seed} chooses the same again");
    let (sim, redis, mut chance) = (cluster().await, Redis::start().await, Chance(seed));
    let (folder, mut gateways) = (keys(&sim), Vec::new());
    let rest = toml(
        &(redis.toml() + "[log]\nformat = \"json\"\n"),
        "[limits]\nper_client = 2000\nper_guest = 1\nper_subject = 2\n",
    );
    for nth in 0..GATEWAYS {
        gateways.push(Gateway::start(folder.path(), nth, &sim, &rest).await);
    }
    let world = Arc::new(World {
        places: gateways.iter().map(|gateway| gateway.place.clone()).collect(),
        steps: watch::Sender::new(0),
        looking: (0..GUESTS).map(|_| AtomicUsize::new(0)).collect(),
        said: Mutex::default(),
        wrong: Mutex::default(),
    });
    let (stop, mut customers) = (CancellationToken::new(), JoinSet::new());
    for nth in 0..CUSTOMERS as u64 {
        let chance = Chance(seed.rotate_left(nth as u32 + 1));
        customers.spawn(Customer { world: Arc::clone(&world), chance }.lives(stop.clone()));
    }
    let mut steps = world.steps.subscribe();
    for _ in 0..KILLS {
        let until = *steps.borrow() + 1 + chance.below(80);
        timeout(PATIENCE, steps.wait_for(|steps| *steps >= until)).await.expect("customers come").unwrap();
        gateways[chance.below(GATEWAYS)].killed().await;
    }
    stop.cancel();
    customers.join_all().await;
    println!("{:#?}", world.said.lock().unwrap());
    assert_eq!(*world.wrong.lock().unwrap(), Vec::<String>::new());
    clear_words(&world);
    limits_are_right_again(&gateways[0].place, &gateways[1].place).await;
    for gateway in &gateways {
        let log = std::fs::read_to_string(&gateway.log).unwrap();
        let errors: Vec<&str> =
            log.lines().filter(|line| line.contains("\"ERROR\"") || line.contains("panic")).collect();
        assert_eq!(errors, Vec::<&str>::new());
    }
}

/// Enough happened, and whoever was refused was told why.
fn clear_words(world: &World) {
    for what in ["came", "came back", "opened", "cut"] {
        assert!(world.count(what) >= KILLS / 2, "{what}: {}", world.count(what));
    }
    for (what, _) in world.said.lock().unwrap().iter() {
        let is_clear = match what.split_once(": ") {
            None => true,
            Some(("came", code)) => ["token_used", "nobody answered"].contains(&code),
            Some(("came with what was used" | "came back with what was used", code)) => {
                ["token_used", "nobody answered"].contains(&code)
            }
            // Whoever often asks at two gateways asks faster than a page.
            Some(("came back", code)) => ["overloaded", "nobody answered"].contains(&code),
            Some(("opened and closed", code)) => {
                ["limit_guest", "limit_subject", "overloaded", "nobody says why"].contains(&code)
            }
            Some(_) => false,
        };
        assert!(is_clear, "{what}");
    }
}

/// Each guest has its one place again, and no second one.
async fn limits_are_right_again(one: &Place, other: &Place) {
    for place in [one, other] {
        let up = async { while !place.healthy().await {} };
        timeout(PATIENCE, up).await.expect("it is up again");
        place.lists(0).await;
    }
    let mut held = Vec::new();
    for vmid in (100..100 + GUESTS).step_by(23) {
        let open = async |place: &Place| {
            let mut client =
                place.open_with(&token(vmid, |claims| claims["sub"] = format!("customer-{vmid}").into())).await;
            client.log_in().await.map(|_| client)
        };
        held.push(open(one).await.unwrap_or_else(|closed| panic!("guest {vmid}: {closed:?}")));
        let refused = open(other).await.map(drop).unwrap_err();
        assert!(refused.reason.contains("limit_guest"), "guest {vmid}: {refused:?}");
    }
}
