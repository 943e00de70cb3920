//! A limit of the kernel's on the memory of one process.

use super::scene::Scene;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Now;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// A control group (cgroups(7)) where one can be made. Where none can, as in most containers, the process's own limit of
/// data (RLIMIT_DATA of getrlimit(2)) takes its place: whoever wants more then ends by a failed allocation and not by a kill.
pub enum Limit {
    Group { folder: PathBuf, used: &'static str, most: &'static str },
    Data,
}

/// Where version 2 and version 1 are mounted, and their files of what is used and of the limit.
const MOUNTS: [(&str, &str, &str); 2] = [
    ("/sys/fs/cgroup", "memory.current", "memory.max"),
    ("/sys/fs/cgroup/memory", "memory.usage_in_bytes", "memory.limit_in_bytes"),
];

impl Limit {
    pub fn new() -> Self {
        for (mount, used, most) in MOUNTS {
            let folder = Path::new(mount).join(format!("consolegate-test-{}", std::process::id()));
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            if folder.join(most).exists() {
                return Self::Group { folder, used, most };
            }
            fs::remove_dir(&folder).unwrap();
        }
        Self::Data
    }

    /// The same command under this limit.
    pub fn around(&self, command: &Command) -> Command {
        let mut under = Command::new("sh");
        under.args(["-ec", "[ -z \"$0\" ] || echo $$ > \"$0/cgroup.procs\"; exec \"$@\""]);
        match self {
            Self::Group { folder, .. } => under.arg(folder),
            Self::Data => under.arg(""),
        };
        under.arg(command.as_std().get_program()).args(command.as_std().get_args());
        under
    }

    /// From now on it may use a fifth more than it uses now.
    pub fn a_fifth_more(&self, scene: &Scene) {
        match self {
            Self::Group { folder, used, most } => {
                let used: u64 = fs::read_to_string(folder.join(used)).unwrap().trim().parse().unwrap();
                fs::write(folder.join(most), (used + used / 5).to_string()).unwrap();
                // Version 2 counts what is swapped apart.
                let _ = fs::write(folder.join("memory.swap.max"), "0");
            }
            Self::Data => {
                let most = (scene.status("VmData:") + scene.memory() / 5) * 1024;
                let arguments = [format!("--pid={}", scene.gateway.pid()), format!("--data={most}")];
                let set = Now::new("prlimit").args(arguments).status();
                assert!(set.is_ok_and(|status| status.success()), "prlimit is part of util-linux");
            }
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group { folder, used, .. } => {
                let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
                write!(f, "control group {}: {} used", folder.display(), read(used).trim())
            }
            Self::Data => write!(f, "RLIMIT_DATA, because no control group of memory can be made here"),
        }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Self::Group { folder, .. } = self {
            // Its last process may not be gone yet.
            let until = Instant::now() + Duration::from_secs(5);
            while fs::remove_dir(&*folder).is_err() && Instant::now() < until {
                std::thread::yield_now();
            }
        }
    }
}
