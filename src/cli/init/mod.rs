//! `init`: a configuration that works, with keys of its own, from four answers.
//!
//! Owns the arguments and what is said at the end. Fetches nothing, overwrites nothing, and leaves nothing behind where
//! the result would not pass `check`.

mod files;
mod questions;
mod text;

use super::check;
use super::exit::Stop;
use crate::config::Origin;
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
    #[arg(long, value_name = "ADDRESS")]
    node_address: Option<String>,
    /// SHA-256 of the node's certificate, as "pvenode cert info" shows it.
    #[arg(long, value_name = "HEX", conflicts_with = "ca_file")]
    fingerprint: Option<String>,
    /// A copy of /etc/pve/pve-root-ca.pem of the node; it is copied once more.
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS")]
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
    if let Some(path) = &arguments.ca_file {
        let pem = std::fs::read(path).map_err(|error| Stop::Failed(format!("{}: {error}", path.display())))?;
        written.public("pve-root-ca.pem", pem)?;
    }
    written.file(&arguments.config, text::configuration(arguments, &answers, plain), 0o640)?;
    check::loaded(&arguments.config)?;
    written.keep();
    io::stdout().write_all(text::next_steps(arguments, &answers, folder, plain).as_bytes())?;
    Ok(())
}
