//! Where a request carries its token: `Authorization: Bearer`, or one item of `Sec-WebSocket-Protocol`.
//!
//! Finds the token and never looks into it. A token in two places is refused, because two readers could pick different
//! ones (T03 of the hostile-inputs reference).

use crate::reason::{Failure, Reason};
use hyper::header::{AUTHORIZATION, HeaderMap, SEC_WEBSOCKET_PROTOCOL};
use std::collections::HashSet;

/// The subprotocol of a console's bytes, the only one ever answered.
pub(super) const BINARY: &str = "binary";
/// In front of a token among the subprotocols.
const TOKEN: &str = "consolegate.";
/// More offers than any client makes.
const OFFERS: usize = 16;

/// The token of `Authorization`, if any.
///
/// # Errors
/// `ambiguous` where there are two, `malformed` where it is not text.
pub(super) fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Failure::new(Reason::TokenAmbiguous, "two Authorization headers"));
    }
    let value = value.to_str().map_err(|_| Failure::new(Reason::TokenMalformed, "Authorization is not ASCII"))?;
    let Some((scheme, token)) = value.split_once(' ') else {
        return Err(Failure::new(Reason::TokenMissing, "Authorization without a token"));
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Failure::new(Reason::TokenMissing, "Authorization is not of the Bearer scheme"));
    }
    if token.contains(',') {
        return Err(Failure::new(Reason::TokenAmbiguous, "two tokens in one Authorization header"));
    }
    Ok(Some(token.trim_start_matches(' ')))
}

/// What a WebSocket client offers in `Sec-WebSocket-Protocol`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offers<'h> {
    /// It understands [`BINARY`].
    pub binary: bool,
    /// The token it brings.
    pub token: Option<&'h str>,
}

/// Reads the offers; those that are not ours have no effect.
///
/// # Errors
/// `ambiguous` for two tokens, `bad_request` for anything RFC 6455 4.1 does not allow, or too much of it.
pub(super) fn offers(headers: &HeaderMap) -> Result<Offers<'_>, Failure> {
    let refuse = |cause: &str| Failure::new(Reason::BadRequest, format!("Sec-WebSocket-Protocol: {cause}"));
    let mut all = Vec::new();
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let value = value.to_str().map_err(|_| refuse("not ASCII"))?;
        all.extend(value.split(',').map(|offer| offer.trim_matches([' ', '\t'])).take(OFFERS + 1));
        if all.len() > OFFERS {
            return Err(refuse("too many items"));
        }
    }
    let mut tokens = all.iter().filter_map(|offer| offer.strip_prefix(TOKEN));
    let token = tokens.next();
    if tokens.next().is_some() {
        return Err(Failure::new(Reason::TokenAmbiguous, "two tokens among the subprotocols"));
    }
    if all.iter().any(|offer| offer.is_empty() || !offer.bytes().all(is_token)) {
        return Err(refuse("an item is empty or not a token"));
    }
    if all.iter().collect::<HashSet<_>>().len() < all.len() {
        return Err(refuse("an item came twice"));
    }
    Ok(Offers { binary: all.contains(&BINARY), token })
}

/// `tchar` of RFC 9110 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn offered(values: &[&str]) -> Result<(bool, Option<String>), Reason> {
        let pairs: Vec<_> = values.iter().map(|value| ("sec-websocket-protocol", *value)).collect();
        let map = headers(&pairs);
        offers(&map).map(|o| (o.binary, o.token.map(str::to_owned))).map_err(|failure| failure.reason)
    }

    #[test]
    fn t03_a_token_comes_once() {
        let twice = headers(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]);
        assert_eq!(authorization(&twice).unwrap_err().reason, Reason::TokenAmbiguous);
        let both = headers(&[("authorization", "Bearer a, Bearer b")]);
        assert_eq!(authorization(&both).unwrap_err().reason, Reason::TokenAmbiguous);
        assert_eq!(offered(&["consolegate.a, consolegate.a"]), Err(Reason::TokenAmbiguous));
        assert_eq!(offered(&["consolegate.a", "consolegate.b"]), Err(Reason::TokenAmbiguous));
    }

    #[test]
    fn t01_other_schemes_are_no_token() {
        for value in ["Basic YTpi", "Bearer", "token"] {
            assert_eq!(authorization(&headers(&[("authorization", value)])).unwrap_err().reason, Reason::TokenMissing);
        }
        assert_eq!(authorization(&headers(&[])), Ok(None));
        assert_eq!(authorization(&headers(&[("authorization", "bEARER  a.b.c")])), Ok(Some("a.b.c")));
    }

    #[test]
    fn h19_offers_are_few_different_and_tokens() {
        assert_eq!(offered(&["binary, consolegate.abc"]), Ok((true, Some("abc".into()))));
        assert_eq!(offered(&["consolegate.abc", "binary"]), Ok((true, Some("abc".into()))));
        assert_eq!(offered(&["chat"]), Ok((false, None)));
        assert_eq!(offered(&[]), Ok((false, None)));
        let thousand: Vec<String> = (0..1000).map(|n| format!("p{n}")).collect();
        for bad in ["binary,binary", "a,,b", "", "a b", "a;b", "b\u{e9}", &thousand.join(",")] {
            assert_eq!(offered(&[bad]), Err(Reason::BadRequest), "{bad:.20}");
        }
    }
}
