//! `check`: the verdict of a start, without starting.
//!
//! Owns the summary. Opens no connection and binds no port.

use super::Configuration;
use super::exit::Stop;
use crate::clock::unix_now;
use crate::config::{Config, Problem, Problems};
use crate::console::{Generation, Shared, Since};
use crate::store::Store;
use std::io::{self, Write};
use std::path::Path;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Every problem is one line on standard error: file:line: path: problem; fix\n\
Warnings are lines of the same form; the configuration is good with them.")]
pub(super) struct Arguments {
    #[command(flatten)]
    configuration: Configuration,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let path = &arguments.configuration.config;
    let config = loaded(path)?;
    let list: Vec<Problem> = config.warnings.iter().cloned().chain(expired(&config, unix_now())).collect();
    if !list.is_empty() {
        let warnings = Problems { file: path.display().to_string(), list };
        writeln!(io::stderr(), "{warnings}")?;
    }
    writeln!(io::stdout(), "{} is good: {}", path.display(), summary(&config))?;
    Ok(())
}

/// A warning of each admin token that is over at `now`, in Unix seconds.
fn expired(config: &Config, now: u64) -> impl Iterator<Item = Problem> {
    let tokens = config.admin.tokens.iter().enumerate();
    tokens.filter(move |(_, token)| token.expires.is_some_and(|end| now >= end)).map(|(index, token)| Problem {
        line: None,
        path: format!("admin.token[{index}].expires"),
        what: format!("warning: lies in the past, so that {:?} may ask for nothing", token.name),
        fix: "write a later date, or take the token out".to_owned(),
    })
}

/// The configuration, once everything a start makes of it was made.
pub(super) fn loaded(path: &Path) -> Result<Config, Problems> {
    let config = Config::load(path)?;
    built(&config).map_err(|what| {
        let fix = "correct what it names".to_owned();
        let list = vec![Problem { line: None, path: String::new(), what, fix }];
        Problems { file: path.display().to_string(), list }
    })?;
    Ok(config)
}

/// Makes what a start makes, so that the verdict is that of a start. What it remembers is nobody's.
fn built(config: &Config) -> Result<(), String> {
    let shared = Shared::new(config.session.key.as_ref(), Store::memory(0), Since { tickets: 0, tokens: None })?;
    Generation::build(config.clone(), &shared).map(|_| ())
}

fn summary(config: &Config) -> String {
    let nodes: usize = config.clusters.iter().map(|cluster| cluster.nodes.len()).sum();
    let scheme = if config.listen.tls.is_some() { "https" } else { "http" };
    format!(
        "{}, {}, {}; {} for {scheme} on {}, admin on {}",
        count(config.issuers.len(), "issuer"),
        count(config.clusters.len(), "cluster"),
        count(nodes, "node"),
        config.public_url,
        config.listen.address,
        config.admin.address
    )
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
