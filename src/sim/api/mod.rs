//! The API of a node: which call a request is, who may make it, and its answer. No I/O, no waiting.
//!
//! Order of refusals, as in Proxmox: 401, then 403, then 400, then 500 (protocol reference section 8.1).

mod access;
mod consoles;
mod guests;

use super::cluster::{Cluster, Node};
use super::form::{Parameters, decode};
use super::http::{Answer, Request};
use super::identity::Identity;
use crate::id::{Kind, Vmid};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a node does with a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Answers it.
    Answer(Answer),
    /// Connects it to the console that waits on this port.
    Upgrade(u16),
}

/// A call by a known identity.
struct Call<'a> {
    cluster: &'a Arc<Cluster>,
    node: &'a Node,
    request: &'a Request,
    identity: Identity,
    parameters: Parameters,
}

/// Answers a request.
pub(super) fn answer(cluster: &Arc<Cluster>, node: &Node, request: &Request) -> Outcome {
    route(cluster, node, request).unwrap_or_else(Outcome::Answer)
}

fn route(cluster: &Arc<Cluster>, node: &Node, request: &Request) -> Result<Outcome, Answer> {
    let path = decode(&request.path);
    let Some(path) = path.strip_prefix("/api2/json/") else {
        return Err(Answer::error(404, &format!("no such file '{path}'")));
    };
    let parts: Vec<&str> = path.split('/').collect();
    let parameters = parameters(request)?;
    if let Some(answer) = access::open(cluster, node, request, &parts, &parameters) {
        return answer.map(Outcome::Answer);
    }
    let identity = cluster.access.identify(request, &cluster.tickets, node.clock.now())?;
    if identity.is_token && parts == ["access", "ticket"] {
        let text = format!("Permission check failed (URI '/{path}' not available with API token, need proper ticket.");
        return Err(Answer::error(403, &text));
    }
    let call = Call { cluster, node, request, identity, parameters };
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["nodes", node, kind @ ("qemu" | "lxc"), vmid, what @ ("vncproxy" | "termproxy")]) => {
            consoles::open_guest(&call, node, kind_of(kind), vmid, what).map(Outcome::Answer)
        }
        ("POST", ["nodes", node, what @ ("vncshell" | "termproxy")]) => {
            consoles::open_shell(&call, node, what).map(Outcome::Answer)
        }
        ("GET", ["nodes", node, kind @ ("qemu" | "lxc"), vmid, "vncwebsocket"]) => {
            consoles::enter_guest(&call, node, kind_of(kind), vmid)
        }
        ("GET", ["nodes", node, "vncwebsocket"]) => consoles::enter_shell(&call, node),
        (method, parts) => other(&call, method, parts).map(Outcome::Answer),
    }
}

fn other(call: &Call<'_>, method: &str, parts: &[&str]) -> Result<Answer, Answer> {
    match (method, parts) {
        ("GET", ["version"]) => Ok(Answer::data(guests::version(call))),
        ("GET", ["cluster", "resources"]) => guests::resources(call),
        ("GET", ["cluster", "status"]) => guests::cluster_status(call),
        ("GET", ["nodes", node, kind @ ("qemu" | "lxc"), vmid, "status", "current"]) => {
            guests::status(call, node, kind_of(kind), vmid)
        }
        ("GET", ["nodes", node, kind @ ("qemu" | "lxc"), vmid, "config"]) => {
            guests::config(call, node, kind_of(kind), vmid)
        }
        ("POST", ["nodes", node, kind @ ("qemu" | "lxc"), vmid, "status", what]) => {
            guests::power(call, node, kind_of(kind), vmid, what)
        }
        ("GET", ["nodes", node, "certificates", "info"]) => guests::certificates(call, node),
        ("DELETE", ["nodes", node, "tasks", upid]) => consoles::stop_task(call, node, upid),
        ("GET", ["access", "permissions"]) => access::permissions(call),
        ("PUT", ["access", "acl"]) => access::set_acl(call),
        ("POST", ["access", "roles"]) => access::add_role(call),
        (method, _) => Err(Answer::error(501, &format!("Method '{method} /{}' not implemented", parts.join("/")))),
    }
}

fn kind_of(word: &str) -> Kind {
    if word == "lxc" { Kind::Lxc } else { Kind::Qemu }
}

/// Query and body; a body of an unknown type is refused.
fn parameters(request: &Request) -> Result<Parameters, Answer> {
    let mut all = Parameters::of_form(&request.query);
    let kind = request.header("content-type").unwrap_or("application/x-www-form-urlencoded");
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let body = match kind {
        _ if request.body.is_empty() => Parameters::default(),
        "application/x-www-form-urlencoded" => Parameters::of_form(&String::from_utf8_lossy(&request.body)),
        "application/json" => {
            Parameters::of_json(&request.body).ok_or_else(|| Answer::error(400, "malformed JSON string"))?
        }
        other => return Err(Answer::error(506, &format!("upload '{other}' not supported"))),
    };
    all.extend(body);
    Ok(all)
}

/// What a parameter must look like.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Boolean,
    Integer(i64, i64),
    Text(usize),
}

impl Call<'_> {
    /// 400 unless all parameters are known and well formed, and the required ones there.
    fn check(&self, known: &[(&str, Shape)], required: &[&str]) -> Result<(), Answer> {
        let mut errors = BTreeMap::new();
        for key in self.parameters.keys() {
            let shape = known.iter().find(|(name, _)| *name == key).map(|(_, shape)| *shape);
            let value = self.parameters.get(key).unwrap_or_default();
            if let Some(error) = fault(shape, value) {
                errors.insert(key.to_owned(), error);
            }
        }
        for key in required.iter().filter(|key| self.parameters.get(key).is_none()) {
            errors.insert((*key).to_owned(), "property is missing and it is not optional".to_owned());
        }
        if errors.is_empty() { Ok(()) } else { Err(Answer::parameters(errors)) }
    }

    fn demand(&self, path: &str, privilege: &str) -> Result<(), Answer> {
        self.cluster.access.demand(&self.identity, path, privilege)
    }

    /// The node that answers a forwarded call; an error of the forwarding otherwise.
    fn forward(&self, name: &str) -> Result<&Node, Answer> {
        use crate::sim::door::Health;
        let Some(node) = self.cluster.nodes.get(name) else {
            return Err(unknown_node(name));
        };
        match node.door.health() {
            _ if node.name == self.node.name => Ok(node),
            Health::Up => Ok(node),
            Health::Down => Err(Answer::error(595, "Connection refused")),
            Health::Silent => Err(Answer::error(596, "Connection timed out")),
        }
    }
}

fn fault(shape: Option<Shape>, value: &str) -> Option<String> {
    let failed = |kind: &str| Some(format!("type check ('{kind}') failed - got '{value}'"));
    match shape {
        None => Some("property is not defined in schema and the schema does not allow additional properties".into()),
        Some(Shape::Boolean) if !matches!(value, "0" | "1") => failed("boolean"),
        Some(Shape::Integer(low, high)) => match value.parse::<i64>() {
            Ok(number) if number < low => Some(format!("value must have a minimum value of {low}")),
            Ok(number) if number > high => Some(format!("value must have a maximum value of {high}")),
            Ok(_) => None,
            Err(_) => failed("integer"),
        },
        Some(Shape::Text(most)) if value.len() > most => Some(format!("value may only be {most} characters long")),
        Some(Shape::Boolean | Shape::Text(_)) => None,
    }
}

/// A guest's number; 400 for anything else.
fn vmid(text: &str) -> Result<u32, Answer> {
    let number = text.parse::<u32>().ok().and_then(|number| Vmid::try_from(number).ok());
    number.map(Vmid::get).ok_or_else(|| {
        let error = format!("type check ('integer') failed - got '{text}'");
        Answer::parameters(BTreeMap::from([("vmid".to_owned(), error)]))
    })
}

fn unknown_node(name: &str) -> Answer {
    Answer::error(500, &format!("hostname lookup '{name}' failed - failed to get address info for: {name}"))
}

/// The guest's configuration is not where the path says.
fn no_config(node: &str, kind: Kind, vmid: u32) -> Answer {
    let folder = if kind == Kind::Lxc { "lxc" } else { "qemu-server" };
    Answer::error(500, &format!("Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist"))
}

/// No data.
fn nothing() -> Answer {
    Answer::data(Value::Null)
}

/// A number as text, or as a number.
fn number_or_text(number: u16, as_number: bool) -> Value {
    if as_number { json!(number) } else { json!(number.to_string()) }
}
