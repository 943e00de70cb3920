//! What the tests of this room, and of those that watch sessions from above, begin with.

use super::{Generation, Opening, Shared, Since};
use crate::config::Config;
use crate::config::Limits;
use crate::id::{Console, Guest, Protocol, SessionId, Vmid};
use crate::random;
use crate::session::{SessionGuard, Sessions};
use crate::store::Store;
use crate::token::{Grant, Pass};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

/// A browser that opens the screen of guest 100.
pub(super) fn opening() -> Opening {
    let guest = Guest::Qemu(Vmid::try_from(100).unwrap());
    let console = Console { cluster: "eu1".parse().unwrap(), guest, protocol: Protocol::Vnc };
    let pass = Pass::unspent(SessionId::from_bits(0xfeed), 0, Grant::unproven("customer-42", console));
    Opening { pass, client: IpAddr::V4(Ipv4Addr::LOCALHOST) }
}

/// A gateway before one node at which nobody listens.
pub(super) fn generation() -> Generation {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("panel.key", "a shared secret of 32 bytes or so"), ("pve.secret", "hunter2")] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let text = format!(
        r#"
public_url = "http://console.test"
[[issuer]]
name = "panel"
clusters = ["eu1"]
[[issuer.key]]
id = "1"
algorithm = "HS256"
secret_file = "panel.key"
[[cluster]]
name = "eu1"
credential = {{ token_id = "gate@pve!console", secret_file = "pve.secret" }}
[[cluster.node]]
name = "pve1"
address = "127.0.0.1:1"
fingerprint = "{}"
"#,
        ["AB"; 32].join(":")
    );
    let config = Config::parse(&text, folder.path()).unwrap();
    let shared = Shared::new(None, Store::memory(10), Since { tickets: 0, tokens: None }).unwrap();
    Generation::build(config, &shared).unwrap()
}

/// A session that is live.
pub(crate) fn admitted(sessions: &Arc<Sessions>) -> SessionGuard {
    const MANY: usize = 10_000;
    let Opening { pass, client } = opening();
    let session = SessionId::from_bits(u128::from_be_bytes(random::bytes().unwrap()));
    let pass = Pass::unspent(session, 0, pass.grant().clone());
    let limits = Limits {
        sessions: MANY,
        per_guest: MANY,
        per_subject: MANY,
        per_node: MANY,
        per_node_opening: MANY,
        per_client: MANY,
    };
    sessions.admit(&pass, client, &limits, 0).unwrap()
}
