//! The client's address where a proxy stands in between: `X-Forwarded-For` and `Forwarded` (RFC 7239), read from right
//! to left as long as the hop that wrote an entry is trusted.
//!
//! Decides from values alone. An address is believed only when a trusted proxy wrote it, so the headers of anybody else
//! mean nothing (L01, L02 of the hostile-inputs reference).

use crate::reason::{Failure, Reason};
use hyper::header::{FORWARDED, HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whose request this is. `peer` is the address of the connection.
///
/// # Errors
/// `bad_request` where a trusted proxy passes both headers and they disagree: one of them came from the client.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Result<IpAddr, Failure> {
    let trusts = |ip: IpAddr| trusted.iter().any(|network| network.contains(&ip));
    if !trusts(peer) {
        return Ok(peer);
    }
    let by_x = headers.contains_key(X_FORWARDED_FOR).then(|| {
        let hops = lists(headers, &X_FORWARDED_FOR).flat_map(|line| line.split(','));
        last_untrusted(peer, hops.map(address).collect(), trusts)
    });
    let by_standard = headers.contains_key(FORWARDED).then(|| {
        let hops = lists(headers, &FORWARDED).flat_map(|line| split_unquoted(line, ','));
        last_untrusted(peer, hops.map(forwarded_for).collect(), trusts)
    });
    match (by_x, by_standard) {
        (Some(one), Some(other)) if one != other => {
            Err(Failure::new(Reason::BadRequest, "X-Forwarded-For and Forwarded name different clients"))
        }
        (Some(client), _) | (None, Some(client)) => Ok(client),
        (None, None) => Ok(peer),
    }
}

/// From the right: the first hop that is not trusted; the last one that was read where an entry is no address.
fn last_untrusted(peer: IpAddr, hops: Vec<Option<IpAddr>>, trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    for hop in hops.into_iter().rev() {
        let Some(ip) = hop else { return client };
        client = ip;
        if !trusts(ip) {
            return client;
        }
    }
    client
}

/// Lines that are not text count as one entry that is no address.
fn lists<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> + use<'h> {
    headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or("?"))
}

/// An address as proxies write it: bare, with a port, in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let ip = text
        .parse::<IpAddr>()
        .ok()
        .or_else(bracketed)
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(ip.to_canonical())
}

/// The `for` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let value = split_unquoted(element, ';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    })?;
    address(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

/// Splits where the separator is outside of a quoted string.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&str, &str)]) -> Result<String, Failure> {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        client_address(peer.parse().unwrap(), &map, &trusted).map(|ip| ip.to_string())
    }

    #[test]
    fn l01_an_unlisted_peer_is_the_client_whatever_it_says() {
        for header in [("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=1.2.3.4"), ("X-Real-IP", "1.2.3.4")] {
            assert_eq!(client("192.0.2.9", &[header]).unwrap(), "192.0.2.9");
        }
    }

    #[test]
    fn l02_a_listed_peer_is_read_right_to_left_until_the_first_untrusted_hop() {
        let cases = [
            ("1.1.1.1, 2.2.2.2", "2.2.2.2"),
            ("1.1.1.1, 2.2.2.2, 10.0.0.7", "2.2.2.2"),
            ("10.0.0.8,10.0.0.7", "10.0.0.8"),
            ("2.2.2.2:5512", "2.2.2.2"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:2.2.2.2", "2.2.2.2"),
            ("1.1.1.1, garbage", "10.0.0.1"),
            ("1.1.1.1, garbage, 10.0.0.7", "10.0.0.7"),
            ("", "10.0.0.1"),
        ];
        for (value, expected) in cases {
            assert_eq!(client("10.0.0.1", &[("X-Forwarded-For", value)]).unwrap(), expected, "{value}");
        }
        let hundred = vec!["10.0.0.2"; 100].join(",");
        assert_eq!(client("10.0.0.1", &[("X-Forwarded-For", &hundred)]).unwrap(), "10.0.0.2");
        let two_lines = [("X-Forwarded-For", "3.3.3.3"), ("X-Forwarded-For", "4.4.4.4")];
        assert_eq!(client("10.0.0.1", &two_lines).unwrap(), "4.4.4.4");
    }

    #[test]
    fn l02_the_standard_header_is_read_the_same_way() {
        let cases = [
            (r#"for=192.0.2.43, for="[2001:db8:cafe::17]:4711";proto=https;by=10.0.0.1"#, "2001:db8:cafe::17"),
            (r#"For=192.0.2.43;host="a,b;c\",d";proto=http"#, "192.0.2.43"),
            ("for=192.0.2.43, for=_hidden", "10.0.0.1"),
            ("for=192.0.2.43, for=unknown, for=10.3.3.3", "10.3.3.3"),
            ("proto=https", "10.0.0.1"),
        ];
        for (value, expected) in cases {
            assert_eq!(client("10.0.0.1", &[("Forwarded", value)]).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn l02_two_headers_that_disagree_are_refused() {
        let both = |x, standard| client("10.0.0.1", &[("X-Forwarded-For", x), ("Forwarded", standard)]);
        assert_eq!(both("2.2.2.2", "for=2.2.2.2").unwrap(), "2.2.2.2");
        assert_eq!(both("2.2.2.2", "for=9.9.9.9").unwrap_err().reason, Reason::BadRequest);
    }
}
