//! The audit file of a real gateway, as fail2ban reads it, and as docs/audit.md describes it.

use super::fleet::HOST;
use super::gateway::{PATIENCE, configuration, keys, token};
use super::process::Process;
use super::{file, replaced, text};
use consolegate::reason::Reason;
use consolegate::sim::{GuestConfig, Sim, SimConfig};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

/// A gateway that has refused some and opened one, and its audit file.
struct Scene {
    audit: PathBuf,
    _gateway: Process,
    _sim: Sim,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn play() -> Self {
        let mut config = SimConfig::quick();
        config.guests.push(GuestConfig::qemu(102, "pve1").stopped());
        let sim = Sim::start(config).await.unwrap();
        let folder = keys(&sim);
        let path = folder.path().join("consolegate.toml");
        let text = configuration(HOST, &sim, &["pve1"], "[audit]\nfile = \"audit.log\"\n[log]\nformat = \"json\"\n");
        std::fs::write(&path, text).unwrap();
        let gateway = Process::start(&path, HOST).await;
        gateway.ready().await;
        // Whoever guesses, from addresses of its own each; the texts it brings try to name somebody else.
        let lie = "\",\"src\":\"203.0.113.9\",\"reason\":\"signature\",";
        let forged = {
            let good = token(100, |_| {});
            let (signed, signature) = good.rsplit_once('.').unwrap();
            format!("{signed}.{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..])
        };
        for (from, bearer) in [("127.0.0.11", "no-token-at-all".to_owned()), ("127.0.0.12", forged)] {
            post(&gateway, from, &bearer).await;
        }
        // Customers: late, out of scope, off, twice, and with a lie in what their panel signed.
        // An operator's token is guessed; and any web page makes its visitors' browsers ask, without a token, here and there.
        ask(gateway.place.admin, "127.0.0.13", "GET /v1/sessions", "Authorization: Bearer guessed\r\n").await;
        for _ in 0..25 {
            let public = gateway.place.address;
            ask(public, "127.0.0.31", "GET /v1/sessions/x1", "Sec-Fetch-Site: cross-site\r\n").await;
            ask(public, "127.0.0.31", "GET /v1/ws", "Sec-Fetch-Site: cross-site\r\n").await;
            ask(public, "127.0.0.32", "GET /v1/sessions/x1", "").await;
            ask(gateway.place.admin, "127.0.0.33", "GET /v1/sessions", "Sec-Fetch-Site: cross-site\r\n").await;
        }
        let late = token(100, |claims| {
            claims["exp"] = (claims["iat"].as_u64().unwrap() - 100).into();
            claims["iat"] = (claims["iat"].as_u64().unwrap() - 160).into();
        });
        let used = token(100, |claims| claims["sub"] = lie.into());
        post(&gateway, "127.0.0.21", &late).await;
        post(&gateway, "127.0.0.22", &token(99_999_999, |_| {})).await;
        post(&gateway, "127.0.0.23", &used).await;
        post(&gateway, "127.0.0.24", &used).await;
        post(&gateway, "127.0.0.25", &token(100, |claims| claims["sub"] = lie.into())).await;
        assert!(gateway.place.open(102).await.log_in().await.is_err());
        let mut console = gateway.place.open(100).await;
        console.log_in().await.unwrap();
        console.socket.close(None).await.unwrap();
        let audit = folder.path().join("audit.log");
        let written = async {
            while !std::fs::read_to_string(&audit).unwrap().contains("session.closed") {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, written).await.expect("the end of a console is written down");
        Self { audit, _gateway: gateway, _sim: sim, _folder: folder }
    }
}

/// Tries to spend a bearer token, from an address of this machine.
async fn post(gateway: &Process, from: &str, bearer: &str) {
    let more = format!("Authorization: Bearer {bearer}\r\nContent-Length: 0\r\n");
    ask(gateway.place.address, from, "POST /v1/sessions", &more).await;
}

async fn ask(to: SocketAddr, from: &str, line: &str, more: &str) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    // The operators' list is asked for on the admin side, which has no name.
    let host = if line == "GET /v1/sessions" { "localhost" } else { HOST };
    let text = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("an answer").unwrap();
}

/// The addresses that fail2ban takes from a file, in order.
fn banned(log: &Path) -> Vec<String> {
    let ran =
        Command::new("fail2ban-regex").arg("-o").arg("ip").arg(log).arg(file("deploy/fail2ban/filter.conf")).output();
    let ran = ran.expect("fail2ban-regex (run `make setup`)");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn fail2ban_takes_the_addresses_of_those_who_guess_and_of_nobody_else() {
    let scene = Scene::play().await;
    let lines = std::fs::read_to_string(&scene.audit).unwrap();
    assert!(lines.lines().count() >= 7, "{lines}");
    assert_eq!(banned(&scene.audit), ["127.0.0.11", "127.0.0.12", "127.0.0.13"], "{lines}");
    assert!(lines.contains("127.0.0.32") && lines.contains("127.0.0.33"), "{lines}");
    assert!(!lines.contains("127.0.0.31"), "a picture of another site is not worth a line: {lines}");

    // The same line with every reason there is: those of a wrong token that get the one uniform answer, and no other.
    let refusal = lines.lines().find(|line| line.contains("\"reason\":\"signature\"")).unwrap();
    let (mut log, mut expected) = (String::new(), Vec::new());
    for (number, reason) in Reason::ALL.iter().enumerate() {
        let src = format!("198.51.100.{number}");
        log += &replaced(refusal.to_owned(), &[("\"signature\"", &format!("\"{reason}\"")), ("127.0.0.12", &src)]);
        log.push('\n');
        // While the panel's keys are out of date, good links are refused too; and whoever shows no token guesses none.
        let is_nobodys_guess = matches!(reason, Reason::KeysStale | Reason::TokenMissing);
        if reason.public().code == "token_rejected" && !is_nobodys_guess {
            expected.push(src);
        }
    }
    let path = scene.audit.with_file_name("all.log");
    std::fs::write(&path, log).unwrap();
    assert_eq!(banned(&path), expected);
}

#[tokio::test]
async fn every_field_of_every_line_is_described() {
    let scene = Scene::play().await;
    let page = text("docs/audit.md");
    let lines = std::fs::read_to_string(&scene.audit).unwrap();
    let mut events = std::collections::BTreeSet::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let event = line["event"].as_str().unwrap();
        events.insert(event.to_owned());
        assert!(page.contains(&format!("| `{event}` |")), "{event} is not described");
        for field in line.as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{field}`")), "{field} of {event} is not described");
        }
    }
    assert!(events.len() >= 3, "{events:?}");
}
