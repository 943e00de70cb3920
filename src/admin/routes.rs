//! From a request to the admin side to its answer.

use crate::api::answer::whole;
use crate::api::health::Probe;
use crate::api::{Answer, Refused, problem};
use crate::audit::About;
use crate::console::Generation;
use crate::log;
use crate::reason::{Failure, Reason};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The longest an answer takes to be made.
const DEADLINE: Duration = Duration::from_secs(10);

/// Answers a request. Every refusal leaves here, once.
pub(super) async fn answer(generation: Arc<Generation>, from: IpAddr, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let late = || Failure::new(Reason::Internal, format!("no answer within {} s", DEADLINE.as_secs()));
    let answered = timeout(DEADLINE, serve(&generation, &parts, body)).await;
    let refused = match answered.unwrap_or_else(|_| Err(late().into())) {
        Ok(answer) => return answer,
        Err(refused) => refused,
    };
    let reference = problem::reference();
    problem::note(&generation.shared.metrics, &refused.failure, &reference, &About::default().of_client(from));
    let mut answer = problem::answer(&refused, &reference);
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(Probe::ALLOW));
    }
    answer
}

async fn serve(generation: &Generation, parts: &Parts, body: Incoming) -> Result<Answer, Refused> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Reason::MethodNotAllowed.into());
    }
    if !body.is_end_stream() {
        return Err(Failure::new(Reason::BadRequest, "a body where none is read").into());
    }
    let path = parts.uri.path();
    if let Some(probe) = Probe::of(path) {
        return Ok(probe.answer(generation.shared.lifecycle.phase()));
    }
    match path {
        "/metrics" => Ok(metrics(generation)?),
        _ => Ok(nothing()),
    }
}

fn metrics(generation: &Generation) -> Result<Answer, Failure> {
    generation.shared.metrics.log_lines_dropped(log::dropped());
    let live = generation.shared.sessions.traffics();
    let text = generation.shared.metrics.render(live.iter().map(|(protocol, traffic)| (*protocol, &**traffic)))?;
    Ok(whole(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text))
}

/// Whoever comes here by hand is told where to go.
fn nothing() -> Answer {
    let hint = "metrics are at /metrics, health at /healthz and /readyz\n";
    whole(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", hint)
}
