//! Where and with what a run was made: machine, versions, commit, date.

use crate::table::Table;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Crates whose versions decide the figures.
const CRATES: [&str; 5] = ["tokio", "rustls", "tokio-rustls", "aws-lc-rs", "fastwebsockets"];

/// All of it as a table.
pub fn describe(gateway: &Path) -> Table {
    let mut table = Table::new(["", ""]);
    table.row("date", [said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])]);
    table.row("commit", [commit()]);
    table.row("gateway", [said(&gateway.display().to_string(), &["--version"])]);
    table.row("processor", [processor()]);
    table.row("memory", [memory()]);
    table.row("kernel", [said("uname", &["-sr"])]);
    table.row("TCP congestion control", [first_line("/proc/sys/net/ipv4/tcp_congestion_control")]);
    table.row("load of the machine before the run, a minute's average", [load()]);
    table.row("rustc", [said("rustc", &["--version"])]);
    table.row("crates", [crates()]);
    table.row("nginx", [said("/usr/sbin/nginx", &["-v"])]);
    table.row("HAProxy", [said("/usr/sbin/haproxy", &["-v"])]);
    table.row("OpenSSL of both", [said("openssl", &["version"])]);
    table
}

fn commit() -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let changed = !said("git", &["-C", root, "status", "--porcelain", "--", "src", "benches", "Cargo.lock"]).is_empty();
    let commit = said("git", &["-C", root, "rev-parse", "--short=12", "HEAD"]);
    if changed { format!("{commit}, with changes that are not in it") } else { commit }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, Into::into);
    format!("{}, {cores} cores", name.trim_start_matches([' ', '\t', ':']))
}

fn memory() -> String {
    let line = first_line("/proc/meminfo");
    let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default();
    format!("{:.0} GiB", kib / 1024.0 / 1024.0)
}

fn load() -> String {
    first_line("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned()
}

/// As the lock file has them.
fn crates() -> String {
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    let version = |name: &&str| {
        let (_, rest) = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", rest.split_once('"')?.0))
    };
    CRATES.iter().filter_map(version).collect::<Vec<_>>().join(", ")
}

fn first_line(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// The first line of what a program says; some say their version on stderr.
fn said(program: &str, words: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(words).output() else { return "not there".to_owned() };
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned()
}
