//! One request in hand: what every route knows about it, and the two shapes of an answer.

use crate::audit::About;
use crate::config::Origin;
use crate::console::Generation;
use crate::listen::Peer;
use crate::reason::{Failure, Reason};
use crate::token::Rejected;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde::Serialize;
use std::net::IpAddr;
use std::sync::Arc;

/// What is answered.
pub(super) type Answer = Response<Full<Bytes>>;

/// A request that passed the rules of its head.
#[derive(Debug)]
pub(super) struct Call {
    /// The generation that serves it to its end.
    pub generation: Arc<Generation>,
    /// The connection's other end.
    pub peer: Arc<Peer>,
    /// Whose request it is, derived from trusted headers only.
    pub client: IpAddr,
    /// The page that sent it, one of those that issuers list.
    pub origin: Option<Origin>,
}

impl Call {
    /// The page's origin as text.
    pub(super) fn origin(&self) -> Option<&str> {
        self.origin.as_ref().map(Origin::as_str)
    }
}

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct Refused {
    pub failure: Failure,
    /// What is known of the session, where a signature or a seal proved it.
    pub about: Box<About>,
    /// By how many seconds a token was late or early.
    pub seconds: Option<u64>,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, about: Box::default(), seconds: None }
    }
}

impl From<Rejected> for Refused {
    fn from(Rejected { failure, seconds }: Rejected) -> Self {
        Self { seconds, ..failure.into() }
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Failure::from(reason).into()
    }
}

/// An answer of the session API, never kept by anybody on the way.
///
/// # Errors
/// `internal`: the value does not fit JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Result<Answer, Failure> {
    let body = serde_json::to_vec(value).map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}

/// The only value of a header; none where it is absent.
///
/// # Errors
/// `bad_request` where it came twice or is not text.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Failure> {
    let mut values = headers.get_all(name).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Failure::new(Reason::BadRequest, format!("{name} came more than once")));
    }
    let text = value.to_str().map_err(|_| Failure::new(Reason::BadRequest, format!("{name} is not ASCII")))?;
    Ok(Some(text))
}
