//! Which pages may bring a token: the `Origin` header against the issuer's list.
//!
//! Owns the comparison alone. The list is fixed when the configuration is read; no request ever adds to it.

use super::shown;
use crate::config::Origin;
use crate::reason::{Failure, Reason};

/// Checks a request's `Origin` against the allowed ones and the origin the token is bound to, if any. `None` is a client
/// that is not a browser.
pub(super) fn check(allowed: &[Origin], bound: Option<&str>, origin: Option<&str>) -> Result<(), Failure> {
    let Some(origin) = origin else {
        return match bound {
            Some(_) => Err(Failure::new(Reason::OriginMissing, "the token is bound to an origin and no Origin came")),
            None => Ok(()),
        };
    };
    let Some(allowed) = Origin::named(allowed.iter(), origin) else {
        return Err(Failure::new(
            Reason::OriginRefused,
            format!("the page is {}, which the issuer does not list", shown(origin)),
        ));
    };
    match bound {
        Some(bound) if bound != allowed.as_str() => {
            let cause = format!("the token is bound to {}, the page is {}", shown(bound), shown(origin));
            Err(Failure::new(Reason::TokenBinding, cause))
        }
        _ => Ok(()),
    }
}
