//! The upgrade rules of RFC 6455 4.2, from headers alone.
//!
//! Decides whether a request is a WebSocket handshake and what answers it. Never negotiates an extension.

use super::call::only;
use super::offers::BINARY;
use crate::api::Answer;
use crate::reason::{Failure, Reason};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Response, StatusCode};

/// The GUID of RFC 6455 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A handshake that keeps the rules; holds what its answer proves.
#[derive(Debug)]
pub(super) struct Handshake {
    accept: String,
}

/// Checks the headers of a `GET`.
///
/// # Errors
/// `upgrade_required` where no upgrade or another version is asked for, `bad_request` for anything else.
pub(super) fn check(headers: &HeaderMap) -> Result<Handshake, Failure> {
    let Some(upgrade) = only(headers, &UPGRADE)? else {
        return Err(Failure::new(Reason::UpgradeRequired, "no Upgrade header"));
    };
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return Err(Failure::new(Reason::BadRequest, "Upgrade is not exactly websocket"));
    }
    if !asks_to_upgrade(headers) {
        return Err(Failure::new(Reason::BadRequest, "Connection does not name upgrade"));
    }
    let versions: Vec<_> = headers.get_all(SEC_WEBSOCKET_VERSION).into_iter().collect();
    if !matches!(versions.as_slice(), [version] if version.as_bytes() == b"13") {
        return Err(Failure::new(Reason::UpgradeRequired, "Sec-WebSocket-Version is not 13, once"));
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY)?.unwrap_or_default();
    if !STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16) {
        return Err(Failure::new(Reason::BadRequest, "Sec-WebSocket-Key is not 16 bytes of base64"));
    }
    Ok(Handshake { accept: accept(key) })
}

impl Handshake {
    /// The 101. Only names of ours are ever echoed.
    pub(super) fn answer(self, binary: bool) -> Result<Answer, Failure> {
        let accept = HeaderValue::try_from(self.accept)
            .map_err(|_| Failure::new(Reason::Internal, "base64 did not make a header value"))?;
        let mut answer = Response::new(Full::new(Bytes::new()));
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        if binary {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(BINARY));
        }
        Ok(answer)
    }
}

fn asks_to_upgrade(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONNECTION)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case("upgrade"))
}

fn accept(key: &str) -> String {
    let mut text = key.as_bytes().to_vec();
    text.extend_from_slice(GUID);
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn h24_only_our_own_subprotocol_is_ever_answered() {
        let answer = |binary| Handshake { accept: "x".into() }.answer(binary).unwrap();
        assert_eq!(answer(true).headers().get(SEC_WEBSOCKET_PROTOCOL).unwrap(), "binary");
        assert!(!answer(false).headers().contains_key(SEC_WEBSOCKET_PROTOCOL));
    }
}
