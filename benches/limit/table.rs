//! What a measurement leaves: goals with what was measured, and tables of everything else.

use crate::figures::{Rounds, short};
use std::fmt;

/// What one measurement has to say.
#[derive(Debug, Default)]
pub struct Section {
    pub title: &'static str,
    /// How it was measured, in a sentence or two.
    pub how: String,
    pub goals: Vec<Goal>,
    pub tables: Vec<Table>,
}

impl Section {
    /// A measurement that went wrong.
    pub fn failed(title: &'static str, why: &dyn fmt::Display) -> Self {
        let goal = Goal { what: title.to_owned(), goal: String::new(), measured: String::new(), met: None };
        Self { title, how: format!("Not measured: {why}"), goals: vec![goal], tables: Vec::new() }
    }

    /// Whether anything is missing in it.
    pub fn is_whole(&self) -> bool {
        self.goals.iter().all(|goal| goal.met.is_some())
    }
}

/// A goal and what came of it.
#[derive(Debug)]
pub struct Goal {
    what: String,
    goal: String,
    measured: String,
    met: Option<bool>,
}

impl Goal {
    /// At most this much.
    pub fn at_most(what: impl Into<String>, limit: f64, unit: &str, measured: &Rounds) -> Self {
        Self::judged(what.into(), format!("at most {}{unit}", short(limit)), measured, unit, |figure| figure <= limit)
    }

    /// At least this much.
    pub fn at_least(what: impl Into<String>, limit: f64, unit: &str, measured: &Rounds) -> Self {
        Self::judged(what.into(), format!("at least {}{unit}", short(limit)), measured, unit, |figure| figure >= limit)
    }

    /// Something that either is so or not.
    pub fn holds(what: impl Into<String>, goal: &str, measured: String, met: bool) -> Self {
        Self { what: what.into(), goal: goal.to_owned(), measured, met: Some(met) }
    }

    fn judged(what: String, goal: String, measured: &Rounds, unit: &str, judge: impl Fn(f64) -> bool) -> Self {
        Self { what, goal, measured: format!("{measured}{unit}"), met: measured.median().map(judge) }
    }
}

/// A table of figures.
#[derive(Debug)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these columns.
    pub fn new(head: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row: its name and its cells.
    pub fn row(&mut self, name: impl Into<String>, cells: impl IntoIterator<Item = impl ToString>) {
        let cells = cells.into_iter().map(|cell| cell.to_string());
        self.rows.push([name.into()].into_iter().chain(cells).collect());
    }
}

impl fmt::Display for Table {
    /// As Markdown, with columns that line up for those who read the source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut line = |row: &[String], fill: char| {
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let rest = width - cell.chars().count();
                write!(f, "| {cell}{} ", String::from(fill).repeat(rest))?;
            }
            writeln!(f, "|")
        };
        line(&self.head, ' ')?;
        line(&vec!["---".to_owned(); self.head.len()], '-')?;
        self.rows.iter().try_for_each(|row| line(row, ' '))
    }
}

/// All goals of all sections in one table.
pub fn goals(sections: &[Section]) -> Table {
    let mut table = Table::new(["what", "goal", "measured", ""]);
    for goal in sections.iter().flat_map(|section| &section.goals) {
        let met = match goal.met {
            Some(true) => "met",
            Some(false) => "**not met**",
            None => "not measured",
        };
        table.row(&goal.what, [goal.goal.as_str(), &goal.measured, met]);
    }
    table
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n\n{}", self.title, self.how)?;
        self.tables.iter().try_for_each(|table| write!(f, "\n{table}"))
    }
}
