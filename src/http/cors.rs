//! Cross-origin answers of the session API: for the pages that issuers list, each by its exact name, without credentials.

use crate::api::Answer;
use crate::config::{Config, Origin};
use crate::reason::{Failure, Reason};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    HeaderValue, VARY,
};
use hyper::{Response, StatusCode};

/// Every page that may talk to the gateway: its own, and all that issuers list. Which of them may bring a given token
/// is the token's issuer's word.
pub(super) fn known(config: &Config) -> impl Iterator<Item = &Origin> {
    std::iter::once(&config.public_url).chain(config.issuers.iter().flat_map(|issuer| &issuer.origins))
}

/// Lets the page read the answer, in our spelling of its origin; what came is never reflected.
pub(super) fn allow(answer: &mut Answer, origin: Option<&Origin>) {
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(origin.as_str()).ok()) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

/// The answer to a preflight of a known page, for a path of this method and these headers.
///
/// # Errors
/// `origin_missing`: only pages ask.
pub(super) fn preflight(
    origin: Option<&Origin>,
    method: &'static str,
    header_names: &'static str,
) -> Result<Answer, Failure> {
    if origin.is_none() {
        return Err(Reason::OriginMissing.into());
    }
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(method));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(header_names));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Ok(answer)
}
