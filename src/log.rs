//! Where log lines go: stderr for people and collectors, and a file of its own for the audit lines.
//!
//! Owns formats and targets. Foreign text is written escaped (`?field`), so no line can be forged.

use crate::config::LogFormat;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The target of the audit lines: the path of the module that writes them.
const AUDIT: &str = "consolegate::audit";

/// Starts logging: stderr in the asked-for format, filtered by `CONSOLEGATE_LOG` (default `info`), and the audit file.
///
/// # Errors
/// The audit file cannot be opened, or logging was started before.
pub fn start(format: LogFormat, audit: Option<&Path>) -> Result<(), String> {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var("CONSOLEGATE_LOG")
        .from_env_lossy();
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let base = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = if json {
        base.json().flatten_event(true).with_current_span(false).with_span_list(false).with_filter(filter).boxed()
    } else {
        base.with_target(false).with_filter(filter).boxed()
    };
    let audit = audit.map(audit_layer).transpose()?;
    tracing_subscriber::registry().with(lines).with(audit).try_init().map_err(|error| error.to_string())
}

fn audit_layer<S>(path: &Path) -> Result<impl Layer<S> + use<S>, String>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let cannot = |error| format!("cannot append to {}: {error}", path.display());
    // It names customers and their addresses.
    let file = OpenOptions::new().create(true).append(true).mode(0o640).open(path).map_err(cannot)?;
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    Ok(layer.with_writer(Mutex::new(file)).with_filter(Targets::new().with_target(AUDIT, LevelFilter::TRACE)))
}
