//! Web origins: read from text, kept as browsers write them.
//!
//! Owns the shape of an [`Origin`]. Two equal origins are equal texts, so comparing with an `Origin` header is a string
//! comparison. Never accepts a wildcard, `null`, a path or a name a browser would have to translate. RFC 6454 section 6.

use crate::id::ShapeError;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A web origin: scheme, host and, where it is not the scheme's own, port; lower case, as browsers write it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// The text, as in an `Origin` header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one of these that an `Origin` header names. Origins are kept in lower case without their scheme's own port, and
    /// everything in them folds case, so equal texts are equal origins and anything more than an origin equals none.
    pub fn named<'a>(mut all: impl Iterator<Item = &'a Self>, text: &str) -> Option<&'a Self> {
        all.find(|origin| origin.0.eq_ignore_ascii_case(text))
    }

    /// Host and port, as in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, rest)| rest)
    }

    /// The host alone, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        split_port(authority).map_or(authority, |(host, _)| host).trim_matches(['[', ']'])
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        if text.contains('*') {
            return Err(shape("an exact origin: a wildcard would let any page in"));
        }
        if text.eq_ignore_ascii_case("null") {
            return Err(shape("an exact origin: every sandboxed page and local file calls itself null"));
        }
        let Some((scheme, authority)) = text.split_once("://") else {
            return Err(shape("an origin with its scheme, such as https://panel.example.com"));
        };
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "https" => 443,
            "http" => 80,
            _ => return Err(shape("an origin that starts with https:// or http://")),
        };
        if authority.contains(['/', '?', '#']) {
            return Err(shape("an origin without a path: nothing after host and port, no final slash either"));
        }
        if authority.contains('@') {
            return Err(shape("an origin without a user name"));
        }
        let (host, port) = split_port(authority)?;
        let host = normal_host(host)?;
        let scheme = scheme.to_ascii_lowercase();
        match port {
            Some(port) if port != default_port => Ok(Self(format!("{scheme}://{host}:{port}"))),
            _ => Ok(Self(format!("{scheme}://{host}"))),
        }
    }
}

const fn shape(expected: &'static str) -> ShapeError {
    ShapeError { expected }
}

/// Host and port of an authority; the brackets of an IPv6 address stay with it.
pub(super) fn split_port(authority: &str) -> Result<(&str, Option<u16>), ShapeError> {
    let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority.get(end_of_host..).and_then(|rest| rest.rfind(':')) {
        Some(colon) => authority.split_at(end_of_host + colon),
        None => (authority, ""),
    };
    match port.strip_prefix(':') {
        None => Ok((host, None)),
        Some(digits) => match parse_port(digits) {
            Some(port) => Ok((host, Some(port))),
            None => Err(shape("a port from 1 to 65535 after the colon")),
        },
    }
}

/// A port as people write it: digits alone, no sign.
fn parse_port(digits: &str) -> Option<u16> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten().filter(|port| *port != 0)
}

/// A host as browsers write it: names in lower case, IPv6 in its short form.
pub(super) fn normal_host(host: &str) -> Result<String, ShapeError> {
    if let Some(inside) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = inside.parse().map_err(|_| shape("an IPv6 address in brackets"))?;
        return Ok(format!("[{address}]"));
    }
    let host = host.to_ascii_lowercase();
    if !host.is_ascii() {
        return Err(shape("a host in ASCII; write an international name in its xn-- form"));
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) && !last.is_empty() {
        return match host.parse::<Ipv4Addr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => Err(shape("a host name, or an IPv4 address of four numbers")),
        };
    }
    if host.len() <= 253 && host.split('.').all(is_label) {
        Ok(host)
    } else {
        Err(shape("a host name or an IP address; an IPv6 address stands in brackets"))
    }
}

fn is_label(label: &str) -> bool {
    let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_kept_as_browsers_write_them() {
        for (written, kept) in [
            ("https://panel.example.com", "https://panel.example.com"),
            ("HTTPS://Panel.Example.COM:443", "https://panel.example.com"),
            ("http://10.0.0.1:80", "http://10.0.0.1"),
            ("https://panel.example.com:8443", "https://panel.example.com:8443"),
            ("http://[2001:DB8:0::1]:8080", "http://[2001:db8::1]:8080"),
            ("https://[::1]", "https://[::1]"),
            ("http://localhost:3000", "http://localhost:3000"),
        ] {
            assert_eq!(written.parse::<Origin>().unwrap().as_str(), kept);
        }
        assert_eq!("https://a.example:8443".parse::<Origin>().unwrap().authority(), "a.example:8443");
        for (origin, host) in
            [("https://a.example:8443", "a.example"), ("https://[::1]", "::1"), ("http://[::1]:80", "::1")]
        {
            assert_eq!(origin.parse::<Origin>().unwrap().host(), host);
        }
    }

    #[test]
    fn h08_a_header_names_an_origin_by_its_whole_text_in_any_case() {
        let all = ["https://panel.example.com", "http://localhost:3000"].map(|text| text.parse::<Origin>().unwrap());
        let named = |text| Origin::named(all.iter(), text).map(Origin::as_str);
        assert_eq!(named("HTTPS://Panel.example.com"), Some("https://panel.example.com"));
        for other in ["", "null", "https://panel.example.com/", "https://panel.example.com:443", "panel.example.com"] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn c05_what_is_not_one_exact_origin_is_refused() {
        for (bad, why) in [
            ("*", "wildcard"),
            ("https://*.example.com", "wildcard"),
            ("null", "sandboxed"),
            ("panel.example.com", "scheme"),
            ("//panel.example.com", "scheme"),
            ("ftp://panel.example.com", "https://"),
            ("https://panel.example.com/", "path"),
            ("https://panel.example.com/app", "path"),
            ("https://panel.example.com?x", "path"),
            ("https://panel.example.com\\@evil.example", "user name"),
            ("https://a:b@panel.example.com", "user name"),
            ("https://panel.example.com:0", "port"),
            ("https://panel.example.com:+443", "port"),
            ("https://panel.example.com:65536", "port"),
            ("https://", "host name"),
            ("https://exämple.com", "xn--"),
            ("https://127.1", "four numbers"),
            ("https://2001:db8::1", "host name"),
            ("https://panel.example.com ", "host name"),
            ("https://pa nel.example.com", "host name"),
            ("https://panel.example.com.", "host name"),
            ("https://[::1", "host"),
        ] {
            let refused = bad.parse::<Origin>().unwrap_err();
            assert!(refused.expected.contains(why), "{bad}: {refused}");
        }
    }
}
