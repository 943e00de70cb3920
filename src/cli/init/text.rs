//! What `init` writes and says: the configuration, and what is left to do.
//!
//! Owns words alone. Every foreign text goes into the file as a TOML text, escaped.

use super::files::Readers;
use super::{Answers, Arguments};
use std::fmt::Write as _;
use std::path::Path;

/// Stands in the place of the API token's value until the operator has it.
pub(super) const NO_SECRET: &str = "00000000-0000-0000-0000-000000000000";

/// The configuration.
pub(super) fn configuration(arguments: &Arguments, answers: &Answers, plain: bool) -> String {
    let mut text = format!(
        "# Written by consolegate init. Every key there is: examples/full.toml. After a change: consolegate check\n\n\
         public_url = {}\n\n[listen]\naddress = {}\n",
        quoted(answers.public_url.as_str()),
        quoted(&listen(arguments, plain)),
    );
    text += if plain {
        "# Plain HTTP for a balancer on this machine, whose word on who the client is counts.\n\
         trusted_proxies = [\"127.0.0.0/8\", \"::1/128\"]\n"
    } else {
        "# Made by consolegate init, so that it starts; browsers want one of a public authority in its place.\n\
         tls = { certificate = \"fullchain.pem\", key = \"privkey.pem\" }\n"
    };
    let _ = write!(
        text,
        "\n[[issuer]]\nname = {}\norigins = [{}]\nclusters = [{}]\n\n[[issuer.key]]\nid = \"1\"\nalgorithm = \"HS256\"\n\
         secret_file = \"panel.key\"\n\n[[cluster]]\nname = {2}\n\
         credential = {{ token_id = \"gate@pve!console\", secret_file = \"pve.secret\" }}\n",
        quoted(&answers.panel),
        quoted(answers.panel_origin.as_str()),
        quoted(answers.cluster.as_str()),
    );
    text += match (&arguments.ca_file, &arguments.fingerprint) {
        (Some(_), _) => "ca_file = \"pve-root-ca.pem\"\n",
        (None, Some(_)) => "",
        (None, None) => {
            "# For nodes with certificates of a public authority. With Proxmox's own, either take\n\
             # /etc/pve/pve-root-ca.pem of a node for ca_file, or give each node its fingerprint.\n\
             tls = \"system\"\n#ca_file = \"pve-root-ca.pem\"\n"
        }
    };
    let _ = write!(
        text,
        "\n[[cluster.node]]\nname = {}\naddress = {}\n",
        quoted(answers.node_name.as_str()),
        quoted(&answers.node_address)
    );
    if let Some(fingerprint) = &arguments.fingerprint {
        let _ = writeln!(text, "fingerprint = {}", quoted(fingerprint));
    }
    text + "\n[session]\nkey_file = \"session.key\"\n"
}

/// Where to listen.
fn listen(arguments: &Arguments, plain: bool) -> String {
    let default = if plain { "127.0.0.1:8080" } else { "[::]:443" };
    arguments.listen.map_or_else(|| default.to_owned(), |address| address.to_string())
}

/// A TOML text.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What is left to do, in order.
pub(super) fn next_steps(
    arguments: &Arguments,
    answers: &Answers,
    folder: &Path,
    readers: &Readers,
    plain: bool,
) -> String {
    let (config, readers) = (arguments.config.display(), who_reads(folder, readers));
    let folder = folder.display();
    let http = if answers.public_url.as_str().starts_with("http:") {
        format!(
            "public_url is http://, so plain HTTP is served on {}, and whoever comes from this machine counts as a balancer. \
             If that one ends TLS, browsers see https://: write that into public_url.\n",
            listen(arguments, plain)
        )
    } else {
        String::new()
    };
    let mut text = format!(
        "Written: {config} and its keys.\n{readers}\n{http}What is left to do:\n\n\
         1. On {}, as root: the smallest role, a user, its API token, and both on all guests.\n\n\
         {}\n\
         The third command shows the token's value once. It goes into {folder}/pve.secret, in the place of the zeros.\n",
        answers.node_name,
        PVEUM.map(|line| format!("     {line}\n")).concat(),
    );
    let trust = if arguments.ca_file.is_some() || arguments.fingerprint.is_some() {
        ""
    } else {
        "   It also says how the node's certificate is to be trusted, if no public authority signed it.\n"
    };
    let _ = write!(
        text,
        "\n2. consolegate doctor --config {}\n   asks every node whether all of it works.\n{trust}",
        shell(&arguments.config)
    );
    if !plain {
        let _ = write!(
            text,
            "\n3. A certificate for {} in {folder}/fullchain.pem and {folder}/privkey.pem.\n",
            answers.public_url
        );
    }
    let _ = write!(
        text,
        "\n{}. The panel signs with {folder}/panel.key: kid \"1\", iss {}, aud \"consolegate\". README.md has the lines of PHP.\n",
        if plain { 3 } else { 4 },
        quoted(&answers.panel),
    );
    text
}

/// Who may read the keys, in one line.
fn who_reads(folder: &Path, readers: &Readers) -> String {
    let folder = folder.display();
    match (readers.group, readers.made.as_deref().map(shell)) {
        (Some(group), _) => {
            format!("The keys in {folder} may be read by their owner and the folder's group, {group}.")
        }
        (None, Some(top)) => format!(
            "The folder {folder} is new (mode 0750), and only its owner may read the keys in it. A service with a user of \
             its own needs: chgrp -R consolegate {top} && chmod -R g+rX {top}"
        ),
        (None, None) => format!(
            "Only their owner may read the keys in {folder}; a service with a user of its own needs them in its group: \
             chgrp, and chmod 640."
        ),
    }
}

/// A path as one word of a shell's command (POSIX, section 2.2.2).
fn shell(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// What Proxmox is told, once.
const PVEUM: [&str; 5] = [
    "pveum role add ConsoleGate --privs \"VM.Console VM.Audit\"",
    "pveum user add gate@pve --comment \"console gateway\"",
    "pveum user token add gate@pve console --privsep 1",
    "pveum acl modify /vms --users gate@pve --roles ConsoleGate",
    "pveum acl modify /vms --tokens 'gate@pve!console' --roles ConsoleGate",
];
