//! `POST /v1/sessions`: a token for a session ticket, and the means to come back.

use super::bearer;
use super::call::{Answer, Call, Refused};
use super::spend::{TICKET_SECONDS, connect, resume};
use crate::config::Config;
use crate::id::{Kind, Protocol, Right, SessionId};
use crate::listen::Phase;
use crate::reason::{Failure, Reason};
use crate::token::{Envelope, Purpose, is_sealed};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde::Serialize;

#[derive(Serialize)]
struct Opened<'a> {
    session: SessionId,
    websocket: String,
    ticket: String,
    ticket_seconds: u64,
    resume: String,
    resume_seconds: u64,
    console: Console<'a>,
}

/// What the page must know before the first byte of the console comes.
#[derive(Serialize)]
struct Console<'a> {
    kind: Kind,
    protocol: Protocol,
    rights: &'a [Right],
    title: Option<&'a str>,
    lang: Option<&'a str>,
    theme: Option<&'a str>,
}

/// Uses the token up.
///
/// # Errors
/// `missing`, `ambiguous`, `draining`, or what is wrong with the token.
pub(super) async fn open(call: &Call, headers: &HeaderMap, phase: Phase) -> Result<Answer, Refused> {
    let token = bearer::authorization(headers)?.ok_or(Reason::TokenMissing)?;
    if phase == Phase::Draining {
        // The token stays good: another gateway of the fleet, or the next start, takes it.
        return Err(Reason::Draining.into());
    }
    let envelope = if is_sealed(token) { resume(call, token).await? } else { connect(call, token).await? };
    Ok(created(call, &envelope)?)
}

fn created(call: &Call, envelope: &Envelope) -> Result<Answer, Failure> {
    let sealer = &call.gateway.sealer;
    let config = &call.gateway.config;
    // The resume token is as good as its session is long; how long after a cut is the store's knowledge.
    let back = Envelope { expires: envelope.ends, ..envelope.clone() };
    let grant = &envelope.grant;
    let opened = Opened {
        session: envelope.session,
        websocket: websocket(config),
        ticket: sealer.seal(Purpose::Ticket, envelope)?,
        ticket_seconds: TICKET_SECONDS,
        resume: sealer.seal(Purpose::Resume, &back)?,
        resume_seconds: config.session.resume.as_secs(),
        console: Console {
            kind: grant.console().guest.kind(),
            protocol: grant.console().protocol,
            rights: grant.rights(),
            title: grant.title(),
            lang: grant.lang(),
            theme: grant.theme(),
        },
    };
    let body = serde_json::to_vec(&opened).map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::CREATED;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}

/// `public_url` in the WebSocket schemes: https becomes wss.
fn websocket(config: &Config) -> String {
    format!("{}/v1/ws", config.public_url.as_str().replacen("http", "ws", 1))
}
