//! The file as written: tables whose values are asked for by key and type.
//!
//! Owns the TOML document, the types of its values and the rule that a key nobody asks for is unknown: a [`Section`]
//! reports those when it is dropped, so no reader can forget it. Knows nothing of what the values mean.

use super::problem::{Place, Report, Written};
use super::{spelling, value};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use toml::value::Datetime;

/// Parses the text as far as it can be parsed. Every mistake of TOML itself is already in the report.
pub(super) fn parse(text: &str) -> (Spanned<DeTable<'_>>, Report) {
    let mut report = Report::about(text);
    let (document, mistakes) = DeTable::parse_recoverable(text);
    for mistake in mistakes {
        let span = mistake.span();
        let quoted = span.clone().and_then(|span| text.get(span)).map(str::trim).filter(|quoted| !quoted.is_empty());
        let what = match quoted {
            Some(quoted) => format!("{} at `{}`", mistake.message(), quoted.lines().next().unwrap_or_default()),
            None => mistake.message().to_owned(),
        };
        report.syntax(span, what);
    }
    (document, report)
}

/// One table of the file.
pub(super) struct Section<'a> {
    place: Place,
    report: &'a Report,
    entries: BTreeMap<&'a str, (usize, &'a Spanned<DeValue<'a>>)>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(document: &'a Spanned<DeTable<'a>>, report: &'a Report) -> Self {
        Self::new(Place { path: String::new(), line: 1 }, document.get_ref(), report)
    }

    fn new(place: Place, table: &'a DeTable<'a>, report: &'a Report) -> Self {
        let entry = |(key, value): (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)| {
            (key.get_ref().as_ref(), (report.line(&key.span()), value))
        };
        Self { place, report, entries: table.iter().map(entry).collect(), asked: Vec::new() }
    }

    /// Where the table stands.
    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// The report of the file.
    pub(super) const fn report(&self) -> &'a Report {
        self.report
    }

    /// Where a key of the table stands; where it would stand, if it is not there.
    pub(super) fn place_of(&self, key: &str) -> Place {
        let line = self.entries.get(key).map_or(self.place.line, |(line, _)| *line);
        let path = if self.place.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place.path) };
        Place { path, line }
    }

    /// Whether a key was written.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Written<String>> {
        let (place, value) = self.take(key, None)?;
        text_of(self.report, place, value)
    }

    /// A text that must be there; `example` shows how it looks.
    pub(super) fn required_text(&mut self, key: &'static str, example: &str) -> Option<Written<String>> {
        if !self.has(key) {
            self.missing(key, &format!("add {key} = \"{example}\""));
        }
        self.text(key)
    }

    /// A text with a default.
    pub(super) fn text_or(&mut self, key: &'static str, default: &str) -> Option<Written<String>> {
        let place = self.place_of(key);
        match self.take(key, Some(format!("{default:?}"))) {
            Some((place, value)) => text_of(self.report, place, value),
            None => Some(Written { value: default.to_owned(), place }),
        }
    }

    /// One of a closed list of words; the first is the default.
    pub(super) fn word(&mut self, key: &'static str, words: &[&'static str]) -> Option<Written<&'static str>> {
        let written = self.text_or(key, words.first().unwrap_or(&""))?;
        value::one_of(self.report, written, words)
    }

    /// A list of texts; left out: the default.
    pub(super) fn texts(&mut self, key: &'static str, default: &[&str]) -> Option<Vec<Written<String>>> {
        let place = self.place_of(key);
        let Some((place, value)) = self.take(key, Some(format!("{default:?}"))) else {
            let written = |text: &&str| Written { value: (*text).to_owned(), place: place.clone() };
            return Some(default.iter().map(written).collect());
        };
        texts_of(self.report, &place, value)
    }

    /// A list of texts that must be there and hold one at least; `example` shows how it looks.
    pub(super) fn required_texts(&mut self, key: &'static str, example: &str) -> Option<Vec<Written<String>>> {
        let place = self.place_of(key);
        if !self.has(key) {
            self.missing(key, &format!("add {key} = {example}"));
        }
        let (_, value) = self.take(key, None)?;
        let list = texts_of(self.report, &place, value)?;
        if list.is_empty() {
            self.report.wrong(&place, "is empty", format!("name at least one: {example}"));
            return None;
        }
        Some(list)
    }

    /// A whole number in a range, with a default.
    pub(super) fn number(&mut self, key: &'static str, default: u64, range: RangeInclusive<u64>) -> Option<u64> {
        let Some((place, value)) = self.take(key, Some(default.to_string())) else {
            return Some(default);
        };
        let (low, high) = (*range.start(), *range.end());
        let DeValue::Integer(written) = value.get_ref() else {
            wrong_type(self.report, &place, value, "a whole number", &format!("write a number from {low} to {high}"));
            return None;
        };
        let number =
            u64::from_str_radix(written.as_str(), written.radix()).ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.report.wrong(&place, format!("{written} is out of range"), format!("use {low} to {high}"));
        }
        number
    }

    /// A yes or no, with a default.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> Option<Written<bool>> {
        let place = self.place_of(key);
        let Some((place, value)) = self.take(key, Some(default.to_string())) else {
            return Some(Written { value: default, place });
        };
        let DeValue::Boolean(flag) = value.get_ref() else {
            wrong_type(self.report, &place, value, "true or false", "write true or false, without quotes");
            return None;
        };
        Some(Written { value: *flag, place })
    }

    /// A date or a date with time.
    pub(super) fn date(&mut self, key: &'static str) -> Option<Written<Datetime>> {
        let (place, value) = self.take(key, None)?;
        let DeValue::Datetime(date) = value.get_ref() else {
            wrong_type(self.report, &place, value, "a date", "write a date without quotes, such as 2027-11-21");
            return None;
        };
        Some(Written { value: *date, place })
    }

    /// A table, if it is there.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Self> {
        let (place, value) = self.take(key, None)?;
        let DeValue::Table(table) = value.get_ref() else {
            wrong_type(self.report, &place, value, "a table", &format!("write [{}] and its keys below", place.path));
            return None;
        };
        Some(Self::new(place, table, self.report))
    }

    /// A table that counts as empty where it is left out.
    pub(super) fn section_or_empty(&mut self, key: &'static str) -> Self {
        let place = self.place_of(key);
        let report = self.report;
        let empty = || Self { place, report, entries: BTreeMap::new(), asked: Vec::new() };
        self.section(key).unwrap_or_else(empty)
    }

    /// Every table of an array of tables; left out: none.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let Some((place, value)) = self.take(key, None) else {
            return Vec::new();
        };
        let header = format!("write [[{}]] before each one", without_indexes(&place.path));
        let DeValue::Array(items) = value.get_ref() else {
            wrong_type(self.report, &place, value, "a list of tables", &header);
            return Vec::new();
        };
        if items.is_empty() {
            self.report.wrong(&place, "is empty", &header);
        }
        let item = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| {
            let item = Place { path: format!("{}[{index}]", place.path), line: self.report.line(&value.span()) };
            if let DeValue::Table(table) = value.get_ref() {
                return Some(Self::new(item, table, self.report));
            }
            wrong_type(self.report, &item, value, "a table", &header);
            None
        };
        items.iter().enumerate().filter_map(item).collect()
    }

    /// Whether a key that nobody asked for was probably meant as one that was. That is said when the section is done with,
    /// and says more than that the other is not there.
    pub(super) fn has_slip(&self) -> bool {
        self.entries.keys().any(|key| spelling::nearest(key, &self.asked).is_some())
    }

    /// Reports that a key of another table is not there.
    pub(super) fn missing_in(&self, path: &str, what: &str, fix: &str) {
        self.report.absent(&Place { path: path.to_owned(), line: self.place.line }, what, fix);
    }

    /// Reports that a key is not there.
    pub(super) fn missing(&self, key: &str, fix: &str) {
        self.report.absent(&self.place_of(key), "is missing", fix);
    }

    fn take(&mut self, key: &'static str, default: Option<String>) -> Option<(Place, &'a Spanned<DeValue<'a>>)> {
        let place = self.place_of(key);
        self.report.know(&without_indexes(&place.path), default);
        self.asked.push(key);
        self.entries.remove(key).map(|(_, value)| (place, value))
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        for key in self.entries.keys() {
            let (what, fix) = spelling::unknown_key(key, &self.asked);
            self.report.wrong(&self.place_of(key), what, fix);
        }
    }
}

fn texts_of(report: &Report, place: &Place, value: &Spanned<DeValue<'_>>) -> Option<Vec<Written<String>>> {
    let DeValue::Array(items) = value.get_ref() else {
        wrong_type(report, place, value, "a list", "write a list: [\"...\", \"...\"]");
        return None;
    };
    let item = |(index, value): (usize, &Spanned<DeValue<'_>>)| {
        let path = format!("{}[{index}]", place.path);
        text_of(report, Place { path, line: report.line(&value.span()) }, value)
    };
    value::all(items.iter().enumerate().map(item))
}

fn text_of(report: &Report, place: Place, value: &Spanned<DeValue<'_>>) -> Option<Written<String>> {
    let DeValue::String(text) = value.get_ref() else {
        wrong_type(report, &place, value, "a text", "put it in double quotes");
        return None;
    };
    Some(Written { value: text.clone().into_owned(), place })
}

fn wrong_type(report: &Report, place: &Place, value: &Spanned<DeValue<'_>>, expected: &str, fix: &str) {
    let found = match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    report.wrong(place, format!("expected {expected}, found {found}"), fix);
}

/// `issuer[0].key[1].id` as `issuer.key.id`: the key whichever table it stands in.
pub(super) fn without_indexes(path: &str) -> String {
    path.split('.').map(|part| part.split_once('[').map_or(part, |(name, _)| name)).collect::<Vec<_>>().join(".")
}
