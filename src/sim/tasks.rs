//! Running console workers by their task name (`upid`), so that one can be stopped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// The running workers.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: Mutex<BTreeMap<String, CancellationToken>>,
    count: AtomicU32,
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new task's name.
    pub(super) fn name(&self, node: &str, what: &str, id: &str, user: &str, now: i64) -> String {
        let process = self.count.fetch_add(1, Ordering::Relaxed) + 1000;
        format!("UPID:{node}:{process:08X}:{:08X}:{now:08X}:{what}:{id}:{user}:", process * 7)
    }

    /// A worker begins; the token ends it.
    pub(super) fn begin(&self, upid: &str) -> CancellationToken {
        let token = CancellationToken::new();
        self.lock().insert(upid.to_owned(), token.clone());
        token
    }

    pub(super) fn end(&self, upid: &str) {
        self.lock().remove(upid);
    }

    /// Ends a worker.
    pub(super) fn stop(&self, upid: &str) {
        if let Some(token) = self.lock().remove(upid) {
            token.cancel();
        }
    }
}
