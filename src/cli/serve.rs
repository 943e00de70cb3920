//! `serve`: runs the gateway until it is asked to stop.

use super::exit::Stop;
use super::{Configuration, check};
use crate::app::{self, Inherited};
use crate::log;
use crate::trace::Traces;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "SIGTERM or SIGINT ends it as [drain] says, and at once when it comes twice. SIGHUP reads the \
configuration, certificates and keys again, and opens the audit file again. CONSOLEGATE_LOG filters log lines, e.g. consolegate=debug.")]
pub(super) struct Arguments {
    #[command(flatten)]
    configuration: Configuration,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    // Before anything has a thread.
    let inherited = Inherited::take().map_err(Stop::Failed)?;
    let config = check::loaded(&arguments.configuration.config)?;
    let log = log::start(config.log, config.audit_file.as_deref()).map_err(Stop::Failed)?;
    let runtime = app::runtime()?;
    let _traces = Traces::start(runtime.handle()).map_err(Stop::Failed)?;
    // Absolute, so that a reload finds it whatever the working directory.
    let file = std::path::absolute(&arguments.configuration.config)?;
    runtime.block_on(app::serve(config, file, log.audit().cloned(), inherited)).map_err(Stop::Failed)
}
