//! The two shapes of an answer: something in JSON, or a refusal on its way out.

use crate::audit::About;
use crate::reason::{Failure, Reason};
use crate::token::Rejected;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// What is answered.
pub type Answer = Response<Full<Bytes>>;

/// A refusal on its way out.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub failure: Failure,
    /// What is known of the session, where a signature or a seal proved it.
    pub about: Box<About>,
    /// By how many seconds a token was late or early.
    pub seconds: Option<u64>,
}

impl Refused {
    /// The same about this session.
    #[must_use]
    pub fn about(failure: Failure, about: About) -> Self {
        Self { failure, about: Box::new(about), seconds: None }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::about(failure, About::default())
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

/// An answer in JSON, never kept by anybody on the way.
///
/// # Errors
/// `internal`: the value does not fit JSON.
pub fn json(status: StatusCode, value: &impl Serialize) -> Result<Answer, Failure> {
    let body = serde_json::to_vec(value).map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
    Ok(whole(status, "application/json", body))
}

/// An answer with this body, never kept by anybody on the way.
pub fn whole(status: StatusCode, media: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
