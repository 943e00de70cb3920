//! Scripted misbehaviour: the next matching request gets what a broken or hostile node would send.

use super::http::Request;
use std::sync::{Mutex, PoisonError};

/// What a node does wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// These bytes instead of an answer; then the connection ends.
    Answer(Vec<u8>),
    /// These bytes instead of an answer; the connection stays open.
    Stall(Vec<u8>),
    /// The TCP connection is reset.
    Reset,
    /// Answers as it should, and shows another certificate, as good as the one before, to whoever connects from then on.
    Renews,
    /// Upgrades as it should, then sends these bytes on the TLS stream and ends.
    AfterUpgrade(Vec<u8>),
    /// Upgrades as it should, then sends these bytes on the TLS stream and stays.
    StallAfterUpgrade(Vec<u8>),
}

/// The script.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<(String, Fault)>>);

impl Faults {
    pub(super) fn add(&self, path_end: &str, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((path_end.to_owned(), fault));
    }

    /// The first fault for a request, by the end of its path; it happens once.
    pub(super) fn take(&self, request: &Request) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = faults.iter().position(|(end, _)| request.path.ends_with(end.as_str()))?;
        Some(faults.remove(index).1)
    }
}
