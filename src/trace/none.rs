//! A gateway without traces: it was built without the feature `otel`.

use crate::id::{Console, NodeName, SessionId};
use crate::reason::Reason;
use std::time::Duration;
use tokio::runtime::Handle;

/// No traces.
#[derive(Debug)]
pub struct Traces;

impl Traces {
    /// Says where somebody asks for traces in vain.
    ///
    /// # Errors
    /// None.
    pub fn start(_: &Handle) -> Result<Self, String> {
        if let Some((name, _)) = super::asked() {
            tracing::warn!("{name} asks for traces, and this gateway has none; build it with --features otel");
        }
        Ok(Self)
    }
}

/// No span.
#[derive(Debug)]
pub struct Span;

impl Span {
    /// A session begins to open.
    #[must_use]
    pub const fn begin(_: SessionId, _: &Console, _: &str) -> Self {
        Self
    }

    /// A stage of its opening is over, and took so long.
    pub const fn stage(&self, _: &'static str, _: Duration) {}

    /// It is open, on this node.
    pub const fn opened(&self, _: &NodeName) {}

    /// It is over.
    pub const fn end(&self, _: Reason) {}
}
