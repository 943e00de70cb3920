//! Figures of several rounds: their middle and how far they lie apart.

use std::fmt;

/// Bytes in a mebibyte and a gibibyte.
pub const MIB: f64 = 1024.0 * 1024.0;
pub const GIB: f64 = 1024.0 * MIB;

/// The figures of all rounds of one thing.
#[derive(Debug, Clone, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// Adds a round.
    pub fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The figure in the middle; none without rounds.
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let high = *sorted.get(sorted.len() / 2)?;
        let low = sorted[(sorted.len() - 1) / 2];
        Some(f64::midpoint(low, high))
    }

    /// Round by round divided by those of another, so that a machine that was busy for a while spoils no ratio.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(this, other)| this / other).collect())
    }

    /// Round by round, what it is more than another.
    pub fn less(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(this, other)| this - other).collect())
    }

    /// Each figure changed.
    pub fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        Self(self.0.iter().map(|figure| change(*figure)).collect())
    }
}

impl fmt::Display for Rounds {
    /// The median, then the least and the most where there are several rounds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(median) = self.median() else { return f.write_str("–") };
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        f.write_str(&short(median))?;
        if self.0.len() > 1 { write!(f, " ({} to {})", short(least), short(most)) } else { Ok(()) }
    }
}

/// Three digits that count.
pub fn short(figure: f64) -> String {
    match figure.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.995 => format!("{figure:.3}"),
        size if size < 9.995 => format!("{figure:.2}"),
        size if size < 99.95 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

/// What part of sorted figures lies below: the figure at this share of them.
pub fn percentile(sorted: &[u64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default() as f64
}
