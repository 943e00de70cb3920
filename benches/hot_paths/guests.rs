//! The list of a large cluster's guests.

use consolegate::resolve::Guests;
use serde_json::json;
use std::hint::black_box;

pub const GUESTS: u64 = 10_000;

/// An answer to `/cluster/resources`.
pub fn read() -> Box<dyn FnMut()> {
    let guests = (0..GUESTS).map(|number| {
        json!({
            "id": format!("qemu/{}", 100 + number), "type": "qemu", "vmid": 100 + number,
            "node": format!("pve{}", number % 32), "name": format!("customer-{number}"), "status": "running",
            "template": 0, "cpu": 0.012_345_678_9, "maxcpu": 4, "mem": 1_234_567_890, "maxmem": 4_294_967_296_u64,
            "disk": 0, "maxdisk": 34_359_738_368_u64, "diskread": 123_456_789, "diskwrite": 987_654_321,
            "netin": 1_122_334_455, "netout": 5_544_332_211_u64, "uptime": 1_234_567, "tags": "customer;web",
        })
    });
    let answer = json!({ "data": guests.collect::<Vec<_>>() }).to_string().into_bytes();
    Box::new(move || {
        black_box(Guests::read(black_box(&answer))).expect("a list");
    })
}
