//! One request in hand: what every route knows about it.

use crate::config::Origin;
use crate::console::Generation;
use crate::listen::Peer;
use crate::reason::{Failure, Reason};
use hyper::header::{HeaderMap, HeaderName};
use std::net::IpAddr;
use std::sync::Arc;

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
