//! The one kind of request body there is: a small JSON object, read whole within a deadline.

use crate::reason::{Failure, Reason};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::timeout;

/// What a body of at most `most` bytes says. The parser's own words stay out of the cause: they quote the body.
///
/// # Errors
/// `header_timeout`, or `bad_request` for anything but the object that is wanted.
pub async fn json<T: DeserializeOwned>(body: Incoming, most: usize, within: Duration) -> Result<T, Failure> {
    let refused = |cause: &str| Failure::new(Reason::BadRequest, cause);
    let whole = timeout(within, Limited::new(body, most).collect()).await;
    let whole = whole.map_err(|_| Failure::new(Reason::HeaderTimeout, "the body took longer than timeouts.header"))?;
    let bytes = whole.map_err(|_| refused("the body broke off, or is longer than it may be"))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|_| refused("the body is not the JSON object that this path takes"))
}
