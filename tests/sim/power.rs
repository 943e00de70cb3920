//! Switching guests: who may, which calls there are, and what they change.

use crate::peer::*;
use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig, Status};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

async fn two_guests() -> Sim {
    start(SimConfig {
        nodes: vec![NodeConfig::new("pve1"), NodeConfig::new("pve2")],
        guests: vec![GuestConfig::qemu(100, "pve1"), GuestConfig::lxc(101, "pve2")],
        ..SimConfig::quick()
    })
    .await
}

async fn press(sim: &Sim, guest: &str, action: &str) -> (u16, String) {
    let reply = ask(sim, NODE, "POST", &format!("/nodes/{guest}/status/{action}"), "").await;
    let task = if reply.status == 200 { reply.data().as_str().unwrap().to_owned() } else { reply.reason.clone() };
    (reply.status, task)
}

async fn status(sim: &Sim, guest: &str) -> Value {
    ask(sim, NODE, "GET", &format!("/nodes/{guest}/status/current"), "").await.data()["status"].clone()
}

#[tokio::test]
async fn actions_change_the_guest_and_answer_with_a_task() {
    let sim = two_guests().await;
    for (guest, vmid, action, after) in [
        ("pve1/qemu/100", 100, "reset", "running"),
        ("pve1/qemu/100", 100, "shutdown", "stopped"),
        ("pve1/qemu/100", 100, "stop", "stopped"),
        ("pve1/qemu/100", 100, "start", "running"),
        ("pve1/qemu/100", 100, "start", "running"),
        ("pve2/lxc/101", 101, "stop", "stopped"),
        ("pve2/lxc/101", 101, "start", "running"),
        ("pve2/lxc/101", 101, "reboot", "running"),
        ("pve2/lxc/101", 101, "shutdown", "stopped"),
    ] {
        let (code, task) = press(&sim, guest, action).await;
        let family = if guest.contains("lxc") { "vz" } else { "qm" };
        assert!(code == 200 && task.starts_with("UPID:"), "{guest} {action}: {code} {task}");
        assert!(task.contains(&format!(":{family}{action}:{vmid}:")), "{task}");
        assert_eq!(status(&sim, guest).await, after, "{guest} {action}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said_as_proxmox_says_it() {
    let sim = two_guests().await;
    assert_eq!(press(&sim, "pve2/lxc/101", "start").await, (500, "CT 101 already running".into()));
    assert_eq!(press(&sim, "pve2/lxc/101", "reset").await.0, 501, "containers have none");
    assert_eq!(press(&sim, "pve1/qemu/100", "explode").await.0, 501);
    assert!(press(&sim, "pve2/qemu/100", "stop").await.1.contains("does not exist"));
    sim.guest(100).set_status(Status::Stopped);
    sim.guest(101).set_status(Status::Stopped);
    assert_eq!(press(&sim, "pve1/qemu/100", "reset").await, (500, "VM 100 not running".into()));
    assert_eq!(press(&sim, "pve2/lxc/101", "stop").await, (500, "CT 101 not running".into()));
    sim.guest(100).set_lock(Some("backup"));
    assert_eq!(press(&sim, "pve1/qemu/100", "start").await, (500, "VM is locked (backup)".into()));
}

#[tokio::test]
async fn only_who_may_switch_does() {
    let sim = two_guests().await;
    sim.set_privileges("gate@pve!console", "/vms/100", &["VM.Console", "VM.Audit"]);
    for action in ["start", "shutdown", "reset", "stop"] {
        let refused = (403, "Permission check failed (/vms/100, VM.PowerMgmt)".to_owned());
        assert_eq!(press(&sim, "pve1/qemu/100", action).await, refused, "{action}");
    }
    assert_eq!(status(&sim, "pve1/qemu/100").await, "running");
}

/// A QEMU that has shut down as soon as it was asked to; says what it is told.
fn machine(listener: UnixListener) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (reader, mut writer) = stream.into_split();
            writer.write_all(b"{\"QMP\":{}}\n").await.unwrap();
            let mut lines = BufReader::new(reader).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let command = serde_json::from_str::<Value>(&line).unwrap()["execute"].as_str().unwrap().to_owned();
                let answer = if command == "query-status" { json!({"status": "shutdown"}) } else { json!({}) };
                writer.write_all(format!("{}\n", json!({ "return": answer })).as_bytes()).await.unwrap();
                if command != "qmp_capabilities" {
                    tell.send(command).await.unwrap();
                }
            }
        }
    });
    told
}

#[tokio::test]
async fn a_real_machine_is_told_by_its_monitor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qmp");
    let mut told = machine(UnixListener::bind(&path).unwrap());
    let guest = GuestConfig { qmp: Some(path), ..GuestConfig::qemu(100, "pve1") };
    let sim = start(SimConfig { guests: vec![guest], ..SimConfig::quick() }).await;
    for (action, commands, after) in [
        ("reset", &["system_reset"][..], "running"),
        ("shutdown", &["system_powerdown", "query-status"], "stopped"),
        ("start", &["system_reset", "cont"], "running"),
        ("stop", &["stop"], "stopped"),
    ] {
        assert_eq!(press(&sim, "pve1/qemu/100", action).await.0, 200, "{action}");
        for command in commands {
            let next = timeout(Duration::from_secs(10), told.recv()).await.expect("a command");
            assert_eq!(next.as_deref(), Some(*command), "{action}");
        }
        // The task notes it a moment after the answer of the monitor.
        timeout(Duration::from_secs(10), async { while status(&sim, "pve1/qemu/100").await != after {} })
            .await
            .unwrap_or_else(|_| panic!("{action} leaves it {after}"));
    }
    drop(folder);
    assert_eq!(press(&sim, "pve1/qemu/100", "start").await.0, 200, "the task has a name even if it fails");
    assert_eq!(status(&sim, "pve1/qemu/100").await, "stopped", "whose process is gone is not started from here");
}
