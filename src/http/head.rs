//! The rules of a request's head that hold on every path, and whose request it is.
//!
//! Decides from the head alone. What hyper lets through and others might read differently is refused here: other
//! versions and target forms, bodies where none belongs, expectations, a `Host` that is not ours.

use super::call::only;
use super::control::MOST_BODY;
use super::cors;
use crate::config::{Config, Origin};
use crate::reason::{Failure, Reason};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, ORIGIN, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, Version};

/// A target in bytes.
const TARGET: usize = 4096;

/// What must hold before the path is even looked at; but for whether it takes a body.
///
/// # Errors
/// `bad_request`, `method`, `too_large` or `expect`.
pub(super) fn check(parts: &Parts, takes_body: bool) -> Result<(), Failure> {
    if parts.version != Version::HTTP_11 {
        return Err(Failure::new(Reason::BadRequest, "not HTTP/1.1"));
    }
    if ![Method::GET, Method::HEAD, Method::POST, Method::OPTIONS].contains(&parts.method) {
        return Err(Reason::MethodNotAllowed.into());
    }
    let uri = &parts.uri;
    if uri.scheme().is_some() || uri.authority().is_some() || !uri.path().starts_with('/') {
        return Err(Failure::new(Reason::BadRequest, "the target is not a path"));
    }
    if uri.path_and_query().map_or(0, |target| target.as_str().len()) > TARGET {
        return Err(Failure::new(Reason::RequestTooLarge, "the target is above 4 KiB"));
    }
    if parts.headers.contains_key(EXPECT) {
        return Err(Reason::ExpectationFailed.into());
    }
    if takes_body {
        return check_body(&parts.headers);
    }
    if has_body(&parts.headers) {
        return Err(Failure::new(Reason::BadRequest, "a request body"));
    }
    Ok(())
}

/// A body says its length once, in digits, and is short: then nobody reads its end elsewhere than we do.
fn check_body(headers: &HeaderMap) -> Result<(), Failure> {
    let refuse = |cause: &str| Err(Failure::new(Reason::BadRequest, cause));
    if headers.contains_key(TRANSFER_ENCODING) {
        return refuse("a body with a transfer encoding");
    }
    let Some(length) = only(headers, &CONTENT_LENGTH)? else { return refuse("no Content-Length") };
    match length.parse::<usize>() {
        Ok(count) if count > MOST_BODY => Err(Failure::new(Reason::RequestTooLarge, "a body above 1 KiB")),
        Ok(_) if length.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        Ok(_) | Err(_) => refuse("Content-Length is not a length"),
    }
}

/// No other route takes one, and a body that nobody reads is where the next request hides. Browsers send a length of 0.
fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers.get_all(CONTENT_LENGTH).into_iter().any(|length| length.as_bytes() != b"0")
}

/// The `Host` must be that of `public_url`: another name means DNS rebinding, a wrong balancer or a scanner.
///
/// # Errors
/// `bad_request` where it is absent, twice or empty; `host` where it is another's.
pub(super) fn check_host(headers: &HeaderMap, config: &Config) -> Result<(), Failure> {
    let host = only(headers, &HOST)?.unwrap_or_default();
    if host.is_empty() {
        return Err(Failure::new(Reason::BadRequest, "no Host"));
    }
    let own = config.public_url.authority();
    let port = if config.public_url.as_str().starts_with("https:") { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(host);
    let own = own.strip_suffix(port).unwrap_or(own);
    if host.eq_ignore_ascii_case(own) { Ok(()) } else { Err(Reason::HostUnknown.into()) }
}

/// The `Origin`, where a page sent the request. Refused before any token is read when no issuer lists it.
///
/// # Errors
/// `origin`.
pub(super) fn origin<'c>(headers: &HeaderMap, config: &'c Config) -> Result<Option<&'c Origin>, Failure> {
    let refuse = |cause: &str| Failure::new(Reason::OriginRefused, cause);
    let Some(origin) = only(headers, &ORIGIN).map_err(|_| refuse("Origin came twice or is not ASCII"))? else {
        return Ok(None);
    };
    Origin::named(cors::known(config), origin).map(Some).ok_or_else(|| refuse("no issuer lists the page's origin"))
}

/// Whether another site's page made a browser ask, as by a picture of its own: no token came, and the person there knows
/// of nothing (Fetch Metadata, section 2.3: only a browser's page cannot choose this header).
pub(super) fn is_unknowing(headers: &HeaderMap) -> bool {
    let is_cross_site = headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"cross-site");
    is_cross_site && !headers.contains_key(ORIGIN) && !headers.contains_key(AUTHORIZATION)
}
