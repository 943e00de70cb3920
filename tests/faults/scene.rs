//! A gateway as a process of its own in front of nodes whose guests give back every byte.

use super::gateway::{PATIENCE, configuration, keys};
use super::process::Process;
use super::{HOST, NODES};
use consolegate::sim::{Backend, GuestConfig, NodeConfig, Sim, SimConfig};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{interval, timeout};

pub struct Scene {
    pub sim: Sim,
    pub gateway: Process,
    _folder: tempfile::TempDir,
}

/// A cluster: so many guests from 100 on, spread over the nodes, screens and terminals in turn.
pub async fn cluster(nodes: &[&str], guests: usize, change: impl FnOnce(&mut SimConfig)) -> Sim {
    let mut config = SimConfig::quick();
    config.nodes = nodes.iter().map(|node| NodeConfig::new(node)).collect();
    let guest = |n: usize| {
        let (vmid, node) = (100 + n as u32, nodes[n % nodes.len()]);
        let guest = if is_terminal(vmid) { GuestConfig::lxc(vmid, node) } else { GuestConfig::qemu(vmid, node) };
        guest.backend(Backend::RfbEcho)
    };
    config.guests = (0..guests).map(guest).collect();
    change(&mut config);
    Sim::start(config).await.unwrap()
}

/// What becomes a gateway once it is given the name of its configuration.
pub fn serve() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consolegate"));
    command.args(["serve", "--config"]);
    command
}

pub const fn is_terminal(vmid: u32) -> bool {
    vmid % 2 == 1
}

impl Scene {
    /// A gateway whose configuration is the usual one with `extra` at the end.
    pub async fn start(sim: Sim, extra: &str) -> Self {
        Self::start_changed(sim, NODES, serve(), |text| text + extra).await
    }

    /// A gateway that a command becomes which is given the name of its configuration.
    pub async fn start_changed(
        sim: Sim,
        nodes: &[&str],
        mut command: Command,
        change: impl FnOnce(String) -> String,
    ) -> Self {
        let folder = keys(&sim);
        let file = folder.path().join("consolegate.toml");
        let text = configuration(HOST, &sim, nodes, "\n[log]\nformat = \"json\"\n");
        std::fs::write(&file, change(text)).unwrap();
        command.arg(&file);
        let gateway = Process::run(command, HOST).await;
        gateway.ready().await;
        Self { sim, gateway, _folder: folder }
    }

    /// How many descriptors the gateway has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.gateway.pid())).unwrap().count()
    }

    /// Waits until it has at most so many.
    pub async fn has_descriptors(&self, most: usize, within: Duration) {
        let mut least = usize::MAX;
        let falls = poll(async || {
            least = least.min(self.descriptors());
            least <= most
        });
        assert!(timeout(within, falls).await.is_ok(), "{least} descriptors after {within:?}, expected {most}");
    }

    /// What the gateway holds in memory, in KiB.
    pub fn memory(&self) -> usize {
        self.status("VmRSS:")
    }

    /// A line of its proc_pid_status(5), in KiB.
    pub fn status(&self, name: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a gateway that was not killed");
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How many sessions ended for this reason so far.
    pub async fn ended(&self, reason: &str) -> usize {
        let metrics = self.gateway.place.metrics().await;
        let counts = metrics.lines().filter(|line| {
            line.starts_with("consolegate_sessions_ended_total") && line.contains(&format!("reason=\"{reason}\""))
        });
        counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }
}

/// Waits until something is so that nobody tells of.
pub async fn until(what: &str, is_so: impl AsyncFnMut() -> bool) {
    assert!(timeout(PATIENCE * 2, poll(is_so)).await.is_ok(), "it never is so that {what}");
}

async fn poll(mut is_so: impl AsyncFnMut() -> bool) {
    let mut pace = interval(Duration::from_millis(20));
    while !is_so().await {
        pace.tick().await;
    }
}
