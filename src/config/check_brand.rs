//! Checks `[issuer.brand]`: the name, logo and colours that the page wears for an issuer's customers.
//!
//! Owns what a logo and a colour are. A logo counts by what it holds, whatever its name says, and is never more than an
//! image: it is served so that nothing in it runs.

use super::files::Folder;
use super::problem::{Report, Written};
use super::raw::Section;
use super::{Brand, Logo, LogoKind, value};
use crate::{hex, sha256};
use std::sync::Arc;

/// Bytes of a logo, in KiB.
const MOST_KIB: usize = 64;
/// Characters of a name.
const NAME: usize = 64;

/// The issuer's brand; inside: none, where there is none.
#[expect(clippy::option_option, reason = "outside: whether it is right; inside: whether it is there")]
pub(super) fn brand(issuer: &mut Section<'_>, folder: Folder<'_>) -> Option<Option<Brand>> {
    if !issuer.has("brand") {
        // Asked for all the same, so that it is known.
        return issuer.section("brand").is_none().then_some(None);
    }
    let mut section = issuer.section("brand")?;
    let report = section.report();
    let name = section.required_text("name", "Example Hosting").and_then(|written| name(report, written));
    let logo = optional(&mut section, "logo_file", |written| logo(report, written, folder));
    let accent = optional(&mut section, "accent", |written| colour(report, written));
    let accent_dark = optional(&mut section, "accent_dark", |written| colour(report, written));
    Some(Some(Brand { name: name?, logo: logo?, accent: accent?, accent_dark: accent_dark? }))
}

/// A text that may be left out, read; inside: none, where it is left out.
#[expect(clippy::option_option, reason = "outside: whether it is right; inside: whether it is there")]
fn optional<T>(
    section: &mut Section<'_>,
    key: &'static str,
    read: impl FnOnce(&Written<String>) -> Option<T>,
) -> Option<Option<T>> {
    let is_there = section.has(key);
    match section.text(key) {
        Some(written) => read(&written).map(Some),
        None if is_there => None,
        None => Some(None),
    }
}

fn name(report: &Report, written: Written<String>) -> Option<String> {
    let written = value::label(report, written)?;
    if written.value.chars().count() <= NAME {
        return Some(written.value);
    }
    report.wrong(&written.place, format!("is longer than {NAME} characters"), "shorten it: it stands beside the title");
    None
}

fn logo(report: &Report, file: &Written<String>, folder: Folder<'_>) -> Option<Logo> {
    let bytes = folder.public(file)?;
    let wrong = |what: &str, fix: &str| {
        report.wrong(&file.place, format!("{} {what}", file.value), fix);
        None
    };
    if bytes.len() > MOST_KIB * 1024 {
        return wrong(&format!("is larger than {MOST_KIB} KiB"), "make it smaller: it is shown a few lines high");
    }
    let Some(kind) = kind(&bytes) else {
        return wrong("is neither SVG nor PNG", "save it as SVG (in UTF-8) or as PNG");
    };
    let mut hash = hex::lower(&sha256::of(&bytes));
    hash.truncate(32);
    Some(Logo { kind, hash, bytes: Arc::from(bytes) })
}

fn kind(bytes: &[u8]) -> Option<LogoKind> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR") {
        return Some(LogoKind::Png);
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
    let root = past_prolog(text.trim_start_matches('\u{feff}'))?.strip_prefix("<svg")?;
    root.starts_with(|next: char| next.is_ascii_whitespace() || matches!(next, '>' | '/')).then_some(LogoKind::Svg)
}

/// The document from its root element on: without declaration, comments and document type.
fn past_prolog(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!DOCTYPE svg") {
            ">"
        } else {
            return Some(rest);
        };
        rest = rest.split_once(end)?.1.trim_start();
    }
}

fn colour(report: &Report, written: &Written<String>) -> Option<String> {
    let digits = written.value.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(written.value.to_ascii_lowercase());
    }
    let what = format!("\"{}\" is not a colour", written.value.escape_debug());
    report.wrong(&written.place, what, "write # and six hexadecimal digits, such as #1f6feb");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_counts_by_what_it_holds() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0";
        assert_eq!(kind(png), Some(LogoKind::Png));
        for svg in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- a > b -->\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\">\n<svg\n>",
            "  <svg/>",
        ] {
            assert_eq!(kind(svg.as_bytes()), Some(LogoKind::Svg), "{svg}");
        }
        for other in [
            "",
            "<html><svg/></html>",
            "<!doctype html><html>",
            "<svgx/>",
            "svg",
            "<?xml",
            "<!-- <svg>",
            "GIF89a",
            "\u{89}PNG",
        ] {
            assert_eq!(kind(other.as_bytes()), None, "{other}");
        }
        assert_eq!(kind(b"<svg>\xff</svg>"), None);
        assert_eq!(kind(b"<svg>\0</svg>"), None);
    }
}
