//! The JSON of tokens, read strictly.
//!
//! Owns what JSON parsers disagree about: a key that comes twice is refused at any depth, nesting is bounded, and a
//! number stays the text it was, so that nothing is rounded before a rule has looked at it. Strings and escapes are
//! serde_json's (no lone surrogates, no invalid UTF-8).

use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// `{"a":{"b":["c"]}}` is three deep; tokens of sign-on systems are at most five.
const MAX_DEPTH: u8 = 8;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Flag,
    /// As written.
    Number(String),
    Text(String),
    List(Vec<Self>),
    Object(Object),
}

/// A JSON object; no key came twice.
pub(super) type Object = BTreeMap<String, Json>;

/// Reads bytes that must be one JSON object. The error never holds a value.
pub(super) fn object(bytes: &[u8]) -> Result<Object, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    match value(text, 0)? {
        Json::Object(object) => Ok(object),
        Json::Null | Json::Flag | Json::Number(_) | Json::Text(_) | Json::List(_) => {
            Err("not a JSON object".to_owned())
        }
    }
}

impl Json {
    /// The whole number from 0 to 999,999,999,999,999 it is, written without sign, fraction or exponent.
    pub(super) fn integer(&self) -> Option<u64> {
        match self {
            Self::Number(text) if text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            Self::Number(_) | Self::Null | Self::Flag | Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The text it is.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Null | Self::Flag | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The list of texts it is.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(items) => items.iter().map(Self::text).collect(),
            Self::Number(_) | Self::Null | Self::Flag | Self::Text(_) | Self::Object(_) => None,
        }
    }
}

fn value(text: &str, depth: u8) -> Result<Json, String> {
    let raw: &RawValue = read(text)?;
    let text = raw.get();
    if depth >= MAX_DEPTH {
        return Err(format!("nested deeper than {MAX_DEPTH}"));
    }
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = read(text)?;
            let inner = |(key, raw): (String, &RawValue)| Ok((key, value(raw.get(), depth + 1)?));
            members.into_iter().map(inner).collect::<Result<_, _>>().map(Json::Object)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = read(text)?;
            items.into_iter().map(|raw| value(raw.get(), depth + 1)).collect::<Result<_, _>>().map(Json::List)
        }
        Some(b'"') => read(text).map(Json::Text),
        Some(b't' | b'f') => Ok(Json::Flag),
        Some(b'n') => Ok(Json::Null),
        _ => Ok(Json::Number(text.to_owned())),
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => "a key comes twice".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof | serde_json::error::Category::Io => {
            format!("not JSON at column {}", error.column())
        }
    })
}

/// An object's members, their values still text.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;
        impl<'de> Visitor<'de> for Unique {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with unique keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, raw)) = map.next_entry::<String, &RawValue>()? {
                    if members.insert(key, raw).is_some() {
                        return Err(A::Error::custom("a key comes twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn t24_a_key_that_comes_twice_is_refused_at_any_depth() {
        for text in
            [r#"{"a":1,"a":1}"#, r#"{"a":{"b":1,"b":2}}"#, r#"{"a":[{"b":1,"b":2}]}"#, "{\"a\":1,\"\\u0061\":2}"]
        {
            assert_eq!(object(text.as_bytes()), Err("a key comes twice".to_owned()), "{text}");
        }
        assert!(object(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
    }

    #[test]
    fn t28_depth_is_bounded_and_the_stack_is_safe() {
        let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(object(nested(6).as_bytes()).is_ok());
        assert!(object(nested(7).as_bytes()).is_err());
        assert!(object(nested(10_000).as_bytes()).is_err());
        assert!(object(format!("{{\"a\":{}", "{\"a\":".repeat(100_000)).as_bytes()).is_err());
    }

    #[test]
    fn t28_what_is_not_json_is_refused() {
        for bytes in [
            &b""[..],
            b"{",
            b"[]",
            b"1",
            b"\"a\"",
            b"{}x",
            b"{} {}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"\\udc00\":1}",
            b"{\"a\":\"\n\"}",
            b"{\"a\":01}",
            b"{\"a\":1.}",
            b"{\"a\":nul}",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":NaN}",
        ] {
            assert!(object(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn t13_only_plain_whole_numbers_are_integers() {
        let integer = |text: &str| object(format!("{{\"n\":{text}}}").as_bytes()).unwrap()["n"].integer();
        assert_eq!(integer("0"), Some(0));
        assert_eq!(integer("999999999999999"), Some(999_999_999_999_999));
        for text in
            ["-1", "-0", "1.0", "1e3", "1e400", "1000000000000000", "18446744073709551616", "\"1\"", "null", "[1]"]
        {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(text in r#"[\[\]\{\}":,a01.eE+\-n" \\u]{0,24}"#) {
            let wrapped = format!("{{\"k\":{text}}}");
            let ours = object(wrapped.as_bytes());
            let theirs = serde_json::from_str::<serde_json::Value>(&wrapped);
            // Stricter by unique keys and depth, more lenient only by numbers of any size.
            if ours.is_ok() && let Err(error) = theirs {
                prop_assert!(error.to_string().starts_with("number out of range"), "{error}");
            }
        }
    }
}
