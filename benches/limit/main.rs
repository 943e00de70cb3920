//! The program behind `make bench`: the gateway against what would otherwise stand in its place, in one run, with ratios.
//!
//! ```text
//!            one line in, one out            TLS                  TLS
//!   run ──────────────────────────▶ load ─────────▶ a relay ─────────▶ node
//!    └─ reads the relay's processor time and memory ──▲
//! ```
//!
//! It starts itself as load, as node and as two of the relays, so that of every measurement only the relay's own process
//! is counted. Everything is on loopback, in a temporary folder, and gone when the run ends, however it ends.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own, which ends with a word on the terminal when a measurement goes wrong"
)]

mod certificates;
mod figures;
mod frames;
mod ground;
mod guests;
mod keep;
mod load;
mod machine;
mod node;
mod options;
mod part;
mod process;
mod processor;
mod progress;
mod relay;
mod report;
mod run;
mod table;
mod upgrade;
mod words;

use clap::Parser;
use std::future::Future;
use std::process::ExitCode;
use tokio::runtime::Builder;

/// What went wrong, in words for whoever runs this.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;
/// What may go wrong.
pub type Outcome<T> = Result<T, Trouble>;

#[derive(Debug, clap::Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    process: Option<Process>,
    #[command(flatten)]
    options: options::Options,
}

/// Which of its processes this is; without one: the run itself.
#[derive(Debug, clap::Subcommand)]
enum Process {
    Node(node::Arguments),
    Load,
    Bare(relay::accept::Arguments),
    Frames(relay::accept::Arguments),
    Keep(keep::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.process {
        None => on_threads(1, run::run(arguments.options)),
        Some(Process::Node(arguments)) => on_threads(2, node::run(arguments)),
        Some(Process::Load) => on_threads(2, load::run()),
        Some(Process::Bare(arguments)) => on_threads(1, relay::bare::run(arguments)),
        Some(Process::Frames(arguments)) => on_threads(1, relay::frames::run(arguments)),
        Some(Process::Keep(arguments)) => on_threads(1, keep::run(arguments)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("limit: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a process's work on so many worker threads.
fn on_threads(count: usize, work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    // Tokens are signed in more than one place.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let runtime = Builder::new_multi_thread().worker_threads(count).enable_all().build()?;
    let ended = runtime.block_on(work);
    // The thread that reads the terminal may wait for ever.
    runtime.shutdown_background();
    ended
}
