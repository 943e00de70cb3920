//! No secret passes (invariant I2): every byte the browser's side received, every log line and every metric is searched.

use super::support::{Raw, TestGateway, token};
use super::{NODES, cluster};
use consolegate::sim::Style;
use consolegate::wire::websocket::{Opcode, frame};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Collects everything that is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn i2_no_ticket_password_token_or_address_of_the_cluster_reaches_the_browser_a_log_or_a_metric() {
    let lines = Lines::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(lines.clone()).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            for style in [Style::New, Style::Legacy] {
                search(style, &lines).await;
            }
        });
    });
}

async fn search(style: Style, lines: &Lines) {
    let sim = cluster(|config| config.style = style).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let tokens: Vec<String> = [100, 101, 102, 999, 100].map(|vmid| token(vmid, |_| {})).to_vec();
    let mut received = Vec::new();
    for (index, vmid) in [100, 101].into_iter().enumerate() {
        let mut raw = Raw::log_in_with(&gateway, &tokens[index]).await;
        let update = [3, 0, 0, 0, 0, 0, 2, 128, 1, 144];
        raw.send(&frame(Opcode::Binary, Some([9; 4]), &update)).await;
        sim.wait_for(|counters| counters.client_bytes > 10).await.unwrap();
        sim.guest(vmid).kill_console();
        raw.close_code().await;
        received.extend(raw.received);
    }
    for (vmid, token) in [(102, &tokens[2]), (999, &tokens[3])] {
        let mut raw = Raw::open_with(&gateway, token, &[]).await;
        raw.close_code().await;
        received.extend(raw.received);
        assert_ne!(vmid, 0);
    }
    received.extend(gateway.refused(&tokens[4]).await.into_bytes());
    received.extend(gateway.refused(&tokens[4]).await.into_bytes());
    let metrics = gateway.metrics().await;
    let logged = lines.0.lock().unwrap().clone();
    let secrets = secrets(&sim, &tokens);
    assert!(secrets.len() > 8, "{secrets:?}");
    for (place, bytes) in [("the browser", &received), ("the log", &logged), ("metrics", &metrics.into_bytes())] {
        assert!(bytes.len() > 500, "{place} was hardly looked at: {} bytes", bytes.len());
        for secret in &secrets {
            assert!(!contains(bytes, secret.as_bytes()), "{secret} reached {place}");
        }
    }
    let nodes = NODES.iter().map(|node| sim.node_address(node).to_string());
    for address in nodes {
        assert!(!contains(&received, address.as_bytes()), "{address} reached the browser");
    }
}

/// What must be found nowhere: what the panel, the gateway and the nodes know and the browser must not.
fn secrets(sim: &consolegate::sim::Sim, tokens: &[String]) -> Vec<String> {
    let (_, api_secret) = sim.api_token();
    let mut secrets = sim.given_secrets();
    secrets.push(api_secret.to_owned());
    secrets.push(super::support::SECRET.to_owned());
    secrets.extend(tokens.iter().cloned());
    secrets
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
