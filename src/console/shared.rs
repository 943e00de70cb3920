//! What lives as long as the process, whatever configuration holds.
//!
//! Owns nothing that a configuration decides: whoever asks brings the limits and times of its own generation along.

use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;
use crate::secret::Secret;
use crate::session::Sessions;
use crate::store::Store;
use crate::token::{KeySets, Sealer};
use crate::turns::Turns;
use std::sync::Arc;

/// Since when the store remembers, in Unix seconds: what is older may have been used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Of session tickets.
    pub tickets: u64,
    /// Of connect tokens; none: their keys are new, or the store outlives the process.
    pub tokens: Option<u64>,
}

/// What all generations of the configuration share.
#[derive(Debug)]
pub struct Shared {
    /// Since when the store remembers.
    pub since: Since,
    /// Seals tickets.
    pub sealer: Sealer,
    /// Keys that are asked for over the network.
    pub keys: KeySets,
    /// Used tokens.
    pub store: Arc<Store>,
    /// Live sessions.
    pub sessions: Arc<Sessions>,
    /// Whether more are welcome.
    pub lifecycle: Lifecycle,
    /// Who opens what now.
    pub turns: Turns,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Shared {
    /// A process without sessions. `key` seals its tickets; none: one is made now.
    ///
    /// # Errors
    /// In the operator's words: a key that is too short, no randomness, or metrics that do not fit together.
    pub fn new(key: Option<&Secret>, store: Store, since: Since) -> Result<Arc<Self>, String> {
        let (sessions, metrics) = (Sessions::new(), Arc::new(Metrics::new()?));
        Ok(Arc::new(Self {
            since,
            sealer: Sealer::new(key)?,
            keys: KeySets::default(),
            store: Arc::new(store),
            lifecycle: Lifecycle::new(Arc::clone(&sessions), Arc::clone(&metrics)),
            sessions,
            turns: Turns::default(),
            metrics,
        }))
    }
}
