//! The examples against the code: every key known, every default the code's own, none forgotten.

use super::files::Folder;
use super::{Config, check, raw};
use raw::Section;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::Value;

#[path = "../../tests/gate/mod.rs"]
mod gate;

const FULL: &str = include_str!("../../examples/full.toml");
const MINIMAL: &str = include_str!("../../examples/minimal.toml");

/// The keys the code asks for while it reads a text, with their defaults.
fn known(text: &str, folder: &Path) -> BTreeMap<String, Option<String>> {
    let (document, report) = raw::parse(text);
    let _ = check::read(Section::root(&document, &report), Folder::new(folder, &report));
    report.known()
}

/// The keys that stand in a text, with their values as TOML writes them.
fn written(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    fn walk(path: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
        match value {
            Value::Table(table) => {
                for (key, value) in table {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    found.entry(path.clone()).or_default().insert(value.to_string());
                    walk(&path, value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(path, item, found)),
            Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
        }
    }
    let mut found = BTreeMap::new();
    walk("", &Value::Table(text.parse().unwrap()), &mut found);
    found
}

/// The text with the keys that are commented out taken in.
fn uncommented(text: &str) -> String {
    let is_key = |rest: &&str| rest.starts_with(|first: char| first.is_ascii_lowercase());
    let lines = text.lines().map(|line| line.strip_prefix('#').filter(is_key).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn both_examples_are_right_once_their_files_exist() {
    let gate = gate::Gate::new();
    for text in [MINIMAL, FULL] {
        Config::parse(text, gate.path()).unwrap();
    }
}

#[test]
fn every_default_in_the_full_example_is_the_codes_own() {
    let gate = gate::Gate::new();
    let written = written(FULL);
    let mut compared = 0;
    for (path, default) in known(FULL, gate.path()) {
        let Some(default) = default else { continue };
        let values = written.get(&path).unwrap_or_else(|| panic!("{path} has a default and is not in the example"));
        assert_eq!(values, &BTreeSet::from([default]), "{path}");
        compared += 1;
    }
    assert!(compared > 25, "{compared}");
}

#[test]
fn the_full_example_leaves_no_known_key_out_and_names_no_unknown_one() {
    let gate = gate::Gate::new();
    let all = uncommented(FULL);
    let known: BTreeSet<String> = known(&all, gate.path()).into_keys().collect();
    let written: BTreeSet<String> = written(&all).into_keys().collect();
    assert!(known.len() > 60, "{known:?}");
    assert_eq!(known, written);
}

#[test]
fn leaving_everything_with_a_default_out_means_the_same_as_writing_it() {
    let gate = gate::Gate::new();
    let (minimal, full) = (Config::parse(MINIMAL, gate.path()).unwrap(), Config::parse(FULL, gate.path()).unwrap());
    assert_eq!(format!("{:?}", minimal.limits), format!("{:?}", full.limits));
    assert_eq!(format!("{:?}", minimal.timeouts), format!("{:?}", full.timeouts));
    assert_eq!(format!("{:?}", minimal.session), format!("{:?}", full.session));
    assert_eq!(minimal.listen.address, full.listen.address);
    assert_eq!(minimal.log, full.log);
    assert_eq!(minimal.audit_file, None);
}
