//! `init`: what it writes passes `check` and opens consoles; what is there is left alone.

use super::process::{Process, ran};
use consolegate::sim::{Sim, SimConfig};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The arguments of `init` for this configuration, without those of trust.
fn arguments<'a>(config: &'a str, url: &'a str, node: &'a str) -> Vec<&'a str> {
    vec![
        "init",
        "--non-interactive",
        "--config",
        config,
        "--public-url",
        url,
        "--panel",
        "panel",
        "--panel-origin",
        "http://panel.localhost",
        "--cluster",
        "eu1",
        "--node-name",
        "pve1",
        "--node-address",
        node,
    ]
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_init_writes_opens_a_console() {
    let sim = Sim::start(SimConfig::quick()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gate/consolegate.toml").display().to_string();
    let (node, pin) = (sim.node_address("pve1").to_string(), sim.fingerprint("pve1"));
    let mut all = arguments(&config, "http://console.test", &node);
    all.extend(["--fingerprint", &pin, "--listen", "127.0.0.1:0"]);
    let (code, said, cause) = ran(&all, "").await;
    assert_eq!((code, cause.as_str()), (0, ""));
    for command in [
        "pveum role add ConsoleGate --privs \"VM.Console VM.Audit\"",
        "pveum user token add gate@pve console --privsep 1",
        "pveum acl modify /vms --tokens 'gate@pve!console' --roles ConsoleGate",
    ] {
        assert!(said.contains(command), "{said}");
    }
    assert!(said.contains("\npublic_url is http://, so plain HTTP is served on 127.0.0.1:0, and"), "{said}");
    let folder = folder.path().join("gate");
    for name in ["panel.key", "session.key", "pve.secret"] {
        assert_eq!(folder.join(name).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let key = std::fs::read_to_string(folder.join("panel.key")).unwrap();
    assert!(key.trim().len() == 64 && !said.contains(key.trim()), "a key of its own, which is never printed");
    let (code, _, warned) = ran(&["check", "--config", &config], "").await;
    assert!(code == 0 && warned.contains("pve.secret still holds a placeholder"), "{warned}");

    // What the operator does: the token's value, and a port of the admin listener that is free here.
    std::fs::write(folder.join("pve.secret"), sim.api_token().1).unwrap();
    let text =
        std::fs::read_to_string(&config).unwrap() + "[admin]\naddress = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n";
    std::fs::write(&config, text).unwrap();
    let gateway = Process::start(Path::new(&config), "console.test").await;
    gateway.ready().await;
    let (code, token, cause) = ran(&["token", "mint", "--vmid", "100", "--config", &config], "").await;
    assert_eq!(code, 0, "{cause}");
    let mut console = gateway.place.open_with(token.trim()).await;
    assert_eq!(console.log_in().await.unwrap(), (640, 400, "QEMU (web-01)".to_owned()));
}

#[tokio::test]
async fn init_asks_four_questions_and_again_where_an_answer_cannot_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("consolegate.toml").display().to_string();
    let answers = "console.example.com\nhttps://console.example.com\npanel\npanel https://panel.example.com\n\
                   pve1 https://10.0.0.11\npve1 10.0.0.11:8006\nEU 1\neu1\n";
    let (code, _, asked) = ran(&["init", "--config", &config], answers).await;
    assert_eq!(code, 0, "{asked}");
    assert_eq!(asked.matches("\n> ").count(), 8, "four questions, each of them twice:\n{asked}");
    let text = std::fs::read_to_string(&config).unwrap();
    for line in
        ["public_url = \"https://console.example.com\"", "name = \"pve1\"", "tls = \"system\"", "clusters = [\"eu1\"]"]
    {
        assert!(text.lines().any(|each| each == line), "{line} is not in\n{text}");
    }
    assert_eq!(ran(&["check", "--config", &config], "").await.0, 0);
    assert!(folder.path().join("fullchain.pem").is_file(), "https starts with a certificate of its own");

    let (code, _, asked) = ran(&["init", "--config", &config], "https://console.example.com\n").await;
    assert_eq!(code, 64);
    assert!(asked.contains("ended too soon"), "{asked}");
}

#[tokio::test]
async fn init_overwrites_nothing_and_leaves_nothing_of_what_would_not_work() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("consolegate.toml").display().to_string();
    std::fs::write(folder.path().join("session.key"), "mine").unwrap();
    let (code, said, cause) = ran(&arguments(&config, "https://console.example.com", "10.0.0.11"), "").await;
    assert_eq!((code, said.as_str()), (1, ""));
    assert!(cause.contains("session.key is there already"), "{cause}");
    assert_eq!(names(folder.path()), ["session.key"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("session.key")).unwrap(), "mine");

    std::fs::remove_file(folder.path().join("session.key")).unwrap();
    let nameless = arguments(&config, "https://console.example.com", "10.0.0.11");
    let nameless: Vec<&str> = nameless.into_iter().map(|word| if word == "panel" { "" } else { word }).collect();
    let (code, _, cause) = ran(&nameless, "").await;
    assert_eq!(code, 78);
    let words = "nothing is written, for check would refuse it: issuer[0].name: is not a name; use 1 to 128 characters";
    assert!(cause.starts_with(words), "{cause}");
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));

    let (code, _, cause) = ran(&["init", "--non-interactive", "--config", &config], "").await;
    assert_eq!(code, 64);
    assert!(cause.contains("--public-url is needed"), "{cause}");
}

#[tokio::test]
async fn an_option_that_cannot_be_right_is_named_with_what_was_expected_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("new/gate/consolegate.toml").display().to_string();
    let authority = rcgen::generate_simple_self_signed(["Proxmox".to_owned()]).unwrap();
    let both = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&both, authority.cert.pem() + &authority.signing_key.serialize_pem()).unwrap();
    let cut = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&cut, "-----BEGIN CERTIFICATE-----\nMIIB\n").unwrap();
    for (node, option, value, words) in [
        (
            "10.0.0.11",
            "--ca-file",
            both.path().to_str().unwrap(),
            ["holds a private key too, and everybody may read the copy", "; name /etc/pve/pve-root-ca.pem of a node"],
        ),
        (
            "10.0.0.11",
            "--fingerprint",
            "X",
            ["'X' for '--fingerprint <HEX>': is not a SHA-256 fingerprint", "write the 32 pairs (AA:BB:CC:...)"],
        ),
        (
            "https://10.0.0.11/",
            "--listen",
            "[::]:443",
            ["'https://10.0.0.11/' for '--node-address <ADDRESS>': is a URL", "; write \"10.0.0.11\""],
        ),
        (
            "10.0.0",
            "--listen",
            "[::]:443",
            [
                "'10.0.0' for '--node-address <ADDRESS>': is not an address",
                "four numbers (10.0.0.11:8006, [2001:db8::11]:8006)",
            ],
        ),
        (
            "10.0.0.11",
            "--listen",
            "443",
            ["'443' for '--listen <ADDRESS:PORT>'", "expected ADDRESS:PORT, such as 0.0.0.0:443 or [::]:443"],
        ),
        (
            "10.0.0.11",
            "--ca-file",
            "NOTHING",
            ["error: --ca-file NOTHING: No such file", "; name /etc/pve/pve-root-ca.pem of a node"],
        ),
        (
            "10.0.0.11",
            "--ca-file",
            "Cargo.toml",
            ["error: --ca-file Cargo.toml: holds no certificate", "; name /etc/pve/pve-root-ca.pem of a node"],
        ),
        (
            "10.0.0.11",
            "--ca-file",
            cut.path().to_str().unwrap(),
            [
                "is not PEM: a line -----END ...----- is missing; is it cut off",
                "; name /etc/pve/pve-root-ca.pem of a node",
            ],
        ),
    ] {
        let mut all = arguments(&config, "https://console.example.com", node);
        all.extend([option, value]);
        let (code, said, cause) = ran(&all, "").await;
        assert_eq!((code, said.as_str()), (64, ""), "{option} {value}: {cause}");
        for word in words {
            assert!(cause.contains(word), "{word:?} is not in\n{cause}");
        }
        assert!(names(folder.path()).is_empty(), "{option} {value}: {:?}", names(folder.path()));
    }
}

#[tokio::test]
async fn what_is_refused_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("new/gate/consolegate.toml").display().to_string();
    let nameless = arguments(&config, "https://console.example.com", "10.0.0.11");
    let nameless: Vec<&str> = nameless.into_iter().map(|word| if word == "panel" { "" } else { word }).collect();
    assert_eq!(ran(&nameless, "").await.0, 78);
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[tokio::test]
async fn a_folder_that_is_made_is_said_with_who_may_read_it_and_how_a_services_user_may() {
    let folder = tempfile::tempdir().unwrap();
    let (top, gate) = (folder.path().join("new"), folder.path().join("new/gate"));
    let config = gate.join("consolegate.toml").display().to_string();
    let (code, said, cause) = ran(&arguments(&config, "https://console.example.com", "10.0.0.11"), "").await;
    assert_eq!((code, cause.as_str()), (0, ""));
    let line = said.lines().find(|line| line.starts_with("The folder ")).unwrap_or_else(|| panic!("{said}"));
    let words =
        format!("The folder {} is new (mode 0750), and only its owner may read the keys in it.", gate.display());
    assert!(line.starts_with(&words), "{line}");
    let (_, cure) = line.split_once("chgrp -R consolegate ").unwrap();
    let (shown, modes) = cure.split_once(" && ").unwrap();
    assert_eq!(Path::new(shown), top);

    // The group's name is another machine's; the modes are what they are for.
    assert!(std::process::Command::new("sh").args(["-c", modes]).status().unwrap().success());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&gate), mode(&gate.join("panel.key"))), (0o750, 0o640), "{modes}");
    assert_eq!(ran(&["check", "--config", &config], "").await.0, 0);

    let config = folder.path().join("consolegate.toml").display().to_string();
    let (_, said, _) = ran(&arguments(&config, "https://console.example.com", "10.0.0.11"), "").await;
    let words = format!("\nOnly their owner may read the keys in {}; ", folder.path().display());
    assert!(said.contains(&words) && !said.contains("is new"), "{said}");
}

#[test]
fn a_command_that_is_shown_is_good_for_a_folder_of_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("it's a; gate");
    let config = top.join("consolegate.toml");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_consolegate"))
        .args(arguments(config.to_str().unwrap(), "https://console.example.com", "10.0.0.11"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (_, modes) = said.lines().find_map(|line| line.split_once(" && ")).unwrap();
    assert!(std::process::Command::new("sh").args(["-c", modes]).status().unwrap().success(), "{modes}");
    assert_eq!(top.join("panel.key").metadata().unwrap().permissions().mode() & 0o777, 0o640, "{modes}");
    let check = said.lines().find_map(|line| line.strip_prefix("2. consolegate doctor --config ")).unwrap();
    let shown = std::process::Command::new("sh").args(["-c", &format!("test -f {check}")]).status().unwrap();
    assert!(shown.success(), "{check}");
}

#[tokio::test]
async fn a_group_that_owns_the_folder_may_read_the_keys_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    // Only root can give a folder away; whoever is not has no other group to give it to here.
    if std::os::unix::fs::chown(folder.path(), None, Some(65534)).is_err() {
        return;
    }
    let config = folder.path().join("consolegate.toml").display().to_string();
    // Whatever the operator's own new files may be read by, as on hardened machines.
    let masked = tokio::process::Command::new("sh")
        .args(["-c", "umask 077; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_consolegate")])
        .args(arguments(&config, "https://console.example.com", "10.0.0.11"))
        .output();
    let output = masked.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("may be read by their owner and the folder's group, 65534."), "{said}");
    assert!(!said.contains("plain HTTP"), "{said}");
    for name in ["panel.key", "session.key", "pve.secret", "privkey.pem", "consolegate.toml"] {
        let file = folder.path().join(name).metadata().unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o640, "{name}");
        assert_eq!(std::os::unix::fs::MetadataExt::gid(&file), 65534, "{name}");
    }
}
