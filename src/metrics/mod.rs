//! What is counted: names, base units and closed label sets.
//!
//! Series are made at start so that none is missing before its first event. The data path never comes here: a session
//! counts in its own [`Traffic`], whose growth is added at a scrape and at its end.

mod maker;
mod process;

use crate::id::{ClusterName, Protocol};
use crate::reason::{Failure, Reason};
use crate::traffic::{Grown, Traffic};
use maker::Maker;
use prometheus::core::Collector;
use prometheus::proto::{LabelPair, MetricFamily};
use prometheus::{
    CounterVec, Encoder, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::time::Duration;

/// The stages of an open.
const STAGES: [&str; 5] = ["resolve", "ticket", "dial", "handshake", FIRST_FRAME];
/// From the open console to the first frame of the node's that goes to the browser.
const FIRST_FRAME: &str = "first_frame";
/// The side that is not read, by the direction from it.
const SIDES: [&str; 2] = ["client", "node"];
/// What is asked of Proxmox.
const OPERATIONS: [&str; 7] = ["resources", "status", "config", "vncproxy", "termproxy", "login", "power"];
const FAST: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const LONG: &[f64] = &[1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 43200.0];

/// Every metric of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sessions_active: IntGaugeVec,
    sessions_limit: IntGauge,
    sessions_started: IntCounterVec,
    sessions_ended: IntCounterVec,
    session_duration: HistogramVec,
    connect_attempts: IntCounter,
    connect_failures: IntCounterVec,
    connect_duration: HistogramVec,
    tokens_rejected: IntCounterVec,
    jwks_failures: IntCounterVec,
    requests_refused: IntCounterVec,
    client_bytes: [IntCounterVec; 2],
    client_frames: [IntCounterVec; 2],
    paused: CounterVec,
    sessions_paused: IntGaugeVec,
    buffer_bytes: IntGauge,
    rtt: Histogram,
    keep_alives: IntCounter,
    pve_requests: IntCounterVec,
    pve_failures: IntCounterVec,
    pve_duration: HistogramVec,
    pve_up: GaugeVec,
    certificate_not_after: GaugeVec,
    draining: IntGauge,
    reloads: IntCounter,
    reload_failures: IntCounter,
    last_reload: IntGauge,
    panics: IntCounter,
    log_dropped: IntCounter,
    audit_lost: IntCounter,
}

impl Metrics {
    /// All series that do not depend on the configuration.
    ///
    /// # Errors
    /// Two metrics of one name, which a test rules out.
    pub fn new() -> Result<Self, String> {
        Self::build().map_err(|error| error.to_string())
    }

    fn build() -> prometheus::Result<Self> {
        let maker = Maker(Registry::new_custom(Some("consolegate".into()), None)?);
        let protocol = ["protocol"];
        let request = ["pve_cluster", "operation"];
        let metrics = Self {
            sessions_active: maker.gauges("sessions_active", "Sessions that are live.", &protocol)?,
            sessions_limit: maker.gauge("sessions_limit", "Sessions that may be live.")?,
            sessions_started: maker.counters("sessions_started_total", "Sessions that opened.", &protocol)?,
            sessions_ended: maker.counters(
                "sessions_ended_total",
                "Sessions that ended, by reason.",
                &["protocol", "reason"],
            )?,
            session_duration: maker.times("session_duration_seconds", "How long sessions lasted.", &protocol, LONG)?,
            connect_attempts: maker.counter("connect_attempts_total", "Opens that were tried.")?,
            connect_failures: maker.counters("connect_failures_total", "Opens that failed, by reason.", &["reason"])?,
            connect_duration: maker.times(
                "connect_duration_seconds",
                "How long a stage of an open took.",
                &["stage"],
                FAST,
            )?,
            tokens_rejected: maker.counters(
                "tokens_rejected_total",
                "Tokens that were refused, by reason.",
                &["reason"],
            )?,
            jwks_failures: maker.counters("jwks_refresh_failures_total", "Key sets that did not come.", &["issuer"])?,
            requests_refused: maker.counters(
                "requests_refused_total",
                "Requests that were refused for something else than their token, by reason.",
                &["reason"],
            )?,
            client_bytes: [
                maker.counters("client_received_bytes_total", "Bytes that came from browsers.", &protocol)?,
                maker.counters("client_sent_bytes_total", "Bytes that went to browsers.", &protocol)?,
            ],
            client_frames: [
                maker.counters("client_received_frames_total", "Data frames that came from browsers.", &protocol)?,
                maker.counters("client_sent_frames_total", "Data frames that went to browsers.", &protocol)?,
            ],
            paused: maker.add(CounterVec::new(
                Opts::new(
                    "backpressure_paused_seconds_total",
                    "Time in which a side was not read because the other was slow.",
                ),
                &["side"],
            )?)?,
            sessions_paused: maker.gauges(
                "sessions_paused",
                "Sessions in which a side is not read now because the other is slow.",
                &["side"],
            )?,
            buffer_bytes: maker
                .gauge("buffer_bytes", "Bytes of all sessions that wait now for a side that is slow.")?,
            rtt: maker.add(Histogram::with_opts(
                HistogramOpts::new(
                    "client_rtt_seconds",
                    "Median round trip to the browser, of each session that ended.",
                )
                .buckets(FAST.to_vec()),
            )?)?,
            keep_alives: maker.counter(
                "keepalives_sent_total",
                "Signs of life sent to screens on which nothing moved, so that Proxmox does not end them.",
            )?,
            pve_requests: maker.counters("pve_requests_total", "Requests to Proxmox.", &request)?,
            pve_failures: maker.counters(
                "pve_request_failures_total",
                "Requests to Proxmox that failed.",
                &["pve_cluster", "operation", "reason"],
            )?,
            pve_duration: maker.times(
                "pve_request_duration_seconds",
                "How long Proxmox took to answer.",
                &request,
                FAST,
            )?,
            pve_up: maker.levels("pve_up", "Whether the cluster's API answered last time.", &["pve_cluster"])?,
            certificate_not_after: maker.levels(
                "tls_certificate_not_after_timestamp_seconds",
                "When a certificate ends, in seconds since 1970.",
                &["name"],
            )?,
            draining: maker.gauge("draining", "Whether the gateway drains.")?,
            reloads: maker.counter("config_reloads_total", "Times the configuration was to be read again.")?,
            reload_failures: maker
                .counter("config_reload_failures_total", "Times it could not be used, and the one before went on.")?,
            last_reload: maker.gauge(
                "config_last_reload_success_timestamp_seconds",
                "When the configuration that holds was read, in seconds since 1970.",
            )?,
            panics: maker.counter("panics_total", "Panics that were caught: bugs.")?,
            log_dropped: maker
                .counter("log_lines_dropped_total", "Log lines lost because nobody read stderr fast enough.")?,
            audit_lost: maker.counter("audit_lines_lost_total", "Audit lines that their file did not take.")?,
            registry: maker.0,
        };
        metrics.start()?;
        Ok(metrics)
    }

    /// Makes every series whose labels are known, so that rates start at zero and not at the first event.
    fn start(&self) -> prometheus::Result<()> {
        for protocol in [Protocol::Vnc, Protocol::Term].map(Protocol::word) {
            self.sessions_active.with_label_values(&[protocol]);
            self.sessions_started.with_label_values(&[protocol]);
            self.session_duration.with_label_values(&[protocol]);
            for family in self.client_bytes.iter().chain(&self.client_frames) {
                family.with_label_values(&[protocol]);
            }
        }
        for stage in STAGES {
            self.connect_duration.with_label_values(&[stage]);
        }
        for side in SIDES {
            self.paused.with_label_values(&[side]);
            self.sessions_paused.with_label_values(&[side]);
        }
        let build =
            GaugeVec::new(Opts::new("build_info", "The version that runs; always 1."), &["version", "revision"])?;
        build
            .with_label_values(&[env!("CARGO_PKG_VERSION"), option_env!("CONSOLEGATE_REVISION").unwrap_or("unknown")])
            .set(1.0);
        self.registry.register(Box::new(build))
    }

    /// Makes the series of the clusters that are configured now, and forgets whether one that is not any more was up.
    pub fn configured(&self, clusters: &[ClusterName], sessions_limit: usize) {
        self.sessions_limit.set(i64::try_from(sessions_limit).unwrap_or(i64::MAX));
        for cluster in clusters {
            self.pve_up.with_label_values(&[cluster.as_str()]);
            for operation in OPERATIONS {
                self.pve_requests.with_label_values(&[cluster.as_str(), operation]);
                self.pve_duration.with_label_values(&[cluster.as_str(), operation]);
            }
        }
        for series in self.pve_up.collect().iter().flat_map(MetricFamily::get_metric) {
            let names = series.get_label().iter().map(LabelPair::value);
            for gone in names.filter(|name| !clusters.iter().any(|cluster| cluster.as_str() == *name)) {
                // It was there a moment ago; if it is not, there is nothing to forget.
                let _ = self.pve_up.remove_label_values(&[gone]);
            }
        }
    }

    /// The text format, with the growth of live sessions added first.
    ///
    /// # Errors
    /// `internal`: the encoder refused a series.
    pub fn render<'a>(&self, live: impl Iterator<Item = (Protocol, &'a Traffic)>) -> Result<Vec<u8>, Failure> {
        // Added up first: thousands of sessions grow a handful of series.
        let mut grown = [Protocol::Vnc, Protocol::Term].map(|protocol| (protocol, Grown::default()));
        let (mut paused, mut held) = ([0; 2], 0);
        for (protocol, traffic) in live {
            if let Some((_, sum)) = grown.iter_mut().find(|(known, _)| *known == protocol) {
                *sum += traffic.growth();
            }
            self.first_frame(traffic);
            for (count, flow) in paused.iter_mut().zip([&traffic.up, &traffic.down]) {
                let bytes = flow.held();
                *count += i64::from(bytes > 0);
                held += bytes;
            }
        }
        for (protocol, sum) in grown {
            self.settle(protocol, sum);
        }
        for (side, count) in SIDES.into_iter().zip(paused) {
            self.sessions_paused.with_label_values(&[side]).set(count);
        }
        self.buffer_bytes.set(i64::try_from(held).unwrap_or(i64::MAX));
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
        process::render(&mut text);
        Ok(text)
    }

    fn settle(&self, protocol: Protocol, grown: Grown) {
        let sides = [grown.up, grown.down].into_iter().zip(SIDES);
        for (((growth, side), bytes), frames) in sides.zip(&self.client_bytes).zip(&self.client_frames) {
            bytes.with_label_values(&[protocol.word()]).inc_by(growth.bytes);
            frames.with_label_values(&[protocol.word()]).inc_by(growth.frames);
            self.paused.with_label_values(&[side]).inc_by(growth.paused.as_secs_f64());
        }
        self.keep_alives.inc_by(grown.keep_alives);
    }

    fn first_frame(&self, traffic: &Traffic) {
        if let Some(after) = traffic.down.take_first_frame() {
            self.connect_stage(FIRST_FRAME, after);
        }
    }

    /// An open is tried.
    pub fn connect_attempt(&self) {
        self.connect_attempts.inc();
    }

    /// An open failed.
    pub fn connect_failed(&self, reason: Reason) {
        self.connect_failures.with_label_values(&[reason.word()]).inc();
    }

    /// A stage of an open: resolve, ticket, dial, handshake.
    pub fn connect_stage(&self, stage: &'static str, took: Duration) {
        self.connect_duration.with_label_values(&[stage]).observe(took.as_secs_f64());
    }

    /// A session opened.
    pub fn session_started(&self, protocol: Protocol) {
        self.sessions_started.with_label_values(&[protocol.word()]).inc();
        self.sessions_active.with_label_values(&[protocol.word()]).inc();
    }

    /// A session that had opened ended.
    pub fn session_ended(&self, protocol: Protocol, reason: Reason, lasted: Duration, traffic: &Traffic) {
        self.settle(protocol, traffic.growth());
        self.first_frame(traffic);
        self.sessions_active.with_label_values(&[protocol.word()]).dec();
        self.sessions_ended.with_label_values(&[protocol.word(), reason.word()]).inc();
        self.session_duration.with_label_values(&[protocol.word()]).observe(lasted.as_secs_f64());
        if let Some(median) = traffic.rtt.quantile(0.5) {
            self.rtt.observe(median.as_secs_f64());
        }
    }

    /// A token was refused.
    pub fn token_rejected(&self, reason: Reason) {
        self.tokens_rejected.with_label_values(&[reason.word()]).inc();
    }

    /// Whether an issuer's `jwks_url` gave no good key set; its series begins with the first call.
    pub fn jwks_refresh(&self, issuer: &str, failed: bool) {
        self.jwks_failures.with_label_values(&[issuer]).inc_by(u64::from(failed));
    }

    /// A request was refused for something else than its token.
    pub fn request_refused(&self, reason: Reason) {
        self.requests_refused.with_label_values(&[reason.word()]).inc();
    }

    /// A Proxmox API request and how long it took; `failed` when it did. Operations: resources, status, config,
    /// vncproxy, termproxy, login, power.
    pub fn pve_request(&self, cluster: &str, operation: &'static str, took: Duration, failed: Option<Reason>) {
        self.pve_requests.with_label_values(&[cluster, operation]).inc();
        self.pve_duration.with_label_values(&[cluster, operation]).observe(took.as_secs_f64());
        if let Some(reason) = failed {
            self.pve_failures.with_label_values(&[cluster, operation, reason.word()]).inc();
        }
    }

    /// Whether a cluster's API answered last time.
    pub fn pve_up(&self, cluster: &str, up: bool) {
        self.pve_up.with_label_values(&[cluster]).set(if up { 1.0 } else { 0.0 });
    }

    /// When the certificate of a listener ends, in Unix seconds.
    pub fn certificate(&self, name: &'static str, not_after: u64) {
        self.certificate_not_after.with_label_values(&[name]).set(not_after as f64);
    }

    /// Whether the gateway drains.
    pub fn draining(&self, draining: bool) {
        self.draining.set(i64::from(draining));
    }

    /// So many lines of the log and of the audit file were lost since the process began.
    pub fn lines_lost(&self, log: u64, audit: u64) {
        for (counter, so_far) in [(&self.log_dropped, log), (&self.audit_lost, audit)] {
            counter.inc_by(so_far.saturating_sub(counter.get()));
        }
    }

    /// The configuration that holds from now on was read at `now`, in Unix seconds.
    pub fn reloaded(&self, now: u64) {
        self.reloads.inc();
        self.started(now);
    }

    /// The first configuration was read.
    pub fn started(&self, now: u64) {
        self.last_reload.set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    /// The configuration was to be read again and could not be used.
    pub fn reload_failed(&self) {
        self.reloads.inc();
        self.reload_failures.inc();
    }

    /// A panic was caught.
    pub fn panicked(&self) {
        self.panics.inc();
    }
}

#[cfg(test)]
mod tests;
