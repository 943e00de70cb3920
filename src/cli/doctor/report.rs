//! What `doctor` found, as lines for people and as JSON.
//!
//! Owns the layout. A finding that was not made because one before it failed is no failure of its own.

use crate::cli::exit::Stop;
use crate::reason::Failure;
use serde::Serialize;
use std::fmt::Write as _;

/// How a finding came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Good,
    Failed,
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) outcome: Outcome,
    /// What was seen, or what is wrong.
    pub(super) says: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

impl Finding {
    pub(super) fn good(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Good, says: says.into(), fix: None }
    }

    pub(super) fn skipped(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Skipped, says: says.into(), fix: None }
    }

    pub(super) fn failed(check: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Failed, says: says.into(), fix: Some(fix.into()) }
    }

    /// A failure in the words of the closed list.
    pub(super) fn of(check: &'static str, failure: &Failure) -> Self {
        Self::failed(check, failure.to_string(), failure.reason.cure())
    }
}

/// A node and what was found there.
#[derive(Debug, Serialize)]
pub(super) struct NodeReport {
    pub(super) cluster: String,
    pub(super) node: String,
    pub(super) address: String,
    pub(super) findings: Vec<Finding>,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) nodes: Vec<NodeReport>,
    /// The guest whose console was to be opened.
    pub(super) vmid: Option<u32>,
}

#[derive(Serialize)]
struct Printed<'a> {
    good: bool,
    nodes: &'a [NodeReport],
}

impl Report {
    /// Nothing failed, and the guest that was named opened somewhere.
    pub(super) fn is_good(&self) -> bool {
        let findings = || self.nodes.iter().flat_map(|node| &node.findings);
        let opened = || findings().any(|one| one.check == "console" && one.outcome == Outcome::Good);
        findings().all(|one| one.outcome != Outcome::Failed) && (self.vmid.is_none() || opened())
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            let _ = writeln!(text, "{} {} ({})", node.cluster, node.node, node.address);
            for finding in &node.findings {
                let mark = match finding.outcome {
                    Outcome::Good => '✓',
                    Outcome::Failed => '✗',
                    Outcome::Skipped => '-',
                };
                let _ = writeln!(text, "  {mark} {:<11} {}", finding.check, finding.says);
                if let Some(fix) = &finding.fix {
                    let _ = writeln!(text, "    {:<11} {fix}", "fix:");
                }
            }
        }
        text += match (self.is_good(), self.vmid) {
            (true, _) => "Everything that was looked at works.\n",
            (false, Some(_)) => "Not everything works, or the guest was found running on no node that does.\n",
            (false, None) => "Not everything works.\n",
        };
        text
    }

    pub(super) fn json(&self) -> Result<String, Stop> {
        let printed = Printed { good: self.is_good(), nodes: &self.nodes };
        let json = serde_json::to_string_pretty(&printed).map_err(|error| Stop::Failed(error.to_string()))?;
        Ok(json + "\n")
    }
}
