//! Checks `[admin]`: where the admin side listens and whose bearer tokens count.
//!
//! Owns the rule that the admin side stays on the loopback address unless it has a certificate and asks for tokens. Has no
//! clock: whether a token has expired is decided when it comes.

use super::check_listen::tls_files;
use super::files::Folder;
use super::problem::{Report, Written};
use super::raw::Section;
use super::{Admin, AdminScope, AdminToken, value};
use crate::calendar::days_since_1970;
use std::collections::HashSet;
use toml::value::{Datetime, Offset};

/// What stands in examples/full.toml: nobody knows a token that has it.
const SAMPLE: &str = "2f8c1e0d4b7a6953c8e1f20a9b3d7c6e5f4a1b2c3d4e5f60718293a4b5c6d7e8";

/// The admin listener.
pub(super) fn admin(mut section: Section<'_>, folder: Folder<'_>) -> Option<Admin> {
    let report = section.report();
    let written = section.text_or("address", "127.0.0.1:9464");
    let is_plain = !section.has("tls");
    let is_open = !section.has("token");
    let address = written.and_then(|written| {
        let address = value::socket_address(report, &written)?;
        if !address.ip().to_canonical().is_loopback() && (is_plain || is_open) {
            let lacks = if is_plain { "a certificate" } else { "tokens" };
            let what = format!("{address} is not a loopback address, and the admin side has no TLS with tokens");
            let fix = format!("use 127.0.0.1 or [::1], or give it {lacks} (admin.tls and [[admin.token]])");
            report.wrong(&written.place, what, fix);
            return None;
        }
        Some(address)
    });
    let tls = section.section("tls").and_then(|section| tls_files(section, folder, None));
    let hosts =
        section.texts("hosts", &[]).and_then(|list| value::all(list.into_iter().map(|name| host(report, &name))));
    let mut names = HashSet::new();
    let tokens = section.sections("token").into_iter().map(|section| admin_token(section, &mut names));
    let tokens = value::all(tokens);
    let tls = if is_plain { None } else { Some(tls?) };
    Some(Admin { address: address?, tls, hosts: hosts?, tokens: tokens? })
}

/// A name as it stands in a `Host` header, without a port.
fn host(report: &Report, written: &Written<String>) -> Option<String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if !written.value.is_empty() && written.value.bytes().all(is_name) {
        return Some(written.value.to_ascii_lowercase());
    }
    report.wrong(&written.place, "is not a host name", "write a name without scheme and port, such as gate1.internal");
    None
}

fn admin_token(mut section: Section<'_>, names: &mut HashSet<String>) -> Option<AdminToken> {
    let report = section.report();
    let name = section.required_text("name", "ops").and_then(|written| value::label(report, written));
    if let Some(name) = name.as_ref().filter(|name| !names.insert(name.value.clone())) {
        report.wrong(&name.place, format!("two tokens are named {}", name.value), "give each its own name");
    }
    let sha256 = section.required_text("sha256", "64 hexadecimal digits").and_then(|written| {
        let sha256 = value::sha256(report, &written)?;
        if sha256 == [0; 32] || written.value.eq_ignore_ascii_case(SAMPLE) {
            report.doubtful(&written.place, "is a placeholder, which no token has", value::SHA256_FIX);
        }
        Some(sha256)
    });
    let scopes = scopes(&mut section);
    let is_temporary = section.has("expires");
    let expires = match section.date("expires") {
        Some(written) => Some(unix_seconds(report, &written)?),
        // Written wrongly, and reported already.
        None if is_temporary => return None,
        None => None,
    };
    Some(AdminToken { name: name?.value, sha256: sha256?, scopes: scopes?, expires })
}

impl AdminScope {
    const ALL: [Self; 4] = [Self::Read, Self::Kill, Self::Drain, Self::Revoke];

    /// As the configuration calls it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Kill => "kill",
            Self::Drain => "drain",
            Self::Revoke => "revoke",
        }
    }
}

fn scopes(section: &mut Section<'_>) -> Option<Vec<AdminScope>> {
    let report = section.report();
    let words = AdminScope::ALL.map(AdminScope::word);
    let written = section.required_texts("scopes", "[\"read\"]")?;
    let scope = |written: Written<String>| {
        let written = value::one_of(report, written, &words)?;
        AdminScope::ALL.into_iter().find(|scope| scope.word() == written.value)
    };
    value::all(written.into_iter().map(scope))
}

/// Unix seconds of a date; without a time its first moment, without an offset UTC.
fn unix_seconds(report: &Report, written: &Written<Datetime>) -> Option<u64> {
    let seconds = seconds_of(&written.value);
    if seconds.is_none() {
        report.wrong(&written.place, "is not a date after 1970", "write a date such as 2027-11-21");
    }
    seconds
}

fn seconds_of(written: &Datetime) -> Option<u64> {
    let date = written.date?;
    let days = days_since_1970(i64::from(date.year), date.month, date.day)?;
    let time = written.time.map_or(0, |time| {
        i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or(0))
    });
    let ahead = match written.offset {
        Some(Offset::Custom { minutes }) => i64::from(minutes) * 60,
        Some(Offset::Z) | None => 0,
    };
    u64::try_from(days * 86_400 + time - ahead).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_1970() {
        for (date, seconds) in [
            ("2027-11-21", Some(1_826_755_200)),
            ("2000-02-29", Some(951_782_400)),
            ("2027-07-01", Some(1_814_400_000)),
            ("2100-03-01", Some(4_107_542_400)),
            ("2100-12-31", Some(4_133_894_400)),
            ("2027-11-21T01:00:00+01:00", Some(1_826_755_200)),
            ("2027-11-21 00:00:10Z", Some(1_826_755_210)),
            ("1969-12-31", None),
            ("10:00:00", None),
        ] {
            assert_eq!(seconds_of(&date.parse().unwrap()), seconds, "{date}");
        }
    }
}
