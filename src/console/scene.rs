//! What the tests of this room begin with.

use super::Opening;
use crate::id::{Console, Guest, Protocol, SessionId, Vmid};
use crate::token::Envelope;
use std::net::{IpAddr, Ipv4Addr};

/// A browser that opens the screen of guest 100.
pub(super) fn opening() -> Opening {
    let guest = Guest::Qemu(Vmid::try_from(100).unwrap());
    let console = Console { cluster: "eu1".parse().unwrap(), guest, protocol: Protocol::Vnc };
    let grant = serde_json::from_value(serde_json::json!({
        "issuer": "panel", "subject": "customer-42", "jti_hash": "0", "console": console, "node": null, "rights": [],
        "max_seconds": null, "idle_seconds": null, "title": null, "lang": null, "theme": null, "origin": null,
    }));
    let (session, grant) = (SessionId::from_bits(0xfeed), grant.unwrap());
    let envelope = Envelope { session, generation: 0, expires: 0, ends: 0, grant };
    Opening { envelope, client: IpAddr::V4(Ipv4Addr::LOCALHOST) }
}
