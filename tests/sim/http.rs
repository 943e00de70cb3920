//! Items 1 to 4 and 7 to 10: HTTP, replies, tickets, ports, nodes.

use crate::peer::*;
use consolegate::sim::{Certificate, GuestConfig, Health, NodeConfig, SimConfig, Style, Timing};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// A cluster of two nodes with a guest on each.
fn pair() -> SimConfig {
    SimConfig {
        nodes: vec![NodeConfig::new("pve1"), NodeConfig::new("pve2")],
        guests: vec![GuestConfig::qemu(100, "pve1"), GuestConfig::qemu(200, "pve2"), GuestConfig::lxc(101, "pve1")],
        ..SimConfig::quick()
    }
}

#[tokio::test]
async fn sim_01_answers_over_its_own_ca_as_pveproxy() {
    let sim = quick().await;
    let reply = ask(&sim, NODE, "GET", "/version", "").await;
    assert_eq!(reply.header("server"), Some("pve-api-daemon/3.0"));
    assert_eq!(reply.data()["version"], "9.2.11");
    let info = ask(&sim, NODE, "GET", "/nodes/pve1/certificates/info", "").await.data();
    assert_eq!(info[0]["fingerprint"], sim.fingerprint(NODE));
    assert_eq!(sim.fingerprint(NODE).len(), 95);
}

#[tokio::test]
async fn sim_01_several_requests_then_idle_connections_end() {
    let timing = Timing { keep_alive: Duration::from_millis(300), ..Timing::quick() };
    let sim = start(SimConfig { timing, ..SimConfig::default() }).await;
    let mut peer = Peer::connect(&sim, NODE).await;
    for _ in 0..3 {
        assert_eq!(peer.ask("GET", "/api2/json/version", &token_header(&sim), "").await.status, 200);
    }
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn sim_01_plain_requests_are_sent_to_https() {
    let sim = quick().await;
    for (method, status) in [("GET", "301"), ("POST", "308")] {
        let mut tcp = tokio::net::TcpStream::connect(sim.node_address(NODE)).await.unwrap();
        tcp.write_all(format!("{method} /x HTTP/1.1\r\nHost: h:8006\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut tcp, &mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("\r\nLocation: https://h:8006/x\r\n"));
    }
}

#[tokio::test]
async fn sim_01_bad_certificates_are_refused_by_a_client_that_checks() {
    use rustls::pki_types::ServerName;
    let sim = quick().await;
    for certificate in [Certificate::OtherName, Certificate::OtherCa, Certificate::Expired] {
        sim.set_certificate(NODE, certificate).unwrap();
        let tcp = tokio::net::TcpStream::connect(sim.node_address(NODE)).await.unwrap();
        let refused = trusting(&sim).connect(ServerName::try_from("pve1").unwrap(), tcp).await;
        assert!(refused.is_err(), "{certificate:?}");
    }
    sim.set_certificate(NODE, Certificate::Good).unwrap();
    Peer::connect(&sim, NODE).await;
}

#[tokio::test]
async fn sim_02_refusals_of_identity_come_late_and_without_body() {
    let timing = Timing { auth_delay: Duration::from_millis(250), ..Timing::quick() };
    let sim = start(SimConfig { timing, ..SimConfig::default() }).await;
    for (headers, reason) in [
        ("", "No ticket"),
        ("Authorization: PVEAPIToken=gate@pve!console=wrong\r\n", "Authentication failed!"),
        ("Cookie: PVEAuthCookie=PVE:root@pam:00000000::x\r\n", "Authentication failed!"),
    ] {
        let start = tokio::time::Instant::now();
        let mut peer = Peer::connect(&sim, NODE).await;
        let reply = peer.ask("GET", "/api2/json/version", headers, "").await;
        assert_eq!((reply.status, reply.reason.as_str()), (401, reason));
        assert_eq!(reply.header("content-length"), None);
        assert_eq!(reply.header("connection"), Some("close"));
        assert_eq!(reply.body, b"");
        assert!(start.elapsed() >= timing.auth_delay);
    }
    assert_eq!(sim.counters().auth_failures, 3);
}

#[tokio::test]
async fn sim_02_errors_say_why_in_the_reason_and_the_body_of_newer_versions() {
    let text = "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist";
    for message_in_errors in [true, false] {
        let sim = start(SimConfig { message_in_errors, ..SimConfig::quick() }).await;
        let reply = ask(&sim, NODE, "POST", "/nodes/pve1/qemu/999/vncproxy", "websocket=1").await;
        assert_eq!((reply.status, reply.reason.as_str()), (500, text));
        let body = reply.json();
        assert_eq!(
            body.get("message").and_then(|text| text.as_str()),
            message_in_errors.then(|| format!("{text}\n")).as_deref()
        );
    }
}

#[tokio::test]
async fn sim_02_older_versions_end_errors_without_close_notify() {
    for (style, clean) in [(Style::New, true), (Style::Legacy, false)] {
        let sim = start(SimConfig { style, ..SimConfig::quick() }).await;
        let mut peer = Peer::connect(&sim, NODE).await;
        assert_eq!(peer.ask("GET", "/api2/json/nothing", &token_header(&sim), "").await.status, 501);
        assert_eq!(peer.rest().await, (Vec::new(), clean));
    }
}

#[tokio::test]
async fn sim_03_too_many_headers_get_silence() {
    let timing = Timing { keep_alive: Duration::from_millis(200), ..Timing::quick() };
    let sim = start(SimConfig { timing, ..SimConfig::default() }).await;
    let mut peer = Peer::connect(&sim, NODE).await;
    let good = token_header(&sim) + &"x: y\r\n".repeat(60);
    assert_eq!(peer.ask("GET", "/api2/json/version", &good, "").await.status, 200);
    peer.send(format!("GET /api2/json/version HTTP/1.1\r\nHost: x\r\n{good}x: y\r\n\r\n")).await;
    assert_eq!(peer.rest().await.0, b"");
}

#[tokio::test]
async fn sim_03_chunked_bodies_and_other_methods_are_501_and_unknown_keys_400() {
    let sim = quick().await;
    let token = token_header(&sim);
    let mut peer = Peer::connect(&sim, NODE).await;
    let chunked = format!("{token}Transfer-Encoding: chunked\r\n");
    assert_eq!(peer.ask("POST", "/api2/json/nodes/pve1/qemu/100/vncproxy", &chunked, "").await.status, 501);
    let mut peer = Peer::connect(&sim, NODE).await;
    assert_eq!(peer.ask("HEAD", "/api2/json/version", &token, "").await.status, 501);
    let reply = ask(&sim, NODE, "POST", "/nodes/pve1/qemu/100/vncproxy", "websocket=1&colour=red").await;
    assert_eq!((reply.status, reply.reason.as_str()), (400, "Parameter verification failed."));
    assert!(reply.json()["errors"]["colour"].is_string());
    let reply = ask(&sim, NODE, "POST", "/nodes/pve1/qemu/100/vncproxy", "websocket=true").await;
    assert_eq!(reply.status, 400);
    assert_eq!(sim.counters().vncproxy_posts, 0);
}

#[tokio::test]
async fn sim_04_a_ticket_that_is_not_percent_encoded_is_refused() {
    let sim = quick().await;
    let console = "/nodes/pve1/qemu/100";
    // One of a few tickets has a character that must be encoded: the padding always does.
    let opened = open(&sim, NODE, "pve1/qemu/100", "vncproxy").await;
    let (port, ticket) = (opened.port(), opened.text("ticket"));
    let bare = format!("{console}/vncwebsocket?port={port}&vncticket={}", ticket.replace(['#', ' '], ""));
    assert_ne!(ask(&sim, NODE, "GET", &bare, "").await.status, 200);
    let encoded = format!("{console}/vncwebsocket?port={port}&vncticket={}", encode(ticket));
    assert_eq!(ask(&sim, NODE, "GET", &encoded, "").await.data()["port"], port.as_str());
}

#[tokio::test]
async fn sim_07_new_replies_have_password_prefix_and_a_port_as_text() {
    let sim = quick().await;
    let opened = open(&sim, NODE, "pve1/qemu/100", "vncproxy").await;
    let password = opened.text("password");
    assert_eq!(password.len(), 8);
    assert!(opened.text("ticket").starts_with(&format!("{password}:PVEVNC:")));
    assert!(opened.data["port"].is_string());
    assert_eq!(opened.text("user"), "gate@pve!console");
    assert!(opened.text("upid").starts_with("UPID:pve1:"));
    assert!(opened.text("upid").ends_with(":vncproxy:100:gate@pve!console:"));
    assert_eq!(opened.text("cert"), sim.ca_pem());
    let term = open(&sim, NODE, "pve1/lxc/101", "termproxy").await;
    assert!(term.text("ticket").starts_with("PVEVNC:"));
    assert!(term.data.get("password").is_none() && term.data.get("cert").is_none());
}

#[tokio::test]
async fn sim_07_legacy_replies_have_no_password_unless_asked_for_one() {
    let sim = start(SimConfig { style: Style::Legacy, port_as_number: true, ..SimConfig::quick() }).await;
    let opened = open(&sim, NODE, "pve1/qemu/100", "vncproxy").await;
    assert!(opened.data.get("password").is_none());
    assert!(opened.text("ticket").starts_with("PVEVNC:"));
    assert!(opened.data["port"].is_number());
    let asked = ask(&sim, NODE, "POST", "/nodes/pve1/qemu/100/vncproxy", "websocket=1&generate-password=1").await;
    assert_eq!(asked.data()["password"].as_str().unwrap().len(), 8);
    let lxc = ask(&sim, NODE, "POST", "/nodes/pve1/lxc/101/vncproxy", "websocket=1&generate-password=1").await;
    assert_eq!(lxc.status, 400);
}

#[tokio::test]
async fn sim_08_tickets_hold_for_their_identity_path_port_and_time() {
    let sim = start(pair()).await;
    let opened = open(&sim, NODE, "pve1/qemu/100", "vncproxy").await;
    let (port, ticket) = (opened.port(), encode(opened.text("ticket")));
    let path = |guest: &str, port: &str| format!("/nodes/{guest}/vncwebsocket?port={port}&vncticket={ticket}");
    assert_eq!(ask(&sim, NODE, "GET", &path("pve1/qemu/100", &port), "").await.status, 200);
    for (guest, port) in [("pve1/qemu/100", "5999"), ("pve2/qemu/200", &*port), ("pve1/lxc/101", &*port)] {
        let reply = ask(&sim, NODE, "GET", &path(guest, port), "").await;
        assert_eq!((reply.status, reply.reason.as_str()), (401, "permission denied - invalid PVEVNC ticket"));
        assert_eq!(reply.json()["data"], serde_json::Value::Null);
    }
    sim.set_clock_offset(NODE, 41);
    assert_eq!(ask(&sim, NODE, "GET", &path("pve1/qemu/100", &port), "").await.status, 401);
    sim.set_clock_offset(NODE, -25);
    assert_eq!(ask(&sim, NODE, "GET", &path("pve1/qemu/100", &port), "").await.status, 401);
}

#[tokio::test]
async fn sim_08_legacy_tickets_open_any_port() {
    let sim = start(SimConfig { style: Style::Legacy, ..SimConfig::quick() }).await;
    let opened = open(&sim, NODE, "pve1/qemu/100", "vncproxy").await;
    let path = format!("/nodes/pve1/qemu/100/vncwebsocket?port=5999&vncticket={}", encode(opened.text("ticket")));
    assert_eq!(ask(&sim, NODE, "GET", &path, "").await.status, 200);
}

#[tokio::test]
async fn sim_09_a_port_serves_once_then_the_upgrade_hangs() {
    let sim = quick().await;
    let (_peer, opened) = console(&sim, "pve1/qemu/100", "vncproxy").await;
    let mut second = Peer::connect(&sim, NODE).await;
    second.send(upgrade_request("pve1/qemu/100", &opened.port(), opened.text("ticket"), &token_header(&sim))).await;
    sim.wait_for(|counters| counters.hung_upgrades == 1).await.unwrap();
    second.stream.get_mut().0.shutdown().await.unwrap();
    assert_eq!(second.rest().await.0, b"");
}

#[tokio::test]
async fn sim_09_a_port_is_waited_on_only_for_a_while() {
    let timing = Timing { listener_life: Duration::ZERO, ..Timing::quick() };
    let sim = start(SimConfig { timing, ..SimConfig::default() }).await;
    let opened = open(&sim, NODE, "pve1/qemu/100", "vncproxy").await;
    let mut late = Peer::connect(&sim, NODE).await;
    late.send(upgrade_request("pve1/qemu/100", &opened.port(), opened.text("ticket"), &token_header(&sim))).await;
    sim.wait_for(|counters| counters.hung_upgrades == 1).await.unwrap();
}

#[tokio::test]
async fn sim_09_a_hundred_waiting_consoles_use_up_a_node() {
    let sim = start(pair()).await;
    let mut peer = Peer::connect(&sim, NODE).await;
    for expected in 5900..5999 {
        let path = "/api2/json/nodes/pve1/qemu/100/vncproxy";
        let reply = peer.ask("POST", path, &token_header(&sim), "websocket=1").await;
        assert_eq!(reply.data()["port"], expected.to_string());
    }
    let last = open(&sim, NODE, "pve1/qemu/100", "vncproxy").await;
    assert_eq!(last.port(), "5999");
    let full = ask(&sim, NODE, "POST", "/nodes/pve1/qemu/100/vncproxy", "websocket=1").await;
    assert_eq!((full.status, full.reason.as_str()), (500, "unable to find free port (5900-6000)"));
    assert_eq!(open(&sim, "pve2", "pve2/qemu/200", "vncproxy").await.port(), "5900");
    let freed = ask(&sim, NODE, "DELETE", &format!("/nodes/pve1/tasks/{}", encode(last.text("upid"))), "").await;
    assert_eq!(freed.status, 200);
    assert_eq!(open(&sim, NODE, "pve1/qemu/100", "vncproxy").await.port(), "5999");
}

#[tokio::test]
async fn sim_10_a_console_is_known_only_where_it_was_asked_for() {
    let sim = start(pair()).await;
    // Any host serves any guest, and says so in the task.
    let opened = open(&sim, "pve1", "pve2/qemu/200", "vncproxy").await;
    assert!(opened.text("upid").starts_with("UPID:pve1:"));
    let mut elsewhere = Peer::connect(&sim, "pve2").await;
    elsewhere.send(upgrade_request("pve2/qemu/200", &opened.port(), opened.text("ticket"), &token_header(&sim))).await;
    sim.wait_for(|counters| counters.hung_upgrades == 1).await.unwrap();
    let mut peer = enter(&sim, "pve1", "pve2/qemu/200", &opened).await;
    assert_eq!(peer.vnc(opened.text("password")).await, "QEMU (vm-200)");
}

#[tokio::test]
async fn sim_10_status_is_forwarded_and_dead_nodes_are_told() {
    let sim = start(pair()).await;
    let path = "/nodes/pve2/qemu/200/status/current";
    assert_eq!(ask(&sim, NODE, "GET", path, "").await.data()["status"], "running");
    assert_eq!(ask(&sim, NODE, "GET", "/nodes/pve1/qemu/200/status/current", "").await.status, 500);
    assert_eq!(ask(&sim, NODE, "GET", "/nodes/pve9/qemu/200/status/current", "").await.status, 500);
    sim.set_health("pve2", Health::Silent);
    let reply = ask(&sim, NODE, "GET", path, "").await;
    assert_eq!((reply.status, reply.reason.as_str()), (596, "Connection timed out"));
    sim.set_health("pve2", Health::Down);
    let reply = ask(&sim, NODE, "GET", path, "").await;
    assert_eq!((reply.status, reply.reason.as_str()), (595, "Connection refused"));
    let listed = ask(&sim, NODE, "GET", "/cluster/resources?type=vm", "").await.data();
    let lost = listed.as_array().unwrap().iter().find(|item| item["vmid"] == 200).unwrap().clone();
    assert_eq!((lost["status"].as_str(), lost.get("name")), (Some("unknown"), None));
}
