//! The standard `process_*` series, read from `/proc/self` at each scrape. CPU time has its fractions, which the
//! library's own collector rounds away.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::time::Duration;

/// Clock ticks a second and bytes a page on every Linux this runs on (`getconf CLK_TCK`, `PAGESIZE` on x86-64, arm64).
const TICKS: f64 = 100.0;
const PAGE: u64 = 4096;

/// Appends the series; those whose file cannot be read are left out.
pub(super) fn render(text: &mut Vec<u8>, now: Duration) {
    let mut lines = String::new();
    let mut put = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ =
                writeln!(lines, "# HELP process_{name} {help}\n# TYPE process_{name} {kind}\nprocess_{name} {value}");
        }
    };
    let stat = fs::read_to_string("/proc/self/stat").ok();
    let field = |index: usize| stat.as_deref().and_then(|stat| stat_field(stat, index));
    let cpu = field(11).zip(field(12)).map(|(user, system)| (user + system) as f64 / TICKS);
    put("cpu_seconds_total", "counter", "User and system time.", cpu);
    put("resident_memory_bytes", "gauge", "Resident memory.", field(21).map(|pages| (pages * PAGE) as f64));
    put("virtual_memory_bytes", "gauge", "Virtual memory.", field(20).map(|bytes| bytes as f64));
    put("threads", "gauge", "Threads.", field(17).map(|count| count as f64));
    let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as f64);
    put("open_fds", "gauge", "Open file descriptors.", open);
    put("max_fds", "gauge", "File descriptors that may be open.", descriptors().map(|limit| limit as f64));
    let uptime = fs::read_to_string("/proc/uptime").ok();
    let since_boot = uptime.as_deref().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let started = field(19).zip(since_boot).map(|(ticks, up)| now.as_secs_f64() - up + ticks as f64 / TICKS);
    put("start_time_seconds", "gauge", "When the process started, in seconds since 1970.", started);
    // Writing to a Vec cannot fail.
    let _ = text.write_all(lines.as_bytes());
}

/// A number of `/proc/self/stat`, counted from the state behind the command's closing parenthesis (proc(5)).
fn stat_field(stat: &str, index: usize) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(index)?.trim().parse().ok()
}

/// File descriptors this process may open; none where the system does not say, or sets no limit.
#[must_use]
pub fn descriptors() -> Option<usize> {
    soft_files(&fs::read_to_string("/proc/self/limits").ok()?)
}

fn soft_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_spaces_and_parentheses_does_not_shift_fields() {
        let stat = "77 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0 400 1000000 25";
        assert_eq!(stat_field(stat, 11), Some(250));
        assert_eq!(stat_field(stat, 21), Some(25));
    }

    #[test]
    fn the_soft_limit_is_read() {
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(soft_files(limits), Some(1024));
    }
}
