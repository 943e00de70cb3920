//! I10: every refusal is one line with a fixed word, and never a secret.
//!
//! A process of its own: which lines are written at all is decided once for a process, and a test beside this one that
//! logs to nobody could decide it first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(dead_code, reason = "tests share support")]

#[path = "http/client.rs"]
mod client;
#[path = "http/face.rs"]
mod face;

use face::{Face, token};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn i10_p03_each_refusal_is_one_line_without_token_or_query() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).with_env_filter("trace").finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let face = Face::start().await;
    let good = token();
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let references = [
        face.request("POST /v1/sessions?secret-in-query", &[]).await.json()["ref"].clone(),
        face.request("POST /v1/sessions", &[&format!("Authorization: Bearer {forged}")]).await.json()["ref"].clone(),
        face.upgrade(&["Sec-WebSocket-Protocol: binary"]).await.json()["ref"].clone(),
        face.request("GET /console", &["Host: two"]).await.json()["ref"].clone(),
    ];
    face.raw("GET /\x01 HTTP/1.1\r\n\r\n").await;
    face.request("GET /favicon.ico", &[]).await;

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let refused: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["target"] == "consolegate::audit" && line["fields"]["event"] == "session.refused")
        .collect();
    let reasons: Vec<_> = refused.iter().map(|line| line["fields"]["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["missing", "signature", "missing", "bad_request", "bad_request"]);
    for (line, reference) in refused.iter().zip(&references) {
        assert_eq!(line["fields"]["ref"], *reference);
        assert_eq!(line["fields"]["src"], "127.0.0.1");
        assert!(line["fields"]["status"].is_u64(), "{line}");
    }
    assert_eq!(turned_away(&lines).await, 1, "many that hammer at the door are one line a second");
    for secret in [good.split('.').nth(1).unwrap(), &forged, "secret-in-query", "hunter2"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

/// Lines about clients that were turned away at the door, after eight were.
async fn turned_away(lines: &Lines) -> usize {
    lines.0.lock().unwrap().clear();
    let face = Face::with(|config| config.limits.per_client = 0).await;
    for _ in 0..8 {
        assert!(client::until_end(&mut face.connect().await).await.is_empty());
    }
    let counted = "consolegate_requests_refused_total{reason=\"limit_client\"} 8\n";
    assert!(face.metrics().contains(counted), "each is counted: {}", face.metrics());
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let refused = text.lines().filter(|line| line.contains("limit_client"));
    let refused: Vec<serde_json::Value> = refused.map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &refused {
        assert!(line["fields"]["status"].is_null() && line["fields"]["code"].is_null(), "nothing was said: {line}");
    }
    refused.len()
}
