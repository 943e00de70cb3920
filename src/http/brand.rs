//! `GET /brand/<hash>.svg|png`: the logos of the configuration, under names that change with their content.
//!
//! An SVG is a document that could hold scripts, so every logo comes with a policy under which nothing in it runs,
//! wherever it is opened. What is not a logo of the running configuration is not found.

use crate::api::Answer;
use crate::config::{Config, Logo, LogoKind};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use serde::Serialize;

/// A style may stand in an SVG; nothing else of it counts.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// What the page is told of its issuer's brand.
#[derive(Serialize)]
pub(super) struct Brand<'a> {
    name: &'a str,
    logo: Option<String>,
    accent: Option<&'a str>,
    accent_dark: Option<&'a str>,
}

impl<'a> Brand<'a> {
    /// The brand of this issuer, where it has one.
    pub(super) fn of(config: &'a Config, issuer: &str) -> Option<Self> {
        let issuer = config.issuers.iter().find(|known| known.name == issuer)?;
        let brand = issuer.brand.as_ref()?;
        Some(Self {
            name: &brand.name,
            logo: brand.logo.as_ref().map(|logo| format!("brand/{}", file_name(logo))),
            accent: brand.accent.as_deref(),
            accent_dark: brand.accent_dark.as_deref(),
        })
    }
}

/// The logo of this file name.
pub(super) fn answer(config: &Config, name: &str) -> Option<Answer> {
    let logos = config.issuers.iter().filter_map(|issuer| issuer.brand.as_ref()?.logo.as_ref());
    let logo = logos.into_iter().find(|logo| file_name(logo) == name)?;
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(&logo.bytes)));
    let media = match logo.kind {
        LogoKind::Svg => "image/svg+xml",
        LogoKind::Png => "image/png",
    };
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    Some(answer)
}

fn file_name(logo: &Logo) -> String {
    let extension = match logo.kind {
        LogoKind::Svg => "svg",
        LogoKind::Png => "png",
    };
    format!("{}.{extension}", logo.hash)
}
