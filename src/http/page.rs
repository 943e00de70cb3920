//! `GET /console`: the page, with the policy that keeps it to itself and to the panels that may frame it.

use super::assets::Web;
use super::call::Answer;
use super::cors::known;
use crate::config::{Config, Origin};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY};
use std::collections::BTreeSet;

/// Features the page uses belong to it alone; the rest is off even where a panel's frame would allow it.
const PERMISSIONS: &str = "clipboard-read=(self), clipboard-write=(self), fullscreen=(self), camera=(), \
     display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), hid=(), midi=(), bluetooth=()";

/// The page; none where the build of the page did not run.
pub(super) fn answer(web: &Web, request: &HeaderMap, config: &Config) -> Option<Answer> {
    let mut answer = web.file("console.html", request)?;
    let headers = answer.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy(config)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    Some(answer)
}

/// Nothing from anywhere but the gateway. Browsers before 2022 do not count `wss:` into `'self'`, so it is named.
fn policy(config: &Config) -> String {
    let socket = config.public_url.as_str().replacen("http", "ws", 1);
    let ancestors: BTreeSet<&str> = known(config).skip(1).map(Origin::as_str).collect();
    let ancestors = ancestors.into_iter().collect::<Vec<_>>().join(" ");
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self' {socket}; font-src 'self'; frame-ancestors 'self' {ancestors}; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}
