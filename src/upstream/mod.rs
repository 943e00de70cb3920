//! Opens the console's WebSocket at the node: one dial, one upgrade, no retries.
//!
//! An [`Upstream`] proves that the address that issued the ticket answered with the same certificate and a right 101.
//! Never follows anything, never offers an extension, never sends a byte of the browser before the 101.

use crate::config::Timeouts;
use crate::net::{Dialled, dial};
use crate::reason::{Failure, Reason};
use crate::record::TlsStream;
use crate::resolve::Target;
use crate::secret::Secret;
use crate::splice::Leg;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

/// RFC 6455 section 1.3.
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// What a node may send before the handshake asks for it.
const MOST_EARLY: usize = 4096;

/// A node's WebSocket, open but not logged in.
#[derive(Debug)]
pub struct Upstream {
    /// The leg, at its first frame.
    pub leg: Leg<TlsStream>,
    /// For VNC authentication.
    pub password: Secret,
    /// `user` and `ticket`, for terminals.
    pub login: (String, Secret),
}

/// Opens the console that waits at `target`. The caller's deadline bounds the wait for the 101: pveproxy does not
/// answer at all when nothing listens on the port (protocol reference 3.1).
///
/// # Errors
/// Those of [`dial`]; `node_moved`, `pve_ticket`, `pve_auth` or `node_upgrade`.
pub async fn connect(target: Target, timeouts: &Timeouts) -> Result<Upstream, Failure> {
    let Dialled { stream, leaf } = dial(target.address, &target.tls, timeouts.node_connect).await?;
    if leaf != target.leaf {
        let cause = format!("{} showed another certificate than during the API call", target.address);
        return Err(Failure::new(Reason::NodeMoved, cause));
    }
    let key = fastwebsockets::handshake::generate_key();
    let accept = accept_for(&key);
    let request = request(&target, &key)?;
    let (mut sender, connection) =
        http1::Builder::new().max_headers(32).handshake(TokioIo::new(stream)).await.map_err(|error| broke(&error))?;
    // The set ends the connection's task when this call is dropped.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection.with_upgrades());
    let response = sender.send_request(request).await.map_err(|error| broke(&error))?;
    check(&response, &accept)?;
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| broke(&error))?;
    let parts = upgraded
        .downcast::<TokioIo<TlsStream>>()
        .map_err(|_| Failure::new(Reason::Internal, "the upgraded stream is not the one that was dialled"))?;
    let leg = Leg::node(parts.io.into_inner(), &parts.read_buf, MOST_EARLY);
    Ok(Upstream { leg, password: target.password, login: target.login })
}

/// `Sec-WebSocket-Accept` for a key (RFC 6455 4.2.2).
#[must_use]
pub fn accept_for(key: &str) -> String {
    let joined = format!("{key}{ACCEPT_GUID}");
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, joined.as_bytes()))
}

fn request(target: &Target, key: &str) -> Result<Request<Empty<Bytes>>, Failure> {
    let unusable = |_| Failure::new(Reason::Internal, "the console's path or credential does not fit into a request");
    let mut credential = HeaderValue::from_bytes(target.credential.1.reveal())
        .map_err(|_| Failure::new(Reason::Internal, "the credential does not fit into a header"))?;
    credential.set_sensitive(true);
    Request::get(target.path.reveal_text().unwrap_or_default())
        .header(header::HOST, &target.authority)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, key)
        .header(header::SEC_WEBSOCKET_PROTOCOL, "binary")
        .header(HeaderName::from_static(target.credential.0), credential)
        .body(Empty::new())
        .map_err(unusable)
}

/// A right 101: Accept, Upgrade, no extension, and no subprotocol but the one that was asked for (U09).
fn check(response: &Response<Incoming>, accept: &str) -> Result<(), Failure> {
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refused(status, response.headers()));
    }
    let one = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    let wrong = |what: &str| Err(Failure::new(Reason::NodeUpgrade, format!("the node's 101 has {what}")));
    if one(header::SEC_WEBSOCKET_ACCEPT) != Some(accept) {
        return wrong("a wrong Sec-WebSocket-Accept");
    }
    if !one(header::UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
        return wrong("no Upgrade: websocket");
    }
    if response.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return wrong("an extension that was not offered");
    }
    if !matches!(one(header::SEC_WEBSOCKET_PROTOCOL), None | Some("binary")) {
        return wrong("a subprotocol that was not offered");
    }
    Ok(())
}

/// What a refusal means (protocol reference 8.1). A 401 here is nearly always the ticket; the node's clock is the usual
/// cause, so its Date goes into the log (U21).
fn refused(status: StatusCode, headers: &HeaderMap) -> Failure {
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok()).unwrap_or("none");
    let cause = format!("the upgrade was answered with {}; the node's Date is {date}", status.as_u16());
    let reason = match status.as_u16() {
        401 => Reason::PveTicket,
        403 => Reason::PveAuth,
        300..=399 => Reason::PveRedirect,
        503 | 595..=599 => Reason::NodeDown,
        _ => Reason::NodeUpgrade,
    };
    Failure::new(reason, cause)
}

fn broke(error: &hyper::Error) -> Failure {
    Failure::new(Reason::NodeUpgrade, format!("the upgrade failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_value_of_the_rfc() {
        assert_eq!(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn u21_a_refused_ticket_names_the_nodes_clock() {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, HeaderValue::from_static("Sat, 21 Nov 2026 10:00:25 GMT"));
        let failure = refused(StatusCode::UNAUTHORIZED, &headers);
        assert_eq!(failure.reason, Reason::PveTicket);
        assert!(failure.cause.contains("10:00:25"), "{}", failure.cause);
    }
}
