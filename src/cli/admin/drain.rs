//! `drain`: takes a gateway out of its fleet without ending the process, or back in.

use super::Gateway;
use super::client::at;
use crate::cli::exit::Stop;
use hyper::Method;
use std::io::{self, Write};

/// Arguments of `drain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Readiness says no at once; the steps and times are those of [drain]. The process stays.")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    gateway: Gateway,
    /// Call it off: consoles open again.
    #[arg(long)]
    undo: bool,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let method = if arguments.undo { Method::DELETE } else { Method::POST };
    let said = arguments.gateway.ask(method, "/v1/drain", "")?.json();
    let (live, is_draining) = (at(&said, "live"), at(&said, "draining") == true);
    if arguments.undo && is_draining {
        return Err(Stop::Failed(format!("the gateway ends, so it drains on; live sessions: {live}")));
    }
    let word = if is_draining { "drains" } else { "serves" };
    writeln!(io::stderr(), "the gateway {word}; live sessions: {live}")?;
    Ok(())
}
