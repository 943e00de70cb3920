//! Every audit line: `session.opened`, `session.closed`, `session.refused`, `session.power`, `admin.action`.
//!
//! The one place that writes them, so that a field has one name wherever a line comes from. What is not known of a
//! session is left out of its line. Never a token, ticket, password, query or any text of a node. The lines' target is
//! this module's own path, `consolegate::audit`.

use crate::id::{Console, NodeName, SessionId};
use crate::reason::{Failure, Level};
use crate::traffic::Traffic;
use std::net::IpAddr;
use std::time::Duration;

/// Whom and what a line is about.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The session.
    pub session: Option<SessionId>,
    /// Which connection of it.
    pub generation: Option<u32>,
    /// The connect token's name in logs.
    pub jti: Option<String>,
    /// The panel, where a signature proved it.
    pub issuer: Option<String>,
    /// The panel's user.
    pub subject: Option<String>,
    /// The console.
    pub console: Option<Console>,
    /// The guest's node.
    pub node: Option<NodeName>,
    /// The client's address, derived from trusted headers only.
    pub src: Option<IpAddr>,
}

impl About {
    /// The same, of this client.
    #[must_use]
    pub fn of_client(self, src: IpAddr) -> Self {
        Self { src: Some(src), ..self }
    }
}

/// How the other side was told of a refusal.
#[derive(Debug, Clone, Copy)]
pub enum Told {
    /// By an HTTP status.
    Status,
    /// By a WebSocket close code.
    Close,
    /// Not at all: its connection was closed before it could ask.
    Nothing,
}

macro_rules! line {
    ($level:expr, $event:literal, $about:expr, $reference:expr, $($field:tt)+) => {{
        let about: &About = $about;
        macro_rules! at {
            ($at:ident) => {
                tracing::$at!(
                    event = $event,
                    r#ref = $reference,
                    session = about.session.map(display),
                    generation = about.generation,
                    jti = about.jti.as_deref(),
                    issuer = about.issuer.as_deref(),
                    subject = about.subject.as_deref(),
                    cluster = about.console.as_ref().map(|console| display(&console.cluster)),
                    guest = about.console.as_ref().map(|console| display(&console.guest)),
                    protocol = about.console.as_ref().map(|console| console.protocol.word()),
                    node = about.node.as_ref().map(NodeName::as_str),
                    src = about.src.map(display),
                    $($field)+
                )
            };
        }
        match $level {
            Level::Info => at!(info),
            Level::Warn => at!(warn),
            Level::Error => at!(error),
        }
    }};
}

/// A console opened.
pub fn opened(about: &About, reference: &str, took: Duration) {
    line!(Level::Info, "session.opened", about, reference, open_ms = millis(took));
}

/// A console that had opened ended.
pub fn closed(about: &About, reference: &str, end: &Failure, traffic: &Traffic, lasted: Duration) {
    let rtt = |share| traffic.rtt.quantile(share).map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    line!(
        end.reason.level(),
        "session.closed",
        about,
        reference,
        reason = end.reason.word(),
        cause = end.cause,
        code = end.reason.public().close,
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

/// A request or an open was refused. `lasted`: how long the open took until then.
pub fn refused(about: &About, reference: &str, failure: &Failure, told: Told, lasted: Option<Duration>) {
    let public = failure.reason.public();
    let (status, code) = match told {
        Told::Status => (Some(public.status), None),
        Told::Close => (None, Some(public.close)),
        Told::Nothing => (None, None),
    };
    line!(
        failure.reason.level(),
        "session.refused",
        about,
        reference,
        reason = failure.reason.word(),
        cause = failure.cause,
        status,
        code,
        dur_ms = lasted.map(millis),
    );
}

/// A guest was to be switched. The outcome is `done`, or the reason's word.
pub fn power(about: &About, reference: &str, action: &'static str, outcome: Result<(), &Failure>) {
    let failure = outcome.err();
    line!(
        failure.map_or(Level::Info, |failure| failure.reason.level()),
        "session.power",
        about,
        reference,
        action,
        outcome = failure.map_or("done", |failure| failure.reason.word()),
        cause = failure.map(|failure| failure.cause.as_str()),
    );
}

/// An operator did something: kill, revoke, drain or undrain. `what`: to which.
pub fn admin(action: &'static str, by: &str, what: &str, src: IpAddr) {
    tracing::info!(event = "admin.action", action, by, what, src = display(src));
}

/// Numbers of 64 bits stay numbers in JSON.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
