//! Spans as OpenTelemetry has them, sent in batches by a thread of its own.

use super::sender::Sender;
use crate::id::{Console, NodeName, SessionId};
use crate::reason::{Level, Reason};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::env::var_os;
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;

const NAME: &str = "consolegate";

/// What sends spans; dropped, those that are over are sent first.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends spans where the environment says, if it does.
    ///
    /// # Errors
    /// In the operator's words: where they cannot be sent to.
    pub fn start(runtime: &Handle) -> Result<Self, String> {
        let Some((name, endpoint)) = super::asked() else { return Ok(Self(None)) };
        if !endpoint.starts_with("http://") {
            return Err(format!(
                "{name}: expected http://HOST:4318\n  fix: send to a collector on this machine; it passes spans on by TLS"
            ));
        }
        let sender = Sender::new(runtime.clone());
        let exporter = SpanExporter::builder().with_http().with_http_client(sender).build();
        let exporter = exporter.map_err(|error| format!("{name}: {error}"))?;
        let mut resource =
            Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        if var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name(NAME);
        }
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
        global::set_tracer_provider(provider.clone());
        tracing::info!(endpoint, "spans of sessions are sent to OpenTelemetry");
        Ok(Self(Some(provider)))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// The span of one session.
#[derive(Debug)]
pub struct Span(Context);

impl Span {
    /// A session begins to open.
    #[must_use]
    pub fn begin(session: SessionId, console: &Console, issuer: &str) -> Self {
        let tracer = global::tracer(NAME);
        let span = tracer.span_builder("session").with_kind(SpanKind::Server).with_attributes([
            KeyValue::new("consolegate.session", session.to_string()),
            KeyValue::new("consolegate.issuer", issuer.to_owned()),
            KeyValue::new("consolegate.cluster", console.cluster.to_string()),
            KeyValue::new("consolegate.guest", console.guest.to_string()),
            KeyValue::new("consolegate.protocol", console.protocol.word()),
        ]);
        Self(Context::new().with_span(span.start_with_context(&tracer, &Context::new())))
    }

    /// A stage of its opening is over, and took so long.
    pub fn stage(&self, name: &'static str, took: Duration) {
        let (tracer, now) = (global::tracer(NAME), SystemTime::now());
        let stage = tracer.span_builder(name).with_start_time(now.checked_sub(took).unwrap_or(now));
        stage.start_with_context(&tracer, &self.0).end_with_timestamp(now);
    }

    /// It is open, on this node.
    pub fn opened(&self, node: &NodeName) {
        self.0.span().set_attribute(KeyValue::new("consolegate.node", node.to_string()));
    }

    /// It is over.
    pub fn end(&self, reason: Reason) {
        let span = self.0.span();
        span.set_attribute(KeyValue::new("consolegate.reason", reason.word()));
        if reason.level() != Level::Info {
            span.set_status(Status::error(reason.word()));
        }
        span.end();
    }
}
