//! The demo's hosting panel: a page that lists guests, and a freshly signed connect token for each open.
//!
//! Plays the part of a customer's panel on an origin of its own. It knows the gateway's address, its own signing key and,
//! as panels do, whether its machines run; what it does is all a panel has to do.

use super::machines::DemoGuest;
use crate::clock::unix_now;
use crate::listen::Accept;
use crate::sim::GuestHandle;
use crate::{hex, random};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rust_embed::RustEmbed;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// `iss` of the panel's tokens.
pub(super) const ISSUER: &str = "demo-panel";
/// Their `aud`.
pub(super) const AUDIENCE: &str = "consolegate";
/// Their `kid`.
pub(super) const KEY_ID: &str = "demo";
/// The cluster they name.
pub(super) const CLUSTER: &str = "eu1";
/// How long a link may wait to be opened.
const TOKEN_SECONDS: u64 = 60;

/// The built pages; read from the folder in debug builds.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Files;

/// A panel's customer, machines and key.
pub(super) struct Panel {
    gateway: String,
    key: EncodingKey,
    guests: Vec<(DemoGuest, GuestHandle)>,
}

impl std::fmt::Debug for Panel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Panel").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

impl Panel {
    pub(super) fn new(gateway: String, secret: &[u8], guests: Vec<(DemoGuest, GuestHandle)>) -> Self {
        Self { gateway, key: EncodingKey::from_secret(secret), guests }
    }

    fn list(&self) -> Value {
        let guest = |(guest, machine): &(DemoGuest, GuestHandle)| {
            let state = if machine.is_running() { "running" } else { "stopped" };
            json!({ "id": guest.id, "vmid": guest.vmid, "name": guest.name, "kind": guest.kind,
                    "protocol": guest.protocol, "rights": guest.rights, "state": state,
                    "description": guest.description })
        };
        self.guests.iter().map(guest).collect()
    }

    /// A link that opens the guest's console once.
    fn link(&self, guest: &DemoGuest) -> Result<String, String> {
        let jti = hex::lower(&random::bytes::<16>().map_err(|error| error.to_string())?);
        let now = unix_now();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "customer-42", "iat": now, "exp": now + TOKEN_SECONDS,
            "jti": jti,
            "console": { "cluster": CLUSTER, "kind": guest.kind, "vmid": guest.vmid, "protocol": guest.protocol,
                         "rights": guest.rights, "title": guest.name },
        });
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::HS256) };
        let token = encode(&header, &claims, &self.key).map_err(|error| error.to_string())?;
        Ok(format!("{}/console#{token}", self.gateway))
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        match (request.method(), path) {
            (&Method::GET, "/") => file("panel.html"),
            (&Method::GET, "/guests.json") => respond(StatusCode::OK, "application/json", self.list().to_string()),
            (&Method::GET, _) if ["/assets/panel-", "/assets/icon-"].iter().any(|start| path.starts_with(start)) => {
                file(path.trim_start_matches('/'))
            }
            (&Method::POST, _) => self.open(path),
            _ => respond(StatusCode::NOT_FOUND, "text/plain", "there is nothing here\n"),
        }
    }

    fn open(&self, path: &str) -> Response<Full<Bytes>> {
        let wanted = path.strip_prefix("/open/");
        let Some((guest, _)) = self.guests.iter().find(|(guest, _)| Some(guest.id) == wanted) else {
            return respond(StatusCode::NOT_FOUND, "text/plain", "there is no such machine\n");
        };
        match self.link(guest) {
            Ok(url) => respond(StatusCode::OK, "application/json", json!({ "url": url }).to_string()),
            Err(cause) => respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", cause),
        }
    }
}

/// Serves the panel until `stop`.
pub(super) async fn serve(listener: TcpListener, panel: Panel, stop: CancellationToken) {
    let (mut accept, panel) = (Accept::new(listener, "panel"), Arc::new(panel));
    loop {
        let (stream, _) = tokio::select! {
            accepted = accept.next() => accepted,
            () = stop.cancelled() => return,
        };
        let panel = Arc::clone(&panel);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = panel.answer(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            // A browser that hangs up is not an error.
            let _ =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn file(name: &str) -> Response<Full<Bytes>> {
    let kind = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    };
    match Files::get(name) {
        Some(file) => respond(StatusCode::OK, kind, file.data.into_owned()),
        None => respond(StatusCode::NOT_FOUND, "text/plain", "the page is not built; run `make page`\n"),
    }
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
