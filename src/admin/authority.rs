//! Who may ask the admin side for what.
//!
//! Owns the rules: probes are for everybody, metrics for whoever reaches a loopback address, the rest for the bearer of a
//! token with the scope; and nothing for a browser that was led here (A01 to A05 of the hostile-inputs reference). Keeps
//! no token: the configuration has their digests alone.

use crate::api::bearer;
use crate::config::{Admin, AdminScope, AdminToken};
use crate::reason::{Failure, Reason};
use crate::sha256;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use hyper::header::{HOST, HeaderMap, ORIGIN};
use std::net::IpAddr;

/// Who asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Who<'a> {
    /// The bearer of the token of this name.
    Token(&'a str),
    /// Whoever reaches the loopback address.
    Local,
}

impl<'a> Who<'a> {
    /// As the audit log calls them.
    pub(super) const fn name(&self) -> &'a str {
        match self {
            Self::Token(name) => name,
            Self::Local => "local",
        }
    }
}

/// Who asks, if they may ask for what takes this scope at `now`, in Unix seconds.
///
/// # Errors
/// `admin_token` or `admin_scope` for a token that is not good for it; `missing`, `malformed` or `ambiguous` where none was
/// shown: any web page makes a browser ask without one, and that must not look like somebody who guesses.
pub(super) fn asks<'a>(
    admin: &'a Admin,
    headers: &HeaderMap,
    scope: AdminScope,
    is_figures: bool,
    now: u64,
) -> Result<Who<'a>, Failure> {
    if is_figures && admin.address.ip().to_canonical().is_loopback() && admin.tls.is_none() {
        return Ok(Who::Local);
    }
    let refused = |cause: &str| Err(Failure::new(Reason::AdminToken, cause));
    let Some(shown) = bearer::authorization(headers)? else {
        return Err(Failure::new(Reason::TokenMissing, "no bearer token came with the request"));
    };
    let Some(token) = known(&admin.tokens, shown) else {
        return refused("the bearer token is none of [[admin.token]]");
    };
    if token.expires.is_some_and(|expires| now >= expires) {
        return refused(&format!("the token {:?} has expired", token.name));
    }
    if !token.scopes.contains(&scope) {
        let cause = format!("the token {:?} has no {:?} among its scopes", token.name, scope.word());
        return Err(Failure::new(Reason::AdminScope, cause));
    }
    Ok(Who::Token(&token.name))
}

/// Every digest is compared to its end, so that the time says nothing of any.
fn known<'a>(tokens: &'a [AdminToken], shown: &str) -> Option<&'a AdminToken> {
    let digest = sha256::of(shown.as_bytes());
    let equal = |token: &&AdminToken| verify_slices_are_equal(&token.sha256, &digest).is_ok();
    tokens.iter().fold(None, |found, token| if equal(&token) { Some(token) } else { found })
}

/// That no page of another site asks through a browser: those send their `Origin`, or a name of theirs that was made to
/// point here (DNS rebinding).
///
/// # Errors
/// `admin_host`.
pub(super) fn no_browser(admin: &Admin, headers: &HeaderMap) -> Result<(), Failure> {
    if headers.contains_key(ORIGIN) {
        return Err(Failure::new(Reason::AdminHost, "the request has an Origin"));
    }
    for host in headers.get_all(HOST) {
        let name = host.to_str().map(without_port).unwrap_or_default().to_ascii_lowercase();
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if !is_address && name != "localhost" && !admin.hosts.contains(&name) {
            return Err(Failure::new(Reason::AdminHost, format!("the Host is {}", name.escape_debug())));
        }
    }
    Ok(())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{AUTHORIZATION, HeaderName};

    const NOW: u64 = 1_800_000_000;

    fn admin() -> Admin {
        let token = |name: &str, scopes: &[AdminScope], expires| AdminToken {
            name: name.to_owned(),
            sha256: sha256::of(name.as_bytes()),
            scopes: scopes.to_vec(),
            expires,
        };
        Admin {
            address: "127.0.0.1:9464".parse().unwrap(),
            tls: None,
            hosts: vec!["gate1.internal".to_owned()],
            tokens: vec![
                token("reader", &[AdminScope::Read], Some(NOW + 1)),
                token("old", &[AdminScope::Read], Some(NOW)),
                token("ops", &[AdminScope::Read, AdminScope::Kill], None),
            ],
        }
    }

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a01_a03_only_a_known_token_in_time_with_the_scope_may_ask() {
        let admin = admin();
        let asked = |token: &str, scope| {
            let headers = headers(&[(AUTHORIZATION, &format!("Bearer {token}"))]);
            asks(&admin, &headers, scope, false, NOW).map_err(|failure| failure.reason)
        };
        assert_eq!(asked("reader", AdminScope::Read), Ok(Who::Token("reader")));
        assert_eq!(asked("ops", AdminScope::Kill), Ok(Who::Token("ops")));
        assert_eq!(asked("reader", AdminScope::Kill), Err(Reason::AdminScope));
        let reader = headers(&[(AUTHORIZATION, "Bearer reader")]);
        let cause = asks(&admin, &reader, AdminScope::Kill, false, NOW).unwrap_err().cause;
        assert_eq!(cause, "the token \"reader\" has no \"kill\" among its scopes");
        assert_eq!(asked("old", AdminScope::Read), Err(Reason::AdminToken));
        assert_eq!(asked("none", AdminScope::Read), Err(Reason::AdminToken));
        let nobody = asks(&admin, &HeaderMap::new(), AdminScope::Read, false, NOW).unwrap_err();
        assert_eq!(nobody.reason, Reason::TokenMissing, "nothing was guessed");
        for reason in [Reason::AdminScope, Reason::AdminToken] {
            assert!(reason.cure().contains("systemctl reload consolegate"), "{reason}");
        }
    }

    #[test]
    fn a02_figures_are_for_whoever_reaches_a_loopback_address_and_for_nobody_else() {
        let figures = |admin: &Admin| asks(admin, &HeaderMap::new(), AdminScope::Read, true, NOW).is_ok();
        assert!(figures(&admin()));
        assert!(!figures(&Admin { address: "10.0.0.1:9464".parse().unwrap(), ..admin() }));
    }

    #[test]
    fn a05_a_browser_that_was_led_here_is_refused() {
        for (host, is_right) in [
            ("127.0.0.1:9464", true),
            ("[::1]:9464", true),
            ("[::1]", true),
            ("10.1.2.3", true),
            ("localhost:9464", true),
            ("Gate1.Internal:9464", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example:9464", false),
            ("", false),
        ] {
            assert_eq!(no_browser(&admin(), &headers(&[(HOST, host)])).is_ok(), is_right, "{host}");
        }
        let page = headers(&[(HOST, "127.0.0.1:9464"), (ORIGIN, "http://127.0.0.1:9464")]);
        assert_eq!(no_browser(&admin(), &page).unwrap_err().reason, Reason::AdminHost);
        assert_eq!(no_browser(&admin(), &HeaderMap::new()), Ok(()), "an old balancer's probe");
    }
}
