//! What a group of processes uses: processor time by the scheduler's own account, and resident memory (proc(5)).

use crate::Outcome;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Sub;
use std::time::Duration;

/// Clock ticks a second on every Linux this runs on (`getconf CLK_TCK`).
const TICKS: u64 = 100;

/// A process group.
#[derive(Debug, Clone, Copy)]
pub struct Group(u32);

/// Processor time so far, of each thread; of each process where the kernel does not account for threads.
#[derive(Debug, Clone, Default)]
pub struct Used(BTreeMap<String, Duration>);

impl Group {
    /// The group with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Processor time so far.
    pub fn used(&self) -> Outcome<Used> {
        let mut used = Used::default();
        for process in self.processes()? {
            for thread in fs::read_dir(format!("/proc/{process}/task"))? {
                let path = thread?.path().join("schedstat");
                if let Some(nanoseconds) = fs::read_to_string(&path).ok().and_then(|text| first_number(&text)) {
                    used.0.insert(path.display().to_string(), Duration::from_nanos(nanoseconds));
                }
            }
        }
        if used.0.is_empty() {
            for process in self.processes()? {
                used.0.insert(process.to_string(), ticks(process).unwrap_or_default());
            }
        }
        Ok(used)
    }

    /// Resident memory in bytes. What its processes share counts for each.
    pub fn resident(&self) -> Outcome<u64> {
        let of = |process: u32| {
            let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            Some(first_number(line)? * 1024)
        };
        Ok(self.processes()?.into_iter().filter_map(of).sum())
    }

    fn processes(&self) -> Outcome<Vec<u32>> {
        let numbers = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let ours: Vec<u32> = numbers.filter(|process| group_of(*process) == Some(u64::from(self.0))).collect();
        if ours.is_empty() { Err("the measured process has ended".into()) } else { Ok(ours) }
    }
}

impl Sub for &Used {
    type Output = Duration;

    /// What was used since an earlier account. A thread that ended in between is not counted.
    fn sub(self, earlier: Self) -> Duration {
        let since = |(thread, now): (&String, &Duration)| {
            now.saturating_sub(earlier.0.get(thread).copied().unwrap_or_default())
        };
        self.0.iter().map(since).sum()
    }
}

fn group_of(process: u32) -> Option<u64> {
    stat_field(process, 2)
}

fn ticks(process: u32) -> Option<Duration> {
    let ticks = stat_field(process, 11)? + stat_field(process, 12)?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

/// A number of `/proc/PID/stat`, counted from the state behind the command's closing parenthesis.
fn stat_field(process: u32, index: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    first_number(rest.split(' ').nth(index)?)
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
