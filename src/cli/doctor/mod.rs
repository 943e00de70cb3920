//! `doctor`: asks every node of the configuration what opening a console needs, and says what does not work and why.
//!
//! Owns the arguments and the order of clusters and nodes. Changes nothing on a node but what a console changes; never
//! trusts a certificate it sees. `check` stays offline.

mod examine;
mod report;

use super::exit::Stop;
use super::{Configuration, check};
use crate::config::Config;
use crate::id::Vmid;
use crate::metrics::Metrics;
use crate::resolve::Resolver;
use examine::Examiner;
use report::{NodeReport, Report};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::runtime::Builder;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  consolegate doctor --vmid 100\n\nExits with 1 when anything failed.")]
pub(super) struct Arguments {
    #[command(flatten)]
    configuration: Configuration,
    /// The guest whose console is opened; left out, the first that runs on each node.
    #[arg(long, value_name = "NUMBER", value_parser = super::vmid)]
    vmid: Option<Vmid>,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let config = check::loaded(&arguments.configuration.config)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(examined(&config, arguments.vmid));
    // A resolver that does not answer holds up nobody who has given up on it.
    runtime.shutdown_background();
    let report = report?;
    let text = if arguments.json { report.json()? } else { report.text() };
    io::stdout().write_all(text.as_bytes())?;
    if report.is_good() { Ok(()) } else { Err(Stop::Refused) }
}

async fn examined(config: &Config, vmid: Option<Vmid>) -> Result<Report, Stop> {
    let metrics = Arc::new(Metrics::new().map_err(Stop::Failed)?);
    let resolver = Resolver::new(&config.clusters, &config.timeouts, metrics).map_err(Stop::Failed)?;
    let mut nodes = Vec::new();
    for cluster in &config.clusters {
        for node in &cluster.nodes {
            let examiner = Examiner { resolver: &resolver, timeouts: &config.timeouts, cluster, node, vmid };
            let address = format!("{}:{}", node.host, node.port);
            let findings = examiner.findings().await;
            nodes.push(NodeReport {
                cluster: cluster.name.to_string(),
                node: node.name.to_string(),
                address,
                findings,
            });
        }
    }
    Ok(Report { nodes, vmid: vmid.map(Vmid::get) })
}
