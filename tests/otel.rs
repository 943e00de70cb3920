//! A gateway built with the feature `otel`, and a collector that keeps what it is sent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "support/client.rs"]
mod client;
#[path = "support/gateway.rs"]
mod gateway;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;

use consolegate::reason::Reason;
use consolegate::sim::{GuestConfig, NodeConfig, Sim, SimConfig};
use gateway::{SECRET, configuration, keys, token};
use process::Process;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// Takes spans in JSON.
struct Collector {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, bodies) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let kept = Arc::clone(&bodies);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let body = taken(stream).await;
                kept.lock().unwrap().push(body);
            }
        });
        Self { address, bodies }
    }

    /// Everything so far.
    fn text(&self) -> String {
        self.bodies.lock().unwrap().concat()
    }

    /// The spans so far, each with its resource's text.
    fn spans(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for body in self.bodies.lock().unwrap().iter() {
            let body: Value = serde_json::from_str(body).unwrap();
            for resource in body["resourceSpans"].as_array().unwrap() {
                assert!(resource["resource"].to_string().contains("\"stringValue\":\"consolegate\""), "{resource}");
                for scope in resource["scopeSpans"].as_array().unwrap() {
                    all.extend(scope["spans"].as_array().unwrap().iter().cloned());
                }
            }
        }
        all
    }
}

/// The body of one request to `/v1/traces`.
async fn taken(stream: TcpStream) -> String {
    let (mut stream, mut line, mut length) = (BufReader::new(stream), String::new(), 0);
    stream.read_line(&mut line).await.unwrap();
    assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(body).unwrap()
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a str {
    let found = span["attributes"].as_array().unwrap().iter().find(|each| each["key"] == key);
    found.map_or("", |each| each["value"]["stringValue"].as_str().unwrap())
}

fn time(span: &Value, key: &str) -> u64 {
    span[key].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_session_is_one_span_with_the_stages_of_its_opening_below_it_and_nothing_secret_in_it() {
    let mut config = SimConfig::quick();
    config.nodes = vec![NodeConfig::new("pve1")];
    config.guests = vec![GuestConfig::qemu(100, "pve1")];
    let (sim, collector) = (Sim::start(config).await.unwrap(), Collector::start().await);
    let folder = keys(&sim);
    let file = folder.path().join("gateway.toml");
    let text = configuration("console.test", &sim, &["pve1"], "[log]\nformat = \"json\"\n");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_consolegate"));
    command.args(["serve", "--config"]).arg(&file);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address));
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    let gateway = Process::run(command, "console.test").await;
    gateway.ready().await;
    let connect = token(100, |_| {});
    let mut client = gateway.place.open_with(&connect).await;
    client.log_in().await.unwrap();
    client.socket.close(None).await.unwrap();
    client.ended().await;
    assert!(gateway.place.open(101).await.ended().await.is(Reason::GuestNotFound));
    // What is over is sent before the end.
    gateway.stop().await;

    let spans = collector.spans();
    let sessions: Vec<&Value> = spans.iter().filter(|span| span["name"] == "session").collect();
    let reasons: Vec<&str> = sessions.iter().map(|span| attribute(span, "consolegate.reason")).collect();
    assert_eq!(reasons, ["client_closed", "guest_not_found"], "{spans:#?}");
    let opened = sessions[0];
    for (key, value) in
        [("guest", "qemu/100"), ("cluster", "eu1"), ("node", "pve1"), ("protocol", "vnc"), ("issuer", "panel")]
    {
        assert_eq!(attribute(opened, &format!("consolegate.{key}")), value);
    }
    let stages: Vec<&Value> = spans.iter().filter(|span| span["parentSpanId"] == opened["spanId"]).collect();
    let mut names: Vec<&str> = stages.iter().map(|span| span["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["dial", "handshake", "resolve", "ticket"]);
    for stage in stages {
        assert_eq!(stage["traceId"], opened["traceId"]);
        assert!(time(stage, "startTimeUnixNano") >= time(opened, "startTimeUnixNano"), "{stage} {opened}");
        assert!(time(stage, "endTimeUnixNano") <= time(opened, "endTimeUnixNano"), "{stage} {opened}");
    }
    let told = collector.text();
    let node = sim.node_address("pve1").to_string();
    for secret in [SECRET, &connect, sim.api_token().1, "PVEVNC", "customer-42", "token-0", &node, "127.0.0.1"] {
        assert!(!told.contains(secret), "{secret}");
    }
}
