//! Values as Perl writes them to JSON: a number may come as text, a flag as a number, and nothing as null.
//!
//! Never quotes what it could not read: an answer may hold a ticket.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// A whole number, or its decimal digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(pub(super) u64);

/// `1`, `"1"` or `true`; anything else that is a scalar is unset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flag(bool);

impl Flag {
    pub(super) const fn is_set(self) -> bool {
        self.0
    }
}

/// A short text that may be null.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar)?.number().map(Self).ok_or_else(|| D::Error::custom("not a number"))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(deserializer.deserialize_any(Scalar)?.number() == Some(1)))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Scalar)? {
            Value::Text(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            Value::Other => Ok(Self::default()),
        }
    }
}

enum Value {
    Text(String),
    Number(u64),
    Other,
}

impl Value {
    /// Only digits count: no sign, no space, no exponent.
    fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Self::Text(_) | Self::Other => None,
        }
    }
}

struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }
    fn visit_bool<E>(self, set: bool) -> Result<Value, E> {
        Ok(Value::Number(u64::from(set)))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_number_or_text_and_nothing_else() {
        for good in ["5900", "\"5900\""] {
            assert_eq!(serde_json::from_str::<Number>(good).unwrap(), Number(5900), "{good}");
        }
        for bad in ["null", "\"5900;\"", "\"\"", "-1", "\"+5\"", "5.5", "[1]", "{}", "\" 1\""] {
            assert!(serde_json::from_str::<Number>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_are_set_by_one_and_true() {
        for (text, set) in
            [("1", true), ("\"1\"", true), ("true", true), ("0", false), ("null", false), ("\"\"", false)]
        {
            assert_eq!(serde_json::from_str::<Flag>(text).unwrap().is_set(), set, "{text}");
        }
    }
}
