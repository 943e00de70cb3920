//! Live sessions: the registry, limits, guards and drain.

/// All live sessions of this gateway.
#[derive(Debug, Default)]
pub struct Sessions;
