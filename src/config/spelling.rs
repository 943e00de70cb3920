//! Finds what was probably meant by a key or word that is not known.
//!
//! Owns the words of the advice. Decides by spelling alone.

/// What to say about a key nobody knows, among those known in its table: problem and cure.
pub(super) fn unknown_key(key: &str, known: &[&str]) -> (String, String) {
    if key.starts_with("dangerous_") {
        let what = "unknown key: this version has no way to switch a check off".to_owned();
        return (what, "remove it; the checks stay on".to_owned());
    }
    // A key and its `_file` form: somebody is about to write a secret into the configuration.
    let as_file = format!("{key}_file");
    if matches!(key, "secret" | "password" | "key") && known.contains(&as_file.as_str()) {
        let what = "unknown key: nothing secret stands in the configuration itself".to_owned();
        return (what, format!("put it into a file and name that in {as_file}"));
    }
    let fix = match nearest(key, known) {
        Some(name) => format!("did you mean {name}?"),
        None if known.is_empty() => "remove it".to_owned(),
        None => format!("remove it; known here: {}", known.join(", ")),
    };
    ("unknown key".to_owned(), fix)
}

/// The word that differs least, if it differs little enough to be meant.
pub(super) fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    let text = text.to_lowercase().replace('-', "_");
    let close = |word: &&'a str| (strsim::damerau_levenshtein(&text, &word.to_lowercase().replace('-', "_")), *word);
    if let Some(longer) = words.iter().find(|word| word.strip_prefix(&text).is_some_and(|rest| rest.starts_with('_'))) {
        return Some(longer);
    }
    let (distance, word) = words.iter().map(close).min()?;
    let enough = distance * 3 <= word.len().max(3);
    enough.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_slips_are_recognised_and_other_words_are_not() {
        assert_eq!(nearest("publik_url", &["listen", "public_url"]), Some("public_url"));
        assert_eq!(nearest("public-url", &["listen", "public_url"]), Some("public_url"));
        assert_eq!(nearest("hs256", &["HS384", "HS256"]), Some("HS256"));
        assert_eq!(nearest("password", &["listen", "address"]), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn an_inline_secret_is_sent_to_a_file() {
        assert!(unknown_key("secret", &["id", "secret_file"]).1.contains("secret_file"));
        assert!(unknown_key("adress", &["address"]).1.contains("did you mean address"));
        assert!(unknown_key("dangerous_skip_tls", &["address"]).0.contains("switch a check off"));
    }
}
