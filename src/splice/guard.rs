//! What a browser may say to its console: payload in, payload that may pass out. No I/O.
//!
//! A guard reads a byte stream, whatever the frames were, and lets whole messages out, so what leaves can be framed anew.

use crate::reason::Failure;
use tokio::time::Instant;

/// The rule for what a browser says.
#[derive(Debug)]
pub enum Guard {
    /// Everything passes as it is, and nothing is known about it.
    Open,
}

/// What a piece of the stream was.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Heard {
    /// Something a person did, whether it passed or not.
    pub(super) active: bool,
}

impl Guard {
    /// Whether what passes leaves in new frames. If not, payload goes out as it came.
    pub(super) const fn rewrites(&self) -> bool {
        match self {
            Self::Open => false,
        }
    }

    /// Reads on; what may pass is added to `out`.
    ///
    /// # Errors
    /// What cannot be judged, or breaks the protocol. What came before it is in `out`.
    pub(super) fn pass(&mut self, plain: &[u8], _now: Instant, out: &mut Vec<u8>) -> Result<Heard, Failure> {
        match self {
            Self::Open => out.extend_from_slice(plain),
        }
        Ok(Heard::default())
    }
}
