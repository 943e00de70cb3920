//! Where log lines go: stderr for people and collectors, and a file of its own for the audit lines.
//!
//! Owns formats and targets. Foreign text is written escaped (`?field`), so no line can be forged. Nobody waits for whoever
//! reads stderr; the audit file is written before its event goes on.

mod audit_file;
mod lossy;

pub use audit_file::AuditFile;

use crate::config::LogFormat;
use lossy::Lossy;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The target of the audit lines: the path of the module that writes them.
const AUDIT: &str = "consolegate::audit";

/// Lines that may wait for the reader of stderr: seconds of a busy gateway, and a few MiB at most.
const WAITING: usize = 4096;
/// How long the end of the process waits for that reader.
const GOODBYE: Duration = Duration::from_secs(1);

/// The log of the process; dropped, what it was told is written as far as somebody reads it.
#[derive(Debug)]
#[must_use]
pub struct Log {
    stderr: Lossy,
    audit: Option<AuditFile>,
}

impl Log {
    /// The audit file, where there is one.
    #[must_use]
    pub const fn audit(&self) -> Option<&AuditFile> {
        self.audit.as_ref()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stderr.flush_within(GOODBYE);
    }
}

/// Lines that were lost so far because stderr was not read fast enough.
#[must_use]
pub fn dropped() -> u64 {
    lossy::dropped()
}

/// Audit lines that were lost so far because their file took none.
#[must_use]
pub fn audit_lost() -> u64 {
    audit_file::lost()
}

/// Starts logging: stderr in the asked-for format, filtered by `CONSOLEGATE_LOG` (default `info`), and the audit file.
///
/// # Errors
/// The audit file cannot be opened, the system gives no thread, or logging was started before.
pub fn start(format: LogFormat, audit: Option<&Path>) -> Result<Log, String> {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var("CONSOLEGATE_LOG")
        .from_env_lossy();
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let stderr = Lossy::new(io::stderr(), WAITING).map_err(|error| format!("no thread for the log: {error}"))?;
    let writer = stderr.clone();
    let base =
        tracing_subscriber::fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(move || writer.clone());
    let lines = if json {
        base.json().flatten_event(true).with_current_span(false).with_span_list(false).with_filter(filter).boxed()
    } else {
        base.with_target(false).with_filter(filter).boxed()
    };
    let audit = audit.map(AuditFile::open).transpose()?;
    let layer = audit.clone().map(audit_layer);
    tracing_subscriber::registry().with(lines).with(layer).try_init().map_err(|error| error.to_string())?;
    Ok(Log { stderr, audit })
}

fn audit_layer<S>(file: AuditFile) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    layer.with_writer(file).with_filter(Targets::new().with_target(AUDIT, LevelFilter::TRACE))
}
