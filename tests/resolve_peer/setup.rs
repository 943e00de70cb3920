//! Configurations and answers that the tests begin with.

use super::cert::Identity;
use super::{Peer, Reply, Seen, data};
use consolegate::config::{Cluster, Credential, Engine, Node, Timeouts, Trust};
use consolegate::id::{Console, Guest, NodeName, Protocol, Vmid};
use consolegate::metrics::Metrics;
use consolegate::resolve::Resolver;
use consolegate::secret::Secret;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub const USER: &str = "gate@pve!console";
pub const UUID: &str = "01234567-89ab-cdef-0123-456789abcdef";
pub const TICKET: &str = "pw0rd!!!:PVEVNC:6A2F11C0::c2lnbmF0dXJl+/==";

pub fn timeouts() -> Timeouts {
    let seconds = Duration::from_secs;
    Timeouts {
        tls: seconds(5),
        header: seconds(10),
        node_connect: seconds(5),
        node_answer: seconds(10),
        handshake: seconds(10),
        ping: seconds(20),
        dead: seconds(60),
        stall: seconds(30),
        keep_alive: seconds(300),
    }
}

pub fn token() -> Credential {
    Credential::ApiToken { token_id: USER.into(), secret: Secret::new(UUID) }
}

pub fn password() -> Credential {
    Credential::Password { user: "gate@pve".into(), password: Secret::new("p&w;+ =%") }
}

pub fn node(name: &str, address: SocketAddr, identity: &Identity) -> Node {
    let (host, port) = (address.ip().to_string(), address.port());
    Node { name: name.parse().unwrap(), host, port, fingerprint: Some(identity.sha256()) }
}

pub fn cluster(nodes: Vec<Node>) -> Cluster {
    Cluster { name: "eu1".parse().unwrap(), credential: token(), trust: Trust::Pinned, nodes, engine: Engine::Auto }
}

pub fn resolver(cluster: &Cluster) -> Resolver {
    resolver_within(cluster, &timeouts())
}

pub fn resolver_within(cluster: &Cluster, timeouts: &Timeouts) -> Resolver {
    Resolver::new(std::slice::from_ref(cluster), timeouts, metrics()).unwrap()
}

pub fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new().unwrap())
}

/// A resolver of one pinned node `pve1`.
pub fn one_node(peer: &Peer, identity: &Identity) -> Resolver {
    resolver(&cluster(vec![node("pve1", peer.address, identity)]))
}

pub fn console(guest: &str) -> Console {
    console_of(guest, Protocol::Vnc)
}

/// `qemu/100`, `lxc/101` or `node/pve1`.
pub fn console_of(guest: &str, protocol: Protocol) -> Console {
    let (kind, rest) = guest.split_once('/').unwrap();
    let vmid = || Vmid::try_from(rest.parse::<u32>().unwrap()).unwrap();
    let guest = match kind {
        "qemu" => Guest::Qemu(vmid()),
        "lxc" => Guest::Lxc(vmid()),
        _ => Guest::Node(rest.parse().unwrap()),
    };
    Console { cluster: "eu1".parse().unwrap(), guest, protocol }
}

pub fn name(name: &str) -> NodeName {
    name.parse().unwrap()
}

/// One line of `/cluster/resources`.
pub fn listed(id: &str, node: &str, status: &str) -> String {
    let (kind, vmid) = id.split_once('/').unwrap();
    format!(
        r#"{{"id":"{id}","type":"{kind}","vmid":{vmid},"node":"{node}","status":"{status}","name":"a","template":0,
        "uptime":1,"cpu":0.01,"maxcpu":2,"mem":1,"maxmem":2,"disk":0,"maxdisk":3,"netin":0,"netout":0,"tags":"x;y"}}"#
    )
}

/// A console answer for guest 100 at `pve1`, changed by the test.
pub fn console_answer() -> serde_json::Value {
    serde_json::json!({
        "user": USER,
        "ticket": TICKET,
        "port": "5901",
        "upid": format!("UPID:pve1:000A1B2C:0D3E4F50:6A2F11C0:vncproxy:100:{USER}:"),
        "cert": "-----BEGIN CERTIFICATE-----\nMII...\n-----END CERTIFICATE-----\n",
        "password": "pw0rd!!!",
    })
}

/// What a node with one running guest 100 answers.
pub fn ordinary(seen: &Seen) -> Reply {
    if seen.line.starts_with("GET /api2/json/cluster/resources") {
        data(&format!("[{}]", listed("qemu/100", "pve1", "running")))
    } else if seen.line.ends_with("/vncproxy") {
        data(&console_answer().to_string())
    } else {
        super::refuse(501, "Method not implemented")
    }
}
