//! `Accept-Encoding`: which stored form of a file a client takes (RFC 9110 12.5.3).

use hyper::header::{ACCEPT_ENCODING, HeaderMap};

/// A form in which files are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Identity,
}

impl Encoding {
    /// The word in `Content-Encoding`; none for the plain form.
    pub(super) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Identity => None,
        }
    }

    /// What the stored file's name ends with.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Identity => "",
        }
    }
}

/// The forms a client takes, the smallest first; the plain one is always the last resort. Every browser that can run the
/// page takes brotli, so there is no third form.
pub(super) fn accepted(headers: &HeaderMap) -> impl Iterator<Item = Encoding> {
    let weight = |word: &str| {
        let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).filter_map(|item| weighed(item, word)).next_back()
    };
    let any = weight("*").unwrap_or(false);
    let brotli = weight("br").unwrap_or(any).then_some(Encoding::Brotli);
    brotli.into_iter().chain([Encoding::Identity])
}

/// Whether the item is about `word`, and if so whether it is taken at all.
fn weighed(item: &str, word: &str) -> Option<bool> {
    let (coding, parameter) = item.split_once(';').unwrap_or((item, ""));
    if !coding.trim().eq_ignore_ascii_case(word) {
        return None;
    }
    let quality = parameter.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.trim_start().strip_prefix('='));
    Some(quality.is_none_or(|quality| quality.trim().parse::<f32>().is_ok_and(|quality| quality > 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Brotli, Identity};

    fn of(value: &str) -> Vec<Encoding> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
        accepted(&headers).collect()
    }

    #[test]
    fn the_smallest_form_the_client_takes() {
        assert_eq!(of("gzip, deflate, br, zstd"), [Brotli, Identity]);
        assert_eq!(of("BR"), [Brotli, Identity]);
        assert_eq!(of("gzip, br;q=0.5"), [Brotli, Identity]);
        assert_eq!(of("gzip"), [Identity]);
        assert_eq!(of("br;q=0, gzip;q=0.5"), [Identity]);
        assert_eq!(of("*"), [Brotli, Identity]);
        assert_eq!(of("*;q=0"), [Identity]);
        assert_eq!(of("*, br; q=0.000"), [Identity]);
        assert_eq!(of("brotli"), [Identity]);
        assert_eq!(of(""), [Identity]);
        assert_eq!(accepted(&HeaderMap::new()).collect::<Vec<_>>(), [Identity]);
    }
}
