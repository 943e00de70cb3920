//! Parameters as pveproxy reads them: `&` and `;` part them, `+` is a blank, a bare `=` in a value cuts it off.
//!
//! These quirks catch a client that does not percent-encode its ticket (protocol reference section 2).

use percent_encoding::percent_decode_str;

/// Parameters of a query or a body.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Of a query string or an urlencoded body.
    pub(super) fn of_form(text: &str) -> Self {
        let pairs = text.split(['&', ';']).filter(|part| !part.is_empty()).map(|part| {
            let mut pieces = part.split('=');
            let mut next = || decode(&pieces.next().unwrap_or_default().replace('+', " "));
            (next(), next())
        });
        Self(pairs.filter(|(key, _)| key != "_dc").collect())
    }

    /// Of a JSON object; nothing else has parameters.
    pub(super) fn of_json(text: &[u8]) -> Option<Self> {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text).ok()?;
        let pairs = object.into_iter().map(|(key, value)| match value {
            serde_json::Value::String(text) => (key, text),
            serde_json::Value::Bool(yes) => (key, u8::from(yes).to_string()),
            serde_json::Value::Null => (key, String::new()),
            other @ (serde_json::Value::Number(_) | serde_json::Value::Array(_) | serde_json::Value::Object(_)) => {
                (key, other.to_string())
            }
        });
        Some(Self(pairs.collect()))
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Percent-decodes; bytes that are no UTF-8 become replacement characters, and so match nothing.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn values_that_are_not_percent_encoded_are_mangled() {
        let read = |text| Parameters::of_form(text).get("x").map(str::to_owned);
        assert_eq!(read("x=a%3Db=="), Some("a=b".into()));
        assert_eq!(read("x=a+b"), Some("a b".into()));
        assert_eq!(read("x=a;b"), Some("a".into()));
        assert_eq!(read("x=a%3Bb%2B%26%3D"), Some("a;b+&=".into()));
    }
}
