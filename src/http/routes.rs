//! From a request to its answer: the rules of the head, then one route of a closed list.

use super::call::{Answer, Call, Refused};
use super::{Service, brand, control, cors, head, page, problem, sessions, socket};
use crate::config::Origin;
use crate::console::Gateway;
use crate::listen::{Admission, Handler, Peer, Phase, Stream, client_address};
use crate::reason::{Failure, Reason};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'p> {
    Page,
    Asset(&'p str),
    Brand(&'p str),
    /// The SDK, for pages of panels.
    Embed(&'p str),
    Sessions,
    /// The session of the path.
    Session(&'p str),
    /// The same.
    Power(&'p str),
    Socket,
    Health,
    Ready,
}

impl<'p> Route<'p> {
    fn of(path: &'p str) -> Option<Self> {
        Some(match path {
            "/console" => Self::Page,
            "/v1/sessions" => Self::Sessions,
            "/v1/ws" => Self::Socket,
            "/healthz" => Self::Health,
            "/readyz" => Self::Ready,
            "/embed.js" | "/embed.d.ts" => Self::Embed(path.strip_prefix('/')?),
            _ if path.starts_with("/assets/") => Self::Asset(path.strip_prefix('/')?),
            _ => match path.strip_prefix("/brand/") {
                Some(name) => Self::Brand(name),
                None => Self::of_session(path.strip_prefix("/v1/sessions/")?)?,
            },
        })
    }

    fn of_session(rest: &'p str) -> Option<Self> {
        match rest.split_once('/') {
            None if !rest.is_empty() => Some(Self::Session(rest)),
            Some((session, "power")) if !session.is_empty() => Some(Self::Power(session)),
            _ => None,
        }
    }

    const fn allow(self) -> &'static str {
        match self {
            Self::Sessions | Self::Power(_) => "POST, OPTIONS",
            Self::Session(_) => "GET, OPTIONS",
            Self::Socket => "GET",
            Self::Page | Self::Asset(_) | Self::Brand(_) | Self::Embed(_) | Self::Health | Self::Ready => "GET, HEAD",
        }
    }

    fn allows(self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| method == allowed)
    }

    const fn takes_json(self) -> bool {
        matches!(self, Self::Power(_))
    }

    /// Pages of other origins may ask and read the answer.
    const fn has_cors(self) -> bool {
        matches!(self, Self::Sessions | Self::Session(_) | Self::Power(_))
    }

    /// A console is asked for, so a page's origin matters.
    const fn is_api(self) -> bool {
        self.has_cors() || matches!(self, Self::Socket)
    }
}

/// Answers a request. Every refusal leaves here, once.
pub(super) async fn answer<S: Stream>(service: Service, peer: Arc<Peer>, request: Request<Incoming>) -> Answer {
    let gateway = service.gateway.load_full();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let route = Route::of(&path);
    let origin = head::origin(&parts.headers, &gateway.config).map(Option::<&_>::cloned);
    let client = client_address(peer.ip(), &parts.headers, &gateway.config.listen.trusted_proxies);
    let src = client.as_ref().copied().unwrap_or(peer.ip());
    let page = origin.as_ref().ok().and_then(Clone::clone);
    let person =
        parts.headers.get_all(ACCEPT).iter().any(|value| value.as_bytes().windows(9).any(|w| w == b"text/html"));

    let asked = Asked { parts, body, route, origin, client };
    let mut answer = match serve::<S>(&service, Arc::clone(&gateway), peer, asked).await {
        Ok(answer) => answer,
        Err(refused) => {
            let reference = problem::reference();
            problem::note(&gateway.metrics, &refused.failure, &reference, &refused.about.clone().of_client(src));
            let write = if person { problem::in_words } else { problem::answer };
            let mut answer = write(&refused, &reference);
            if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
                let allow = route.map_or("GET, HEAD, POST, OPTIONS", Route::allow);
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
            }
            answer
        }
    };
    if route.is_some_and(Route::has_cors) {
        cors::allow(&mut answer, page.as_ref());
    }
    answer
}

/// A request as it came, with what was read from its head but not yet judged.
struct Asked<'p> {
    parts: Parts,
    body: Incoming,
    route: Option<Route<'p>>,
    origin: Result<Option<Origin>, Failure>,
    client: Result<IpAddr, Failure>,
}

async fn serve<S: Stream>(
    service: &Service,
    gateway: Arc<Gateway>,
    peer: Arc<Peer>,
    asked: Asked<'_>,
) -> Result<Answer, Refused> {
    let Asked { parts, body, route, origin, client } = asked;
    let takes_body = route.is_some_and(Route::takes_json) && parts.method == Method::POST;
    head::check(&parts, takes_body)?;
    if let Some(health @ (Route::Health | Route::Ready)) = route {
        return if health.allows(&parts.method) {
            Ok(well(service, health))
        } else {
            Err(Reason::MethodNotAllowed.into())
        };
    }
    // A foreign page is told so even where it also rebinds our name.
    if route.is_some_and(Route::is_api) {
        origin.as_ref().map_err(Clone::clone)?;
    }
    head::check_host(&parts.headers, &gateway.config)?;
    let route = route.ok_or(Reason::NotFound)?;
    if !route.allows(&parts.method) {
        return Err(Reason::MethodNotAllowed.into());
    }
    let client = client?;
    let _place = place(service, &peer, client)?;
    let call = Call { gateway, peer, client, origin: origin.unwrap_or_default() };
    match route {
        Route::Page => page::answer(&service.web, &call.gateway.config).ok_or_else(|| missing("page")),
        Route::Asset(name) => service.web.asset(name, &parts.headers).ok_or_else(|| missing("file")),
        Route::Brand(name) => brand::answer(&call.gateway.config, name).ok_or_else(|| missing("logo")),
        Route::Embed(name) => service.web.embed(name, &parts.headers).ok_or_else(|| missing("file")),
        Route::Sessions | Route::Session(_) | Route::Power(_) if parts.method == Method::OPTIONS => {
            let method = route.allow().strip_suffix(", OPTIONS").unwrap_or_default();
            let headers = if route.takes_json() { "authorization, content-type" } else { "authorization" };
            Ok(cors::preflight(call.origin.as_ref(), method, headers)?)
        }
        Route::Session(session) => control::state(&call, &parts.headers, session).await,
        Route::Power(session) => control::power(call, &parts.headers, body, session, service).await,
        Route::Sessions => sessions::open(&call, &parts.headers, service.readiness.phase()).await,
        Route::Socket => socket::open::<S>(call, parts, service).await,
        Route::Health | Route::Ready => Ok(well(service, route)),
    }
}

/// A request that a trusted proxy passed on takes a place of its own client, until it is answered. Any other request
/// has its connection's.
fn place(service: &Service, peer: &Peer, client: IpAddr) -> Result<Option<Admission>, Failure> {
    if service.rules(peer.ip()).per_client.is_some() {
        return Ok(None);
    }
    let most = service.gateway.load().config.limits.per_client;
    peer.admit(client, most).map(Some).ok_or_else(|| Reason::ClientLimit.into())
}

fn missing(what: &str) -> Refused {
    Failure::new(Reason::NotFound, format!("no such {what} in this build")).into()
}

/// What balancers ask. Alive is alive; ready is ready for new consoles.
fn well(service: &Service, route: Route<'_>) -> Answer {
    let (status, word) = match (route, service.readiness.phase()) {
        (Route::Ready, Phase::Starting) => (StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        (Route::Ready, Phase::Draining) => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        _ => (StatusCode::OK, "ok\n"),
    };
    let mut answer = Response::new(Full::new(Bytes::from_static(word.as_bytes())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
