//! Alerts, runbooks and dashboard, against each other and against the metrics of a running gateway.

use super::gateway::TestGateway;
use super::{file, text};
use consolegate::sim::{GuestConfig, Sim, SimConfig};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What follows each of these words, up to the end of the line.
fn after<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix(word)).map(str::trim).collect()
}

#[test]
fn promtool_finds_the_rules_right_and_every_one_fires_for_what_it_is_for() {
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let ran = Command::new("promtool").args(arguments).current_dir(file("deploy/prometheus")).output();
        let ran = ran.expect("promtool (run `make setup`)");
        assert!(
            ran.status.success(),
            "{}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
    }
    let (rules, tests) = (text("deploy/prometheus/alerts.yml"), text("deploy/prometheus/alerts_test.yml"));
    for alert in after(&rules, "- alert: ") {
        let cases = tests.lines().filter(|line| line.trim_start().strip_prefix("alertname: ") == Some(alert)).count();
        assert!(cases >= 2, "{alert} is not tested both ways");
    }
}

#[test]
fn every_alert_has_its_runbook_and_every_runbook_its_alert() {
    let rules = text("deploy/prometheus/alerts.yml");
    let (alerts, books) = (after(&rules, "- alert: "), after(&rules, "runbook: "));
    assert!(alerts.len() >= 10 && alerts.len() == books.len());
    for (alert, book) in alerts.iter().zip(&books) {
        assert_eq!(*book, format!("docs/runbooks/{alert}.md"));
        assert!(text(book).starts_with(&format!("# {alert}\n")), "{book}");
    }
    assert_eq!(std::fs::read_dir(file("docs/runbooks")).unwrap().count(), alerts.len());
}

/// What a gateway's metrics are called once everything that is measured happened to it.
async fn metrics() -> String {
    let mut config = SimConfig::quick();
    config.guests.push(GuestConfig::qemu(102, "pve1").stopped());
    let sim = Sim::start(config).await.unwrap();
    let gateway = TestGateway::start(&sim, &["pve1"], "").await;
    let mut client = gateway.open(100).await;
    client.log_in().await.unwrap();
    client.socket.close(None).await.unwrap();
    assert!(gateway.open(102).await.log_in().await.is_err());
    for head in ["POST /v1/sessions", "GET /v1/ws"] {
        let mut stream = tokio::net::TcpStream::connect(gateway.place.address).await.unwrap();
        let request =
            format!("{head} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", gateway.host);
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
    sim.enable_token(false);
    assert!(gateway.open(100).await.log_in().await.is_err());
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    let ended = async {
        while gateway.metric("consolegate_sessions_active{protocol=\"vnc\"}").await != Some(0.0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(super::gateway::PATIENCE, ended).await.expect("its session ends");
    let answer = gateway.metrics().await;
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn promtool_likes_the_metrics_and_what_is_shipped_names_no_other() {
    let metrics = metrics().await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool (run `make setup`)");
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let said_text = [said.stdout, said.stderr].concat();
    assert!(said.status.success() && said_text.is_empty(), "{}", String::from_utf8_lossy(&said_text));

    let mut known: BTreeSet<String> = BTreeSet::new();
    for line in after(&metrics, "# TYPE ") {
        let (name, kind) = line.split_once(' ').unwrap();
        known.insert(name.to_owned());
        if kind == "histogram" {
            known.extend(["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")));
        }
    }
    // Only with a certificate.
    known.insert("consolegate_tls_certificate_not_after_timestamp_seconds".to_owned());
    for name in ["deploy/grafana/consolegate.json", "deploy/prometheus/alerts.yml", "deploy/prometheus/alerts_test.yml"]
    {
        let text = text(name);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let named: BTreeSet<&str> =
            words.filter(|word| word.starts_with("consolegate_") || word.starts_with("process_")).collect();
        assert!(named.len() > 5, "{name}");
        let unknown: Vec<&&str> = named.iter().filter(|name| !known.contains(**name)).collect();
        assert!(unknown.is_empty(), "{name} names {unknown:?}, which nobody exports");
    }
    let dashboard: serde_json::Value = serde_json::from_str(&text("deploy/grafana/consolegate.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() >= 6);
}
