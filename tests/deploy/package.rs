//! The Debian package: built, installed, configured, used for a console, upgraded, used again, purged. And the units.

use super::gateway::{PATIENCE, Place};
use super::{file, handbook, text};
use consolegate::sim::{Sim, SimConfig};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

/// The package that `make deb` built, where the environment names it: as a release is looked at. Otherwise one of this version.
fn package(folder: &Path, version: &str) -> (PathBuf, String) {
    match std::env::var_os("CONSOLEGATE_DEB") {
        Some(real) => (file("").join(real), env!("CARGO_PKG_VERSION").to_owned()),
        None => (build(folder, version), version.to_owned()),
    }
}

/// Builds the package with this version.
fn build(folder: &Path, version: &str) -> PathBuf {
    let (pages, package) = (folder.join("handbook"), folder.join(format!("{version}.deb")));
    handbook::write(&pages).unwrap();
    let built = std::process::Command::new(file("packaging/debian/build.sh"))
        .args([Path::new(env!("CARGO_BIN_EXE_consolegate")), &pages, &package])
        .arg(version)
        // What is tested is not how small it gets.
        .env("DPKG_DEB_COMPRESSOR_TYPE", "none")
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    package
}

/// The script that lives through it, as root.
fn machine() -> Command {
    let script = file("tests/deploy/package.sh");
    if rustix::process::getuid().is_root() {
        return Command::new(script);
    }
    let mut sudo = Command::new("sudo");
    sudo.arg("-n").arg(script);
    sudo
}

/// Waits for a line that begins so, and gives what came up to it.
async fn until(lines: &mut Lines<BufReader<ChildStdout>>, begin: &str) -> Vec<String> {
    let mut heard = Vec::new();
    let told = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            heard.push(line.clone());
            if line.starts_with(begin) {
                return;
            }
        }
        panic!("it ended after {heard:?}");
    };
    timeout(Duration::from_secs(120), told).await.unwrap_or_else(|_| panic!("no {begin:?}"));
    heard
}

/// Waits until the gateway listens and takes tokens; keeps what it says otherwise.
async fn ready(log: &mut Lines<BufReader<ChildStderr>>) -> Place {
    let listening = async {
        let mut heard = Vec::new();
        while let Some(line) = log.next_line().await.unwrap() {
            if line.contains("\"message\":\"listening\"") {
                return serde_json::from_str::<serde_json::Value>(&line).unwrap();
            }
            heard.push(line);
        }
        panic!("it ended: {heard:#?}");
    };
    let said = timeout(PATIENCE, listening).await.expect("it listens");
    let address = |name: &str| said[name].as_str().unwrap().parse().unwrap();
    let place = Place { address: address("public"), admin: address("admin"), host: "console.test".into() };
    let ready = async {
        while !place.ask_admin("/readyz").await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, ready).await.expect("it gets ready");
    place
}

/// A connect token signed with the key that `init` made.
fn token(key: &str) -> String {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let now = consolegate::clock::unix_now();
    let claims = serde_json::json!({"iss": "panel", "aud": "consolegate", "sub": "customer-42", "iat": now, "exp": now + 60,
        "jti": format!("{now:020}"), "console": {"kind": "qemu", "vmid": 100, "protocol": "vnc"}});
    let header = jsonwebtoken::Header { kid: Some("1".into()), ..jsonwebtoken::Header::default() };
    jsonwebtoken::encode(&header, &claims, &jsonwebtoken::EncodingKey::from_secret(key.as_bytes())).unwrap()
}

#[tokio::test]
async fn the_package_installs_opens_a_console_is_upgraded_and_purged_without_a_trace() {
    let sim = Sim::start(SimConfig::quick()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ((first, _), (second, version)) = (package(folder.path(), "0.0.1"), package(folder.path(), "0.0.2"));
    let mut child = machine()
        .arg(first)
        .arg(second)
        .args([sim.node_address("pve1").to_string(), sim.fingerprint("pve1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut answers = child.stdin.take().unwrap();
    let mut steps = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();

    let installed = until(&mut steps, "step secret").await;
    assert_eq!(
        installed[..4],
        [
            "/etc/consolegate 750 root consolegate",
            "/var/log/consolegate 750 consolegate consolegate",
            "/usr/bin/consolegate 755 root root",
            "/etc/consolegate/panel.key 640 root consolegate",
        ]
    );
    answers.write_all(format!("{}\n", sim.api_token().1).as_bytes()).await.unwrap();
    let said = until(&mut steps, "step first").await;
    let key = said.last().unwrap().split(' ').next_back().unwrap().to_owned();
    for step in ["step second", "left:"] {
        let place = ready(&mut log).await;
        let mut console = place.open_with(&token(&key)).await;
        assert_eq!(console.log_in().await.unwrap().2, "QEMU (web-01)");
        answers.write_all(b"\n").await.unwrap();
        let said = until(&mut steps, step).await;
        assert!(step != "step second" || *said.last().unwrap() == format!("step second {version}"), "{said:?}");
    }
    let left = until(&mut steps, "end").await;
    assert_eq!(left, ["end"], "purged, and yet there");
    assert!(timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap().success());
}

/// Runs `systemd-analyze`; whether it was content, and all it said.
fn analyze(arguments: &[&str]) -> (bool, String) {
    let ran = std::process::Command::new("systemd-analyze").args(arguments).output();
    let ran = ran.expect("systemd-analyze (run `make setup`)");
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn the_units_are_right_and_the_service_is_shut_in() {
    let folder = tempfile::tempdir().unwrap();
    let unit =
        text("systemd/consolegate.service").replace("/usr/local/bin/consolegate", env!("CARGO_BIN_EXE_consolegate"));
    let path = folder.path().join("consolegate.service");
    std::fs::write(&path, unit).unwrap();
    let drop_in = folder.path().join("consolegate.service.d");
    std::fs::create_dir(&drop_in).unwrap();
    std::fs::copy(file("systemd/credentials.conf"), drop_in.join("credentials.conf")).unwrap();
    let socket = folder.path().join("consolegate.socket");
    std::fs::copy(file("systemd/consolegate.socket"), &socket).unwrap();
    let (path, socket) = (path.to_str().unwrap(), socket.to_str().unwrap());
    let (good, said) = analyze(&["verify", "--man=no", path, socket]);
    assert!(good && !said.contains("consolegate."), "{said}");
    let (good, said) = analyze(&["security", "--offline=true", "--threshold=20", "--no-pager", path]);
    assert!(good, "more exposed than 2.0:\n{said}");
    for line in [
        "Type=notify",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "TimeoutStopSec=120",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
    ] {
        assert!(text("systemd/consolegate.service").lines().any(|each| each == line), "{line}");
    }
    assert!(text("README.md").contains("install -m 755 target/release/consolegate /usr/local/bin/"));
    for (tool, name) in [("systemd-sysusers", "sysusers"), ("systemd-tmpfiles", "tmpfiles")] {
        let mut command = std::process::Command::new(tool);
        let root = folder.path().join(name);
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::fs::write(
            root.join("etc/passwd"),
            "root:x:0:0::/root:/bin/sh\nconsolegate:x:990:990::/nonexistent:/bin/false\n",
        )
        .unwrap();
        std::fs::write(root.join("etc/group"), "root:x:0:\nconsolegate:x:990:\n").unwrap();
        command.arg(format!("--root={}", root.display())).arg(file(&format!("systemd/{name}.conf")));
        if tool == "systemd-tmpfiles" {
            command.arg("--create");
        }
        let ran = command.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        // Only root can give a folder to somebody; that the lines are understood is what counts.
        assert!(ran.status.success() || !rustix::process::getuid().is_root(), "{tool}: {said}");
    }
}
