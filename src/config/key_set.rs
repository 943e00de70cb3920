//! The address of an issuer's key set, and whose certificate it must show.
//!
//! Owns what may be asked for keys: https, or http of this machine itself by its loopback address, where nobody else can
//! answer. Never a name for that, which might lead elsewhere. Asks nothing.

use super::problem::{Report, Written};
use hyper::Uri;
use std::net::IpAddr;
use std::time::Duration;

/// Where an issuer publishes its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksUrl {
    /// As written.
    pub url: String,
    /// Whether TLS is spoken; if not, the host is a loopback address.
    pub tls: bool,
    /// An IP address, IPv6 without brackets, or a DNS name.
    pub host: String,
    /// 443 for https and 80 for http, where none was written.
    pub port: u16,
    /// Path and query.
    pub path: String,
    /// PEM of the authorities that may sign its certificate; none: those of the system.
    pub ca: Option<Vec<u8>>,
    /// How long its last good answer counts once a fresh one was due.
    pub max_stale: Duration,
}

impl JwksUrl {
    /// Takes an address apart. `ca` and `max_stale` are the caller's.
    ///
    /// # Errors
    /// Problem and cure.
    pub(super) fn parse(text: &str) -> Result<Self, (String, String)> {
        let shown = text.escape_debug();
        let refused = |what: &str, fix: &str| Err((format!("\"{shown}\" {what}"), fix.to_owned()));
        let example = "write https://panel.example.com/keys.json";
        let Ok(uri) = text.parse::<Uri>() else { return refused("is no address of the web", example) };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return refused("is no address of the web", example);
        };
        if authority.as_str().contains('@') {
            return refused("holds a user name", "leave it out: the keys are public");
        }
        if text.contains('#') {
            return refused("holds a fragment", "leave out # and what follows it");
        }
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return refused("is neither https nor http", example),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return refused("names no host", example);
        }
        if !tls && !is_this_machine(&host) {
            let what = "is http, so anybody on the way could put keys of his own into it";
            return refused(what, "use https; http is for 127.0.0.1 and [::1] alone");
        }
        let is_written = authority.as_str() != authority.host();
        let port = match authority.port_u16() {
            Some(port) if port > 0 => port,
            None if !is_written => {
                if tls {
                    443
                } else {
                    80
                }
            }
            _ => return refused("has a port that is none", "write a port from 1 to 65535, or leave it out"),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { url: text.to_owned(), tls, host, port, path, ca: None, max_stale: Duration::ZERO })
    }
}

/// Whether the host is a loopback address, written as one.
fn is_this_machine(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The same of what is written in the file.
pub(super) fn url(report: &Report, written: &Written<String>) -> Option<JwksUrl> {
    match JwksUrl::parse(&written.value) {
        Ok(url) => Some(url),
        Err((what, fix)) => {
            report.wrong(&written.place, what, fix);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, tls, host, port, path) in [
            ("https://panel.example.com/keys.json", true, "panel.example.com", 443, "/keys.json"),
            ("https://panel.example.com:8443", true, "panel.example.com", 8443, "/"),
            ("https://[2001:db8::7]/a?b=c", true, "2001:db8::7", 443, "/a?b=c"),
            ("http://127.0.0.1:8080/keys", false, "127.0.0.1", 8080, "/keys"),
            ("http://[::1]/keys", false, "::1", 80, "/keys"),
        ] {
            let url = JwksUrl::parse(text).unwrap();
            assert_eq!((url.tls, url.host.as_str(), url.port, url.path.as_str()), (tls, host, port, path), "{text}");
        }
    }

    #[test]
    fn http_is_for_loopback_addresses_alone_and_nothing_else_is_an_address() {
        for (text, word) in [
            ("http://panel.example.com/keys", "is http"),
            ("http://localhost/keys", "is http"),
            ("http://10.0.0.1/keys", "is http"),
            ("https://user:secret@panel.example.com/", "user name"),
            ("https://panel.example.com/#keys", "fragment"),
            ("ftp://panel.example.com/", "neither https nor http"),
            ("file:///etc/keys.json", "no address"),
            ("/etc/keys.json", "no address"),
            ("panel.example.com", "no address"),
            ("https://", "no address"),
            ("https://panel.example.com:0/", "port"),
            ("https://panel.example.com:/", "port"),
            ("https://panel.example.com:99999/", "port"),
            ("", "no address"),
        ] {
            let (what, fix) = JwksUrl::parse(text).unwrap_err();
            assert!(what.contains(word) && !fix.is_empty(), "{text}: {what}");
        }
    }
}
