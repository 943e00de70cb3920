//! Counts a request to Proxmox when it ends, however it ends.
//!
//! Knows nothing of what was asked. A request nobody waits for any more was too slow for whoever asked.

use crate::id::ClusterName;
use crate::metrics::Metrics;
use crate::reason::Reason;
use tokio::time::Instant;

/// A request under way; dropped, it is counted.
pub(super) struct Counted<'a> {
    metrics: &'a Metrics,
    cluster: &'a ClusterName,
    operation: &'static str,
    started: Instant,
    failed: Option<Reason>,
}

impl<'a> Counted<'a> {
    /// Begins now.
    pub(super) fn new(metrics: &'a Metrics, cluster: &'a ClusterName, operation: &'static str) -> Self {
        Self { metrics, cluster, operation, started: Instant::now(), failed: Some(Reason::NodeSlow) }
    }

    /// It ended by itself.
    pub(super) fn ended(mut self, failed: Option<Reason>) {
        self.failed = failed;
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.metrics.pve_request(self.cluster.as_str(), self.operation, self.started.elapsed(), self.failed);
    }
}
