//! The standard `process_*` series, read from `/proc/self` at each scrape. CPU time has its fractions, which the
//! library's own collector rounds away.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

/// Clock ticks a second on every Linux this runs on (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// Appends the series; those whose file cannot be read are left out.
pub(super) fn render(text: &mut Vec<u8>) {
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
    // In bytes whatever the size of a page is.
    let status = fs::read_to_string("/proc/self/status").ok();
    put("resident_memory_bytes", "gauge", "Resident memory.", status.as_deref().and_then(resident));
    put("virtual_memory_bytes", "gauge", "Virtual memory.", field(20).map(|bytes| bytes as f64));
    put("threads", "gauge", "Threads.", field(17).map(|count| count as f64));
    put("open_fds", "gauge", "Open file descriptors.", open_descriptors().map(|count| count as f64));
    put("max_fds", "gauge", "File descriptors that may be open.", descriptors().map(|limit| limit as f64));
    let boot = fs::read_to_string("/proc/stat").ok().and_then(|stat| boot_time(&stat));
    let started = field(19).zip(boot).map(|(ticks, boot)| boot + ticks as f64 / TICKS);
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
fn descriptors() -> Option<usize> {
    soft_files(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// The size of the folder is how many there are, since Linux 6.2; before, it is 0 and every one has to be listed, which
/// makes a scrape of a full gateway slower than all the rest of it.
fn open_descriptors() -> Option<u64> {
    let folder = "/proc/self/fd";
    match fs::metadata(folder).ok()?.len() {
        0 => Some(fs::read_dir(folder).ok()?.count() as u64),
        count => Some(count),
    }
}

/// `VmRSS` of `/proc/self/status` in bytes; the file says kB and means KiB.
fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some((kib * 1024) as f64)
}

/// `btime` of `/proc/stat`: when the system started, in seconds since 1970.
fn boot_time(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn soft_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn a_command_with_spaces_and_parentheses_does_not_shift_fields() {
        let stat = "77 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0 400 1000000 25";
        assert_eq!(stat_field(stat, 11), Some(250));
        assert_eq!(stat_field(stat, 19), Some(400));
    }

    #[test]
    fn memory_and_the_boot_are_read_with_their_units() {
        let status = "VmHWM:\t   99 kB\nVmRSS:\t    1234 kB\nRssAnon:\t 5 kB\n";
        assert_eq!(resident(status), Some(1_263_616.0));
        assert_eq!(boot_time("cpu  1 2 3\nbtime 1795300000\nprocesses 5\n"), Some(1_795_300_000.0));
        assert_eq!((resident("VmRSS:\tmuch\n"), boot_time("btime\n")), (None, None));
    }

    #[test]
    fn this_process_is_told_rightly() {
        let mut text = Vec::new();
        render(&mut text);
        let text = String::from_utf8(text).unwrap();
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("process_{name} "))).unwrap();
            line.parse().unwrap()
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - 3600.0..=now + 2.0).contains(&value("start_time_seconds")), "{text}");
        assert!((1e6..1e10).contains(&value("resident_memory_bytes")), "{text}");
    }

    #[test]
    fn every_open_descriptor_is_counted() {
        let held: Vec<_> = (0..200).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let told = open_descriptors().unwrap();
        let listed = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        // Tests beside this one open and close some of their own in between.
        assert!(told >= 200 && told.abs_diff(listed) < 100, "{told} for {listed}, of which {} are held", held.len());
    }

    #[test]
    fn the_soft_limit_is_read() {
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(soft_files(limits), Some(1024));
    }
}
