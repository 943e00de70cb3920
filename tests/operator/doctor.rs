//! `doctor` in front of nodes that are well and nodes that are not.

use super::gateway::{configuration, keys};
use super::process::ran;
use consolegate::sim::{Certificate, Fault, GuestConfig, Health, NodeConfig, Sim, SimConfig};
use serde_json::Value;

const STEPS: [&str; 8] =
    ["name", "connection", "certificate", "clock", "credential", "privileges", "ticket", "console"];

/// Two nodes, a guest on the first.
async fn cluster() -> Sim {
    let mut config = SimConfig::quick();
    config.nodes = vec![NodeConfig::new("pve1"), NodeConfig::new("pve2")];
    config.guests = vec![GuestConfig::qemu(100, "pve1").named("web-01"), GuestConfig::qemu(90_000, "pve1").stopped()];
    Sim::start(config).await.unwrap()
}

/// A folder with the configuration of this node, changed.
fn configured(sim: &Sim, nodes: &[&str], change: impl FnOnce(String) -> String) -> tempfile::TempDir {
    let folder = keys(sim);
    let text = configuration("console.test", sim, nodes, "[timeouts]\nnode_connect = 2\nhandshake = 2\n");
    std::fs::write(folder.path().join("consolegate.toml"), change(text)).unwrap();
    folder
}

/// Exit code and findings of `doctor`.
async fn asked(folder: &tempfile::TempDir, more: &[&str]) -> (i32, Value) {
    let config = folder.path().join("consolegate.toml").display().to_string();
    let mut all = vec!["doctor", "--json", "--config", &config];
    all.extend(more);
    let (code, said, cause) = ran(&all, "").await;
    assert_eq!(cause, "");
    (code, serde_json::from_str(&said).unwrap())
}

/// The outcomes of a node's steps, in order.
fn outcomes(said: &Value, node: usize) -> Vec<&str> {
    let findings = said["nodes"][node]["findings"].as_array().unwrap();
    let steps: Vec<&str> = findings.iter().map(|one| one["check"].as_str().unwrap()).collect();
    assert_eq!(steps, STEPS);
    findings.iter().map(|one| one["outcome"].as_str().unwrap()).collect()
}

/// What a step of the first node says, and its cure.
fn step<'a>(said: &'a Value, name: &str) -> (&'a str, &'a str) {
    let findings = said["nodes"][0]["findings"].as_array().unwrap();
    let found = findings.iter().find(|one| one["check"] == name).unwrap();
    (found["says"].as_str().unwrap(), found["fix"].as_str().unwrap_or_default())
}

/// Whether exactly this step failed, and those behind it were skipped or good as told.
fn failed_at(said: &Value, name: &str, behind: &str) {
    let outcomes = outcomes(said, 0);
    let at = STEPS.iter().position(|step| *step == name).unwrap();
    for (index, outcome) in outcomes.iter().enumerate() {
        let expected = match index.cmp(&at) {
            std::cmp::Ordering::Less => "good",
            std::cmp::Ordering::Equal => "failed",
            std::cmp::Ordering::Greater => behind,
        };
        assert_eq!(*outcome, expected, "{}: {said:#}", STEPS[index]);
    }
}

#[tokio::test]
async fn a_node_that_is_well_passes_every_step_and_one_without_guests_skips_the_last() {
    let sim = cluster().await;
    let folder = configured(&sim, &["pve1", "pve2"], |text| text);
    let (code, said) = asked(&folder, &[]).await;
    assert_eq!((code, &said["good"]), (0, &true.into()), "{said:#}");
    assert_eq!(outcomes(&said, 0), ["good"; 8]);
    assert_eq!(outcomes(&said, 1)[5..], ["skipped"; 3]);
    let why = &said["nodes"][1]["findings"][5]["says"];
    assert!(why.as_str().unwrap().ends_with("; guests are listed for: pve1"), "so a wrong name shows: {why}");
    assert!(step(&said, "certificate").0.starts_with(&sim.fingerprint("pve1")), "{said:#}");
    assert!(step(&said, "credential").0.contains("9.2.11"));
    assert!(step(&said, "console").0.starts_with("RFB 003.008 from qemu/100"));

    let config = folder.path().join("consolegate.toml").display().to_string();
    let (code, text, _) = ran(&["doctor", "--config", &config, "--vmid", "100"], "").await;
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.matches('✓').count(), 13, "{text}");
    assert!(text.ends_with("Everything that was looked at works.\n"), "{text}");
    let (code, said) = asked(&folder, &["--vmid", "90000"]).await;
    assert_eq!((code, &said["good"]), (1, &false.into()), "a guest that is named and off: {said:#}");
    // The consoles that were looked at are not left behind.
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
}

#[tokio::test]
async fn f11_a_wrong_pin_is_said_with_the_fingerprint_that_was_seen() {
    let sim = cluster().await;
    let pin = format!("fingerprint = \"{}\"\n", ["AA"; 32].join(":"));
    let folder = configured(&sim, &["pve1"], |text| text.replace("[timeouts]", &format!("{pin}[timeouts]")));
    let (code, said) = asked(&folder, &[]).await;
    assert_eq!(code, 1);
    failed_at(&said, "certificate", "skipped");
    let (says, fix) = step(&said, "certificate");
    assert!(says.contains(&sim.fingerprint("pve1")) && fix.contains("pvenode cert info"), "{says}");
    assert!(fix.contains("remove fingerprint there and") && fix.contains("in the place of tls"), "{fix}");

    sim.set_certificate("pve1", Certificate::OtherCa).unwrap();
    let folder = configured(&sim, &["pve1"], |text| text);
    let (code, said) = asked(&folder, &[]).await;
    assert_eq!(code, 1);
    failed_at(&said, "certificate", "skipped");
    assert!(step(&said, "certificate").0.contains(&sim.fingerprint("pve1")));
}

#[tokio::test]
async fn f17_a_skewed_clock_is_said_in_seconds_and_the_rest_is_looked_at_all_the_same() {
    let sim = cluster().await;
    sim.set_clock_offset("pve1", 40);
    let (code, said) = asked(&configured(&sim, &["pve1"], |text| text), &[]).await;
    assert_eq!(code, 1);
    failed_at(&said, "clock", "good");
    let (says, fix) = step(&said, "clock");
    assert!(says.starts_with("+40 s") || says.starts_with("+39 s") || says.starts_with("+41 s"), "{says}");
    assert!(fix.contains("chrony"), "{fix}");
}

#[tokio::test]
async fn f12_a_refused_credential_and_a_missing_privilege_are_told_apart() {
    let sim = cluster().await;
    sim.enable_token(false);
    let folder = configured(&sim, &["pve1"], |text| text);
    let (code, said) = asked(&folder, &[]).await;
    assert_eq!(code, 1);
    failed_at(&said, "credential", "skipped");
    assert!(step(&said, "credential").1.contains("pveum user token list"));

    sim.enable_token(true);
    sim.set_privileges("gate@pve!console", "/", &["VM.Audit"]);
    let (code, said) = asked(&folder, &[]).await;
    assert_eq!(code, 1);
    assert_eq!(outcomes(&said, 0)[4..], ["good", "failed", "failed", "skipped"], "{said:#}");
    assert!(step(&said, "privileges").0.contains("VM.Console missing on /vms/100"), "{said:#}");
}

#[tokio::test]
async fn f05_an_upgrade_that_hangs_and_a_node_that_is_away_end_in_their_own_time() {
    let sim = cluster().await;
    sim.fail_next("vncwebsocket", Fault::Stall(Vec::new()));
    let folder = configured(&sim, &["pve1"], |text| text);
    let (code, said) = asked(&folder, &[]).await;
    assert_eq!(code, 1);
    failed_at(&said, "console", "skipped");
    assert!(step(&said, "console").0.contains("node_handshake_timeout"), "{said:#}");

    sim.set_health("pve1", Health::Down);
    let (code, said) = asked(&folder, &[]).await;
    assert_eq!(code, 1);
    failed_at(&said, "connection", "skipped");
}
