//! Checks `[[issuer]]`: who may sign connect tokens, with which keys, for what.
//!
//! Owns the rules of an issuer's scope. The shape of key material is `key`'s. Fetches nothing.

use super::files::Folder;
use super::problem::{Report, Written};
use super::raw::Section;
use super::{Issuer, JwksUrl, Key, KeyMaterial, check_brand, key, key_set, value};
use crate::id::{ClusterName, Kind, Vmid};
use jsonwebtoken::Algorithm;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

const ALGORITHMS: [&str; 12] =
    ["HS256", "HS384", "HS512", "EdDSA", "ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

/// All issuers; `clusters` are the names they may use.
pub(super) fn issuers(
    sections: Vec<Section<'_>>,
    clusters: &HashSet<String>,
    folder: Folder<'_>,
) -> Option<Vec<Issuer>> {
    let mut names = HashSet::new();
    let mut secrets = Vec::new();
    let mut one = |section: Section<'_>| {
        let report = section.report();
        let place = section.place().clone();
        let issuer = issuer(section, &mut names, clusters, folder)?;
        for key in &issuer.keys {
            if let KeyMaterial::Shared(secret) = &key.material {
                if secrets.contains(secret) {
                    let what =
                        format!("the secret of key {} is used twice, so one panel could sign for another", key.id);
                    report.wrong(&place, what, "give every key a secret of its own: openssl rand -hex 32");
                }
                secrets.push(secret.clone());
            }
        }
        Some(issuer)
    };
    value::all(sections.into_iter().map(&mut one))
}

fn issuer(
    mut section: Section<'_>,
    names: &mut HashSet<String>,
    clusters: &HashSet<String>,
    folder: Folder<'_>,
) -> Option<Issuer> {
    let report = section.report();
    let name = section.required_text("name", "panel").and_then(|written| value::label(report, written));
    if let Some(name) = name.as_ref().filter(|name| !names.insert(name.value.clone())) {
        report.wrong(&name.place, format!("two issuers are named {:?}", name.value), "give each its own name");
    }
    let audience = section.text_or("audience", "consolegate").and_then(|written| value::label(report, written));
    let origins = section.texts("origins", &[]);
    let origins = origins.and_then(|list| value::all(list.iter().map(|written| value::origin(report, written))));
    let allowed = section.required_texts("clusters", "[\"eu1\"]");
    let allowed = allowed.and_then(|list| value::all(list.iter().map(|name| cluster(report, name, clusters))));
    let kinds = section.texts("kinds", &["qemu", "lxc"]).and_then(|list| kinds(report, list));
    let vmids = section.texts("vmids", &["100-999999999"]).and_then(|list| vmids(report, &list));
    let max_token = section.number("max_token_seconds", 120, 1..=100_000).map(Duration::from_secs);
    let require_amr = section.texts("require_amr", &[]);
    let require_acr = section.texts("require_acr", &[]);
    let has_keys = section.has("key") || section.has("jwks_file") || section.has("jwks_url");
    if !has_keys {
        section.missing("key", "add an [[issuer.key]]: id, algorithm and secret_file or public_key_file");
    }
    let keys = keys(&mut section, folder);
    let jwks_file = jwks_file(&mut section, folder);
    let jwks_url = jwks_url(&mut section, folder);
    let brand = check_brand::brand(&mut section, folder);
    Some(Issuer {
        name: name?.value,
        audience: audience?.value,
        origins: origins?,
        clusters: allowed?,
        kinds: kinds?,
        vmids: vmids?,
        max_token: max_token?,
        require_amr: require_amr?.into_iter().map(|written| written.value).collect(),
        require_acr: require_acr?.into_iter().map(|written| written.value).collect(),
        keys: keys?,
        jwks_file: jwks_file?,
        jwks_url: jwks_url?,
        brand: brand?,
    })
}

fn cluster(report: &Report, written: &Written<String>, clusters: &HashSet<String>) -> Option<ClusterName> {
    if clusters.contains(&written.value) {
        return written.value.parse().ok();
    }
    let mut names: Vec<&str> = clusters.iter().map(String::as_str).collect();
    names.sort_unstable();
    let fix = match super::spelling::nearest(&written.value, &names) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => "add a [[cluster]] of this name, or name one there is".to_owned(),
    };
    report.absent(&written.place, format!("there is no cluster \"{}\"", written.value.escape_debug()), fix);
    None
}

fn kinds(report: &Report, list: Vec<Written<String>>) -> Option<Vec<Kind>> {
    let kind = |written: Written<String>| match value::one_of(report, written, &["qemu", "lxc", "node"])?.value {
        "qemu" => Some(Kind::Qemu),
        "lxc" => Some(Kind::Lxc),
        _ => Some(Kind::Node),
    };
    value::all(list.into_iter().map(kind))
}

/// Ranges of guest numbers that do not overlap.
fn vmids(report: &Report, list: &[Written<String>]) -> Option<Vec<RangeInclusive<u32>>> {
    let ranges = value::all(list.iter().map(|written| vmid_range(report, written)))?;
    for (index, (range, written)) in ranges.iter().zip(list).enumerate() {
        let overlap = |other: &&RangeInclusive<u32>| other.start() <= range.end() && range.start() <= other.end();
        if let Some(other) = ranges.iter().take(index).find(overlap) {
            let what = format!("{} overlaps {}-{}", written.value, other.start(), other.end());
            report.wrong(&written.place, what, "name every number once");
        }
    }
    Some(ranges)
}

fn vmid_range(report: &Report, written: &Written<String>) -> Option<RangeInclusive<u32>> {
    let number = |digits: &str| {
        let digits = digits.trim();
        let vmid = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u32>().ok()).flatten();
        vmid.and_then(|number| Vmid::try_from(number).ok()).map(Vmid::get)
    };
    let (first, last) = written.value.split_once('-').unwrap_or((&written.value, &written.value));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Some(first..=last),
        _ => {
            let what = format!("\"{}\" is not a range of vmids", written.value.escape_debug());
            report.wrong(&written.place, what, "write \"100-999999\" or \"100\", within 100 to 999999999");
            None
        }
    }
}

fn keys(section: &mut Section<'_>, folder: Folder<'_>) -> Option<Vec<Key>> {
    let mut ids = HashSet::new();
    value::all(section.sections("key").into_iter().map(|section| signing_key(section, &mut ids, folder)))
}

fn signing_key(mut section: Section<'_>, ids: &mut HashSet<String>, folder: Folder<'_>) -> Option<Key> {
    let report = section.report();
    let id = section.required_text("id", "2026-11").and_then(|written| value::label(report, written));
    if let Some(id) = id.as_ref().filter(|id| !ids.insert(id.value.clone())) {
        report.wrong(&id.place, format!("two keys of the issuer have the id {:?}", id.value), "give each its own id");
    }
    let algorithm = section
        .required_text("algorithm", "HS256")
        .and_then(|written| value::one_of(report, written, &ALGORITHMS))
        .and_then(|written| written.value.parse::<Algorithm>().ok());
    let (secret_file, public_key_file) = (section.text("secret_file"), section.text("public_key_file"));
    let place = section.place().clone();
    let algorithm = algorithm?;
    let (name, material) = match (secret_file, public_key_file) {
        (Some(name), None) if key::is_shared(algorithm) => {
            let secret = folder.secret(&name)?;
            (name, key::shared(secret))
        }
        (None, Some(name)) if !key::is_shared(algorithm) => {
            let pem = folder.public(&name)?;
            (name, key::public(algorithm, pem))
        }
        _ if section.has_slip() => return None,
        _ => {
            let wanted = if key::is_shared(algorithm) { "secret_file" } else { "public_key_file" };
            let what = format!("{algorithm:?} is verified with {wanted} and nothing else");
            report.absent(&place, what, format!("give {wanted} alone, or correct the algorithm"));
            return None;
        }
    };
    match material {
        Ok(material) => Some(Key { id: id?.value, algorithm, material }),
        Err((what, fix)) => {
            report.wrong(&name.place, format!("{} {what}", name.value), fix);
            None
        }
    }
}

/// The key set's path, the set having been read once; inside: none, where there is none.
#[expect(clippy::option_option, reason = "outside: whether it is right; inside: whether it is there")]
fn jwks_file(section: &mut Section<'_>, folder: Folder<'_>) -> Option<Option<PathBuf>> {
    let report = section.report();
    let Some(name) = section.text("jwks_file") else {
        return Some(None);
    };
    let json = folder.public(&name)?;
    if let Err((what, fix)) = key::jwks(&json) {
        report.wrong(&name.place, format!("{} {what}", name.value), fix);
        return None;
    }
    folder.path_of(&name).map(Some)
}

/// Where the key set is asked for, with what goes with it alone; inside: none, where there is none.
#[expect(clippy::option_option, reason = "outside: whether it is right; inside: whether it is there")]
fn jwks_url(section: &mut Section<'_>, folder: Folder<'_>) -> Option<Option<JwksUrl>> {
    let report = section.report();
    let url = section.text("jwks_url");
    if url.is_none() && section.has("jwks_ca_file") {
        let place = section.place_of("jwks_ca_file");
        report.wrong(&place, "goes with jwks_url, which is missing", "add jwks_url, or leave it out");
    }
    let max_stale = section.number("jwks_max_stale_seconds", 3600, 1..=100_000).map(Duration::from_secs);
    let ca = match section.text("jwks_ca_file") {
        None => Some(None),
        Some(name) => authorities(report, &name, folder).map(Some),
    };
    let Some(url) = url else { return Some(None) };
    let parsed = key_set::url(report, &url);
    Some(Some(JwksUrl { max_stale: max_stale?, ca: ca?, ..parsed? }))
}

fn authorities(report: &Report, name: &Written<String>, folder: Folder<'_>) -> Option<Vec<u8>> {
    let pem = folder.public(name)?;
    match key::authorities(&pem) {
        Ok(_) => Some(pem),
        Err((what, fix)) => {
            report.wrong(&name.place, format!("{} {what}", name.value), fix);
            None
        }
    }
}
