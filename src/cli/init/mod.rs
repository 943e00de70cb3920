//! `init`: a configuration that works, with keys of its own, from four answers.
//!
//! Owns the arguments and what is said at the end. Fetches nothing, overwrites nothing, and leaves nothing behind where
//! the result would not pass `check`.

mod files;
mod questions;
mod text;

use super::check;
use super::exit::Stop;
use crate::config::{self, Origin, Problem, Problems};
use crate::id::{ClusterName, NodeName};
use files::Written;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  consolegate init\n  consolegate init --non-interactive --public-url https://console.example.com --panel panel \\\n    --panel-origin https://panel.example.com --cluster eu1 --node-name pve1 --node-address 10.0.0.11:8006"
)]
pub(super) struct Arguments {
    /// The configuration to write; its keys are written beside it.
    #[arg(long, value_name = "PATH", default_value = "/etc/consolegate/consolegate.toml")]
    config: PathBuf,
    /// The address that browsers see, such as https://console.example.com.
    #[arg(long, value_name = "URL")]
    public_url: Option<Origin>,
    /// The panel's name: iss of its tokens.
    #[arg(long, value_name = "NAME")]
    panel: Option<String>,
    /// Where the panel's pages are, such as https://panel.example.com; it may frame the console.
    #[arg(long, value_name = "URL")]
    panel_origin: Option<Origin>,
    /// What the cluster is called in tokens and metrics.
    #[arg(long, value_name = "NAME")]
    cluster: Option<ClusterName>,
    /// The first node, as Proxmox calls it.
    #[arg(long, value_name = "NAME")]
    node_name: Option<NodeName>,
    /// Its address: host, or host:port where pveproxy is not on 8006.
    #[arg(long, value_name = "ADDRESS", value_parser = node_address)]
    node_address: Option<String>,
    /// SHA-256 of the node's certificate, as "pvenode cert info" shows it.
    #[arg(long, value_name = "HEX", value_parser = fingerprint, conflicts_with = "ca_file")]
    fingerprint: Option<String>,
    /// A copy of /etc/pve/pve-root-ca.pem of the node; it is copied once more.
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen)]
    listen: Option<SocketAddr>,
    /// Serve plain HTTP to a balancer on this machine that ends TLS.
    #[arg(long)]
    behind_balancer: bool,
    /// Ask nothing: what is missing is an error.
    #[arg(long)]
    non_interactive: bool,
}

/// What the configuration is made of.
#[derive(Debug)]
struct Answers {
    public_url: Origin,
    panel: String,
    panel_origin: Origin,
    cluster: ClusterName,
    node_name: NodeName,
    node_address: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let authority = arguments.ca_file.as_deref().map(authority).transpose()?;
    let answers = questions::answers(arguments)?;
    let folder = arguments.config.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let plain = arguments.behind_balancer || answers.public_url.as_str().starts_with("http:");
    let mut written = Written::in_folder(folder)?;
    written.secret("panel.key", files::key()?)?;
    written.secret("session.key", files::key()?)?;
    written.secret("pve.secret", format!("{}\n", text::NO_SECRET))?;
    if !plain {
        let (certificate, key) = files::own_certificate(&answers.public_url)?;
        written.secret("privkey.pem", key)?;
        written.public("fullchain.pem", certificate)?;
    }
    if let Some(pem) = authority {
        written.public("pve-root-ca.pem", pem)?;
    }
    written.file(&arguments.config, text::configuration(arguments, &answers, plain), 0o640)?;
    check::loaded(&arguments.config).map_err(unwritten)?;
    let readers = written.keep();
    io::stdout().write_all(text::next_steps(arguments, &answers, folder, &readers, plain).as_bytes())?;
    Ok(())
}

/// How the label of every private key in PEM ends (RFC 7468).
const PRIVATE: &[u8] = b"PRIVATE KEY-----";

/// The node's certificate authority, if the file holds one and nothing secret.
fn authority(path: &Path) -> Result<Vec<u8>, Stop> {
    let refused = |why: &str| {
        let path = path.display();
        Stop::Usage(format!("--ca-file {path}: {why}; name /etc/pve/pve-root-ca.pem of a node, or a copy of it"))
    };
    let pem = std::fs::read(path).map_err(|error| refused(&error.to_string()))?;
    config::authorities(&pem).map_err(|(what, _)| refused(&what))?;
    if pem.windows(PRIVATE.len()).any(|bytes| bytes == PRIVATE) {
        return Err(refused("holds a private key too, and everybody may read the copy"));
    }
    Ok(pem)
}

/// Problems of a file that is not kept: its name and lines would lead nowhere.
fn unwritten(problems: Problems) -> Problems {
    let list = problems.list.into_iter().map(|problem| Problem { line: None, ..problem }).collect();
    Problems { file: "nothing is written, for check would refuse it".to_owned(), list }
}

fn node_address(text: &str) -> Result<String, String> {
    config::node_address(text).map(|_| text.to_owned()).map_err(|(what, fix)| format!("{what}; {fix}"))
}

fn fingerprint(text: &str) -> Result<String, String> {
    config::fingerprint(text).map(|_| text.to_owned()).map_err(|(what, fix)| format!("{what}; {fix}"))
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected ADDRESS:PORT, such as 0.0.0.0:443 or [::]:443".to_owned())
}
