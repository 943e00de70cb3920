//! What is counted (design section 6). Series are made at start; the hot path never hashes a label.

use crate::reason::Reason;
use std::time::Duration;

/// Every metric of the process.
#[derive(Debug, Default)]
pub struct Metrics;

impl Metrics {
    /// Counts a Proxmox API request and how long it took; `failed` when it did.
    /// `operation`: resources, status, vncproxy, termproxy, login.
    pub fn pve_request(&self, _cluster: &str, _operation: &'static str, _took: Duration, _failed: Option<Reason>) {}

    /// Whether a cluster's API answered last time.
    pub fn pve_up(&self, _cluster: &str, _up: bool) {}

    /// A stage of an open: resolve, ticket, dial, handshake, first_frame.
    pub fn connect_stage(&self, _stage: &'static str, _took: Duration) {}

    /// A token was refused.
    pub fn token_rejected(&self, _reason: Reason) {}
}
