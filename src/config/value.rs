//! The shapes of single values: names, words, addresses, networks, digests.
//!
//! Owns what one value alone must look like and the words when it does not. Opens nothing, looks nothing up.

use super::Origin;
use super::problem::{Report, Written};
use super::spelling;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// How the SHA-256 of an admin token is made.
pub(super) const SHA256_FIX: &str = r#"printf %s "$TOKEN" | sha256sum | cut -c1-64"#;

const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The word of the list that was written.
pub(super) fn one_of(
    report: &Report,
    written: Written<String>,
    words: &[&'static str],
) -> Option<Written<&'static str>> {
    if let Some(word) = words.iter().find(|word| **word == written.value) {
        return Some(Written { value: word, place: written.place });
    }
    let fix = match spelling::nearest(&written.value, words) {
        Some(word) => format!("did you mean \"{word}\"? Known: {}", words.join(", ")),
        None => format!("use one of {}", words.join(", ")),
    };
    report.wrong(&written.place, format!("\"{}\" is not known", written.value.escape_debug()), fix);
    None
}

/// A name that may stand in a log line: 1 to 128 characters, none of them a control character.
pub(super) fn label(report: &Report, written: Written<String>) -> Option<Written<String>> {
    let length = written.value.chars().count();
    if (1..=128).contains(&length) && !written.value.contains(char::is_control) {
        return Some(written);
    }
    report.wrong(&written.place, "is not a name", "use 1 to 128 characters on one line");
    None
}

/// An origin, as browsers write it.
pub(super) fn origin(report: &Report, written: &Written<String>) -> Option<Origin> {
    match written.value.parse() {
        Ok(origin) => Some(origin),
        Err(error) => {
            let what = format!("\"{}\" is not an origin", written.value.escape_debug());
            report.wrong(&written.place, what, format!("{error}"));
            None
        }
    }
}

/// An address to listen on.
pub(super) fn socket_address(report: &Report, written: &Written<String>) -> Option<SocketAddr> {
    match written.value.parse::<SocketAddr>() {
        Ok(address) => Some(address),
        Err(_) => {
            let what = format!("\"{}\" is not an address with a port", written.value.escape_debug());
            report.wrong(&written.place, what, "write an IP address and port, such as [::]:443 or 127.0.0.1:9464");
            None
        }
    }
}

/// A network, or one address as the network of itself.
pub(super) fn network(report: &Report, written: &Written<String>) -> Option<IpNet> {
    let one = || written.value.parse::<IpAddr>().map(IpNet::from);
    let Ok(network) = written.value.parse::<IpNet>().or_else(|_| one()) else {
        let what = format!("\"{}\" is not a network", written.value.escape_debug());
        report.wrong(&written.place, what, "write a CIDR such as 10.0.0.0/8, or one address");
        return None;
    };
    if network.prefix_len() == 0 {
        let what = format!("{network} is everybody, so everybody could claim any address");
        report.wrong(&written.place, what, "name the networks of your balancers");
        return None;
    }
    Some(network.trunc())
}

/// The SHA-256 of an admin token.
pub(super) fn sha256(report: &Report, written: &Written<String>) -> Option<[u8; 32]> {
    let text = written.value.to_ascii_lowercase();
    if text == SHA256_OF_NOTHING {
        report.wrong(&written.place, "is the SHA-256 of nothing at all", SHA256_FIX);
        return None;
    }
    let digest = hex(&text);
    if digest.is_none() {
        report.wrong(&written.place, "is not 64 hexadecimal digits", SHA256_FIX);
    }
    digest
}

/// 32 bytes as 64 hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Every one of them, or none where one is wrong; all of them are looked at.
pub(super) fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let items: Vec<Option<T>> = items.collect();
    items.into_iter().collect()
}
