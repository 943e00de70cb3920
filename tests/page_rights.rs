//! The page with every set of rights: whatever is left out of what noVNC asks for, it shows the screen, and who may type
//! types.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/gateway.rs"]
mod gateway;

use browser::Browser;
use consolegate::sim::{Event, GuestConfig, NodeConfig, Sim, SimConfig};
use gateway::{TestGateway, token};
use serde_json::json;

const RIGHTS: [&str; 4] = ["input", "clipboard", "resize", "power"];

/// What noVNC asks for only where a right lets it be used: the number, and the rights.
const ASKED: [(i32, &[&str]); 5] = [
    (-258, &["input"]),
    (0xC0A1_E5CE_u32.cast_signed(), &["input", "clipboard"]),
    (-308, &["input", "resize"]),
    (-309, &["input", "power"]),
    (-316, &RIGHTS),
];

/// True once the canvas has a colour.
const SHOWN: &str = "new Promise((done) => { const look = () => { \
    const canvas = document.querySelector('main canvas:not(.frozen)'); \
    const pixel = canvas && canvas.width > 300 && canvas.getContext('2d').getImageData(5, 5, 1, 1).data; \
    if (pixel && pixel[2]) done(true); else requestAnimationFrame(look); }; look(); })";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r12_novnc_works_with_every_set_of_rights() {
    let guests = (0..16).map(|set| GuestConfig::qemu(100 + set, "pve1")).collect();
    let config = SimConfig { nodes: vec![NodeConfig::new("pve1")], guests, ..SimConfig::quick() };
    let sim = Sim::start(config).await.unwrap();
    let gateway = TestGateway::start(&sim, &["pve1"], "").await;
    let mut browser = Browser::open("about:blank").await;
    for set in 0..16_u32 {
        let vmid = 100 + set;
        let rights: Vec<&str> = (0..4).filter(|bit| set >> bit & 1 == 1).map(|bit| RIGHTS[bit]).collect();
        let token = token(vmid, |claims| claims["console"]["rights"] = json!(rights));
        browser.ask(json!({ "cmd": "open", "url": format!("http://{}/console#{token}", gateway.address) })).await;
        browser.state("connected").await;
        assert_eq!(browser.ask(json!({ "cmd": "evaluate", "expression": SHOWN })).await, true, "{rights:?}");
        browser.ask(json!({ "cmd": "click", "x": 200, "y": 150 })).await;
        browser.types("a").await;
        if rights.contains(&"input") {
            sim.guest(vmid).wait_for_key(0x61).await.unwrap();
        }
        browser.state("connected").await;
        let events = sim.guest(vmid).events();
        let asked = events.iter().find_map(|event| if let Event::Encodings(list) = event { Some(list) } else { None });
        let asked = asked.expect("SetEncodings");
        for (number, needs) in ASKED {
            let may = needs.iter().all(|need| rights.contains(need));
            assert_eq!(asked.contains(&number), may, "{number} with {rights:?}: {asked:?}");
        }
        assert!(asked.contains(&-223), "{asked:?}");
        let acted = events.iter().any(|event| matches!(event, Event::Key { .. } | Event::Pointer { .. }));
        assert_eq!(acted, rights.contains(&"input"), "{events:?}");
    }
    assert_eq!(browser.ask(json!({ "cmd": "problems" })).await, json!([]));
    assert_eq!(sim.counters().wedged, 0);
}
