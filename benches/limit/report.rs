//! BENCHMARKS.md: what a whole run found, around a part that people write and no run touches.

use crate::Outcome;
use crate::table::{self, Section, Table};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What stands between these lines is kept.
const BY_HAND: (&str, &str) = ("<!-- written by hand, kept by every run: begin -->", "<!-- written by hand: end -->");

/// What stands there in a new file.
const NOTHING_YET: &str = "## Tried and not kept\n\nNothing yet.";

const BEFORE: &str = "\
# Benchmarks

What the gateway costs beside what would otherwise stand in its place. Only ratios carry over to another machine: all
figures of a row are of one run, and those with rounds of the same round.

`make bench` measures all of this again and rewrites the page, but for the part that is written by hand. It needs Linux,
and installs nginx and HAProxy from Debian without starting them. `make bench ARGS=\"--only throughput --rounds 3\"`
measures a part and only prints it; `ARGS=--help` says what there is. Leave the machine alone meanwhile.

## Goals
";

const HOW: &str = "
## How it is measured

Every relay is a process of its own with one worker thread (the gateway has its usual ones where it says so), in front of
one node, which is a process of its own, as are the clients. Counted is the relay's process alone: processor time by the
scheduler's account of its threads, and resident memory. All legs are TLS 1.3 with AES-256-GCM and X25519, P-256
certificates, over loopback. The gateway runs whole sessions: a token of HS256, the ticket from the API, the RFB login; it
checks the node's certificate against the cluster's CA once and its signature in every handshake, counts, pings, and logs to a
file. The others relay an upgrade: the bare copy loop is tokio-rustls and `copy_bidirectional`, the fastwebsockets relay reads and
writes frame by frame, nginx and HAProxy have their defaults. The node sends each frame in a TLS record of its own, as pveproxy
does. The clients check every byte.
";

/// Writes the page.
pub fn write(path: &Path, machine: &Table, sections: &[Section]) -> Outcome<()> {
    let old = fs::read_to_string(path).unwrap_or_default();
    let mut text = format!("{BEFORE}\n{}", table::goals(sections));
    write!(text, "\n{}\n{}\n{}\n{HOW}\n{machine}\n## Figures\n", BY_HAND.0, kept(&old), BY_HAND.1)?;
    for section in sections {
        write!(text, "\n{section}")?;
    }
    Ok(fs::write(path, text)?)
}

/// What people wrote into the page as it is.
fn kept(old: &str) -> &str {
    let between = old.split_once(BY_HAND.0).and_then(|(_, rest)| rest.split_once(BY_HAND.1));
    between.map_or(NOTHING_YET, |(by_hand, _)| by_hand.trim())
}
