//! What is counted and written down about a session, in one place: opened, closed, refused.
//!
//! Owns the moments and the counts; the lines' shape is `audit`'s.

use super::{Gateway, Opening};
use crate::audit::{self, About, Told};
use crate::id::{NodeName, Protocol};
use crate::metrics::Metrics;
use crate::reason::Failure;
use crate::traffic::Traffic;
use std::sync::OnceLock;
use tokio::time::Instant;

/// The account of one session.
pub(super) struct Record<'a> {
    metrics: &'a Metrics,
    opening: &'a Opening,
    began: Instant,
    node: OnceLock<NodeName>,
}

impl<'a> Record<'a> {
    pub(super) fn new(gateway: &'a Gateway, opening: &'a Opening) -> Self {
        gateway.metrics.connect_attempt();
        Self { metrics: &gateway.metrics, opening, began: Instant::now(), node: OnceLock::new() }
    }

    /// The reference a customer reads out.
    pub(super) fn reference(&self) -> String {
        self.opening.envelope.session.reference()
    }

    pub(super) fn opened(&self, node: &NodeName) {
        // One session opens once, so the first value is the only one.
        let _ = self.node.set(node.clone());
        self.metrics.session_started(self.protocol());
        audit::opened(&self.about(), &self.reference(), self.began.elapsed());
    }

    pub(super) fn closed(&self, end: &Failure, traffic: &Traffic) {
        let lasted = self.began.elapsed();
        self.metrics.session_ended(self.protocol(), end.reason, lasted, traffic);
        audit::closed(&self.about(), &self.reference(), end, traffic, lasted);
    }

    pub(super) fn refused(&self, failure: &Failure) {
        self.metrics.connect_failed(failure.reason);
        audit::refused(&self.about(), &self.reference(), failure, Told::Close, Some(self.began.elapsed()));
    }

    fn protocol(&self) -> Protocol {
        self.opening.envelope.grant.console().protocol
    }

    fn about(&self) -> About {
        let about = self.opening.envelope.about().of_client(self.opening.client);
        About { node: self.node.get().cloned(), ..about }
    }
}
