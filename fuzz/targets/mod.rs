//! What hostile bytes may do to the parsers: each function takes any bytes and panics where a promise is broken.
//!
//! libFuzzer runs them under `fuzz/fuzz_targets`, and `tests/fuzz_targets.rs` for a while in every test run.

pub mod configuration;
pub mod frames;
pub mod guests;
pub mod input;
pub mod preface;
pub mod records;
pub mod rights;
pub mod terminal;
pub mod token;

/// A target: its name, its function and some bytes it can begin with.
pub struct Target {
    /// A word; the name of the fuzz target too.
    pub name: &'static str,
    /// What is tried.
    pub run: fn(&[u8]),
    /// Bytes from which much can be reached.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target { name: "walker", run: frames::walker, seeds: frames::walker_seeds },
    Target { name: "reheading", run: frames::reheading, seeds: frames::reheading_seeds },
    Target { name: "rights", run: rights::rights, seeds: rights::seeds },
    Target { name: "terminal", run: terminal::terminal, seeds: terminal::seeds },
    Target { name: "preface", run: preface::preface, seeds: preface::seeds },
    Target { name: "guests", run: guests::guests, seeds: guests::seeds },
    Target { name: "configuration", run: configuration::configuration, seeds: configuration::seeds },
    Target { name: "token", run: token::token, seeds: token::seeds },
    Target { name: "records", run: records::records, seeds: records::seeds },
];
