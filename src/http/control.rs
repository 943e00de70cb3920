//! `GET /v1/sessions/{session}` and `POST /v1/sessions/{session}/power`: how the session's guest is, and switching it.
//!
//! Both take the session's control token and nothing else, and concern the guest in it and no other. Once a session can
//! never come back, every answer is the 401 of a token that is not ours.

use super::call::Call;
use super::{Service, spend};
use crate::api::answer::json;
use crate::api::{Answer, Refused, bearer, body, problem};
use crate::audit;
use crate::clock::unix_now;
use crate::console::Generation;
use crate::id::{Guest, Right};
use crate::reason::{Failure, Reason};
use crate::resolve::{Action, GuestState};
use crate::token::{Envelope, Purpose};
use crate::turns::BETWEEN_PRESSES;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::timeout;

/// Bytes of a press: its length stands in the head, so that every reader of the stream agrees on where it ends.
pub(super) const MOST_BODY: usize = 1024;

/// How the guest is.
///
/// # Errors
/// What is wrong with the token or its page.
pub(super) async fn state(call: &Call, headers: &HeaderMap, session: &str) -> Result<Answer, Refused> {
    let envelope = admitted(call, headers, session).await?;
    let (grant, generation) = (envelope.grant(), &call.generation);
    let asked = generation.resolver.state(grant.console(), grant.node());
    let state = timeout(generation.config.timeouts.handshake, asked).await.unwrap_or(GuestState::Unreachable);
    if state == GuestState::Missing {
        // Whoever gets the number next is no business of this session's.
        call.generation.shared.store.over(envelope.session(), envelope.generation()).await?;
    }
    Ok(json(StatusCode::OK, &serde_json::json!({ "state": state.word() }))?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    action: Action,
}

/// Switches the guest. Once it is known what is to be done, it is done and written down even if the client leaves.
///
/// # Errors
/// What is wrong with the token, its page or the body. What is wrong with the wish is an answer of its own.
pub(super) async fn power(
    call: Call,
    headers: &HeaderMap,
    body: Incoming,
    session: &str,
    service: &Service,
) -> Result<Answer, Refused> {
    let envelope = admitted(&call, headers, session).await?;
    let known = |failure| Refused::about(failure, envelope.about());
    let Press { action } = body::json(body, MOST_BODY, call.generation.config.timeouts.header).await.map_err(known)?;
    let (generation, client) = (Arc::clone(&call.generation), call.client);
    let pressed = service.consoles.spawn(async move {
        let outcome = press(&generation, &envelope, action).await;
        note(&generation, &envelope, client, action, &outcome)
    });
    let answer =
        pressed.await.map_err(|error| Failure::new(Reason::Internal, format!("switching a guest: {error}")))?;
    answer.map_err(Into::into)
}

async fn press(generation: &Generation, envelope: &Envelope, action: Action) -> Result<(), Failure> {
    let grant = envelope.grant();
    match (&grant.console().guest, action) {
        _ if !grant.may(Right::Power) => return Err(Reason::PowerDenied.into()),
        (Guest::Node(_), _) => return Err(Reason::PowerDenied.into()),
        (Guest::Lxc(_), Action::Reset) => return Err(Reason::ContainerReset.into()),
        (Guest::Qemu(_) | Guest::Lxc(_), _) => {}
    }
    // A guest that cannot be found was not switched.
    let press = generation.shared.turns.press(grant.console())?;
    generation.meet(envelope.session(), grant).await?;
    generation.shared.store.press(grant.console(), BETWEEN_PRESSES).await?;
    press.counts();
    generation.resolver.power(grant.console(), grant.node(), action).await
}

/// One line for each press, whatever came of it, and its answer.
fn note(
    generation: &Generation,
    envelope: &Envelope,
    client: IpAddr,
    action: Action,
    outcome: &Result<(), Failure>,
) -> Result<Answer, Failure> {
    let reference = envelope.session().reference();
    audit::power(&envelope.about().of_client(client), &reference, action.word(), outcome.as_ref().copied());
    match outcome {
        Ok(()) => json(StatusCode::ACCEPTED, &serde_json::json!({})),
        Err(failure) => {
            problem::count(&generation.shared.metrics, failure.reason);
            Ok(problem::once(failure.reason, &reference))
        }
    }
}

/// The session that the token controls, if it is the one of the path and may still come back.
async fn admitted(call: &Call, headers: &HeaderMap, session: &str) -> Result<Envelope, Refused> {
    let token = bearer::authorization(headers)?.ok_or(Reason::TokenMissing)?;
    let now = unix_now();
    let envelope = spend::opened(call, Purpose::Control, token, now)?;
    let known = |failure| Refused::about(failure, envelope.about());
    if session != envelope.session().to_string() {
        return Err(known(Failure::new(Reason::TicketRefused, "the path names another session than the token's")));
    }
    let within = call.generation.config.session.resume.as_secs();
    let store = &call.generation.shared.store;
    store.check(&envelope.grant().facts()).map_err(known)?;
    store.may_return(envelope.session(), within, now).await.map_err(known)?;
    Ok(envelope)
}
