//! What is wrong with a configuration: every problem with its place and its cure.
//!
//! Owns [`Problem`], the list of them and the report they are collected in while a file is read. Decides nothing about
//! values; never holds a secret: a problem quotes what stands in the configuration, never what stands in a secret file.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line it stands on, from 1; none when it concerns the file as a whole.
    pub line: Option<usize>,
    /// The TOML path, such as `issuer[0].key[1].secret_file`; empty when it concerns the file as a whole.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// Everything that is wrong with a configuration, in the order of its lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file as the operator named it.
    pub file: String,
    /// The problems.
    pub list: Vec<Problem>,
}

impl Problems {
    /// The one problem of a file that could not even be read.
    pub(super) fn of_file(file: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        let problem = Problem { line: None, path: String::new(), what: what.into(), fix: fix.into() };
        Self { file: file.to_owned(), list: vec![problem] }
    }
}

/// One line a problem: `file:line: path: problem; fix`. What is quoted of the file may hold anything, and is printed on a
/// terminal: control characters are written as escapes.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            f.write_str(&self.file)?;
            if let Some(line) = problem.line {
                write!(f, ":{line}")?;
            }
            write!(f, ": ")?;
            if !problem.path.is_empty() {
                write!(f, "{}: ", printable(&problem.path))?;
            }
            write!(f, "{}; {}", printable(&problem.what), printable(&problem.fix))?;
        }
        Ok(())
    }
}

fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escape =
        |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Where something stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) line: usize,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// Collects problems while a file is read. Also notes every key that was asked for, with its default: that is the list
/// of known keys, so it cannot differ from what is read.
#[derive(Debug)]
pub(super) struct Report {
    line_starts: Vec<usize>,
    syntax_lines: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
    known: RefCell<BTreeMap<String, Option<String>>>,
}

impl Report {
    /// An empty report about this text.
    pub(super) fn about(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self {
            line_starts: std::iter::once(0).chain(breaks).collect(),
            syntax_lines: Vec::new(),
            problems: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// The line, from 1, of a place in the text.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.line_starts.partition_point(|start| *start <= span.start)
    }

    /// Adds a mistake of TOML itself.
    pub(super) fn syntax(&mut self, span: Option<Range<usize>>, what: String) {
        let line = span.map(|span| self.line(&span));
        self.syntax_lines.extend(line);
        let fix = "correct the TOML of this line".to_owned();
        self.problems.get_mut().push(Problem { line, path: String::new(), what, fix });
    }

    /// Adds a wrong value. On a line that is not even TOML the value is not what was written, so nothing is said.
    pub(super) fn wrong(&self, place: &Place, what: impl Into<String>, fix: impl Into<String>) {
        if !self.syntax_lines.contains(&place.line) {
            let (what, fix) = (what.into(), fix.into());
            let problem = Problem { line: Some(place.line), path: place.path.clone(), what, fix };
            self.problems.borrow_mut().push(problem);
        }
    }

    /// Adds that something is missing or refers to something that is not there. After a mistake of TOML itself nobody
    /// can know that, so nothing is said.
    pub(super) fn absent(&self, place: &Place, what: impl Into<String>, fix: impl Into<String>) {
        if self.syntax_lines.is_empty() {
            self.wrong(place, what, fix);
        }
    }

    /// Notes a key as known.
    pub(super) fn know(&self, path: &str, default: Option<String>) {
        self.known.borrow_mut().insert(path.to_owned(), default);
    }

    /// Every key asked for so far, with the default it has in the code.
    #[cfg(test)]
    pub(super) fn known(&self) -> BTreeMap<String, Option<String>> {
        self.known.borrow().clone()
    }

    /// Whether nothing is wrong.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// Everything that is wrong, in the order of the lines.
    pub(super) fn into_problems(self, file: &str) -> Problems {
        let mut list = self.problems.into_inner();
        list.sort();
        list.dedup();
        Problems { file: file.to_owned(), list }
    }
}
