//! `serve`: runs the gateway until it is asked to stop.

use super::exit::Stop;
use super::{Configuration, check};
use crate::app;
use crate::log;
use tokio::runtime::Builder;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "SIGTERM or SIGINT ends it as [drain] says, and at once when it comes twice. SIGHUP reads the \
configuration, certificates and keys again. CONSOLEGATE_LOG filters log lines, e.g. consolegate=debug.")]
pub(super) struct Arguments {
    #[command(flatten)]
    configuration: Configuration,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let config = check::loaded(&arguments.configuration.config)?;
    let _log = log::start(config.log, config.audit_file.as_deref()).map_err(Stop::Failed)?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    // Absolute, so that a reload finds it whatever the working directory.
    let file = std::path::absolute(&arguments.configuration.config)?;
    runtime.block_on(app::serve(config, file)).map_err(Stop::Failed)
}
