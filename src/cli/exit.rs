//! How a command ends: its exit code, and the words on the way out.
//!
//! Owns the codes, which scripts and systemd units rely on.

use crate::config::Problems;
use crate::reason::Failure;
use std::io::{self, Write};
use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// It was asked wrongly.
    #[error("error: {0}")]
    Usage(String),
    /// The configuration is wrong.
    #[error("{0}")]
    Configuration(#[from] Problems),
    /// It tried and failed.
    #[error("error: {0}")]
    Failed(String),
    /// The answer is no, and stands on standard output already.
    #[error("")]
    Refused,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A refusal in two lines: what it is, and what to do about it.
pub(super) fn explain(failure: &Failure) -> String {
    let cure = failure.reason.cure();
    if failure.cause == cure {
        format!("{}\n  fix: {cure}", failure.reason)
    } else {
        format!("{failure}\n  fix: {cure}")
    }
}

/// Exit codes; 64 and 78 are those of `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Good = 0,
    Failed = 1,
    Usage = 64,
    Configuration = 78,
}

impl Exit {
    /// Says on standard error what went wrong. Where even that cannot be written, the code alone remains.
    pub(super) fn of(result: Result<(), Stop>) -> Self {
        let Err(stop) = result else { return Self::Good };
        let words = stop.to_string();
        if !words.is_empty() && writeln!(io::stderr(), "{words}").is_err() {
            return Self::Failed;
        }
        match stop {
            Stop::Usage(_) => Self::Usage,
            Stop::Configuration(_) => Self::Configuration,
            Stop::Failed(_) | Stop::Refused => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
