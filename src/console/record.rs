//! What is counted and written down about a session, in one place: opened, closed, refused.
//!
//! One line each, with a fixed reason word and fields whose names are stable. Never a token, ticket, password, query or
//! any text of the node.

use super::{Gateway, Opening};
use crate::id::NodeName;
use crate::log::AUDIT;
use crate::metrics::Metrics;
use crate::reason::{Failure, Level};
use crate::traffic::Traffic;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

/// The account of one session.
pub(super) struct Record<'a> {
    metrics: &'a Metrics,
    opening: &'a Opening,
    began: Instant,
    node: OnceLock<NodeName>,
}

macro_rules! line {
    ($level:expr, $($field:tt)+) => {
        match $level {
            Level::Info => tracing::info!(target: AUDIT, $($field)+),
            Level::Warn => tracing::warn!(target: AUDIT, $($field)+),
            Level::Error => tracing::error!(target: AUDIT, $($field)+),
        }
    };
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
        let grant = &self.opening.envelope.grant;
        // One session opens once, so the first value is the only one.
        let _ = self.node.set(node.clone());
        self.metrics.session_started(grant.console().protocol);
        line!(
            Level::Info,
            event = "session.opened",
            session = %self.opening.envelope.session,
            generation = self.opening.envelope.generation,
            jti = grant.jti_hash(),
            issuer = grant.issuer(),
            subject = grant.subject(),
            cluster = %grant.console().cluster,
            guest = %grant.console().guest,
            protocol = grant.console().protocol.word(),
            node = %node,
            src = %self.opening.client,
            open_ms = millis(self.began.elapsed()),
        );
    }

    pub(super) fn closed(&self, end: &Failure, traffic: &Traffic) {
        let grant = &self.opening.envelope.grant;
        let lasted = self.began.elapsed();
        self.metrics.session_ended(grant.console().protocol, end.reason, lasted, traffic);
        let rtt =
            |share| traffic.rtt.quantile(share).map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        line!(
            end.reason.level(),
            event = "session.closed",
            session = %self.opening.envelope.session,
            reason = end.reason.word(),
            cause = end.cause,
            code = end.reason.public().close,
            jti = grant.jti_hash(),
            issuer = grant.issuer(),
            subject = grant.subject(),
            cluster = %grant.console().cluster,
            guest = %grant.console().guest,
            node = self.node.get().map(NodeName::as_str),
            src = %self.opening.client,
            up_bytes = traffic.up.bytes(),
            down_bytes = traffic.down.bytes(),
            up_frames = traffic.up.frames(),
            down_frames = traffic.down.frames(),
            up_paused_ms = millis(traffic.up.paused()),
            down_paused_ms = millis(traffic.down.paused()),
            rtt_p50_us = rtt(0.5),
            rtt_p95_us = rtt(0.95),
            dur_ms = millis(lasted),
        );
    }

    pub(super) fn refused(&self, failure: &Failure) {
        let grant = &self.opening.envelope.grant;
        self.metrics.connect_failed(failure.reason);
        line!(
            failure.reason.level(),
            event = "session.refused",
            session = %self.opening.envelope.session,
            reason = failure.reason.word(),
            cause = failure.cause,
            code = failure.reason.public().close,
            jti = grant.jti_hash(),
            issuer = grant.issuer(),
            subject = grant.subject(),
            cluster = %grant.console().cluster,
            guest = %grant.console().guest,
            src = %self.opening.client,
            dur_ms = millis(self.began.elapsed()),
        );
    }
}

/// Numbers of 64 bits stay numbers in JSON.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
