//! A token becomes the right to one console: verified, its page checked, then used up. In that order: a token that
//! came with the wrong page, or too early in a drain, is still good elsewhere.

use super::call::{Call, Refused};
use crate::console::unix_now;
use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use crate::token::{Envelope, Grant, Purpose};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Seconds within which a session ticket must open its WebSocket.
pub(super) const TICKET_SECONDS: u64 = 30;

/// A panel's connect token, used up: a new session.
///
/// # Errors
/// What is wrong with the token, its page or the store.
pub(super) async fn connect(call: &Call, token: &str) -> Result<Envelope, Refused> {
    let now = unix_now();
    let verified = call.gateway.verifier.verify(token, now).map_err(|failure| late_or_early(failure, token, now))?;
    let about = verified.about();
    let known = |failure| Refused { about: Box::new(about.clone()), ..Refused::from(failure) };
    verified.check_origin(call.origin()).map_err(known)?;
    let grant = verified.spend(&call.gateway.store, now).await.map_err(known)?;
    let (session, ends) = (session()?, now.saturating_add(longest(call, &grant)));
    call.gateway.store.session_begun(session, ends, now).await;
    Ok(Envelope { session, generation: 0, expires: now + TICKET_SECONDS, ends, grant })
}

/// A session ticket, used up: the WebSocket of its session.
///
/// # Errors
/// `ticket`, `replay`, or what is wrong with the page or the store.
pub(super) async fn ticket(call: &Call, text: &str) -> Result<Envelope, Refused> {
    let now = unix_now();
    let envelope = opened(call, Purpose::Ticket, text, now)?;
    // One sealed in the very second of the start may have been used by the process before.
    if envelope.expires <= call.gateway.started + TICKET_SECONDS {
        return Err(of_issuer(Reason::TokenBeforeBoot.into(), &envelope));
    }
    let store = &call.gateway.store;
    let refused = |failure| of_issuer(failure, &envelope);
    store.may_open(envelope.session, envelope.generation).await.map_err(refused)?;
    store.spend(&envelope.spend_name(Purpose::Ticket), envelope.expires, now).await.map_err(refused)?;
    Ok(envelope)
}

/// A resume token, used up: the next generation of its session, with the same end.
///
/// # Errors
/// `ticket`, `resume_expired`, `replay`, or what is wrong with the page or the store.
pub(super) async fn resume(call: &Call, text: &str) -> Result<Envelope, Refused> {
    let now = unix_now();
    let envelope = opened(call, Purpose::Resume, text, now)?;
    let within = call.gateway.config.session.resume.as_secs();
    let issued = call.gateway.store.resume(envelope.session, envelope.generation, within, now).await;
    let generation = issued.map_err(|failure| of_issuer(failure, &envelope))?;
    Ok(Envelope { generation, expires: now + TICKET_SECONDS, ..envelope })
}

/// What is inside a sealed text, brought by a page that may bring it. Spends nothing.
///
/// # Errors
/// `ticket`, or what is wrong with the page.
pub(super) fn opened(call: &Call, purpose: Purpose, text: &str, now: u64) -> Result<Envelope, Refused> {
    let envelope = call.gateway.sealer.open(purpose, text, now)?;
    call.gateway
        .verifier
        .origin_allowed_for(&envelope.grant, call.origin())
        .map_err(|failure| of_issuer(failure, &envelope))?;
    Ok(envelope)
}

fn of_issuer(failure: Failure, envelope: &Envelope) -> Refused {
    Refused { about: Box::new(envelope.about()), ..Refused::from(failure) }
}

/// A token may only tighten the configured length.
fn longest(call: &Call, grant: &Grant) -> u64 {
    let configured = call.gateway.config.session.max.as_secs();
    grant.max_seconds().map_or(configured, |asked| asked.min(configured))
}

fn session() -> Result<SessionId, Failure> {
    let mut bits = [0; 16];
    aws_lc_rs::rand::fill(&mut bits).map_err(|_| Failure::new(Reason::Internal, "no randomness"))?;
    Ok(SessionId::from_bits(u128::from_be_bytes(bits)))
}

/// Both time refusals come after the signature held, so the token's own times may be told.
fn late_or_early(failure: Failure, token: &str, now: u64) -> Refused {
    let seconds = if failure.reason == Reason::TokenExpired {
        times(token).and_then(|times| now.checked_sub(times.exp))
    } else if failure.reason == Reason::TokenNotYet {
        times(token).and_then(|times| times.nbf?.checked_sub(now))
    } else {
        None
    };
    Refused { seconds, ..Refused::from(failure) }
}

#[derive(Debug, Deserialize)]
struct Times {
    exp: u64,
    nbf: Option<u64>,
}

fn times(token: &str) -> Option<Times> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
