//! Checks `[listen]`: where the gateway listens, its certificate, whose forwarded headers it believes.
//!
//! Owns the rules of the public listener. Binds nothing.

use super::files::Folder;
use super::key;
use super::raw::Section;
use super::{Engine, Listen, TlsFiles, value};

/// The public listener.
pub(super) fn listen(mut section: Section<'_>, folder: Folder<'_>) -> Option<Listen> {
    let report = section.report();
    let address = section.text_or("address", "[::]:443").and_then(|written| value::socket_address(report, &written));
    let is_plain = !section.has("tls");
    let tls = section.section("tls").and_then(|section| tls_files(section, folder));
    let proxy_protocol = section.word("proxy_protocol", &["off", "v1", "v2", "any"]);
    if let Some(written) = proxy_protocol.as_ref().filter(|written| written.value != "off") {
        value::not_yet(report, written, "leave it off, and let the balancer send X-Forwarded-For");
    }
    let trusted = section.texts("trusted_proxies", &[]);
    let trusted_proxies =
        trusted.and_then(|list| value::all(list.iter().map(|written| value::network(report, written))));
    let tls = if is_plain { None } else { Some(tls?) };
    Some(Listen { address: address?, tls, trusted_proxies: trusted_proxies? })
}

/// Certificate and key, read once to see that they are a pair.
pub(super) fn tls_files(mut section: Section<'_>, folder: Folder<'_>) -> Option<TlsFiles> {
    let report = section.report();
    let certificate = section.required_text("certificate", "fullchain.pem");
    let key = section.required_text("key", "privkey.pem");
    let chain = certificate.as_ref().and_then(|name| folder.public(name));
    let secret = key.as_ref().and_then(|name| folder.secret(name));
    let (certificate, key) = (certificate?, key?);
    if let Err((what, fix)) = key::server(&chain?, &secret?) {
        report.wrong(&certificate.place, format!("{} {what}", certificate.value), fix);
        return None;
    }
    let engine = Engine::default();
    Some(TlsFiles { certificate: folder.path_of(&certificate)?, key: folder.path_of(&key)?, engine })
}
