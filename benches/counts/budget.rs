//! What each hot path may cost: read from the repository, and written there when somebody says so.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::process::Command;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/counts/budget.toml");
const HEAD: &str = "# Instructions of one run of each hot path. Written by `make counts ARGS=--record`.\n";

/// Counts differ by so much at the most where nothing was changed: hash maps are seeded at random.
const TOLERANCE: f64 = 0.03;
/// The same where another compiler made the code.
const OTHER_COMPILER: f64 = 0.15;

/// What was counted, and of which compiler's code.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    rustc: String,
    instructions: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Within,
    Above,
    /// Nothing is wrong, and the budget could be tighter.
    FarBelow,
}

impl Budget {
    pub fn load() -> Result<Self, String> {
        let text = std::fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
        toml::from_str(&text).map_err(|error| format!("{FILE}: {error}"))
    }

    pub fn of(instructions: BTreeMap<String, u64>) -> Result<Self, String> {
        Ok(Self { rustc: rustc()?, instructions })
    }

    pub fn save(&self) -> Result<(), String> {
        let text = toml::to_string(self).map_err(|error| error.to_string())?;
        std::fs::write(FILE, HEAD.to_owned() + &text).map_err(|error| format!("{FILE}: {error}"))
    }

    /// A count against the budget, and what to say of it.
    pub fn judge(&self, name: &str, counted: u64) -> (Verdict, String) {
        let Some(budget) = self.instructions.get(name).copied() else {
            return (Verdict::Above, "it has no budget".into());
        };
        let same = rustc().is_ok_and(|rustc| rustc == self.rustc);
        let tolerance = if same { TOLERANCE } else { OTHER_COMPILER };
        let change = counted as f64 / budget as f64 - 1.0;
        let words = format!("{:+.1} % of the budget", change * 100.0);
        let elsewhere = if same { String::new() } else { format!(", which was written with {}", self.rustc) };
        if change > tolerance {
            (Verdict::Above, format!("ABOVE, {words}{elsewhere}"))
        } else if change < -tolerance {
            (Verdict::FarBelow, format!("far below, {words}{elsewhere}: make counts ARGS=--record keeps it there"))
        } else {
            (Verdict::Within, words + &elsewhere)
        }
    }
}

fn rustc() -> Result<String, String> {
    let said = Command::new("rustc").arg("--version").output().map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
