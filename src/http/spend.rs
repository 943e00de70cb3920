//! A token becomes the right to one console: verified, its page checked, then used up. In that order: a token that
//! came with the wrong page, or too early in a drain, is still good elsewhere.

use super::call::{Call, Refused};
use crate::clock::unix_now;
use crate::id::SessionId;
use crate::random;
use crate::reason::Failure;
use crate::token::{Envelope, Pass, Purpose};

/// A panel's connect token, used up: a new session.
///
/// # Errors
/// What is wrong with the token, its page or the store.
pub(super) async fn connect(call: &Call, token: &str) -> Result<Pass, Refused> {
    let now = unix_now();
    let verified = call.generation.verifier.verify(token, now)?;
    let about = verified.about();
    let known = |failure| Refused { about: Box::new(about.clone()), ..Refused::from(failure) };
    verified.check_origin(call.origin()).map_err(known)?;
    let rules = &call.generation.config.session;
    verified.begin(&call.generation.shared.store, session()?, rules, now).await.map_err(known)
}

/// A session ticket, used up: the WebSocket of its session.
///
/// # Errors
/// `ticket`, `replay`, or what is wrong with the page or the store.
pub(super) async fn ticket(call: &Call, text: &str) -> Result<Pass, Refused> {
    let now = unix_now();
    let envelope = opened(call, Purpose::Ticket, text, now)?;
    let about = envelope.about();
    let pass = envelope.open(&call.generation.shared.store, call.generation.shared.since.tickets, now).await;
    pass.map_err(|failure| Refused { about: Box::new(about), ..Refused::from(failure) })
}

/// A resume token, used up: the next generation of its session, with the same end.
///
/// # Errors
/// `ticket`, `resume_expired`, `replay`, or what is wrong with the page or the store.
pub(super) async fn resume(call: &Call, text: &str) -> Result<Pass, Refused> {
    let now = unix_now();
    let envelope = opened(call, Purpose::Resume, text, now)?;
    let about = envelope.about();
    let pass = envelope.resume(&call.generation.shared.store, &call.generation.config.session, now).await;
    pass.map_err(|failure| Refused { about: Box::new(about), ..Refused::from(failure) })
}

/// What is inside a sealed text, brought by a page that may bring it. Spends nothing.
///
/// # Errors
/// `ticket`, or what is wrong with the page.
pub(super) fn opened(call: &Call, purpose: Purpose, text: &str, now: u64) -> Result<Envelope, Refused> {
    let envelope = call.generation.shared.sealer.open(purpose, text, now)?;
    call.generation
        .verifier
        .origin_allowed_for(envelope.grant(), call.origin())
        .map_err(|failure| Refused { about: Box::new(envelope.about()), ..Refused::from(failure) })?;
    Ok(envelope)
}

fn session() -> Result<SessionId, Failure> {
    Ok(SessionId::from_bits(u128::from_be_bytes(random::bytes()?)))
}
