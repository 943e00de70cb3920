//! What a run is asked for on the command line.

use std::path::PathBuf;

/// Options of a run; without any it measures everything and writes BENCHMARKS.md.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Measure only these, and write no file.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// Rounds of what is measured in rounds. With three, a clean checkout on two cores is built and measured in less than
    /// 20 minutes.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// MiB of payload in each round of throughput.
    #[arg(long, default_value_t = 384)]
    pub mib: u32,
    /// The most sessions of the memory measurement.
    #[arg(long, default_value_t = 9000)]
    pub sessions: u32,
    /// Measure the gateway without the others.
    #[arg(long, requires = "only")]
    pub alone: bool,
    /// The gateway's program, built for release.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_consolegate"))]
    pub gateway: PathBuf,
    /// Where the table goes when everything was measured.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/BENCHMARKS.md"))]
    pub output: PathBuf,
    /// Cargo says so to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Start, binary, memory of a gateway that does nothing.
    Start,
    /// Processor per GiB from the node to the browser.
    Throughput,
    /// Small frames from the browser to the node.
    Typing,
    /// Processor per session opened.
    Opens,
    /// Memory and processor of idle sessions.
    Idle,
    /// Latency of a key, alone and beside a session at full speed.
    Latency,
    /// Readers that do not read.
    Stall,
}

impl Options {
    /// Whether this part is asked for.
    pub fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}
