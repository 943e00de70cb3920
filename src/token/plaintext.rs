//! Finds what a panel must never put in a token: tickets, passwords, hosts and addresses.
//!
//! A signed token is readable by the customer. Looks at names (at the top level and in `console`) and at the shapes of
//! Proxmox's own tickets (anywhere). Never repeats a value.

use super::json::{Json, Object};
use crate::reason::{Failure, Reason};

/// Names, folded to lower case without `_`, `-` and `.`.
const NAMES: [&str; 33] = [
    "ticket",
    "vncticket",
    "pveticket",
    "authticket",
    "pveauthcookie",
    "cookie",
    "csrfpreventiontoken",
    "csrftoken",
    "password",
    "vncpassword",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "clientsecret",
    "privatekey",
    "credential",
    "credentials",
    "apitoken",
    "pveapitoken",
    "tokenid",
    "tokensecret",
    "host",
    "hostname",
    "nodehost",
    "nodeaddress",
    "nodeip",
    "nodeurl",
    "port",
    "vncport",
    "url",
    "uri",
    "endpoint",
];

/// How Proxmox's tickets and API tokens begin.
const SHAPES: [&str; 4] = ["PVE:", "PVEVNC:", "PVEAPIToken=", "PVEAuthCookie="];

/// Refuses a payload that carries a secret or an address.
pub(super) fn refuse(payload: &Object) -> Result<(), Failure> {
    let console = match payload.get("console") {
        Some(Json::Object(console)) => Some(console),
        _ => None,
    };
    if let Some(name) = payload.keys().chain(console.into_iter().flat_map(Object::keys)).find(|name| is_named(name)) {
        return found(&format!("the claim {}", super::shown(name)));
    }
    if payload.values().any(has_shape) {
        return found("a value that looks like a Proxmox ticket or API token");
    }
    Ok(())
}

fn found(what: &str) -> Result<(), Failure> {
    let cause =
        format!("the token has {what}; anyone who holds the link can read it, take it out of the panel's token");
    Err(Failure::new(Reason::TokenPlaintextSecret, cause))
}

fn is_named(name: &str) -> bool {
    let folded: String = name.chars().filter(|c| !matches!(c, '_' | '-' | '.')).collect();
    NAMES.contains(&folded.to_ascii_lowercase().as_str())
}

fn has_shape(value: &Json) -> bool {
    match value {
        Json::Text(text) => SHAPES.iter().any(|shape| text.starts_with(shape)),
        Json::List(items) => items.iter().any(has_shape),
        Json::Object(object) => object.values().any(has_shape),
        Json::Null | Json::Flag | Json::Number(_) => false,
    }
}
