//! The `console` claim: which console, what may be done in it, and how the page looks.
//!
//! Owns types, ranges and the closed list of keys. Names of clusters and nodes are still only texts here: `issuer` looks
//! them up in the configuration, and nothing else ever turns them into names.

use super::claims::{Fields, is_line};
use super::grant::Grant;
use super::json::{Json, Object};
use super::shown;
use crate::id::{Guest, Kind, Protocol, Right, Vmid};
use crate::reason::{Failure, Reason};

const KEYS: [&str; 11] =
    ["cluster", "kind", "vmid", "protocol", "node", "rights", "max_seconds", "idle_seconds", "title", "lang", "theme"];

/// What the token asks for.
#[derive(Debug)]
pub(super) struct Wish {
    /// Left out where the issuer has one cluster.
    pub(super) cluster: Option<String>,
    pub(super) kind: Kind,
    /// There for guests, not for nodes.
    pub(super) vmid: Option<Vmid>,
    /// There for nodes, a hint for guests.
    pub(super) node: Option<String>,
    pub(super) protocol: Protocol,
    pub(super) rights: Vec<Right>,
    pub(super) max_seconds: Option<u64>,
    pub(super) idle_seconds: Option<u64>,
    pub(super) title: Option<String>,
    pub(super) lang: Option<String>,
    pub(super) theme: Option<String>,
}

impl Wish {
    /// Reads `console` of a payload whose signature holds.
    pub(super) fn read(payload: &Object) -> Result<Self, Failure> {
        let Some(Json::Object(console)) = payload.get("console") else {
            return Err(Failure::new(Reason::TokenClaimType, "console is missing or not an object"));
        };
        if let Some(unknown) = console.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let cause = format!("console.{} is not a claim of consoles", shown(unknown));
            return Err(Failure::new(Reason::TokenClaimValue, cause));
        }
        let fields = Fields { object: console, place: "console." };
        let kind = read_kind(&fields)?;
        Ok(Self {
            cluster: fields.text("cluster")?.map(str::to_owned),
            kind,
            vmid: read_vmid(&fields, kind)?,
            node: read_node(&fields, kind)?,
            protocol: read_protocol(&fields)?,
            rights: read_rights(&fields)?,
            max_seconds: seconds(&fields, "max_seconds")?,
            idle_seconds: seconds(&fields, "idle_seconds")?,
            title: fields
                .shaped("title", |text| is_line(text, 128), "1 to 128 characters on one line")?
                .map(str::to_owned),
            lang: fields.shaped("lang", is_language, "a language tag such as de or pt-BR")?.map(str::to_owned),
            theme: fields.shaped("theme", is_theme, "auto, light or dark")?.map(str::to_owned),
        })
    }
}

impl Wish {
    /// What a token would ask for to be granted this.
    pub(super) fn of(grant: &Grant) -> Self {
        let console = &grant.console;
        let vmid = match console.guest {
            Guest::Qemu(vmid) | Guest::Lxc(vmid) => Some(vmid),
            Guest::Node(_) => None,
        };
        Self {
            cluster: Some(console.cluster.as_str().to_owned()),
            kind: console.guest.kind(),
            vmid,
            node: grant.node.as_ref().map(|node| node.as_str().to_owned()),
            protocol: console.protocol,
            rights: grant.rights.clone(),
            max_seconds: grant.max_seconds,
            idle_seconds: grant.idle_seconds,
            title: grant.title.clone(),
            lang: grant.lang.clone(),
            theme: grant.theme.clone(),
        }
    }
}

fn read_kind(fields: &Fields<'_>) -> Result<Kind, Failure> {
    match fields.text("kind")?.ok_or_else(|| fields.missing("kind"))? {
        "qemu" => Ok(Kind::Qemu),
        "lxc" => Ok(Kind::Lxc),
        "node" => Ok(Kind::Node),
        other => Err(unknown("kind", other, "qemu, lxc or node")),
    }
}

fn read_protocol(fields: &Fields<'_>) -> Result<Protocol, Failure> {
    match fields.text("protocol")?.ok_or_else(|| fields.missing("protocol"))? {
        "vnc" => Ok(Protocol::Vnc),
        "term" => Ok(Protocol::Term),
        other => Err(unknown("protocol", other, "vnc or term")),
    }
}

fn unknown(name: &str, value: &str, expected: &str) -> Failure {
    Failure::new(Reason::TokenKind, format!("console.{name} is {}, expected {expected}", shown(value)))
}

/// A number that is not one of a guest is refused as a value whatever its type: `"100"` is as wrong as 99.
fn read_vmid(fields: &Fields<'_>, kind: Kind) -> Result<Option<Vmid>, Failure> {
    let value = match (fields.object.get("vmid"), kind) {
        (None, Kind::Node) => return Ok(None),
        (None, Kind::Qemu | Kind::Lxc) => return Err(fields.missing("vmid")),
        (Some(_), Kind::Node) => {
            return Err(Failure::new(Reason::TokenClaimValue, "console.vmid came with kind node, which has none"));
        }
        (Some(value), Kind::Qemu | Kind::Lxc) => value,
    };
    let number = value.integer().and_then(|number| u32::try_from(number).ok());
    match number.and_then(|number| Vmid::try_from(number).ok()) {
        Some(vmid) => Ok(Some(vmid)),
        None => {
            let cause = "console.vmid is not a whole number from 100 to 999999999 (no quotes, no fraction)";
            Err(Failure::new(Reason::TokenClaimValue, cause))
        }
    }
}

fn read_node(fields: &Fields<'_>, kind: Kind) -> Result<Option<String>, Failure> {
    match fields.object.get("node") {
        None if kind == Kind::Node => Err(fields.missing("node")),
        None => Ok(None),
        Some(Json::Text(name)) => Ok(Some(name.clone())),
        Some(_) => Err(Failure::new(Reason::TokenClaimValue, "console.node is not the name of a configured node")),
    }
}

/// The list without repetitions; left out, it is typing and clicking.
fn read_rights(fields: &Fields<'_>) -> Result<Vec<Right>, Failure> {
    let Some(words) = fields.texts("rights")? else { return Ok(vec![Right::Input]) };
    let mut rights = Vec::new();
    for word in words {
        let right = match word {
            "input" => Right::Input,
            "clipboard" => Right::Clipboard,
            "resize" => Right::Resize,
            "power" => Right::Power,
            other => return Err(fields.wrong("rights", other, "input, clipboard, resize or power")),
        };
        if !rights.contains(&right) {
            rights.push(right);
        }
    }
    Ok(rights)
}

fn seconds(fields: &Fields<'_>, name: &str) -> Result<Option<u64>, Failure> {
    match fields.integer(name)? {
        Some(0) => Err(fields.wrong(name, "0", "at least 1; leave it out for the gateway's own limit")),
        other => Ok(other),
    }
}

/// The common part of BCP 47: a language of two or three letters and up to three subtags.
fn is_language(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    let rest_fits =
        subtags.clone().all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric()));
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && subtags.count() <= 3
        && rest_fits
}

fn is_theme(text: &str) -> bool {
    matches!(text, "auto" | "light" | "dark")
}
