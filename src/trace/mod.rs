//! Traces of sessions for OpenTelemetry: one span each, and below it the stages of its opening.
//!
//! Owns what a span says, and that it never says who: no user, client or address, no token and no ticket. Built in by the
//! feature `otel` and switched on by the environment variables of the OpenTelemetry specification; else nothing is kept.

#[cfg(not(feature = "otel"))]
mod none;
#[cfg(feature = "otel")]
mod otlp;
#[cfg(feature = "otel")]
mod sender;

#[cfg(not(feature = "otel"))]
pub use none::{Span, Traces};
#[cfg(feature = "otel")]
pub use otlp::{Span, Traces};

use std::env::var_os;

/// Where spans are sent, by the names of the specification (OpenTelemetry, "OTLP exporter configuration").
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The variable that asks for traces, and what it says.
fn asked() -> Option<(&'static str, String)> {
    ENDPOINTS.into_iter().find_map(|name| Some((name, var_os(name)?.to_string_lossy().into_owned())))
}
