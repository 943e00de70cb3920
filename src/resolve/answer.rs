//! One answer of a node's API: its body within a limit, its words fit for the log, its clock.
//!
//! Knows nothing of connections and of what was asked. Protocol reference 2.1; hostile inputs U07, U15, U21.

use super::status::operator_text;
use crate::secret::Secret;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use hyper::header;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, timeout_at};

/// Room for the body of an error, which is read only where the status line says nothing.
const ERROR_BODY: usize = 64 * 1024;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// What Proxmox says about an error, fit for the log.
    pub(super) text: String,
    /// The body of a 200; nothing else is kept.
    pub(super) body: Secret,
    pub(super) from: Answered,
    /// The node's clock minus ours in seconds, where the answer had a date.
    pub(super) skew: Option<i64>,
}

/// Who answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    pub(super) address: SocketAddr,
    pub(super) leaf: [u8; 32],
}

/// What an error says: its reason phrase, or, where something in between rewrote that, the `message` of its body.
/// Older pveproxy ends such bodies without close_notify, which is no error here.
pub(super) async fn error_text(response: Response<Incoming>, deadline: Instant) -> String {
    if let Some(phrase) = response.extensions().get::<hyper::ext::ReasonPhrase>() {
        return operator_text(phrase.as_bytes());
    }
    #[derive(serde::Deserialize)]
    struct Body {
        message: String,
    }
    let canonical = response.status().canonical_reason().unwrap_or_default();
    let body = timeout_at(deadline, read(response.into_body(), ERROR_BODY)).await.ok().and_then(Result::ok);
    let said = body.and_then(|body| serde_json::from_slice::<Body>(&body).ok());
    operator_text(said.as_ref().map_or(canonical, |said| &said.message).as_bytes())
}

/// The body, if it is not longer than `limit` bytes; or why not.
pub(super) async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, String> {
    let expected = hyper::body::Body::size_hint(&body).exact().and_then(|exact| usize::try_from(exact).ok());
    if expected.is_some_and(|expected| expected > limit) {
        return Err(format!("the answer is longer than {limit} bytes"));
    }
    let mut text = Vec::with_capacity(expected.unwrap_or_default());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {}", root_cause(&error)))?;
        let Some(data) = frame.data_ref() else { continue };
        if text.len() + data.len() > limit {
            return Err(format!("the answer is longer than {limit} bytes"));
        }
        text.extend_from_slice(data);
    }
    Ok(text)
}

/// What is at the bottom of hyper's error; it never quotes the answer.
pub(super) fn root_cause(error: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The node's clock minus ours in seconds, by its `Date`.
pub(super) fn skew(response: &Response<Incoming>, now: SystemTime) -> Option<i64> {
    let date = response.headers().get(header::DATE)?.to_str().ok()?;
    let theirs = httpdate::parse_http_date(date).ok()?;
    let seconds = |time: SystemTime| i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok();
    Some(seconds(theirs)? - seconds(now)?)
}
