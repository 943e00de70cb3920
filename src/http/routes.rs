//! From a request to its answer: the rules of the head, then one route of a closed list.

use super::call::Call;
use super::route::{Route, Target};
use super::{Service, brand, control, cors, head, page, rules, sessions, socket};
use crate::api::health::Probe;
use crate::api::{Answer, Refused, problem};
use crate::config::Origin;
use crate::console::Generation;
use crate::lifecycle::Phase;
use crate::listen::{Admission, Peer, Stream, client_address};
use crate::reason::{Failure, Reason};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;

/// Answers a request. Every refusal leaves here, once.
pub(super) async fn answer<S: Stream>(service: Service, peer: Arc<Peer>, request: Request<Incoming>) -> Answer {
    let generation = service.generations.load_full();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let target = Target::of(&path);
    let origin = head::origin(&parts.headers, &generation.config).map(Option::<&_>::cloned);
    let client = client_address(peer.ip(), &parts.headers, &generation.config.listen.trusted_proxies);
    let src = client.as_ref().copied().unwrap_or(peer.ip());
    let page = origin.as_ref().ok().and_then(Clone::clone);
    let unknowing = head::is_unknowing(&parts.headers);
    let person =
        parts.headers.get_all(ACCEPT).iter().any(|value| value.as_bytes().windows(9).any(|w| w == b"text/html"));

    let asked = Asked { parts, body, target, origin, client };
    let mut answer = match serve::<S>(&service, Arc::clone(&generation), peer, asked).await {
        Ok(answer) => answer,
        Err(refused) => {
            let reference = problem::reference();
            let (metrics, about) = (&generation.shared.metrics, refused.about.clone().of_client(src));
            let reason = refused.failure.reason;
            if unknowing && matches!(reason, Reason::TokenMissing | Reason::UpgradeRequired) {
                problem::count(metrics, reason);
            } else {
                service.note(metrics, &refused.failure, &reference, &about);
            }
            let write = if person { problem::in_words } else { problem::answer };
            let mut answer = write(&refused, &reference);
            if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
                let allow = target.map_or("GET, HEAD, POST, OPTIONS", Target::allow);
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
            }
            answer
        }
    };
    if target.and_then(Target::route).is_some_and(Route::has_cors) {
        cors::allow(&mut answer, page.as_ref());
    }
    // Whoever comes back over this connection would come back to this gateway, past every balancer that has seen the drain.
    if generation.shared.lifecycle.phase() == Phase::Draining && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// A request as it came, with what was read from its head but not yet judged.
struct Asked<'p> {
    parts: Parts,
    body: Incoming,
    target: Option<Target<'p>>,
    origin: Result<Option<Origin>, Failure>,
    client: Result<IpAddr, Failure>,
}

async fn serve<S: Stream>(
    service: &Service,
    generation: Arc<Generation>,
    peer: Arc<Peer>,
    asked: Asked<'_>,
) -> Result<Answer, Refused> {
    let Asked { parts, body, target, origin, client } = asked;
    let route = target.and_then(Target::route);
    let takes_body = route.is_some_and(Route::takes_json) && parts.method == Method::POST;
    head::check(&parts, takes_body)?;
    if let Some(Target::Probe(probe)) = target {
        let answer = || probe.answer(generation.shared.lifecycle.phase());
        return Probe::allows(&parts.method).then(answer).ok_or_else(|| Reason::MethodNotAllowed.into());
    }
    // A foreign page is told so even where it also rebinds our name.
    if route.is_some_and(Route::is_api) {
        origin.as_ref().map_err(Clone::clone)?;
    }
    head::check_host(&parts.headers, &generation.config)?;
    let route = route.ok_or(Reason::NotFound)?;
    if !route.allows(&parts.method) {
        return Err(Reason::MethodNotAllowed.into());
    }
    let client = client?;
    let _place = place(&generation, &peer, client)?;
    let call = Call { generation, peer, client, origin: origin.unwrap_or_default() };
    match route {
        Route::Page => page::answer(&service.web, &call.generation.config).ok_or_else(|| missing("page")),
        Route::Asset(name) => service.web.asset(name, &parts.headers).ok_or_else(|| missing("file")),
        Route::Brand(name) => brand::answer(&call.generation.config, name).ok_or_else(|| missing("logo")),
        Route::Embed(name) => service.web.embed(name, &parts.headers).ok_or_else(|| missing("file")),
        Route::Sessions | Route::Session(_) | Route::Power(_) if parts.method == Method::OPTIONS => {
            let method = route.allow().strip_suffix(", OPTIONS").unwrap_or_default();
            let headers = if route.takes_json() { "authorization, content-type" } else { "authorization" };
            Ok(cors::preflight(call.origin.as_ref(), method, headers)?)
        }
        Route::Session(session) => control::state(&call, &parts.headers, session).await,
        Route::Power(session) => control::power(call, &parts.headers, body, session, service).await,
        Route::Sessions => sessions::open(&call, &parts.headers, service).await,
        Route::Socket => socket::open::<S>(call, parts, service).await,
    }
}

/// A request that a trusted proxy passed on takes a place of its own client, until it is answered. Any other request
/// has its connection's.
fn place(generation: &Generation, peer: &Peer, client: IpAddr) -> Result<Option<Admission>, Failure> {
    if rules(generation, peer.ip()).per_client.is_some() {
        return Ok(None);
    }
    peer.admit(client, generation.config.limits.per_client).map(Some).ok_or_else(|| Reason::ClientLimit.into())
}

fn missing(what: &str) -> Refused {
    Failure::new(Reason::NotFound, format!("no such {what} in this build")).into()
}
