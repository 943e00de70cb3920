//! A real guest in a real browser: QEMU with Debian's kernel, the simulated node, the gateway, the page in Chromium.
//!
//! What the page shows is compared with QEMU's own picture of the screen, pixel by pixel, and that with the text which the
//! guest says is on its screen. What was typed and pointed at is told by the guest. Screenshots are kept in `artifacts/`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/gateway.rs"]
mod gateway;
#[path = "support/qemu.rs"]
mod qemu;
#[path = "support/text_mode.rs"]
mod text_mode;

use browser::Browser;
use consolegate::sim::{Backend, GuestConfig, NodeConfig, Sim, SimConfig, Status};
use gateway::{TestGateway, token};
use qemu::QemuGuest;
use serde_json::json;

/// A text cursor of 9 by 16 pixels may blink between the two pictures.
const CURSOR: u64 = 9 * 16;

struct Scene {
    guest: QemuGuest,
    sim: Sim,
    gateway: TestGateway,
    browser: Browser,
}

impl Scene {
    /// A booted guest and a page that shows its login prompt.
    async fn open() -> Self {
        let (guest, login) = QemuGuest::boot().await;
        let mut config = GuestConfig::qemu(100, "pve1").named("web-01").backend(Backend::Unix(guest.vnc_socket()));
        config.qmp = Some(guest.qmp_socket());
        let cluster = SimConfig { nodes: vec![NodeConfig::new("pve1")], guests: vec![config], ..SimConfig::quick() };
        let sim = Sim::start(cluster).await.unwrap();
        let gateway = TestGateway::start(&sim, &["pve1"], "").await;
        let token = token(100, |claims| claims["console"]["title"] = json!("web-01"));
        let mut browser = Browser::open(&format!("http://{}/console#{token}", gateway.address)).await;
        browser.state("connected").await;
        let mut scene = Self { guest, sim, gateway, browser };
        scene.shows(&login).await;
        scene
    }

    /// Waits until the page shows exactly what QEMU's screen shows, which is this text.
    async fn shows(&mut self, lines: &[String]) {
        let path = self.guest.picture().await;
        text_mode::assert_shows(&path, lines);
        self.browser.ask(json!({ "cmd": "waitPicture", "path": path, "different": CURSOR })).await;
    }

    async fn log_in(&mut self) {
        self.browser.types("root\n").await;
        self.guest.screen("Password:").await;
        self.browser.types("console\n").await;
        self.guest.screen("~ #").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_guest_shows_its_screen_and_takes_keys_and_mouse_until_it_powers_off() {
    let mut scene = Scene::open().await;
    scene.browser.screenshot("guest-login.png").await;

    scene.log_in().await;
    scene.browser.types("echo proof-$((6*7))\n").await;
    let lines = scene.guest.screen("proof-42|~ #").await;
    scene.shows(&lines).await;

    // QEMU tells a guest with a PS/2 mouse the way from the place before, so the first place alone tells it nothing.
    scene.browser.ask(json!({ "cmd": "move", "x": 80, "y": 90 })).await;
    let start = scene.mouse_to(100, 100).await;
    let end = scene.mouse_to(160, 130).await;
    assert_eq!((end.0 - start.0, end.1 - start.1), (60, 30), "the mouse goes as far in the guest as in the page");
    scene.browser.ask(json!({ "cmd": "click", "x": 160, "y": 130 })).await;
    scene.guest.says("mouse buttons=1").await;
    scene.guest.says("mouse buttons=0").await;
    scene.browser.screenshot("guest-shell.png").await;

    scene.guest.reset().await;
    let login = scene.guest.login_prompt().await;
    scene.shows(&login).await;
    assert_eq!(scene.sim.counters().upgrades, 1, "the session outlived the reset");

    scene.log_in().await;
    scene.browser.types("poweroff\n").await;
    scene.guest.powered_off().await;
    scene.sim.guest(100).set_status(Status::Stopped);
    let Scene { guest, sim, gateway, mut browser } = scene;
    assert!(guest.end().await.success());
    let page = browser.state("waiting").await;
    assert!(page["words"].as_str().unwrap().contains("The machine is powered off"), "{page}");
    assert_eq!(page["closes"][0]["code"], 4423, "{page}");
    browser.screenshot("guest-off.png").await;
    assert_eq!(browser.ask(json!({ "cmd": "problems" })).await, json!([]));
    learned_nothing(&mut browser, &sim).await;
    gateway.stop().await;
}

/// Nothing the browser received, in any header, body or message, tells of the cluster behind the gateway (I2).
async fn learned_nothing(browser: &mut Browser, sim: &Sim) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let counts = browser.ask(json!({ "cmd": "received", "path": file.path() })).await;
    for kind in ["responses", "bodies", "sockets", "messages"] {
        assert!(counts[kind].as_u64().unwrap() > 0, "{counts}");
    }
    let received = std::fs::read(file.path()).unwrap();
    let has = |what: &str| received.windows(what.len()).any(|window| window == what.as_bytes());
    assert!(has("HTTP/1.1 101"), "the WebSocket's handshake is among it");
    let (token_id, secret) = sim.api_token();
    let node = sim.node_address("pve1").to_string();
    for secret in [token_id, secret, "PVEVNC", "PVEAPIToken", node.as_str()] {
        assert!(!has(secret), "{secret} reached the browser");
    }
}

impl Scene {
    /// Moves the mouse to a pixel of the guest's screen; where the guest's own mouse is then.
    async fn mouse_to(&mut self, x: u16, y: u16) -> (i64, i64) {
        self.browser.ask(json!({ "cmd": "move", "x": x, "y": y })).await;
        let said = self.guest.says("mouse buttons=0").await;
        let number = |name: &str| {
            let word = said.split(' ').find_map(|word| word.strip_prefix(name)).unwrap();
            word.parse().unwrap()
        };
        (number("x="), number("y="))
    }
}
