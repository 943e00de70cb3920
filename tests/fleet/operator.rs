//! What an operator does from a shell, with the real binary.

use super::gateway::{PATIENCE, TestGateway, token};
use super::redis::Redis;
use super::{OPS, cluster, two};
use consolegate::reason::Reason;
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::process::Command;
use tokio::time::timeout;

/// Exit code, standard output and standard error.
pub async fn consolegate(admin: SocketAddr, token: &str, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_consolegate"))
        .args(arguments)
        .args(["--admin", &format!("http://{admin}")])
        .env("CONSOLEGATE_ADMIN_TOKEN", token)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Waits until a token is refused in this word.
async fn refuses(gateway: &TestGateway, token: impl Fn() -> String, word: &str) {
    let refused = async { while !gateway.refused(&token()).await.contains(word) {} };
    timeout(PATIENCE, refused).await.unwrap_or_else(|_| panic!("no token is refused as {word}"));
}

#[tokio::test]
async fn sessions_of_the_whole_fleet_are_listed_shown_and_ended_from_a_shell() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "").await;
    let mut client = one.open(100).await;
    client.log_in().await.unwrap();
    let (code, table, error) = consolegate(other.admin, OPS, &["sessions", "list"]).await;
    assert_eq!(code, 0, "{error}");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[1].contains("eu1/qemu/100") && lines[1].contains("panel/customer-42"), "{table}");
    let reference = lines[1].split_whitespace().next().unwrap();
    let (code, shown, error) = consolegate(other.admin, OPS, &["sessions", "show", reference]).await;
    assert!(code == 0 && shown.contains("\"guest\":\"qemu/100\""), "{shown}{error}");
    let (code, json, _) = consolegate(one.admin, OPS, &["sessions", "list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(code == 0 && listed["sessions"][0]["up"]["bytes"].is_u64(), "{json}");
    let (code, _, error) = consolegate(other.admin, OPS, &["sessions", "kill", "ffff"]).await;
    assert!(code == 1 && error.contains("no live session begins with"), "{error}");
    let (code, _, error) = consolegate(other.admin, OPS, &["sessions", "kill", reference]).await;
    assert_eq!(code, 0, "{error}");
    assert!(client.ended().await.is(Reason::Killed));
}

#[tokio::test]
async fn a_gateway_is_drained_and_a_subject_withdrawn_from_a_shell() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let (one, other) = two(&sim, &redis, "[drain]\nlame_duck = 0\n").await;
    let old = token(100, |_| {});
    let (code, _, error) = consolegate(one.admin, "wrong", &["drain"]).await;
    assert!(code == 1 && error.contains("none of [[admin.token]] (401)\n  fix: send Authorization"), "{error}");
    let (code, _, error) = consolegate(one.admin, OPS, &["drain"]).await;
    assert!(code == 0 && error.contains("drains; live sessions: 0"), "{error}");
    refuses(&one, || token(100, |_| {}), "restarting").await;
    let (code, _, error) = consolegate(one.admin, OPS, &["drain", "--undo"]).await;
    assert!(code == 0 && error.contains("serves"), "{error}");
    let (code, _, error) = consolegate(one.admin, OPS, &["revoke"]).await;
    assert!(code == 64 && error.contains("--subject"), "{error}");
    let (code, said, error) = consolegate(one.admin, OPS, &["revoke", "--subject", "customer-42"]).await;
    assert!(code == 0 && said.contains("\"subject\":\"customer-42\""), "{said}{error}");
    refuses(&other, || old.clone(), "\"revoked\"").await;
    let (code, _, error) = consolegate(one.admin, OPS, &["drain", "--ca-file", "nowhere.pem"]).await;
    assert!(code == 1 && error.contains("nowhere.pem: No such file"), "{error}");
    one.shared.lifecycle.ends();
    let (code, _, error) = consolegate(one.admin, OPS, &["drain", "--undo"]).await;
    assert!(code == 1 && error.contains("drains on"), "a gateway that ends is not called back: {error}");
}
