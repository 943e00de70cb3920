//! The threads that everything runs on.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// Tasks that run before the network is asked again: few, so that a key does not wait behind a full round of busy sessions.
const TASKS: u32 = 8;

/// A worker for each processor, unless `TOKIO_WORKER_THREADS` says otherwise.
///
/// # Errors
/// The system's.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().event_interval(TASKS).enable_all().build()
}
