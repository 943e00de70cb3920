//! What is counted, traced and written down about a session, in one place: opened, closed, refused.
//!
//! Owns the moments and the counts; the lines' shape is `audit`'s. Each session has one end: where none was written, as
//! when its task panics, dropping the [`Record`] writes it.

use super::Opening;
use crate::audit::{self, About, Told};
use crate::id::{NodeName, Protocol};
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use crate::trace::Span;
use crate::traffic::Traffic;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The account of one session.
pub(super) struct Record {
    metrics: Arc<Metrics>,
    span: Span,
    about: About,
    reference: String,
    protocol: Protocol,
    began: Instant,
    stage: Stage,
}

enum Stage {
    Opening,
    Open(Arc<Traffic>),
    Over,
}

impl Record {
    /// In a box: it lies there as long as the session, which is idle for most of it.
    pub(super) fn new(metrics: &Arc<Metrics>, opening: &Opening) -> Box<Self> {
        metrics.connect_attempt();
        let grant = opening.pass.grant();
        Box::new(Self {
            metrics: Arc::clone(metrics),
            span: Span::begin(opening.pass.session(), grant.console(), grant.issuer()),
            about: opening.pass.about().of_client(opening.client),
            reference: opening.pass.session().reference(),
            protocol: grant.console().protocol,
            began: Instant::now(),
            stage: Stage::Opening,
        })
    }

    /// The reference a customer reads out.
    pub(super) fn reference(&self) -> String {
        self.reference.clone()
    }

    /// How long the session has been under way, with its opening.
    pub(super) fn lasted(&self) -> Duration {
        self.began.elapsed()
    }

    /// A stage of the opening that began then is over.
    pub(super) fn took(&self, stage: &'static str, began: Instant) {
        let took = began.elapsed();
        self.metrics.connect_stage(stage, took);
        self.span.stage(stage, took);
    }

    pub(super) fn opened(&mut self, node: &NodeName, traffic: &Arc<Traffic>) {
        self.about.node = Some(node.clone());
        self.span.opened(node);
        self.stage = Stage::Open(Arc::clone(traffic));
        self.metrics.session_started(self.protocol);
        audit::opened(&self.about, &self.reference, self.lasted());
    }

    /// The end of what had opened, or the refusal of what had not.
    pub(super) fn over(mut self: Box<Self>, end: &Failure, lasted: Duration) {
        self.write(end, lasted);
    }

    fn write(&mut self, end: &Failure, lasted: Duration) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Opening => {
                self.span.end(end.reason);
                self.metrics.connect_failed(end.reason);
                audit::refused(&self.about, &self.reference, end, Told::Close, Some(lasted));
            }
            Stage::Open(traffic) => {
                self.span.end(end.reason);
                self.metrics.session_ended(self.protocol, end.reason, lasted, &traffic);
                audit::closed(&self.about, &self.reference, end, &traffic, lasted);
            }
            Stage::Over => {}
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write(&unsaid(), self.lasted());
    }
}

/// Why a session is over whose task did not come to its end: it panicked, or the process did not wait for it.
pub(super) fn unsaid() -> Failure {
    if std::thread::panicking() {
        Failure::new(Reason::Internal, "the session's task panicked; the line above says where")
    } else {
        Failure::new(Reason::Shutdown, "the process ended before the session had said goodbye")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::scene;
    use crate::id::{Console, Guest, SessionId, Vmid};
    use crate::token::{Grant, Pass};
    use std::net::Ipv4Addr;

    async fn panicked(opens: bool) -> String {
        let metrics = Arc::new(Metrics::new().unwrap());
        let its = Arc::clone(&metrics);
        let task = tokio::spawn(async move {
            let mut record = Record::new(&its, &scene::opening());
            if opens {
                record.opened(&"pve1".parse().unwrap(), &Arc::default());
            }
            tokio::task::yield_now().await;
            panic!("a bug");
        });
        assert!(task.await.unwrap_err().is_panic());
        String::from_utf8(metrics.render(std::iter::empty()).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn f25_d07_a_session_whose_task_panics_ends_as_our_bug() {
        let text = panicked(true).await;
        for line in [
            "consolegate_sessions_active{protocol=\"vnc\"} 0",
            "consolegate_sessions_ended_total{protocol=\"vnc\",reason=\"internal\"} 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[tokio::test]
    async fn f25_d07_an_open_whose_task_panics_fails_as_our_bug() {
        let text = panicked(false).await;
        assert!(text.contains("consolegate_connect_failures_total{reason=\"internal\"} 1"), "{text}");
    }

    /// A session of everybody's own: its id, guest, user and node.
    fn session(metrics: &Arc<Metrics>, nth: u32, protocol: Protocol, opens: bool, reason: Reason) {
        let guest = Guest::Qemu(Vmid::try_from(100 + nth).unwrap());
        let console = Console { cluster: "eu1".parse().unwrap(), guest, protocol };
        let grant = Grant::unproven(&format!("customer-{nth}"), console);
        let pass = Pass::unspent(SessionId::from_bits(nth.into()), nth, grant);
        let client = Ipv4Addr::from_bits(nth).into();
        let (mut record, traffic) = (Record::new(metrics, &Opening { pass, client }), Arc::<Traffic>::default());
        traffic.up.add(u64::from(nth), 1);
        traffic.down.first_frame(Duration::from_millis(nth.into()));
        if opens {
            record.opened(&format!("pve{nth}").parse().unwrap(), &traffic);
        }
        record.over(&Failure::new(reason, format!("cause {nth}")), Duration::from_secs(nth.into()));
    }

    #[test]
    fn ten_thousand_sessions_add_no_series_to_those_of_the_first() {
        let metrics = Arc::new(Metrics::new().unwrap());
        let series = || {
            let text = String::from_utf8(metrics.render(std::iter::empty()).unwrap()).unwrap();
            text.lines().filter(|line| !line.starts_with('#')).count()
        };
        let kinds: Vec<_> = [Protocol::Vnc, Protocol::Term]
            .into_iter()
            .flat_map(|protocol| [true, false].map(|opens| (protocol, opens)))
            .flat_map(|(protocol, opens)| Reason::ALL.iter().map(move |reason| (protocol, opens, *reason)))
            .collect();
        for (protocol, opens, reason) in &kinds {
            session(&metrics, 0, *protocol, *opens, *reason);
        }
        let after_the_first = series();
        for (nth, (protocol, opens, reason)) in (1..=10_000).zip(kinds.iter().cycle()) {
            session(&metrics, nth, *protocol, *opens, *reason);
        }
        assert_eq!(series(), after_the_first);
    }

    #[test]
    fn a_session_ends_once() {
        let metrics = Arc::new(Metrics::new().unwrap());
        let mut record = Record::new(&metrics, &scene::opening());
        record.opened(&"pve1".parse().unwrap(), &Arc::default());
        record.over(&Reason::ClientClosed.into(), Duration::from_secs(1));
        let text = String::from_utf8(metrics.render(std::iter::empty()).unwrap()).unwrap();
        let ended: Vec<&str> =
            text.lines().filter(|line| line.starts_with("consolegate_sessions_ended_total")).collect();
        assert_eq!(ended, ["consolegate_sessions_ended_total{protocol=\"vnc\",reason=\"client_closed\"} 1"]);
    }
}
