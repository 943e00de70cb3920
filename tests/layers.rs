//! The house as drawn: a file imports only from lower ranks, rooms make no circles, no file grows past its limit.
//!
//! Reads every `crate::` path in `src`, in imports and in the middle of code alike. Its own checks are shown made-up
//! mistakes first: a checker that finds nothing must be able to find something.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// From the bottom: a room may import from the lines above its own, never from its own line or below.
const RANKS: [&[&str]; 22] = [
    &["calendar", "clock", "hex", "random", "sha256"],
    &["not_after"],
    &["id", "secret", "reason", "traffic"],
    &["revocation"],
    &["wire"],
    &["config"],
    &["record"],
    &["net", "metrics", "trace", "audit", "log"],
    &["sim"],
    &["store"],
    &["listen"],
    &["splice"],
    &["token"],
    &["session", "turns"],
    &["lifecycle"],
    &["resolve"],
    &["upstream"],
    &["console"],
    &["api"],
    &["admin", "http"],
    &["app"],
    &["cli"],
];

const MOST_LINES: usize = 400;

/// A file: its path from the package's root, with `/`, and its text.
type File = (String, String);

fn rank(room: &str) -> Option<usize> {
    RANKS.iter().position(|rooms| rooms.contains(&room))
}

/// The room of a file of `src`: the folder or file below it. `main.rs` stands above all, `lib.rs` only lists the rooms.
fn room(path: &str) -> Option<&str> {
    let room = path.strip_prefix("src/")?.split('/').next()?;
    let room = room.strip_suffix(".rs").unwrap_or(room);
    (room != "lib").then_some(room)
}

/// Code without comments, and with nothing left in its texts.
fn bare(code: &str) -> String {
    let mut bare = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            raw_text(rest)
        } else if first == '"' {
            text(rest)
        } else if rest.starts_with("'\"'") {
            3
        } else if let Some(escape) = rest.strip_prefix("'\\") {
            escape.find('\'').map_or(rest.len(), |end| if end == 0 { 4 } else { end + 3 })
        } else {
            0
        };
        if skipped == 0 {
            bare.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            bare.push(' ');
            rest = &rest[skipped.min(rest.len())..];
        }
    }
    bare
}

/// Length of a text in quotes.
fn text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// Length of a raw text; 0 for a raw name such as `r#type`.
fn raw_text(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = 2 + hashes;
    rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len())
}

/// The rooms a file names, by `crate::`, by the package's name, or by climbing out of its own room with `super`.
fn imports(path: &str, code: &str, files: &[File]) -> BTreeSet<String> {
    let code: String =
        bare(code).split_whitespace().collect::<Vec<_>>().join(" ").replace(" :: ", "::").replace(":: ", "::");
    let mut found = BTreeSet::new();
    for root in ["crate::", "consolegate::"] {
        for (at, _) in code.match_indices(root) {
            found.extend(names(&code[at + root.len()..]));
        }
    }
    found.extend(climbs(&code, depth(path, files)));
    found.remove(room(path).unwrap_or_default());
    found
}

/// How many modules deep a file of `src` is: 1 for a room's own file, whether `room.rs` or `room/mod.rs`. A file that
/// another one names with `#[path]` is one deeper than that.
fn depth(path: &str, files: &[File]) -> usize {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    let names_it = format!("#[path = \"{name}\"]");
    let by = files.iter().find(|(by, text)| by.strip_prefix(folder).is_some() && text.contains(&names_it));
    match by {
        Some((by, _)) => depth(by, &[]) + 1,
        None => path.trim_start_matches("src/").split('/').filter(|part| *part != "mod.rs").count(),
    }
}

/// The names right behind a `super` that reaches the package's root, as each does that climbs as far as its file and the
/// modules opened within it are deep.
fn climbs(code: &str, depth: usize) -> Vec<String> {
    let (mut found, mut braces, mut inline) = (Vec::new(), 0, Vec::new());
    let mut at = 0;
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let after_word = code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if !after_word && rest.starts_with("super::") {
            let after = rest.trim_start_matches("super::");
            if (rest.len() - after.len()) / "super::".len() >= depth + inline.len() {
                found.extend(names(after));
            }
            at += rest.len() - after.len();
            continue;
        }
        if !after_word && opens_module(rest) {
            inline.push(braces);
        }
        match rest.as_bytes()[0] {
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                inline.pop_if(|opened| *opened == braces);
            }
            _ => {}
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    found
}

/// Whether a module with its content begins here.
fn opens_module(rest: &str) -> bool {
    let name = rest.strip_prefix("mod ").map(|rest| rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
    name.is_some_and(|rest| rest.trim_start().starts_with('{'))
}

/// The first name, or the first names of a group in braces, right behind `crate::`.
fn names(after: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = after.strip_prefix('{') else {
        return vec![word(after)];
    };
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ if depth == 0 => part.push(c),
            _ => {}
        }
    }
    parts.push(part);
    parts.iter().map(|part| word(part.trim())).filter(|name| !name.is_empty()).collect()
}

/// The rooms each room imports from.
fn edges(files: &[File]) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in files {
        if let Some(room) = room(path) {
            edges.entry(room.to_owned()).or_default().extend(imports(path, text, files));
        }
    }
    edges
}

/// Every import that does not go down, and every room without a rank.
fn upward(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in files {
        let Some(room) = room(path).filter(|room| *room != "main") else { continue };
        let Some(own) = rank(room) else {
            wrong.push(format!("{path}: {room} has no rank"));
            continue;
        };
        for target in imports(path, text, files) {
            // What is no room is an item of the package itself: a macro, or `crate::Something` that `lib.rs` would hold.
            if rank(&target).is_none_or(|target| target >= own) {
                wrong.push(format!("{path} imports {target}, which is not below {room}"));
            }
        }
    }
    wrong
}

/// The rooms as `lib.rs` lists them, line by line from the bottom.
fn drawn(lib: &str) -> Vec<BTreeSet<&str>> {
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | [`"));
    let mut rows: Vec<BTreeSet<&str>> = rows
        .map(|row| row.split(" | ").next().unwrap_or_default())
        .map(|rooms| {
            rooms.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|name| !name.is_empty()).collect()
        })
        .collect();
    rows.reverse();
    rows
}

/// The modules that `lib.rs` declares.
fn declared(lib: &str) -> BTreeSet<&str> {
    lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect()
}

/// A circle of rooms, if there is one.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(
        room: &str,
        edges: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|before| before == room) {
            return Some(way[start..].to_vec());
        }
        if !done.insert(room.to_owned()) {
            return None;
        }
        way.push(room.to_owned());
        let found = edges.get(room).into_iter().flatten().find_map(|next| walk(next, edges, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|room| walk(room, edges, &mut Vec::new(), &mut done))
}

/// Files that are too long or do not say what they own.
fn shapeless(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in files {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{path} has {lines} lines, more than {MOST_LINES}"));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{path} does not open with //!"));
        }
    }
    wrong
}

/// Every Rust file below these folders of the package.
fn files(folders: &[&str]) -> Vec<File> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<File>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    folders.iter().for_each(|folder| walk(root, &root.join(folder), &mut found));
    found.sort();
    found
}

fn file(path: &str, text: &str) -> File {
    (path.to_owned(), text.to_owned())
}

#[test]
fn every_import_goes_down() {
    let files = files(&["src"]);
    assert!(files.len() > 40, "only {} files were seen", files.len());
    let edges = edges(&files);
    for (from, to) in [("main", "cli"), ("cli", "config"), ("token", "config"), ("config", "id"), ("session", "token")]
    {
        assert!(edges[from].contains(to), "{from} was not seen to import {to}: {edges:?}");
    }
    assert_eq!(upward(&files), Vec::<String>::new());
    assert_eq!(circle(&edges), None);
}

#[test]
fn the_map_is_the_house() {
    let (_, lib) = files(&["src"]).into_iter().find(|(path, _)| path == "src/lib.rs").unwrap();
    let ranks: Vec<BTreeSet<&str>> = RANKS.iter().map(|rooms| rooms.iter().copied().collect()).collect();
    assert_eq!(drawn(&lib), ranks);
    assert_eq!(declared(&lib), ranks.into_iter().flatten().collect());
    assert_eq!(drawn("//! | [`b`], [`c_d`] | [`a`]'s |\n//! | [`a`] | x |"), [["a"].into(), ["b", "c_d"].into()]);
}

#[test]
fn every_file_says_what_it_owns_and_stays_short() {
    let files = files(&["src", "tests", "examples", "benches"]);
    assert!(files.len() > 45, "only {} files were seen", files.len());
    assert_eq!(shapeless(&files), Vec::<String>::new());
}

#[test]
fn the_checker_finds_what_is_wrong() {
    for bad in [
        "use crate::cli::run;",
        "use crate :: {\n    id::Kind,\n    app::{self, Thing},\n};",
        "fn f() -> Result<(), crate::id::Kind> { let c = '\"'; crate::http::serve(c) }",
        "use super::super::session::Sessions;",
        "use consolegate::admin;",
        "const A: &str = r#\"\"quoted\"#; use crate::resolve::Place;",
        "const A: char = '\\''; use crate::upstream;",
        "/* crate::id */ use crate::config::Config; // same rank is not below",
        "use crate::nowhere::Thing;",
    ] {
        let path = if bad.contains("same rank") { "src/id.rs" } else { "src/wire/rfb.rs" };
        assert_eq!(upward(&[file(path, bad)]).len(), 1, "{bad}");
    }
    for (path, bad) in [
        ("src/wire/mod.rs", "use super::cli::run;"),
        ("src/id.rs", "fn f() { super::cli::run() }"),
        ("src/wire/rfb.rs", "mod tests { use super::super::super::http; }"),
        ("src/id.rs", "mod tests { use super::*; }\nuse super::{cli, reason as _};"),
        ("src/token/tests/keys.rs", "use super::super::super::console::run;"),
    ] {
        assert_ne!(upward(&[file(path, bad)]), Vec::<String>::new(), "{path}: {bad}");
    }
    assert_eq!(upward(&[file("src/cellar/mod.rs", "")]), ["src/cellar/mod.rs: cellar has no rank"]);
    for good in [
        "//! See crate::cli.\nuse crate::id::{Kind, Vmid};\nuse super::frame::Frame;\nuse crate::wire::rfb;",
        "const A: &str = \"crate::app\"; const B: &str = r\"crate::app\"; /* crate::app */",
        "use std::net::IpAddr; use hyper::http::Request; fn r#type() {}",
    ] {
        assert_eq!(upward(&[file("src/wire/rfb.rs", good)]), Vec::<String>::new(), "{good}");
    }
    let by_path = [
        file("src/wire/walk.rs", "#[path = \"walk_tests.rs\"]\nmod tests;"),
        file("src/wire/walk_tests.rs", "use super::super::rfb::reason;"),
    ];
    assert_eq!(upward(&by_path), Vec::<String>::new());
    assert_ne!(upward(&[file("src/wire/walk_tests.rs", "use super::super::rfb::reason;")]), Vec::<String>::new());
    for (path, own) in [
        ("src/token/tests/keys.rs", "use super::super::console::Wish;"),
        ("src/id.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n    use super::cli;\n}"),
        ("src/wire/mod.rs", "mod walk; pub(super) mod tests { fn f() { let x = { 1 }; super::walk::walk(x) } }"),
    ] {
        assert_eq!(upward(&[file(path, own)]), Vec::<String>::new(), "{path}: {own}");
    }
}

#[test]
fn the_checker_finds_circles_and_long_files() {
    let ring = [
        file("src/net/mod.rs", "use crate::log::Line;"),
        file("src/log.rs", "use crate::metrics::Metrics;"),
        file("src/metrics.rs", "use crate::net::dial;"),
    ];
    assert_eq!(circle(&edges(&ring)).unwrap().len(), 3);
    assert_eq!(circle(&edges(&ring[..2])), None);
    let long = "//! Long.\n".repeat(MOST_LINES + 1);
    assert_eq!(shapeless(&[file("src/id.rs", &long), file("src/log.rs", "use std::fmt;")]).len(), 2);
}
