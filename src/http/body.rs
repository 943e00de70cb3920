//! The one kind of request body there is: a small JSON object, read whole within a deadline.
//!
//! Its length was checked in the head already, so that every reader of the stream agrees on where it ends.

use crate::reason::{Failure, Reason};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of a body.
pub(super) const MOST: usize = 1024;

/// What the body says. The parser's own words stay out of the cause: they quote the body.
///
/// # Errors
/// `header_timeout`, or `bad_request` for anything but the object that is wanted.
pub(super) async fn json<T: DeserializeOwned>(body: Incoming, within: Duration) -> Result<T, Failure> {
    let refused = |cause: &str| Failure::new(Reason::BadRequest, cause);
    let whole = timeout(within, Limited::new(body, MOST).collect()).await;
    let whole = whole.map_err(|_| Failure::new(Reason::HeaderTimeout, "the body took longer than timeouts.header"))?;
    let bytes = whole.map_err(|_| refused("the body broke off"))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|_| refused("the body is not the JSON object that this path takes"))
}
