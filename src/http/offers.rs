//! What a WebSocket client offers: one item of `Sec-WebSocket-Protocol` may carry its token.
//!
//! Finds the token and never looks into it. A token in two places is refused, because two readers could pick different
//! ones (T03 of the hostile-inputs reference).

use crate::reason::{Failure, Reason};
use hyper::header::{HeaderMap, SEC_WEBSOCKET_PROTOCOL};
use std::collections::HashSet;

/// The subprotocol of a console's bytes, the only one ever answered.
pub(super) const BINARY: &str = "binary";
/// In front of a token among the subprotocols.
const TOKEN: &str = "consolegate.";
/// More offers than any client makes.
const OFFERS: usize = 16;

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

    fn offered(values: &[&str]) -> Result<(bool, Option<String>), Reason> {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(SEC_WEBSOCKET_PROTOCOL, value.parse().unwrap());
        }
        offers(&map).map(|o| (o.binary, o.token.map(str::to_owned))).map_err(|failure| failure.reason)
    }

    #[test]
    fn t03_a_token_comes_once() {
        assert_eq!(offered(&["consolegate.a, consolegate.a"]), Err(Reason::TokenAmbiguous));
        assert_eq!(offered(&["consolegate.a", "consolegate.b"]), Err(Reason::TokenAmbiguous));
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
