//! Asks Proxmox for a console and checks every word of its answer before anything is done with it.
//!
//! One POST, one ticket, one address: the WebSocket goes to the socket address and the certificate that answered here,
//! whatever names resolve to by then. An answer about another guest, user or host is refused: "valid ticket, wrong
//! guest" is the one mistake this product must not make. Protocol reference 5, 6; hostile inputs U08, U11, U12, R10.

use super::cluster::{ClusterApi, Granted, Refused};
use super::ended;
use super::exchange::Ask;
use super::loose::Number;
use super::place::{Place, Target};
use super::status::operator_text;
use crate::id::{Guest, NodeName, Protocol};
use crate::reason::{Failure, Reason};
use crate::secret::Secret;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde::Deserialize;
use std::sync::Arc;

/// Largest answer taken; the cluster's certificate is most of it.
const LIMIT: usize = 64 * 1024;
/// Proxmox takes no longer ticket back.
const TICKET: usize = 512;
/// VNC passwords have no more bytes.
const PASSWORD: usize = 8;
/// The ports Proxmox gives to consoles.
const PORTS: std::ops::RangeInclusive<u64> = 5900..=5999;
/// What Proxmox calls the workers of consoles.
const WORKERS: [&str; 3] = ["vncproxy", "vncshell", "termproxy"];

/// Asks the place's node for its console.
pub(super) async fn open(cluster: &ClusterApi, place: &Place) -> Result<Target, Failure> {
    let node = cluster.node(&place.node)?;
    let base = base_path(&place.console.guest, &place.node);
    let granted = match cluster.ask(node, &ask(place, &base)).await {
        Ok(granted) => granted,
        Err(Refused { failure, .. }) if failure.reason == Reason::GuestNotFound => {
            return Err(gone(cluster, place, failure).await);
        }
        Err(Refused { failure, .. }) => return Err(failure),
    };
    let Granted { answer, identity } = granted;
    let wrong = |failure: Failure| Failure::new(failure.reason, format!("node {}: {}", place.node, failure.cause));
    let reply = Reply::read(answer.body.reveal()).map_err(wrong)?;
    reply.check_subject(place, &identity.user).map_err(wrong)?;
    let password = reply.password().map_err(wrong)?;
    let (name, value) = &identity.credential;
    Ok(Target {
        address: answer.from.address,
        tls: node.tls.clone(),
        leaf: answer.from.leaf,
        authority: node.authority(),
        path: reply.websocket_path(&base),
        credential: (name, value.clone()),
        password,
        login: (reply.user, reply.ticket),
    })
}

/// A node that does not have the guest may have had it when the list was made.
async fn gone(cluster: &ClusterApi, place: &Place, failure: Failure) -> Failure {
    match ended::moved(cluster, place).await {
        Some(moved) if moved.reason == Reason::GuestMoved => moved,
        _ => failure,
    }
}

/// Names and numbers only: nothing in it needs encoding.
fn base_path(guest: &Guest, node: &NodeName) -> String {
    match guest {
        Guest::Qemu(_) | Guest::Lxc(_) => format!("/api2/json/nodes/{node}/{guest}"),
        Guest::Node(_) => format!("/api2/json/nodes/{node}"),
    }
}

/// `websocket=1` is what makes patched nodes listen on localhost without TLS; terminals do not know the parameter.
fn ask(place: &Place, base: &str) -> Ask {
    let (console, sent) = (&place.console, Some(Arc::clone(&place.asked)));
    let (operation, call, form) = match (&console.guest, console.protocol) {
        (Guest::Qemu(_) | Guest::Lxc(_), Protocol::Vnc) => ("vncproxy", "vncproxy", "websocket=1"),
        (Guest::Node(_), Protocol::Vnc) => ("vncproxy", "vncshell", "websocket=1"),
        (_, Protocol::Term) => ("termproxy", "termproxy", ""),
    };
    Ask { operation, path: format!("{base}/{call}"), form: Some(Secret::new(form)), limit: LIMIT, once: false, sent }
}

/// An answer whose every field has a possible value.
#[derive(Debug)]
struct Reply {
    port: u64,
    ticket: Secret,
    user: String,
    upid: String,
    given: Option<Secret>,
}

impl Reply {
    fn read(json: &[u8]) -> Result<Self, Failure> {
        // The parser's own words may quote the ticket.
        let body: Body = serde_json::from_slice(json).map_err(|_| wrong("the answer is not a console answer"))?;
        let data = body.data;
        let (ticket, given) = (Secret::new(data.ticket), data.password.map(Secret::new));
        if !PORTS.contains(&data.port.0) {
            return Err(wrong("the port is outside 5900 to 5999"));
        }
        let bytes = ticket.reveal();
        if !(1..=TICKET).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(wrong("the ticket is empty, too long or not printable"));
        }
        Ok(Self { port: data.port.0, ticket, user: data.user, upid: data.upid, given })
    }

    /// U11: the answer must be about what was asked, by whom it was asked, and by the host that was asked.
    fn check_subject(&self, place: &Place, user: &str) -> Result<(), Failure> {
        let identity = |what: &str| Err(Failure::new(Reason::Identity, format!("the answer names {what}")));
        if self.user != user {
            return identity("another user than the gateway's");
        }
        let fields: Vec<&str> = self.upid.split(':').collect();
        let ["UPID", node, _pid, _start, _time, worker, id, by, ""] = fields[..] else {
            return Err(wrong("the upid is not one"));
        };
        let vmid = place.console.guest.vmid().map(|vmid| vmid.to_string()).unwrap_or_default();
        if id != vmid {
            return identity("another guest than was asked for");
        }
        if by != user {
            return identity("a task of another user");
        }
        if !WORKERS.contains(&worker) {
            return identity("a task that is no console");
        }
        if node != place.node.as_str() {
            let named = operator_text(node.as_bytes());
            let cure = format!("the host behind its address calls itself {named}; give each node its own address");
            return Err(Failure::new(Reason::NodeMoved, cure));
        }
        Ok(())
    }

    /// The rule that fits all versions: the password given, else the first 8 bytes of the ticket.
    fn password(&self) -> Result<Secret, Failure> {
        match &self.given {
            Some(given) if (1..=PASSWORD).contains(&given.reveal().len()) => Ok(given.clone()),
            Some(given) => Err(wrong(&format!("ticket_shape: a password of {} bytes", given.reveal().len()))),
            None => Ok(Secret::new(self.ticket.reveal().get(..PASSWORD).unwrap_or(self.ticket.reveal()))),
        }
    }

    /// pveproxy splits at `&` and `;`, takes `+` for a space and cuts values at `=`: everything is encoded.
    fn websocket_path(&self, base: &str) -> Secret {
        let ticket = percent_encode(self.ticket.reveal(), NON_ALPHANUMERIC);
        Secret::new(format!("{base}/vncwebsocket?port={}&vncticket={ticket}", self.port))
    }
}

fn wrong(what: &str) -> Failure {
    Failure::new(Reason::PveAnswer, what)
}

#[derive(Deserialize)]
struct Body {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    port: Number,
    ticket: String,
    user: String,
    upid: String,
    #[serde(default)]
    password: Option<String>,
}

#[cfg(test)]
mod tests;
