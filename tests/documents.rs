//! What is written for people against what is there: the claims of a token, the lines of PHP, the notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod gate;

use gate::Gate;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../README.md");
const EMBED: &str = include_str!("../EMBED.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The first block of code of this language.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let (_, after) = text.split_once(&format!("```{language}\n")).expect("a block of code");
    after.split_once("```").unwrap().0
}

/// Texts in quotes behind this word of a source file, up to the end of the line they end on.
fn quoted(source: &str, after: &str, end: &str) -> BTreeSet<String> {
    let (_, rest) = source.split_once(after).unwrap_or_else(|| panic!("{after} has gone"));
    let (list, _) = rest.split_once(end).unwrap();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Names of the claims that `claims.rs` reads, by the ways in which it does.
fn read_claims(source: &str) -> BTreeSet<String> {
    ["payload.get(\"", ".integer(\"", ".text(\"", ".texts(\"", ".required_text(\""]
        .iter()
        .flat_map(|way| source.match_indices(way).map(|(at, _)| &source[at + way.len()..]))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_claim_of_a_token_stands_in_the_table_and_no_other() {
    let source = |name: &str| std::fs::read_to_string(root().join("src/token").join(name)).unwrap();
    let mut known = read_claims(&source("claims.rs"));
    known.extend(["iss".to_owned(), "console".to_owned()]);
    let console = quoted(&source("console.rs"), "const KEYS: [&str;", "];");
    assert!(known.len() >= 11 && console.len() >= 11, "{known:?} {console:?}");
    known.extend(console.iter().map(|name| format!("console.{name}")));
    let (_, section) = EMBED.split_once("\n## The token\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), known);
}

#[test]
fn the_node_that_the_readme_asks_for_is_the_one_that_the_page_needs() {
    let package: serde_json::Value = serde_json::from_str(include_str!("../web/package.json")).unwrap();
    let oldest = package["engines"]["node"].as_str().unwrap().strip_prefix(">=").unwrap();
    assert!(README.contains(&format!("Node {oldest} or later")), "{oldest}");
}

/// Runs lines of PHP; exit code and everything said.
fn php(code: &str) -> (i32, String) {
    let ran = Command::new("php").args(["-r", code]).output().expect("php (run `make setup`)");
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn the_lines_of_php_sign_what_the_gateway_accepts_and_fail_aloud_without_their_key() {
    const KEY: &str = "/etc/panel/panel.key";
    let lines = block(README, "php");
    assert!(lines.contains(KEY) && lines.lines().count() <= 8, "{lines}");
    let gate = Gate::new();
    let config = gate.write("consolegate.toml", include_str!("../examples/minimal.toml"), 0o644);
    let given = "$customer = 42; $vmid = '100'; $name = 'web-01 ü';";
    let key = gate.path().join("panel.key").display().to_string();
    let (code, url) = php(&format!("{given} {} echo $url;", lines.replace(KEY, &key)));
    assert_eq!(code, 0, "{url}");
    let inspected = Command::new(env!("CARGO_BIN_EXE_consolegate"))
        .args(["token", "inspect", &url, "--config", config.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8(inspected.stdout).unwrap();
    assert!(inspected.status.success(), "{said}");
    assert!(
        said.contains("console.title        \"web-01 ü\"") && said.contains("sub                  \"customer-42\""),
        "{said}"
    );

    let (code, said) = php(&format!("{given} {} echo $url;", lines.replace(KEY, "/nowhere/panel.key")));
    assert_ne!(code, 0, "{said}");
    assert!(said.contains("the signing key cannot be read") && !said.contains("#ey"), "{said}");
    let (code, said) = php(&format!("{given} $name = \"\\xff\"; {} echo $url;", lines.replace(KEY, &key)));
    assert!(code != 0 && !said.contains("#ey"), "a name that is not UTF-8: {said}");
}

#[test]
fn every_package_of_the_page_has_its_line_among_the_works_of_others() {
    let text = include_str!("../THIRD-PARTY.md");
    let packages: serde_json::Value = serde_json::from_str(include_str!("../web/package.json")).unwrap();
    let bundled = packages["dependencies"].as_object().unwrap();
    assert!(bundled.len() >= 7);
    for (name, version) in bundled {
        let line = format!("npm `{name}` {}", version.as_str().unwrap());
        assert!(text.contains(&line), "{line} is missing");
    }
}
