//! All the consoles of one real guest at once, in a real browser through the real binary: its serial port as a terminal, its
//! screen in several tabs, and people who may only watch.
//!
//! What arrived is told by the guest on its own screen, never by the console under test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/client.rs"]
mod client;
#[path = "support/gateway.rs"]
mod gateway;
#[path = "support/process.rs"]
mod process;
#[path = "support/qemu.rs"]
mod qemu;
#[path = "support/text_mode.rs"]
mod text_mode;

use aws_lc_rs::digest::{SHA256, digest};
use browser::Browser;
use consolegate::sim::{Backend, GuestConfig, NodeConfig, Sim, SimConfig};
use gateway::{configuration, keys, token};
use process::Process;
use qemu::QemuGuest;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A text cursor of 9 by 16 pixels may blink between two pictures.
const CURSOR: u64 = 9 * 16;

struct Scene {
    guest: QemuGuest,
    gateway: Process,
    browser: Browser,
    _sim: Sim,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// A booted guest behind a gateway, and a browser.
    async fn boot() -> Self {
        let (guest, _) = QemuGuest::boot().await;
        let mut config = GuestConfig::qemu(100, "pve1").named("web-01").backend(Backend::Unix(guest.vnc_socket()));
        config.qmp = Some(guest.qmp_socket());
        config.serial_socket = Some(guest.serial_socket());
        let cluster = SimConfig { nodes: vec![NodeConfig::new("pve1")], guests: vec![config], ..SimConfig::quick() };
        let sim = Sim::start(cluster).await.unwrap();
        let (gateway, folder) = serve(&sim).await;
        let browser = Browser::open("about:blank").await;
        Self { guest, gateway, browser, _sim: sim, _folder: folder }
    }

    /// Opens a console in a tab of its own.
    async fn open(&mut self, tab: &str, protocol: &str, rights: &[&str]) {
        let token = token(100, |claims| {
            claims["console"]["protocol"] = json!(protocol);
            claims["console"]["rights"] = json!(rights);
        });
        let url = format!("http://{}/console#{token}", self.gateway.place.address);
        self.ask(tab, json!({ "cmd": "open", "url": url })).await;
        self.ask(tab, json!({ "cmd": "waitState", "state": "connected" })).await;
    }

    async fn ask(&mut self, tab: &str, mut command: Value) -> Value {
        command["tab"] = json!(tab);
        self.browser.ask(command).await
    }

    /// Types into the terminal, and waits for what it prints.
    async fn terminal(&mut self, text: &str, answer: &str) {
        self.ask("terminal", json!({ "cmd": "typeTerminal", "text": text })).await;
        self.ask("terminal", json!({ "cmd": "waitTerminal", "text": answer })).await;
    }

    async fn log_in_on_the_terminal(&mut self) {
        self.open("terminal", "term", &["input"]).await;
        self.terminal("\n", "web-01 login:").await;
        self.terminal("root\n", "Password:").await;
        self.terminal("console\n", "~ #").await;
    }

    /// Starts a program that wants pastes marked, reads this many raw bytes, and tells their SHA-256 on the screen.
    async fn reads(&mut self, count: usize) {
        let marked = r"printf '\033[?2004h'";
        let command = format!(
            "stty raw -echo; {marked}; echo rea''dy{count}; head -c {count} | sha256sum > /dev/tty1; stty sane; echo do''ne{count}\n"
        );
        self.terminal(&command, &format!("ready{count}")).await;
    }

    /// How many consoles of this protocol the gateway has open.
    async fn active(&self, protocol: &str) -> f64 {
        let metric = format!("consolegate_sessions_active{{protocol=\"{protocol}\"}}");
        self.gateway.place.metric(&metric).await.unwrap()
    }

    /// Waits until a tab shows exactly what the guest's screen shows.
    async fn shows(&mut self, tab: &str) {
        let path = self.guest.picture().await;
        self.ask(tab, json!({ "cmd": "waitPicture", "path": path, "different": CURSOR })).await;
    }
}

/// The binary in front of the cluster, and the folder with its keys.
async fn serve(sim: &Sim) -> (Process, tempfile::TempDir) {
    // The page's address must be known before there is a page.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let folder = keys(sim);
    let extra = "[limits]\nper_guest = 8\n[drain]\nlame_duck = 1\ndeadline = 1\nspread = 1\n[log]\nformat = \"json\"\n";
    let text = configuration(&address.to_string(), sim, &["pve1"], extra);
    let file = folder.path().join("consolegate.toml");
    std::fs::write(&file, text.replacen("127.0.0.1:0", &address.to_string(), 1)).unwrap();
    let gateway = Process::start(&file, &address.to_string()).await;
    gateway.ready().await;
    (gateway, folder)
}

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x10_x07_a_serial_terminal_takes_every_byte_beside_four_screens() {
    let mut scene = Scene::boot().await;
    scene.log_in_on_the_terminal().await;

    let few = "é€😀";
    scene.reads(few.len()).await;
    scene.ask("terminal", json!({ "cmd": "typeTerminal", "text": few })).await;
    scene.terminal("", &format!("done{}", few.len())).await;
    scene.guest.says(&sha256(few)).await;

    let screens = ["one", "two", "three", "four"];
    for tab in screens {
        scene.open(tab, "vnc", &["input", "clipboard"]).await;
    }
    let (line, times) = ("é€😀 one line of a large paste, and then the next one follows it at once\n", 14_000);
    let pasted = line.repeat(times).replace('\n', "\r");
    assert!(pasted.len() > 1024 * 1024);
    // What is typed after it proves that nothing came twice; until then the screen shows no sum.
    let arrives = format!("\x1b[200~{pasted}\x1b[201~!");
    scene.reads(arrives.len()).await;
    scene.ask("terminal", json!({ "cmd": "paste", "text": line, "times": times })).await;

    assert_eq!([scene.active("vnc").await, scene.active("term").await], [4.0, 1.0]);
    // The first place tells the guest's PS/2 mouse nothing: it goes from there.
    for (x, y) in [(300, 200), (340, 220)] {
        scene.ask("one", json!({ "cmd": "move", "x": x, "y": y })).await;
    }
    scene.guest.says(" mouse 0 40,20|").await;
    for tab in screens {
        scene.shows(tab).await;
    }
    scene.ask("terminal", json!({ "cmd": "typeTerminal", "text": "!" })).await;
    scene.guest.says(&sha256(&arrives)).await;
    for tab in screens {
        scene.shows(tab).await;
    }
    scene.terminal("", &format!("done{}", arrives.len())).await;
    scene.browser.ask(json!({ "cmd": "screenshot", "tab": "terminal", "path": artifact("guest-terminal.png") })).await;
    assert_eq!(scene.browser.ask(json!({ "cmd": "problems" })).await, json!([]));
    scene.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r12_who_may_only_watch_sees_the_screen_and_reaches_nothing_in_the_guest() {
    let mut scene = Scene::boot().await;
    scene.open("watcher", "vnc", &[]).await;
    scene.shows("watcher").await;
    scene.ask("watcher", json!({ "cmd": "type", "text": "page\n" })).await;
    scene.ask("watcher", json!({ "cmd": "move", "x": 300, "y": 200 })).await;
    scene.ask("watcher", json!({ "cmd": "click", "x": 310, "y": 210 })).await;

    let token = token(100, |claims| claims["console"]["rights"] = json!([]));
    let mut client = scene.gateway.place.open_with(&token).await;
    let (width, height, _) = client.log_in().await.unwrap();
    let messages = forbidden();
    for cut in 0..=messages.len() {
        client.send(&messages[..cut]).await;
        client.send(&messages[cut..]).await;
        if cut % 16 == 0 {
            // Whatever came before has been judged when the answer is there.
            client.first_update(width, height).await.unwrap();
        }
    }
    client.first_update(width, height).await.unwrap();

    // The guest takes keys in their order: what it shows first is what it got first.
    scene.open("typist", "vnc", &["input"]).await;
    scene.ask("typist", json!({ "cmd": "type", "text": "root\n" })).await;
    let (before, _) = scene.guest.says_after("web-01 login: root|Password:|").await;
    let touched = |line: &&String| line.contains("mouse") || line.contains("page") || line.contains("login: x");
    assert_eq!(before.iter().find(touched), None);
    scene.shows("watcher").await;
    assert_eq!(scene.browser.ask(json!({ "cmd": "problems" })).await, json!([]));
    scene.gateway.stop().await;
}

/// Everything a client can say to move, type, paste, resize or reset.
fn forbidden() -> Vec<u8> {
    let mut bytes = Vec::new();
    for down in [1, 0] {
        bytes.extend([4, down, 0, 0, 0, 0, 0, b'x']);
        bytes.extend([255, 0, 0, down, 0, 0, 0, b'x', 0, 0, 0, 0x2d]);
        bytes.extend([5, down, 0, 50, 0, 60]);
    }
    bytes.extend([6, 0, 0, 0, 0, 0, 0, 4, b't', b'e', b'x', b't']);
    bytes.extend([250, 0, 1, 4]);
    bytes.extend([251, 0, 3, 32, 2, 88, 1, 0]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 3, 32, 2, 88, 0, 0, 0, 0]);
    bytes
}

fn artifact(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}
