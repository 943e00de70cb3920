//! Checks `[store]`: where a gateway, or a fleet of them, remembers.
//!
//! Owns the shape of a Redis address. A password is a file's, never a part of the address. Connects to nothing.

use super::files::Folder;
use super::problem::{Report, Written};
use super::raw::Section;
use super::{RedisPlace, Store};

const SHAPE: &str = "write redis://host:6379, or rediss:// for TLS; a user in front as user@, a database behind as /0";

/// `[store]`.
pub(super) fn store(mut section: Section<'_>, folder: Folder<'_>) -> Option<Store> {
    let report = section.report();
    let url = section.text("url");
    let password = section.text("password_file");
    let ca = section.text("ca_file");
    let backend = section.word("backend", &["memory", "redis"])?;
    if backend.value == "memory" {
        let Some(written) = [&url, &password, &ca].into_iter().flatten().next() else { return Some(Store::Memory) };
        report.wrong(&written.place, "belongs to backend = \"redis\"", "set the backend, or remove this");
        return None;
    }
    let Some(url) = url else {
        section.missing("url", "add url = \"redis://127.0.0.1:6379\"");
        return None;
    };
    let place = place(report, &url);
    let password = password.map(|name| folder.secret(&name));
    let ca = ca.map(|name| folder.public(&name));
    let (mut place, is_plain) = (place?, ca.is_some());
    if is_plain && !place.tls {
        report.wrong(&url.place, "has no TLS, so ca_file says nothing", "write rediss://, or remove ca_file");
        return None;
    }
    if let Some(password) = password {
        place.password = Some(password?);
    }
    if let Some(ca) = ca {
        place.ca = Some(ca?);
    }
    Some(Store::Redis(place))
}

fn place(report: &Report, url: &Written<String>) -> Option<RedisPlace> {
    let wrong = |what: &str| {
        report.wrong(&url.place, what, SHAPE);
        None
    };
    let (tls, rest) = match (url.value.strip_prefix("redis://"), url.value.strip_prefix("rediss://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return wrong("is not the address of a Redis"),
    };
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => {
            let fix = "write it into a file of its own and name that as store.password_file";
            report.wrong(&url.place, "has a password in it", fix);
            return None;
        }
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, rest),
    };
    let (authority, database) = rest.split_once('/').unwrap_or((rest, "0"));
    let Ok(database) = (if database.is_empty() { Ok(0) } else { database.parse::<u16>() }) else {
        return wrong("ends in something that is no number of a database");
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if authority.is_empty() || !authority.bytes().all(is_host) {
        return wrong("has no host");
    }
    let database = i64::from(database);
    Some(RedisPlace { tls, authority: authority.to_owned(), database, user, password: None, ca: None })
}
