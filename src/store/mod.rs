//! What must be remembered: used tokens and tickets.
//!
//! Fails closed: what cannot be remembered is not accepted.

use crate::reason::{Failure, Reason};

/// Where used tokens are remembered.
#[derive(Debug)]
pub struct Store;

impl Store {
    /// In this process, for at most `capacity` unexpired entries.
    #[must_use]
    pub fn memory(_capacity: usize) -> Self {
        Self
    }

    /// Uses `name` up until `until` (Unix seconds). The first caller wins.
    ///
    /// # Errors
    /// `replay` when it was used, `store_full` or `store_down` when that cannot be known.
    pub async fn spend(&self, _name: &str, _until: u64, _now: u64) -> Result<(), Failure> {
        Err(Reason::StoreDown.into())
    }
}
