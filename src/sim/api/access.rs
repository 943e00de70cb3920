//! Signing in and permissions (protocol reference section 4).

use super::{Call, Shape, nothing};
use crate::sim::cluster::{Cluster, Node};
use crate::sim::form::Parameters;
use crate::sim::http::{Answer, Request};
use crate::sim::identity::{Access, USER};
use crate::sim::tickets::{VncClaim, uuid};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The calls that need no identity; none if it is another one.
pub(super) fn open(
    cluster: &Cluster,
    node: &Node,
    request: &Request,
    parts: &[&str],
    parameters: &Parameters,
) -> Option<Result<Answer, Answer>> {
    let by_token = request.header("authorization").is_some_and(|value| value.trim().starts_with("PVEAPIToken"));
    match (request.method.as_str(), parts) {
        ("GET", ["access", "domains"]) => Some(Ok(Answer::data(json!([
            {"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"},
            {"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server", "default": 1},
            {"realm": "sso", "type": "openid", "comment": "Single sign-on"},
        ])))),
        ("POST", ["access", "ticket"]) if !by_token => Some(sign_in(cluster, node, parameters)),
        ("POST", ["access", "vncticket"]) => Some(check_vnc(cluster, node, parameters)),
        ("POST", ["access", "openid", "auth-url"]) => Some(begin_openid(node, parameters)),
        ("POST", ["access", "openid", "login"]) => Some(end_openid(cluster, node, parameters)),
        _ => None,
    }
}

fn required<'a>(parameters: &'a Parameters, keys: &[&str]) -> Result<Vec<&'a str>, Answer> {
    let missing = |key: &&&str| parameters.get(key).is_none();
    let errors: BTreeMap<String, String> = keys
        .iter()
        .filter(missing)
        .map(|key| ((*key).to_owned(), "property is missing and it is not optional".to_owned()))
        .collect();
    if errors.is_empty() {
        return Ok(keys.iter().filter_map(|key| parameters.get(key)).collect());
    }
    Err(Answer::parameters(errors))
}

fn failure() -> Answer {
    Answer::error(401, "authentication failure")
}

/// POST `/access/ticket`: by password, by an old ticket, or the second round of a two-factor login.
fn sign_in(cluster: &Cluster, node: &Node, parameters: &Parameters) -> Result<Answer, Answer> {
    let values = required(parameters, &["username", "password"])?;
    let [name, password] = values.as_slice() else { return Err(failure()) };
    let user = match parameters.get("realm") {
        Some(realm) if !name.contains('@') => format!("{name}@{realm}"),
        Some(_) | None => (*name).to_owned(),
    };
    let now = node.clock.now();
    if let Some(challenge) = parameters.get("tfa-challenge") {
        let asked = cluster.tickets.check_login(challenge, now) == Some(half_signed(&user));
        let right = cluster.config.totp.as_ref().is_some_and(|code| *password == format!("totp:{code}"));
        return if asked && right { Ok(Answer::data(session(cluster, &user, now))) } else { Err(failure()) };
    }
    let renewed = cluster.tickets.check_login(password, now).as_deref() == Some(&*user);
    if !renewed && !Access::password_is_good(&user, password) {
        return Err(failure());
    }
    if cluster.config.totp.is_some() && !renewed {
        let ticket = cluster.tickets.login(&half_signed(&user), now);
        let csrf = cluster.tickets.csrf(&user, now);
        return Ok(Answer::data(
            json!({"username": user, "ticket": ticket, "CSRFPreventionToken": csrf, "NeedTFA": 1}),
        ));
    }
    Ok(Answer::data(session(cluster, &user, now)))
}

/// The text in the place of the user in a half-authenticated ticket. The user is in it, so that it fits one alone.
fn half_signed(user: &str) -> String {
    format!("!tfa!{{\"totp\"%3Atrue,\"user\"%3A\"{user}\"}}")
}

fn session(cluster: &Cluster, user: &str, now: i64) -> Value {
    json!({
        "username": user,
        "ticket": cluster.tickets.login(user, now),
        "CSRFPreventionToken": cluster.tickets.csrf(user, now),
        "cap": {"vms": {"VM.Console": 1, "VM.Audit": 1}},
        "clustername": "simulated",
    })
}

/// POST `/access/vncticket`: termproxy's own check.
fn check_vnc(cluster: &Cluster, node: &Node, parameters: &Parameters) -> Result<Answer, Answer> {
    let values = required(parameters, &["authid", "vncticket", "path", "privs"])?;
    let [identity, ticket, path, _] = values.as_slice() else { return Err(failure()) };
    let port = parameters.get("port").and_then(|port| port.parse().ok());
    let claim = VncClaim { identity, path, port };
    if cluster.tickets.check_vnc(ticket, claim, node.clock.now()) {
        return Ok(nothing());
    }
    Err(Answer::error(401, "permission denied - invalid PVEVNC ticket"))
}

/// POST `/access/openid/auth-url`: the state is known to this node alone.
fn begin_openid(node: &Node, parameters: &Parameters) -> Result<Answer, Answer> {
    let values = required(parameters, &["realm", "redirect-url"])?;
    let state = uuid().map_err(|error| Answer::error(500, &error.to_string()))?;
    let mut states = node.openid();
    if values.first() != Some(&"sso") || states.len() >= 100 {
        return Err(Answer::error(500, "openid login failed"));
    }
    states.insert(state.clone());
    Ok(Answer::data(format!("https://sso.example/authorize?response_type=code&state={state}").into()))
}

/// POST `/access/openid/login`: one use of a state, the code `good`.
fn end_openid(cluster: &Cluster, node: &Node, parameters: &Parameters) -> Result<Answer, Answer> {
    let values = required(parameters, &["state", "code", "redirect-url"])?;
    let [state, code, _] = values.as_slice() else { return Err(failure()) };
    let known = node.openid().remove(*state);
    if !known || *code != "good" {
        return Err(Answer::error(401, "openid authentication failure"));
    }
    Ok(Answer::data(session(cluster, USER, node.clock.now())))
}

/// GET `/access/permissions`.
pub(super) fn permissions(call: &Call<'_>) -> Result<Answer, Answer> {
    call.check(&[("path", Shape::Text(256))], &[])?;
    let path = call.parameters.get("path").unwrap_or("/");
    let held = call.cluster.access.privileges(&call.identity, path);
    let held: BTreeMap<String, u8> = held.into_iter().map(|privilege| (privilege, 1)).collect();
    Ok(Answer::data(json!({ path: held })))
}

/// PUT `/access/acl`.
pub(super) fn set_acl(call: &Call<'_>) -> Result<Answer, Answer> {
    let path = call.parameters.get("path").unwrap_or("/");
    call.demand(path, "Sys.Modify")?;
    let known = ["path", "roles", "users", "groups", "tokens"].map(|name| (name, Shape::Text(4096)));
    let flags = [("propagate", Shape::Boolean), ("delete", Shape::Boolean)];
    call.check(&[&known[..], &flags[..]].concat(), &["path", "roles"])?;
    let mut privileges = BTreeSet::new();
    for role in call.parameters.get("roles").unwrap_or_default().split(',') {
        let role = call.cluster.access.role(role);
        privileges.extend(role.ok_or_else(|| Answer::error(400, "role does not exist"))?);
    }
    for key in ["users", "tokens"] {
        for subject in call.parameters.get(key).unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
            if call.parameters.get("delete") == Some("1") {
                call.cluster.access.delete_acl(subject, path);
            } else {
                call.cluster.access.set_privileges(subject, path, privileges.clone());
            }
        }
    }
    Ok(nothing())
}

/// POST `/access/roles`.
pub(super) fn add_role(call: &Call<'_>) -> Result<Answer, Answer> {
    call.demand("/access", "Sys.Modify")?;
    call.check(&[("roleid", Shape::Text(64)), ("privs", Shape::Text(4096))], &["roleid"])?;
    let role = call.parameters.get("roleid").unwrap_or_default();
    if role.starts_with("PVE") {
        return Err(Answer::error(400, "role ID may not start with the builtin 'PVE' namespace"));
    }
    let privileges = call.parameters.get("privs").unwrap_or_default();
    let privileges = privileges.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    call.cluster.access.set_role(role, privileges);
    Ok(nothing())
}
