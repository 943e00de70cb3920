//! Runs this program again under callgrind, and reads what it counted (Valgrind manual, Callgrind Format Specification).

use std::path::Path;
use std::process::Command;

/// What this program is told to run one path and nothing else.
pub const RUN: &str = "run";

/// What happens in here is counted.
#[inline(never)]
pub fn counted(work: &mut dyn FnMut()) {
    work();
    // Something to do after it, or the call would be a jump.
    std::hint::black_box(());
}

/// Instructions of one run of a path.
///
/// # Errors
/// Valgrind is not there or has not counted.
pub fn count(name: &str) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let out = folder.path().join("callgrind.out");
    let myself = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*callgrind*counted*", "-q"]);
    valgrind.arg(format!("--callgrind-out-file={}", out.display())).arg(myself).args([RUN, name]);
    let ran = valgrind.output().map_err(|error| format!("valgrind: {error} (run `make setup`)"))?;
    if !ran.status.success() {
        return Err(format!("{name} under valgrind: {}", String::from_utf8_lossy(&ran.stderr)));
    }
    let profile = read(&out)?;
    if let Some(folder) = std::env::var_os("COUNTS_KEEP") {
        std::fs::copy(&out, Path::new(&folder).join(format!("{name}.callgrind"))).map_err(|error| error.to_string())?;
    }
    match sum(&profile) {
        0 => Err(format!("{name}: callgrind has counted nothing")),
        count => Ok(count),
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The instructions of the Rust functions themselves.
fn sum(profile: &str) -> u64 {
    let mut names = std::collections::HashMap::new();
    let (mut of_rust, mut is_call, mut total) = (false, false, 0);
    for line in profile.lines() {
        if let Some(function) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            // A name is written where it comes first, and has a number from then on.
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            let is_rust = *names.entry(number.to_owned()).or_insert_with(|| is_rust(name));
            if line.starts_with("fn=") {
                of_rust = is_rust;
            }
        } else if line.starts_with("calls=") {
            // What the call cost, with all that was called, comes next.
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok()).unwrap_or_default();
            total += if of_rust && !std::mem::take(&mut is_call) { cost } else { 0 };
            is_call = false;
        }
    }
    total
}

fn is_rust(name: &str) -> bool {
    name.contains("::") || name.starts_with("_R")
}
