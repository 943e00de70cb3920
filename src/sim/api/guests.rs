//! The calls that find a guest and tell its state (protocol reference section 9).

use super::{Call, Shape, no_config, vmid};
use crate::id::Kind;
use crate::sim::door::Health;
use crate::sim::guest::{Guest, Switch};
use crate::sim::http::Answer;
use crate::sim::setup::{Status, Style};
use serde_json::{Value, json};
use std::sync::Arc;

/// GET `/version`.
pub(super) fn version(call: &Call<'_>) -> Value {
    match call.cluster.config.style {
        Style::New => json!({"version": "9.2.11", "release": "9.2", "repoid": "14a22df3"}),
        Style::Legacy => json!({"version": "8.4.1", "release": "8.4", "repoid": "2a5fa54a"}),
    }
}

/// GET `/cluster/resources`: guests without VM.Audit are absent, on a dead node their state is unknown.
pub(super) fn resources(call: &Call<'_>) -> Result<Answer, Answer> {
    call.check(&[("type", Shape::Text(16))], &[])?;
    let wanted = call.parameters.get("type");
    let mut items = Vec::new();
    if matches!(wanted, None | Some("vm")) {
        let access = &call.cluster.access;
        let visible = call
            .cluster
            .guests
            .values()
            .filter(|guest| !guest.state().node.is_empty())
            .filter(|guest| access.may(&call.identity, &format!("/vms/{}", guest.config.vmid), "VM.Audit"));
        items.extend(visible.map(|guest| resource(call, guest)));
    }
    if matches!(wanted, None | Some("node")) {
        items.extend(call.cluster.nodes.values().map(|node| {
            let status = if call.cluster.is_reachable(&node.name) { "online" } else { "offline" };
            json!({"id": format!("node/{}", node.name), "type": "node", "node": node.name, "status": status})
        }));
    }
    Ok(Answer::data(items.into()))
}

fn resource(call: &Call<'_>, guest: &Guest) -> Value {
    let state = guest.state();
    let (kind, vmid) = (guest.config.kind.word(), guest.config.vmid);
    let mut item = json!({
        "id": format!("{kind}/{vmid}"), "type": kind, "vmid": vmid, "node": state.node, "template": 0,
        "status": "unknown", "uptime": 0, "cpu": 0, "maxcpu": 2, "mem": 0, "maxmem": 2_147_483_648_u64,
    });
    if let Some(item) = item.as_object_mut() {
        if call.cluster.is_reachable(&state.node) {
            item.insert("status".into(), word(state.status).into());
            item.insert("name".into(), guest.config.name.clone().into());
        }
        if let Some(lock) = state.lock {
            item.insert("lock".into(), lock.into());
        }
    }
    item
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Stopped => "stopped",
    }
}

/// GET `/cluster/status`.
pub(super) fn cluster_status(call: &Call<'_>) -> Result<Answer, Answer> {
    call.demand("/", "Sys.Audit")?;
    let nodes = call.cluster.nodes.values().zip(1..).map(|(node, number)| {
        let online = u8::from(node.door.health() == Health::Up);
        json!({
            "type": "node", "id": format!("node/{}", node.name), "name": node.name, "nodeid": number,
            "ip": node.door.address().ip().to_string(), "online": online, "local": u8::from(node.name == call.node.name),
        })
    });
    Ok(Answer::data(nodes.collect::<Vec<_>>().into()))
}

/// The guest of a forwarded call.
fn find<'a>(call: &'a Call<'_>, node: &str, kind: Kind, number: &str, right: &str) -> Result<&'a Arc<Guest>, Answer> {
    call.forward(node)?;
    call.demand(&format!("/vms/{number}"), right)?;
    let vmid = vmid(number)?;
    call.cluster.guest_on(node, kind, vmid).ok_or_else(|| no_config(node, kind, vmid))
}

/// GET `status/current`.
pub(super) fn status(call: &Call<'_>, node: &str, kind: Kind, number: &str) -> Result<Answer, Answer> {
    let guest = find(call, node, kind, number, "VM.Audit")?;
    call.check(&[], &[])?;
    let state = guest.state();
    let status = word(state.status);
    let mut data = json!({
        "vmid": guest.config.vmid, "name": guest.config.name, "status": status, "uptime": 0, "cpus": 2,
        "maxmem": 2_147_483_648_u64, "ha": {"managed": 0},
    });
    if let Some(data) = data.as_object_mut() {
        if kind == Kind::Qemu {
            data.insert("qmpstatus".into(), status.into());
        }
        if guest.config.serial {
            data.insert("serial".into(), 1.into());
        }
        if let Some(lock) = state.lock {
            data.insert("lock".into(), lock.into());
        }
    }
    Ok(Answer::data(data))
}

/// GET `config`: what tells a machine from the next one of its number, and what any has.
pub(super) fn config(call: &Call<'_>, node: &str, kind: Kind, number: &str) -> Result<Answer, Answer> {
    let guest = find(call, node, kind, number, "VM.Audit")?;
    call.check(&[], &[])?;
    let (born, name) = (guest.state().born, &guest.config.name);
    Ok(Answer::data(match kind {
        Kind::Lxc => json!({
            "hostname": name, "memory": 512, "arch": "amd64", "digest": "0",
            "net0": format!("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:{:02X}:{:02X}:{:02X},type=veth", born >> 16, born >> 8 & 255, born & 255),
        }),
        Kind::Qemu | Kind::Node => json!({
            "name": name, "memory": "2048", "cores": 2, "digest": "0",
            "smbios1": format!("uuid=7c9e6679-7425-40de-944b-{born:012x}"),
            "meta": format!("creation-qemu=9.0.2,ctime={}", 1_795_300_000 + born),
        }),
    }))
}

/// POST `status/start`, `stop` and their like. A task that only then finds out that it cannot still has its name.
pub(super) fn power(call: &Call<'_>, node: &str, kind: Kind, number: &str, what: &str) -> Result<Answer, Answer> {
    let Some(switch) = Switch::named(what, kind) else {
        return Err(Answer::error(501, &format!("Method 'POST {}' not implemented", call.request.path)));
    };
    let guest = find(call, node, kind, number, "VM.PowerMgmt")?;
    call.check(&[], &[])?;
    let state = guest.state();
    let family = if kind == Kind::Lxc { "CT" } else { "VM" };
    if let Some(lock) = &state.lock {
        return Err(Answer::error(500, &format!("{family} is locked ({lock})")));
    }
    let runs = state.status == Status::Running;
    match switch {
        Switch::Start if runs && kind == Kind::Lxc => {
            return Err(Answer::error(500, &format!("CT {number} already running")));
        }
        Switch::Start => {}
        // Virtual machines are only looked at here for a reset; the task finds the rest.
        _ if !runs && (kind == Kind::Lxc || switch == Switch::Reset) => {
            return Err(Answer::error(500, &format!("{family} {number} not running")));
        }
        Switch::Shutdown | Switch::Stop | Switch::Reset | Switch::Reboot => {}
    }
    guest.switch(switch);
    let task = format!("{}{what}", if kind == Kind::Lxc { "vz" } else { "qm" });
    let name = &call.identity.name;
    Ok(Answer::data(call.cluster.tasks.name(node, &task, number, name, call.node.clock.now()).into()))
}

/// GET `certificates/info`.
pub(super) fn certificates(call: &Call<'_>, node: &str) -> Result<Answer, Answer> {
    let node = call.forward(node)?;
    let fingerprint = node.identity().fingerprint;
    Ok(Answer::data(
        json!([{"filename": "pve-ssl.pem", "fingerprint": fingerprint, "subject": format!("/CN={}", node.name)}]),
    ))
}
