//! A scrape of a full gateway: 9,000 sessions that moved something, and the descriptors they hold.

use super::hot_paths::token::{NOW, Panel};
use consolegate::config::Limits;
use consolegate::id::SessionId;
use consolegate::metrics::Metrics;
use consolegate::session::{SessionGuard, Sessions};
use consolegate::store::Store;
use std::fs::File;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const SESSIONS: u32 = 9_000;
/// What this process needs for itself.
const SPARE: usize = 32;

/// What `GET /metrics` does.
pub fn scrape() -> Box<dyn FnMut()> {
    let (sessions, guards) = sessions();
    let metrics = Metrics::new().unwrap();
    let descriptors = descriptors();
    Box::new(move || {
        for guard in &guards {
            guard.traffic().up.add(10, 1);
            guard.traffic().down.add(1000, 1);
        }
        let live = sessions.traffics();
        black_box(metrics.render(live.iter().map(|(protocol, traffic)| (*protocol, &**traffic)))).unwrap();
        black_box(&descriptors);
    })
}

fn sessions() -> (Arc<Sessions>, Vec<SessionGuard>) {
    let (panel, store, sessions) = (Panel::new(), Store::memory(SESSIONS as usize * 2), Sessions::new());
    let all = SESSIONS as usize;
    let limits = Limits {
        sessions: all,
        per_guest: all,
        per_subject: all,
        per_node: all,
        per_node_opening: all,
        per_client: all,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let guards = (0..SESSIONS).map(|number| {
        let verified = panel.verifier.verify(&panel.token(100 + number, &format!("token-{number:020}")), NOW).unwrap();
        let id = SessionId::from_bits(u128::from(number));
        let pass = runtime.block_on(verified.begin(&store, id, &panel.config.session, NOW)).unwrap();
        let client = IpAddr::V4(Ipv4Addr::from_bits(number));
        sessions.admit(&pass, client, &limits, 0).unwrap()
    });
    let guards = guards.collect();
    (sessions, guards)
}

/// Two for each session, or as many as this process may have.
fn descriptors() -> Vec<File> {
    let mut open: Vec<File> = (0..SESSIONS * 2).map_while(|_| File::open("/dev/null").ok()).collect();
    open.truncate(open.len().saturating_sub(SPARE));
    open
}
