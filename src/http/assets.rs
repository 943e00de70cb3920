//! The files of the page: found by name in a closed list, never by joining paths.
//!
//! The build writes each file under a name that holds its hash, beside a brotli form. Releases carry them in
//! the binary; debug builds read the folder at each request. Knows nothing of what the files are for.

use super::encoding::{Encoding, accepted};
use crate::api::Answer;
use crate::hex;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

/// A folder of files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Web {
    has: fn(&str) -> bool,
    get: fn(&str) -> Option<EmbeddedFile>,
}

impl Web {
    /// The folder that the build of the page filled; empty where it did not run.
    pub(super) fn built_in() -> Self {
        Self::of::<Dist>()
    }

    pub(super) fn of<E: RustEmbed>() -> Self {
        Self { has: has::<E>, get: E::get }
    }

    /// The answer with the file of this name in the best form the client takes. `None` where there is no such file, or
    /// it is of a kind that is never served, such as source maps and the compressed forms themselves.
    pub(super) fn file(&self, name: &str, request: &HeaderMap) -> Option<Answer> {
        let media = media_type(name)?;
        if !(self.has)(name) {
            return None;
        }
        let (encoding, file) = accepted(request).find_map(|encoding| self.form(name, encoding))?;
        let etag = etag(&file, encoding);
        let known = request.get_all(IF_NONE_MATCH).into_iter().any(|value| names_etag(value, &etag));
        let mut answer = Response::new(Full::new(if known { Bytes::new() } else { bytes(file.data) }));
        if known {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(etag) = HeaderValue::try_from(etag) {
            headers.insert(ETAG, etag);
        }
        if !known {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
            if let Some(word) = encoding.word() {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(word));
            }
        }
        Some(answer)
    }

    /// As [`Self::file`], for files whose names change with their content.
    pub(super) fn asset(&self, name: &str, request: &HeaderMap) -> Option<Answer> {
        let mut answer = self.file(name, request)?;
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        answer.headers_mut().insert(CACHE_CONTROL, forever);
        answer.headers_mut().insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
        Some(answer)
    }

    /// As [`Self::file`], for files that pages of any origin load under names that stay, so each load asks again.
    pub(super) fn embed(&self, name: &str, request: &HeaderMap) -> Option<Answer> {
        let mut answer = self.file(name, request)?;
        let headers = answer.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        Some(answer)
    }

    /// The file of this name as text, as it was built.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        if !(self.has)(name) {
            return None;
        }
        String::from_utf8((self.get)(name)?.data.into_owned()).ok()
    }

    fn form(&self, name: &str, encoding: Encoding) -> Option<(Encoding, EmbeddedFile)> {
        let name = format!("{name}{}", encoding.suffix());
        if !(self.has)(&name) {
            return None;
        }
        Some((encoding, (self.get)(&name)?))
    }
}

fn has<E: RustEmbed>(name: &str) -> bool {
    E::iter().any(|known| known == name)
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    }
}

/// Each form is a representation of its own, so each has its own strong tag.
fn etag(file: &EmbeddedFile, encoding: Encoding) -> String {
    let mut hash = hex::lower(&file.metadata.sha256_hash());
    hash.truncate(32);
    format!("\"{hash}{}\"", encoding.suffix())
}

/// Whether an `If-None-Match` names the tag; a weak one counts as the same (RFC 9110 13.1.2).
fn names_etag(value: &HeaderValue, etag: &str) -> bool {
    let Ok(value) = value.to_str() else { return false };
    value.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// By the name's end; none for kinds that are not served.
fn media_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "js" => "text/javascript; charset=utf-8",
        "ts" => "application/typescript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => return None,
    })
}
