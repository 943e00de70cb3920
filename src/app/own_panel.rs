//! A panel of the developer's own in front of the demo's machines: it signs with its key and frames the page from its
//! origin, so that both can be tried without a Proxmox.
//!
//! Owns what such a panel's tokens have to say, which are the values of the README, and the lines that say it. Whether
//! origin and key are good is the configuration's to judge.

use super::machines::DemoGuest;
use super::panel::{AUDIENCE, CLUSTER};
use crate::config::{Origin, Problems};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The panel, as it is named on the command line.
#[derive(Debug, Clone)]
pub struct OwnPanel {
    /// Where its pages are.
    pub origin: String,
    /// Its shared secret, or its public key in PEM.
    pub key_file: PathBuf,
    /// `alg` of its tokens.
    pub algorithm: String,
}

/// `iss` of its tokens.
const ISSUER: &str = "panel";
/// Their `kid`.
const KEY_ID: &str = "2026-11";
/// Its key in the demo's folder.
pub(super) const KEY_COPY: &str = "own-panel.key";
/// Where it stands in the demo's configuration.
const PLACE: &str = "issuer[1].";

impl OwnPanel {
    /// Its key, to be copied to [`KEY_COPY`].
    pub(super) fn key(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let cannot = |error| format!("--panel-key: {} cannot be read: {error}", self.key_file.display());
        fs::read(&self.key_file).map(Zeroizing::new).map_err(cannot)
    }

    /// Its part of the configuration.
    pub(super) fn configuration(&self) -> Result<String, String> {
        let origin: Origin =
            self.origin.parse().map_err(|error| format!("--panel-origin: {:?}: {error}", self.origin))?;
        let algorithm = toml::Value::from(self.algorithm.as_str());
        let file = if self.algorithm.starts_with("HS") { "secret_file" } else { "public_key_file" };
        Ok(format!(
            r#"
[[issuer]]
name = "{ISSUER}"
audience = "{AUDIENCE}"
origins = ["{origin}"]
clusters = ["{CLUSTER}"]
kinds = ["qemu", "lxc"]
vmids = ["100-999999"]
[[issuer.key]]
id = "{KEY_ID}"
algorithm = {algorithm}
{file} = "{KEY_COPY}"
"#
        ))
    }

    /// What is wrong with it, without the demo's own files and lines, which nobody wrote.
    pub(super) fn blame(&self, problems: &Problems) -> String {
        let own = problems.list.iter().filter(|problem| problem.path.starts_with(PLACE));
        let lines: Vec<_> = own
            .map(|problem| {
                let option = if problem.path.ends_with("algorithm") { "--panel-algorithm" } else { "--panel-key" };
                let what = problem.what.replace(KEY_COPY, &self.key_file.display().to_string());
                format!("{option}: {what}; {}", problem.fix)
            })
            .collect();
        if lines.is_empty() { problems.to_string() } else { lines.join("\n") }
    }

    /// What its tokens have to say, and where they open.
    pub(super) fn words(&self, gateway: &str, listed: &[DemoGuest]) -> String {
        let mut machines: BTreeMap<u32, (&DemoGuest, Vec<&str>)> = BTreeMap::new();
        for guest in listed {
            let (_, protocols) = machines.entry(guest.vmid).or_insert((guest, Vec::new()));
            if !protocols.contains(&guest.protocol.word()) {
                protocols.push(guest.protocol.word());
            }
        }
        let mut text = format!(
            "  Your panel at {} signs with {} and opens {gateway}/console#TOKEN\n\n\
             \u{20}   alg      {}\n    kid      {KEY_ID}\n    iss      {ISSUER}\n    aud      {AUDIENCE}\n    cluster  {CLUSTER}\n",
            self.origin,
            self.key_file.display(),
            self.algorithm,
        );
        for (vmid, (guest, protocols)) in machines {
            let off = if guest.running { "" } else { ", powered off" };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "    vmid     {vmid}  kind {}, protocol {}{off}",
                guest.kind.word(),
                protocols.join(" or ")
            );
        }
        text.push_str("\n  Why a token is refused is said below, and by EMBED.md, which has every claim.\n");
        text
    }
}
