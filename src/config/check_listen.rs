//! Checks `[listen]`: where the gateway listens, its certificate, whose PROXY and forwarded headers it believes.
//!
//! Owns the rules of the public listener. Binds nothing.

use super::files::Folder;
use super::key;
use super::raw::Section;
use super::{Engine, Listen, Origin, TlsFiles, value};
use crate::wire::proxy::Versions;

/// The public listener.
pub(super) fn listen(mut section: Section<'_>, folder: Folder<'_>, public_url: Option<&Origin>) -> Option<Listen> {
    let report = section.report();
    let address = section.text_or("address", "[::]:443").and_then(|written| value::socket_address(report, &written));
    let is_plain = !section.has("tls");
    let proxy_protocol = section.word("proxy_protocol", &["off", "v1", "v2", "any"]);
    let trusted = section.texts("trusted_proxies", &[]);
    // A proxy that sends no PROXY header speaks HTTP: it ended the browsers' TLS, with a certificate of its own.
    let passes_http = proxy_protocol.as_ref().is_some_and(|written| written.value == "off")
        && trusted.as_ref().is_some_and(|list| !list.is_empty());
    let seen_at = public_url.filter(|_| !passes_http);
    let tls = section.section("tls").and_then(|section| tls_files(section, folder, seen_at));
    if let (Some(written), Some([])) = (&proxy_protocol, trusted.as_deref())
        && written.value != "off"
    {
        let what = format!("is {}, but trusted_proxies is empty, so nobody could connect", written.value);
        report.wrong(&written.place, what, "name the networks of your balancers in trusted_proxies");
    }
    let trusted_proxies =
        trusted.and_then(|list| value::all(list.iter().map(|written| value::network(report, written))));
    let tls = if is_plain { None } else { Some(tls?) };
    let proxy_protocol = match proxy_protocol?.value {
        "v1" => Some(Versions::V1),
        "v2" => Some(Versions::V2),
        "any" => Some(Versions::Any),
        _ => None,
    };
    Some(Listen { address: address?, tls, proxy_protocol, trusted_proxies: trusted_proxies? })
}

/// Certificate and key, read once to see that they are a pair, and that the certificate is for where browsers see it.
pub(super) fn tls_files(mut section: Section<'_>, folder: Folder<'_>, seen_at: Option<&Origin>) -> Option<TlsFiles> {
    let report = section.report();
    let certificate = section.required_text("certificate", "fullchain.pem");
    let key = section.required_text("key", "privkey.pem");
    let chain = certificate.as_ref().and_then(|name| folder.public(name));
    let secret = key.as_ref().and_then(|name| folder.secret(name));
    let (certificate, key) = (certificate?, key?);
    let chain = chain?;
    if let Err((what, fix)) = key::server(&chain, &secret?) {
        report.wrong(&certificate.place, format!("{} {what}", certificate.value), fix);
        return None;
    }
    if let Some(host) = seen_at.map(Origin::host).filter(|host| !key::is_for(&chain, host)) {
        let file = &certificate.value;
        let what =
            format!("{file} is not valid for {host}, the host of public_url, so browsers will not open the console");
        let fix =
            format!("name one that is; openssl x509 -in {file} -noout -ext subjectAltName shows what it is valid for");
        report.doubtful(&certificate.place, &what, fix);
    }
    let engine = Engine::default();
    Some(TlsFiles { certificate: folder.path_of(&certificate)?, key: folder.path_of(&key)?, engine })
}
