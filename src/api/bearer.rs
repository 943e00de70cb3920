//! The token of `Authorization: Bearer`.
//!
//! Finds it and never looks into it. A token in two places is refused, because two readers could pick different ones (T03
//! of the hostile-inputs reference).

use crate::reason::{Failure, Reason};
use hyper::header::{AUTHORIZATION, HeaderMap};

/// The token of `Authorization`, if any.
///
/// # Errors
/// `ambiguous` where there are two, `malformed` where it is not text.
pub fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(AUTHORIZATION, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn t03_a_token_comes_once() {
        for twice in [&["Bearer a", "Bearer a"][..], &["Bearer a, Bearer b"]] {
            assert_eq!(authorization(&headers(twice)).unwrap_err().reason, Reason::TokenAmbiguous);
        }
    }

    #[test]
    fn t01_other_schemes_are_no_token() {
        for value in ["Basic YTpi", "Bearer", "token"] {
            assert_eq!(authorization(&headers(&[value])).unwrap_err().reason, Reason::TokenMissing);
        }
        assert_eq!(authorization(&headers(&[])), Ok(None));
        assert_eq!(authorization(&headers(&["bEARER  a.b.c"])), Ok(Some("a.b.c")));
    }
}
