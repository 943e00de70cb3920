//! The gate for what the hot paths cost: instructions, counted by callgrind, against a budget in the repository.
//!
//! A count does not depend on what else the machine does. It is of Rust code alone: what C libraries make of the
//! processor they find differs between machines. `make counts` measures and compares, `make counts ARGS=--record` writes
//! the budget anew; the difference goes into the commit that causes it, with the reason.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own, which ends with a word on the terminal when a count is not as it should be"
)]

mod budget;
mod callgrind;
#[path = "../hot_paths/mod.rs"]
#[allow(dead_code, reason = "criterion's benches use more of it")]
mod hot_paths;

use budget::{Budget, Verdict};
use hot_paths::{HOT_PATHS, HotPath};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo says that it runs a bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [] => gate(),
        ["--record"] => record(),
        [callgrind::RUN, name] => run(name),
        other => Err(format!("{other:?}: either nothing or --record is to be said")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::FAILURE
        }
    }
}

fn gate() -> Result<(), String> {
    let budget = Budget::load()?;
    let mut above = Vec::new();
    for path in HOT_PATHS {
        let counted = callgrind::count(path.name)?;
        let (verdict, words) = budget.judge(path.name, counted);
        println!("{:24} {counted:>12} instructions, {:>8} for each: {words}", path.name, counted / path.handled);
        if verdict == Verdict::Above {
            above.push(path.name);
        }
    }
    if above.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} cost more than their budget. Mend what made them dearer; where it is worth its price, write the budget anew \
         (make counts ARGS=--record) and say why in the commit.",
        above.join(", ")
    ))
}

fn record() -> Result<(), String> {
    let counts = HOT_PATHS.iter().map(|path| callgrind::count(path.name).map(|count| (path.name.to_owned(), count)));
    Budget::of(counts.collect::<Result<_, _>>()?)?.save()
}

/// Runs one path once warm, and once for callgrind.
fn run(name: &str) -> Result<(), String> {
    let known = |path: &&HotPath| path.name == name;
    let mut path = (HOT_PATHS.iter().find(known).ok_or_else(|| format!("no path {name:?}"))?.set_up)();
    path();
    callgrind::counted(&mut *path);
    Ok(())
}
