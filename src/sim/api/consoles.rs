//! The console calls: `vncproxy`, `termproxy`, `vncshell`, `vncwebsocket` (protocol reference 4.1, 5, 6).
//!
//! None is ever forwarded: ticket and port live on the host that was asked.

use super::{Call, Outcome, Shape, no_config, nothing, number_or_text, unknown_node, vmid};
use crate::id::{Kind, Protocol};
use crate::sim::guest::Guest;
use crate::sim::http::Answer;
use crate::sim::ports::{RANGE, Waiting};
use crate::sim::setup::Style;
use crate::sim::tickets::{VncClaim, vnc_password};
use serde_json::json;
use std::sync::Arc;
use tokio::time::Instant;

const SIZE: [(&str, Shape); 2] = [("width", Shape::Integer(16, 4096)), ("height", Shape::Integer(16, 2160))];
const COMMAND: [(&str, Shape); 2] = [("cmd", Shape::Text(64)), ("cmd-opts", Shape::Text(4096))];

/// POST `vncproxy` or `termproxy` of a guest.
pub(super) fn open_guest(call: &Call<'_>, node: &str, kind: Kind, number: &str, what: &str) -> Result<Answer, Answer> {
    let path = format!("/vms/{number}");
    call.demand(&path, "VM.Console")?;
    let vmid = vmid(number)?;
    match (what, kind) {
        ("vncproxy", Kind::Qemu) => {
            call.check(&[("websocket", Shape::Boolean), ("generate-password", Shape::Boolean)], &[])?;
        }
        ("vncproxy", Kind::Lxc | Kind::Node) => {
            let [width, height] = SIZE;
            call.check(&[("websocket", Shape::Boolean), width, height], &[])?;
        }
        (_, Kind::Qemu) => call.check(&[("serial", Shape::Text(7))], &[])?,
        (_, Kind::Lxc | Kind::Node) => call.check(&[], &[])?,
    }
    let guest = call.cluster.guest_on(node, kind, vmid).ok_or_else(|| no_config(node, kind, vmid))?;
    // QEMU and LXC terminals call themselves vncproxy too.
    open(call, guest, &path, "vncproxy", number, protocol(what))
}

/// POST `vncshell` or `termproxy` of a node.
pub(super) fn open_shell(call: &Call<'_>, node: &str, what: &str) -> Result<Answer, Answer> {
    let path = format!("/nodes/{node}");
    call.demand(&path, "Sys.Console")?;
    let ([width, height], [command, options]) = (SIZE, COMMAND);
    if what == "vncshell" {
        call.check(&[("websocket", Shape::Boolean), width, height, command, options], &[])?;
    } else {
        call.check(&COMMAND, &[])?;
    }
    if call.identity.is_token && (what == "vncshell" || call.cluster.config.style == Style::Legacy) {
        let text = format!("value '{}' does not look like a valid user name", call.identity.name);
        return Err(Answer::error(500, &text));
    }
    let shell = &call.cluster.nodes.get(node).ok_or_else(|| unknown_node(node))?.shell;
    open(call, shell, &path, if what == "vncshell" { "vncshell" } else { "vncproxy" }, "", protocol(what))
}

fn protocol(what: &str) -> Protocol {
    if what == "termproxy" { Protocol::Term } else { Protocol::Vnc }
}

/// Lets a console wait on a free port of this host and answers where, with which ticket.
fn open(
    call: &Call<'_>,
    guest: &Arc<Guest>,
    path: &str,
    task: &str,
    id: &str,
    protocol: Protocol,
) -> Result<Answer, Answer> {
    let (cluster, timing, now) = (call.cluster, &call.cluster.config.timing, Instant::now());
    let new = cluster.config.style == Style::New;
    let flag = |name: &str| call.parameters.get(name) == Some("1");
    let shown = protocol == Protocol::Vnc
        && (guest.config.vnc_password.is_some() || flag("generate-password") || (new && flag("websocket")));
    let password = match &guest.config.vnc_password {
        _ if !shown => None,
        Some(fixed) => Some(fixed.clone()),
        None => Some(vnc_password().map_err(|error| Answer::error(500, &error.to_string()))?),
    };
    // Nothing fails from here on: the port is held until the console waits there.
    let port = call.node.ports().reserve(now);
    let port = port.ok_or_else(|| Answer::error(500, "unable to find free port (5900-6000)"))?;
    let time = call.node.clock.now();
    let claim = VncClaim { identity: &call.identity.name, path, port: new.then_some(port) };
    let bare = cluster.tickets.vnc(claim, time);
    let ticket = match &password {
        Some(password) if new && password.len() == 8 => format!("{password}:{bare}"),
        Some(_) | None => bare,
    };
    let upid = cluster.tasks.name(&call.node.name, task, id, &call.identity.name, time);
    let waiting = Waiting {
        guest: Arc::clone(guest),
        protocol,
        user: call.identity.name.clone(),
        ticket: ticket.clone(),
        password: password.clone().unwrap_or_else(|| ticket.chars().take(8).collect()),
        tls: protocol == Protocol::Vnc && !flag("websocket") && (new || guest.config.kind != Kind::Qemu),
        upid: upid.clone(),
    };
    call.node.ports().listen(port, waiting, now + timing.listener_life, now + timing.port_reserve);
    cluster.ledger.count(|c| c.vncproxy_posts += 1);
    let mut data = json!({
        "user": call.identity.name,
        "ticket": ticket,
        "port": number_or_text(port, cluster.config.port_as_number),
        "upid": upid,
    });
    if let (Protocol::Vnc, Some(data)) = (protocol, data.as_object_mut()) {
        data.insert("cert".into(), cluster.authority.pem().into());
        if let Some(password) = password {
            data.insert("password".into(), password.into());
        }
    }
    Ok(Answer::data(data))
}

/// GET `vncwebsocket` of a guest.
pub(super) fn enter_guest(call: &Call<'_>, node: &str, kind: Kind, number: &str) -> Result<Outcome, Answer> {
    let path = format!("/vms/{number}");
    call.demand(&path, "VM.Console")?;
    let vmid = vmid(number)?;
    let port = port(call)?;
    // LXC leaves it to the ticket.
    if kind == Kind::Qemu && call.cluster.guest_on(node, kind, vmid).is_none() {
        return Err(no_config(node, kind, vmid));
    }
    enter(call, &path, port)
}

/// GET `vncwebsocket` of a node.
pub(super) fn enter_shell(call: &Call<'_>, node: &str) -> Result<Outcome, Answer> {
    let path = format!("/nodes/{node}");
    call.demand(&path, "Sys.Console")?;
    let port = port(call)?;
    enter(call, &path, port)
}

fn port(call: &Call<'_>) -> Result<u16, Answer> {
    let shape = Shape::Integer((*RANGE.start()).into(), (*RANGE.end()).into());
    call.check(&[("port", shape), ("vncticket", Shape::Text(512))], &["port", "vncticket"])?;
    let port = call.parameters.get("port").and_then(|port| port.parse().ok());
    port.ok_or_else(|| Answer::error(400, "Parameter verification failed."))
}

/// Checks ticket and upgrade; without an upgrade a good ticket only gives the port back.
fn enter(call: &Call<'_>, path: &str, port: u16) -> Result<Outcome, Answer> {
    let bound = (call.cluster.config.style == Style::New).then_some(port);
    let claim = VncClaim { identity: &call.identity.name, path, port: bound };
    let ticket = call.parameters.get("vncticket").unwrap_or_default();
    if !call.cluster.tickets.check_vnc(ticket, claim, call.node.clock.now()) {
        return Err(Answer::error(401, "permission denied - invalid PVEVNC ticket"));
    }
    let Some(upgrade) = call.request.header("upgrade") else {
        return Ok(Outcome::Answer(Answer::data(json!({ "port": port.to_string() }))));
    };
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return Err(Answer::error(500, &format!("unable to upgrade to protocol '{upgrade}'")));
    }
    let version = call.request.header("sec-websocket-version").unwrap_or_default();
    if version != "13" {
        return Err(Answer::error(500, &format!("unsupported websocket-version '{version}'")));
    }
    if call.request.header("sec-websocket-key").unwrap_or_default().is_empty() {
        return Err(Answer::error(500, "missing websocket-key"));
    }
    Ok(Outcome::Upgrade(port))
}

/// DELETE of a task: ends a waiting or running console.
pub(super) fn stop_task(call: &Call<'_>, node: &str, upid: &str) -> Result<Answer, Answer> {
    let node = call.forward(node)?;
    let owner = format!(":{}:", call.identity.name);
    if !upid.ends_with(&owner) {
        call.demand(&format!("/nodes/{}", node.name), "Sys.Modify")?;
    }
    call.check(&[], &[])?;
    node.ports().stop(upid);
    call.cluster.tasks.stop(upid);
    Ok(nothing())
}
