//! `GET /console`: the page, with the policy that keeps it to itself and to the panels that may frame it.

use super::assets::Web;
use super::cors::known;
use crate::api::Answer;
use crate::config::{Config, Origin};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use std::collections::BTreeSet;

/// Features the page uses belong to it, so that a panel's frame can pass them on; the rest is off even where the frame
/// would allow it. Only features that browsers know: each warns of the others.
const PERMISSIONS: &str = "clipboard-read=(self), clipboard-write=(self), fullscreen=(self), camera=(), \
     display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), hid=(), midi=()";

/// Where the template wants the pages that may frame it.
const ORIGINS: &str = "{{origins}}";

/// The page; none where the build of the page did not run. It is a kilobyte and different in each configuration, so it
/// has neither compressed forms nor a tag.
pub(super) fn answer(web: &Web, config: &Config) -> Option<Answer> {
    let page = web.text("console.html")?.replace(ORIGINS, &attribute(&framers(config)));
    let mut answer = Response::new(Full::new(Bytes::from(page)));
    let headers = answer.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy(config)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    Some(answer)
}

/// Every page of another origin that may frame this one, with spaces between.
fn framers(config: &Config) -> String {
    let origins: BTreeSet<&str> = known(config).skip(1).map(Origin::as_str).collect();
    origins.into_iter().collect::<Vec<_>>().join(" ")
}

/// As text of an attribute. Origins hold none of these characters; this does not depend on it.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Nothing from anywhere but the gateway. Browsers before 2022 do not count `wss:` into `'self'`, so it is named.
fn policy(config: &Config) -> String {
    let socket = config.public_url.as_str().replacen("http", "ws", 1);
    let ancestors = framers(config);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self' {socket}; font-src 'self'; frame-ancestors 'self' {ancestors}; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}
