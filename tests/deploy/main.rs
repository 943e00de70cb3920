//! What is shipped beside the program, run by the programs it is for: balancers, Prometheus, fail2ban, systemd.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "../support/client.rs"]
mod client;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/process.rs"]
mod process;

#[path = "../../examples/handbook.rs"]
mod handbook;

mod audit_lines;
mod balancers;
mod containers;
mod fleet;
mod observability;
mod package;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Its text.
fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The text with each of these put in the place of another, which must be there.
fn replaced(text: String, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(text, |text, (old, new)| {
        assert!(text.contains(old), "{old:?} has gone from\n{text}");
        text.replace(old, new)
    })
}
