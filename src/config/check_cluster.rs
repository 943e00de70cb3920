//! Checks `[[cluster]]`: how the gateway signs in, whom it believes, and the nodes.
//!
//! Owns the rule that every node is verified by something: a CA, the system's roots or its own fingerprint. Looks no
//! name up and connects nowhere. Hostile inputs C04 and C07.

use super::files::Folder;
use super::key::{self, Refused};
use super::problem::{Report, Written};
use super::raw::Section;
use super::{Cluster, Credential, Engine, Node, Trust, origin, value};
use crate::id::{ClusterName, NodeName};
use crate::secret::Secret;
use std::collections::HashSet;

/// Port of pveproxy.
const DEFAULT_PORT: u16 = 8006;

const TRUST_FIX: &str = "add ca_file = \"pve-root-ca.pem\" (/etc/pve/pve-root-ca.pem of any node) or a fingerprint to each node \
                         (pvenode cert info), or tls = \"system\" where the nodes have certificates of a public authority";

/// All clusters, and all names: those of clusters with other problems too, so that who names them is not blamed.
pub(super) fn clusters(sections: Vec<Section<'_>>, folder: Folder<'_>) -> (Option<Vec<Cluster>>, HashSet<String>) {
    let mut names = HashSet::new();
    let clusters = value::all(sections.into_iter().map(|section| cluster(section, &mut names, folder)));
    (clusters, names)
}

fn cluster(mut section: Section<'_>, names: &mut HashSet<String>, folder: Folder<'_>) -> Option<Cluster> {
    let report = section.report();
    let name = section.required_text("name", "eu1");
    if let Some(name) = name.as_ref().filter(|name| !names.insert(name.value.clone())) {
        report.wrong(&name.place, format!("two clusters are named {:?}", name.value), "give each its own name");
    }
    let name = name.and_then(|written| parsed::<ClusterName>(report, &written));
    let credential = credential(&mut section, folder);
    let (nodes, pinned) = nodes(&mut section);
    let trust = trust(&mut section, pinned, folder);
    Some(Cluster { name: name?, credential: credential?, trust: trust?, nodes: nodes?, engine: Engine::default() })
}

fn credential(section: &mut Section<'_>, folder: Folder<'_>) -> Option<Credential> {
    const EXAMPLE: &str = "credential = { token_id = \"gate@pve!console\", secret_file = \"pve.secret\" }";
    if !section.has("credential") {
        section.missing("credential", &format!("add {EXAMPLE}"));
    }
    let mut section = section.section("credential")?;
    let report = section.report();
    let (token_id, secret_file) = (section.text("token_id"), section.text("secret_file"));
    let (user, password_file) = (section.text("user"), section.text("password_file"));
    match (token_id, secret_file, user, password_file) {
        (Some(token_id), Some(secret_file), None, None) => {
            let token_id = shaped(report, token_id, is_token_id, "gate@pve!console: user, realm and token name");
            let secret = folder.secret(&secret_file)?;
            if !secret.reveal_text().is_some_and(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')) {
                let what = format!("{} does not hold the value of an API token", secret_file.value);
                report.wrong(&secret_file.place, what, "write only the UUID that pveum printed as value");
                return None;
            }
            if is_placeholder(&secret) {
                let what = format!("{} still holds a placeholder, which Proxmox will refuse", secret_file.value);
                report.doubtful(&secret_file.place, &what, "write the value that pveum user token add printed into it");
            }
            Some(Credential::ApiToken { token_id: token_id?, secret })
        }
        (None, None, Some(user), Some(password_file)) => {
            let user = shaped(report, user, is_user, "gate@pve: user and realm");
            let password = folder.secret(&password_file)?;
            Some(Credential::Password { user: user?, password })
        }
        _ if section.has_slip() => None,
        _ => {
            let what = "is neither an API token nor a user with a password";
            let place = section.place().clone();
            report.absent(&place, what, "give token_id and secret_file, or user and password_file");
            None
        }
    }
}

fn trust(section: &mut Section<'_>, pinned: bool, folder: Folder<'_>) -> Option<Trust> {
    let report = section.report();
    let place = section.place().clone();
    let (ca_file, tls) = (section.text("ca_file"), section.text("tls"));
    if let Some(tls) = tls.as_ref().filter(|tls| tls.value != "system") {
        let what = format!(
            "\"{}\" is not offered: without a check of the node's certificate, whoever answers at its address gets the \
             credential of the cluster",
            tls.value.escape_debug()
        );
        report.wrong(&tls.place, what, TRUST_FIX);
        return None;
    }
    match (ca_file, tls) {
        (Some(name), None) => {
            let pem = folder.public(&name)?;
            if let Err((what, fix)) = key::authorities(&pem) {
                report.wrong(&name.place, format!("{} {what}", name.value), fix);
                return None;
            }
            Some(Trust::Ca(pem))
        }
        (None, Some(_)) => Some(Trust::System),
        (Some(_), Some(tls)) => {
            report.wrong(&tls.place, "stands beside ca_file", "keep one of the two");
            None
        }
        (None, None) if pinned => Some(Trust::Pinned),
        (None, None) => {
            report.absent(&place, "nothing says whom to believe at its nodes", TRUST_FIX);
            None
        }
    }
}

/// The nodes, and whether each of them has a fingerprint.
fn nodes(section: &mut Section<'_>) -> (Option<Vec<Node>>, bool) {
    if !section.has("node") {
        section.missing("node", "add a [[cluster.node]] with name and address for each node");
    }
    let sections = section.sections("node");
    let pinned = sections.iter().all(|section| section.has("fingerprint"));
    let mut names = HashSet::new();
    let nodes = value::all(sections.into_iter().map(|section| node(section, &mut names)));
    (nodes, pinned)
}

fn node(mut section: Section<'_>, names: &mut HashSet<String>) -> Option<Node> {
    let report = section.report();
    let name = section.required_text("name", "pve1");
    if let Some(name) = name.as_ref().filter(|name| !names.insert(name.value.clone())) {
        report.wrong(&name.place, format!("two nodes are named {:?}", name.value), "give each its own name");
    }
    let name = name.and_then(|written| parsed::<NodeName>(report, &written));
    let address = section.required_text("address", "10.0.0.11:8006").and_then(|written| {
        let wrong = |(what, fix): Refused| {
            report.wrong(&written.place, format!("\"{}\" {what}", written.value.escape_debug()), fix);
        };
        node_address(&written.value).map_err(wrong).ok()
    });
    let fingerprint = match section.text("fingerprint") {
        Some(written) => {
            let wrong = |(what, fix): Refused| report.wrong(&written.place, what, fix);
            Some(fingerprint(&written.value).map_err(wrong).ok()?)
        }
        None => None,
    };
    let (host, port) = address?;
    Some(Node { name: name?, host, port, fingerprint })
}

/// Host, an IPv6 address without its brackets, and port of a node, as written in its `address`.
///
/// # Errors
/// What is wrong with it, and the cure.
pub fn node_address(text: &str) -> Result<(String, u16), Refused> {
    let wrong = |what: &str, fix: String| Err((what.to_owned(), fix));
    if let Some((_, rest)) = text.split_once("://") {
        let bare = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let bare = bare.rsplit('@').next().unwrap_or_default();
        return wrong("is a URL; consoles are always fetched by https", format!("write \"{}\"", bare.escape_debug()));
    }
    if text.contains('@') {
        return wrong("holds a user name", "write host and port alone; credential says who signs in".to_owned());
    }
    if text.contains(['/', '?', '#']) {
        return wrong("holds a path", "write host and port alone".to_owned());
    }
    match origin::split_port(text).and_then(|(host, port)| Ok((origin::normal_host(host)?, port))) {
        Ok((host, port)) => {
            let host = host.trim_matches(['[', ']']).to_owned();
            Ok((host, port.unwrap_or(DEFAULT_PORT)))
        }
        Err(error) => wrong("is not an address", format!("{error} (10.0.0.11:8006, [2001:db8::11]:8006)")),
    }
}

/// SHA-256 of a certificate, with or without colons.
///
/// # Errors
/// What is wrong with it, and the cure.
pub fn fingerprint(text: &str) -> Result<[u8; 32], Refused> {
    let digits = text.replace(':', "");
    value::hex(&digits).ok_or_else(|| {
        let what = if digits.len() == 40 { "is a SHA-1 fingerprint" } else { "is not a SHA-256 fingerprint" };
        let fix = "write the 32 pairs (AA:BB:CC:...) that pvenode cert info prints for pveproxy-ssl.pem or pve-ssl.pem";
        (what.to_owned(), fix.to_owned())
    })
}

/// Whether the value of an API token is one character over and over, as in the place that `init` leaves for it.
fn is_placeholder(secret: &Secret) -> bool {
    let mut characters = secret.reveal().iter().filter(|byte| **byte != b'-');
    let first = characters.next();
    characters.all(|byte| Some(byte) == first)
}

/// `user@realm!name`, as Proxmox's `pve-tokenid`.
fn is_token_id(text: &str) -> bool {
    text.split_once('!').is_some_and(|(user, name)| is_user(user) && is_word(name))
}

/// `user@realm`, as Proxmox's `pve-userid`.
fn is_user(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b':' | b'/' | b'!' | b'=');
    text.rsplit_once('@')
        .is_some_and(|(user, realm)| !user.is_empty() && user.len() <= 64 && user.bytes().all(plain) && is_word(realm))
}

fn is_word(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.len() <= 64 && text.bytes().all(inner)
}

fn shaped(report: &Report, written: Written<String>, fits: fn(&str) -> bool, example: &str) -> Option<String> {
    if fits(&written.value) {
        return Some(written.value);
    }
    let what = format!("\"{}\" is not what Proxmox calls it", written.value.escape_debug());
    report.wrong(&written.place, what, format!("write it like {example}"));
    None
}

fn parsed<T: TryFrom<String, Error = crate::id::ShapeError>>(report: &Report, written: &Written<String>) -> Option<T> {
    let refused = |error: crate::id::ShapeError| {
        let what = format!("\"{}\" is not a name of this kind", written.value.escape_debug());
        report.wrong(&written.place, what, error.to_string());
    };
    T::try_from(written.value.clone()).map_err(refused).ok()
}
