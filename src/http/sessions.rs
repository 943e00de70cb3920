//! `POST /v1/sessions`: a token for a session ticket, and the means to come back.

use super::Service;
use super::brand::Brand;
use super::call::Call;
use super::spend::Shown;
use crate::api::answer::json;
use crate::api::{Answer, Refused, bearer};
use crate::clock::unix_now;
use crate::config::{Config, Origin};
use crate::id::{Kind, Protocol, Right, SessionId};
use crate::lifecycle::Phase;
use crate::reason::{Failure, Reason};
use crate::token::{Grant, Pass, Purpose, TICKET_SECONDS};
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde::Serialize;

#[derive(Serialize)]
struct Opened<'a> {
    session: SessionId,
    websocket: String,
    ticket: String,
    ticket_seconds: u64,
    resume: String,
    resume_seconds: u64,
    control: String,
    session_seconds: u64,
    idle_seconds: u64,
    console: Console<'a>,
    embed: Embed<'a>,
    brand: Option<Brand<'a>>,
}

/// Who may frame the page and talk with it.
#[derive(Serialize)]
struct Embed<'a> {
    origins: Vec<&'a str>,
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
pub(super) async fn open(call: &Call, headers: &HeaderMap, service: &Service) -> Result<Answer, Refused> {
    let token = bearer::authorization(headers)?.ok_or(Reason::TokenMissing)?;
    if call.generation.shared.lifecycle.phase() == Phase::Draining {
        // The token stays good: another gateway of the fleet, or the next start, takes it.
        return Err(Reason::Draining.into());
    }
    let pass = Shown::at_sessions(call, token).await?.used(call, &service.consoles).await?;
    Ok(created(call, &pass, unix_now())?)
}

fn created(call: &Call, pass: &Pass, now: u64) -> Result<Answer, Failure> {
    let config = &call.generation.config;
    let sealed = |purpose| call.generation.shared.sealer.seal(purpose, pass, now);
    let grant = pass.grant();
    let opened = Opened {
        session: pass.session(),
        websocket: websocket(config),
        ticket: sealed(Purpose::Ticket)?,
        ticket_seconds: TICKET_SECONDS,
        resume: sealed(Purpose::Resume)?,
        resume_seconds: config.session.resume.as_secs(),
        control: sealed(Purpose::Control)?,
        session_seconds: pass.ends().saturating_sub(now),
        idle_seconds: grant.idle(config.session.idle).map_or(0, |idle| idle.as_secs()),
        console: Console {
            kind: grant.console().guest.kind(),
            protocol: grant.console().protocol,
            rights: grant.rights(),
            title: grant.title(),
            lang: grant.lang(),
            theme: grant.theme(),
        },
        embed: Embed { origins: embedders(config, grant) },
        brand: Brand::of(config, grant.issuer()),
    };
    json(StatusCode::CREATED, &opened)
}

/// The pages of the token's issuer, or the one that the token names.
fn embedders<'a>(config: &'a Config, grant: &'a Grant) -> Vec<&'a str> {
    if let Some(only) = grant.origin() {
        return vec![only];
    }
    let issuer = config.issuers.iter().find(|issuer| issuer.name == grant.issuer());
    issuer.map(|issuer| issuer.origins.iter().map(Origin::as_str).collect()).unwrap_or_default()
}

/// `public_url` in the WebSocket schemes: https becomes wss.
fn websocket(config: &Config) -> String {
    format!("{}/v1/ws", config.public_url.as_str().replacen("http", "ws", 1))
}
