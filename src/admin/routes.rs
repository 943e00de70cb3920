//! From a request to the admin side to its answer.

use super::authority::{self, Who};
use super::{figures, listed};
use crate::api::answer::{json, whole};
use crate::api::health::Probe;
use crate::api::{Answer, Refused, body, problem};
use crate::audit::{self, About};
use crate::clock::unix_now;
use crate::config::AdminScope;
use crate::console::Generation;
use crate::id::{ClusterName, SessionId, Vmid};
use crate::listen::Peer;
use crate::log;
use crate::reason::{Failure, Reason};
use crate::revocation::Revocation;
use crate::token::jti_hash;
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The longest an answer takes to be made.
const DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of a revocation.
const MOST_BODY: usize = 4096;
const FIGURES: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'p> {
    Probe(Probe),
    Metrics,
    SessionMetrics,
    Sessions,
    Session(&'p str),
    Revocations,
    Drain,
}

impl<'p> Route<'p> {
    fn of(path: &'p str) -> Option<Self> {
        Some(match path {
            "/metrics" => Self::Metrics,
            "/metrics/sessions" => Self::SessionMetrics,
            "/v1/sessions" => Self::Sessions,
            "/v1/revocations" => Self::Revocations,
            "/v1/drain" => Self::Drain,
            _ => match path.strip_prefix("/v1/sessions/") {
                Some(id) => Self::Session(id),
                None => Self::Probe(Probe::of(path)?),
            },
        })
    }

    const fn allow(self) -> &'static str {
        match self {
            Self::Probe(_) => Probe::ALLOW,
            Self::Metrics | Self::SessionMetrics | Self::Sessions => "GET, HEAD",
            Self::Session(_) => "GET, HEAD, DELETE",
            Self::Revocations => "POST",
            Self::Drain => "POST, DELETE",
        }
    }

    const fn scope(self, method: &Method) -> AdminScope {
        match (self, method) {
            (Self::Session(_), &Method::DELETE) => AdminScope::Kill,
            (Self::Revocations, _) => AdminScope::Revoke,
            (Self::Drain, _) => AdminScope::Drain,
            (Self::Probe(_) | Self::Metrics | Self::SessionMetrics | Self::Sessions | Self::Session(_), _) => {
                AdminScope::Read
            }
        }
    }
}

/// Answers a request. Every refusal leaves here, once.
pub(super) async fn answer(generation: Arc<Generation>, peer: &Peer, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let late = || {
        let late = Failure::new(Reason::StoreDown, format!("no answer within {} s", DEADLINE.as_secs()));
        if is_action(&parts) { unsure(late) } else { Failure::new(Reason::Internal, late.cause) }
    };
    let answered = timeout(DEADLINE, serve(&generation, peer, &parts, body)).await;
    let refused = match answered.unwrap_or_else(|_| Err(late().into())) {
        Ok(answer) => return answer,
        Err(refused) => refused,
    };
    let reference = problem::reference();
    problem::note(&generation.shared.metrics, &refused.failure, &reference, &About::default().of_client(peer.ip()));
    let mut answer = problem::for_operator(&refused, &reference);
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = Route::of(parts.uri.path()).map_or("GET, HEAD", Route::allow);
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    answer
}

async fn serve(generation: &Arc<Generation>, peer: &Peer, parts: &Parts, body: Incoming) -> Result<Answer, Refused> {
    let Some(route) = Route::of(parts.uri.path()) else { return Ok(nothing()) };
    if !route.allow().split(", ").any(|allowed| parts.method == allowed) {
        return Err(Reason::MethodNotAllowed.into());
    }
    if route != Route::Revocations && !body.is_end_stream() {
        return Err(Failure::new(Reason::BadRequest, "a body where none is read").into());
    }
    if let Route::Probe(probe) = route {
        return Ok(probe.answer(generation.shared.lifecycle.phase()));
    }
    let admin = &generation.config.admin;
    authority::no_browser(admin, &parts.headers)?;
    let is_figures = matches!(route, Route::Metrics | Route::SessionMetrics);
    let who = authority::asks(admin, &parts.headers, route.scope(&parts.method), is_figures, unix_now())?;
    if matches!(who, Who::Token(_)) {
        peer.authenticated();
    }
    let action = Action { generation: Arc::clone(generation), who: who.name().to_owned(), from: peer.ip() };
    match route {
        Route::Probe(probe) => Ok(probe.answer(generation.shared.lifecycle.phase())),
        Route::Metrics => Ok(metrics(generation)?),
        Route::SessionMetrics if generation.config.per_session => {
            Ok(whole(StatusCode::OK, FIGURES, figures::of_sessions(&generation.shared.sessions)))
        }
        Route::SessionMetrics => Ok(nothing()),
        Route::Sessions => Ok(listed::all(generation).await?),
        Route::Session(id) if parts.method == Method::DELETE => {
            let id = session(id)?;
            done(async move { action.kill(id).await }).await
        }
        Route::Session(id) => Ok(listed::one(generation, session(id)?).await?),
        Route::Revocations => {
            let wish = body::json(body, MOST_BODY, generation.config.timeouts.header).await?;
            done(async move { action.revoke(wish).await }).await
        }
        Route::Drain => Ok(action.drain(parts.method == Method::POST)?),
    }
}

fn is_action(parts: &Parts) -> bool {
    !matches!(parts.method, Method::GET | Method::HEAD)
}

/// What was begun and not confirmed: it may hold everywhere or here alone.
fn unsure(failure: Failure) -> Failure {
    if failure.reason != Reason::StoreDown {
        return failure;
    }
    let cause = format!("it is not known whether this is done everywhere: {}", failure.cause);
    Failure::new(Reason::OutcomeUnknown, cause)
}

fn session(id: &str) -> Result<SessionId, Failure> {
    id.parse().map_err(|_| Failure::new(Reason::NotFound, "a session's id is 32 hexadecimal digits"))
}

/// What is withdrawn, as the operator's system writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    issuer: Option<String>,
    subject: Option<String>,
    jti: Option<String>,
    cluster: Option<ClusterName>,
    vmid: Option<Vmid>,
}

/// Does something to its end, whoever still waits for the answer.
async fn done(action: impl Future<Output = Result<Answer, Failure>> + Send + 'static) -> Result<Answer, Refused> {
    let broke = |error| Err(Failure::new(Reason::Internal, format!("an operator's action: {error}")));
    Ok(tokio::spawn(action).await.unwrap_or_else(broke)?)
}

/// Something that is done, by whom and from where.
struct Action {
    generation: Arc<Generation>,
    who: String,
    from: IpAddr,
}

impl Action {
    /// Ends a session for good, also one that is not connected at the moment and might come back.
    async fn kill(&self, id: SessionId) -> Result<Answer, Failure> {
        let store = &self.generation.shared.store;
        if let Err(none) = listed::find(&self.generation, id).await {
            match store.may_return(id, u64::MAX, unix_now()).await {
                Ok(()) => {}
                Err(failure) if failure.reason == Reason::StoreDown => return Err(failure),
                Err(_) => return Err(none),
            }
        }
        let killed = store.kill(id).await;
        // It is over here, whoever else has heard of it.
        self.note("kill", &id.to_string());
        killed.map_err(unsure)?;
        Ok(whole(StatusCode::NO_CONTENT, "text/plain; charset=utf-8", ""))
    }

    async fn revoke(&self, wish: Wish) -> Result<Answer, Failure> {
        let Wish { issuer, subject, jti, cluster, vmid } = wish;
        let (at, shared) = (unix_now(), &self.generation.shared);
        let until = at.saturating_add(self.generation.longest());
        let jti = jti.as_deref().map(jti_hash);
        let revocation = Revocation { issuer, subject, jti, cluster, vmid, at, until };
        if !revocation.is_whole() {
            let expected = "name jti, subject or issuer, or cluster and vmid together";
            return Err(Failure::new(Reason::BadRequest, expected));
        }
        let answer = json(StatusCode::CREATED, &revocation)?;
        let text = serde_json::to_string(&revocation).unwrap_or_default();
        let revoked = shared.store.revoke(revocation, at).await.map_err(unsure);
        if !matches!(&revoked, Err(failure) if failure.reason != Reason::OutcomeUnknown) {
            self.note("revoke", &text);
        }
        revoked.map(|()| answer)
    }

    fn drain(&self, wanted: bool) -> Result<Answer, Failure> {
        let (life, live) = (&self.generation.shared.lifecycle, self.generation.shared.sessions.len());
        if life.want_drain(wanted) {
            self.note(if wanted { "drain" } else { "undrain" }, "");
        }
        // What holds and not what was wished: a process that ends drains whatever is said.
        json(StatusCode::ACCEPTED, &serde_json::json!({ "draining": life.wants_drain(), "live": live }))
    }

    fn note(&self, action: &'static str, what: &str) {
        audit::admin(action, &self.who, what, self.from);
    }
}

fn metrics(generation: &Generation) -> Result<Answer, Failure> {
    generation.shared.metrics.lines_lost(log::dropped(), log::audit_lost());
    let live = generation.shared.sessions.traffics();
    let text = generation.shared.metrics.render(live.iter().map(|(protocol, traffic)| (*protocol, &**traffic)))?;
    Ok(whole(StatusCode::OK, FIGURES, text))
}

/// Whoever comes here by hand is told where to go.
fn nothing() -> Answer {
    let hint = "metrics are at /metrics, health at /healthz and /readyz, sessions at /v1/sessions\n";
    whole(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn f25_a_panic_in_what_an_operator_asked_for_is_answered_as_our_bug() {
        let refused = done(async { panic!("a bug") }).await.unwrap_err();
        assert_eq!(refused.failure.reason, Reason::Internal);
    }
}
