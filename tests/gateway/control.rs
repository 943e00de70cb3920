//! The control token before a cluster: each state of a guest, and the power switch with and without the rights to it.

use super::gateway::{Place, TestGateway};
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{Fault, GuestConfig, Health, Sim, SimConfig, Status};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A session's two endpoints.
pub struct Control<'g> {
    place: &'g Place,
    pub path: String,
    token: String,
    pub opened: Value,
}

impl<'g> Control<'g> {
    pub async fn of(place: &'g Place, vmid: u32, change: impl FnOnce(&mut Value)) -> Self {
        let token = place.token(vmid, |claims| {
            claims["console"]["rights"] = json!(["input", "power"]);
            change(claims);
        });
        Self::with(place, &token).await
    }

    /// The same with a token at hand.
    pub async fn with(place: &'g Place, token: &str) -> Self {
        let opened = place.session(token).await;
        let text = |key: &str| opened[key].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
        Self { place, path: format!("/v1/sessions/{}", text("session")), token: text("control"), opened }
    }

    pub async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.place.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.place.host,
            self.token,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    pub async fn state(&self) -> String {
        let (status, body) = self.ask("GET", &self.path, "").await;
        assert_eq!((status, body.as_object().map(serde_json::Map::len)), (200, Some(1)), "the state and nothing else");
        body["state"].as_str().unwrap().to_owned()
    }

    pub async fn press(&self, action: &str) -> (u16, Value) {
        self.ask("POST", &format!("{}/power", self.path), &json!({ "action": action }).to_string()).await
    }
}

/// Requests that a node saw, by the end of their path.
fn seen(sim: &Sim, end: &str) -> usize {
    sim.seen().iter().filter(|seen| seen.path.ends_with(end)).count()
}

fn with_container(config: &mut SimConfig) {
    config.guests.push(GuestConfig::lxc(104, "pve2"));
    config.guests.push(GuestConfig::lxc(105, "pve2"));
}

fn container(claims: &mut Value) {
    claims["console"]["kind"] = "lxc".into();
}

#[tokio::test]
async fn each_state_of_a_guest_has_its_word() {
    for (prepare, word) in [
        ((|_| ()) as fn(&Sim), "running"),
        (|sim| sim.guest(100).set_status(Status::Stopped), "stopped"),
        (|sim| sim.guest(100).set_lock(Some("backup")), "running"),
        (
            |sim| {
                sim.guest(100).set_status(Status::Stopped);
                sim.guest(100).set_lock(Some("backup"));
            },
            "locked",
        ),
        (|sim| sim.guest(100).begin_migration(), "migrating"),
        (|sim| sim.guest(100).migrate_to("pve2"), "running"),
        (|sim| sim.set_health("pve1", Health::Down), "unreachable"),
        // It may open consoles all the same.
        (|sim| sim.set_privileges("gate@pve!console", "/vms/100", &["VM.Console"]), "missing"),
        (|sim| sim.enable_token(false), "unreachable"),
    ] {
        let sim = cluster(|_| {}).await;
        let gateway = TestGateway::start(&sim, NODES, "").await;
        let control = Control::of(&gateway, 100, |_| ()).await;
        prepare(&sim);
        assert_eq!(control.state().await, word);
    }
}

#[tokio::test]
async fn a_guest_that_is_not_there_is_missing_and_a_hidden_one_is_worth_a_try() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    assert_eq!(Control::of(&gateway, 999, |_| ()).await.state().await, "missing");
    sim.set_privileges("gate@pve!console", "/vms/101", &["VM.Console"]);
    let hinted = Control::of(&gateway, 101, |claims| claims["console"]["node"] = "pve2".into()).await;
    assert_eq!(hinted.state().await, "running");
}

#[tokio::test]
async fn x09_a_host_is_for_issuers_that_may_and_runs_when_it_answers() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let refused = gateway.session(&gateway.token(100, |claims| claims["console"] = host())).await;
    assert_eq!(refused["code"], "token_invalid", "the issuer's kinds have no node");
    assert_eq!(sim.counters().connections, 0);
    let staff = gateway_with_hosts(&sim).await;
    let control = Control::of(&staff, 100, |claims| claims["console"] = host()).await;
    assert_eq!(control.state().await, "running");
    let other = Control::of(&staff, 100, |claims| {
        claims["console"] = host();
        claims["console"]["node"] = "pve2".into();
    });
    sim.set_health("pve2", Health::Down);
    assert_eq!(other.await.state().await, "unreachable");
}

fn host() -> Value {
    json!({"cluster": "eu1", "kind": "node", "node": "pve1", "protocol": "term", "rights": ["input", "power"]})
}

async fn gateway_with_hosts(sim: &Sim) -> TestGateway {
    TestGateway::start_changed(sim, NODES, |text| {
        text.replace(r#"kinds = ["qemu", "lxc"]"#, r#"kinds = ["qemu", "lxc", "node"]"#)
    })
    .await
}

#[tokio::test]
async fn pages_that_poll_are_one_list_and_one_question_a_guest() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let (one, other) = (Control::of(&gateway, 100, |_| ()).await, Control::of(&gateway, 101, |_| ()).await);
    let polls = (0..20).map(|n| if n % 2 == 0 { one.state() } else { other.state() });
    let states = futures_util::future::join_all(polls).await;
    assert!(states.iter().all(|state| state == "running"), "{states:?}");
    assert_eq!((seen(&sim, "/cluster/resources"), seen(&sim, "/status/current")), (1, 2));
}

#[tokio::test]
async fn the_four_actions_reach_the_guest() {
    let sim = cluster(with_container).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let off = Control::of(&gateway, 102, |_| ()).await;
    assert_eq!(off.state().await, "stopped");
    assert_eq!(off.press("start").await, (202, json!({})));
    assert_eq!(off.state().await, "running", "what was seen before does not count");
    for (vmid, action) in [(100, "reset"), (101, "stop")] {
        let control = Control::of(&gateway, vmid, |_| ()).await;
        assert_eq!(control.press(action).await, (202, json!({})), "{action}");
    }
    let ct = Control::of(&gateway, 104, container).await;
    assert_eq!(ct.press("shutdown").await, (202, json!({})));
    assert_eq!(ct.state().await, "stopped");
    sim.guest(105).set_status(Status::Stopped);
    let stopped = Control::of(&gateway, 105, container).await;
    assert_eq!(stopped.press("stop").await, (202, json!({})), "it is so already");
    for path in ["qemu/102/status/start", "qemu/100/status/reset", "qemu/101/status/stop", "lxc/104/status/shutdown"] {
        assert_eq!(seen(&sim, path), 1, "{path}");
    }
    assert_eq!(
        gateway.metric("consolegate_pve_requests_total{operation=\"power\",pve_cluster=\"eu1\"}").await,
        Some(5.0)
    );
}

#[tokio::test]
async fn a_guest_that_is_stopped_ends_its_consoles() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let control = Control::of(&gateway, 100, |_| ()).await;
    let mut client = gateway.open_with(control.opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    assert_eq!(control.press("stop").await.0, 202);
    let end = client.ended().await;
    assert!(end.is(Reason::GuestStopped), "{end:?}");
    assert_eq!(control.state().await, "stopped", "its page still may ask");
}

#[tokio::test]
async fn without_the_privilege_the_customer_is_told_where_to_go() {
    let sim = cluster(with_container).await;
    sim.set_privileges("gate@pve!console", "/", &["VM.Console", "VM.Audit"]);
    let gateway = TestGateway::start(&sim, NODES, "").await;
    for control in [Control::of(&gateway, 100, |_| ()).await, Control::of(&gateway, 104, container).await] {
        let (status, problem) = control.press("stop").await;
        assert_eq!((status, &problem["code"]), (403, &json!("power_refused")));
        assert!(!problem.to_string().contains("PowerMgmt") && !problem.to_string().contains("pve1"), "{problem}");
        assert_eq!(control.state().await, "running");
    }
}

#[tokio::test]
async fn impatient_fingers_are_one_request_in_however_many_sessions() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(Control::of(&gateway, 100, |_| ()).await);
    }
    let presses = futures_util::future::join_all((0..10).map(|n| sessions[n / 2].press("reset"))).await;
    assert_eq!(presses.iter().filter(|(status, _)| *status == 202).count(), 1);
    let told = presses.iter().filter(|(status, problem)| *status == 429 && problem["code"] == "power_pace").count();
    assert_eq!(told, 9);
    assert_eq!(seen(&sim, "/status/reset"), 1);
}

#[tokio::test]
async fn a_press_that_found_no_guest_does_not_keep_the_next_one_waiting() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let control = Control::of(&gateway, 100, |_| ()).await;
    sim.fail_next(
        "/qemu/100/config",
        Fault::Answer(b"HTTP/1.1 595 Connection refused\r\nConnection: close\r\n\r\n".to_vec()),
    );
    let (status, problem) = control.press("stop").await;
    assert_eq!((status, &problem["code"]), (503, &json!("host_unreachable")));
    assert_eq!(control.press("stop").await.0, 202);
}

#[tokio::test]
async fn what_a_guest_cannot_do_now_has_the_words_of_its_console() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    sim.guest(100).set_lock(Some("backup"));
    for (vmid, action, status, code) in [
        (100, "start", 409, "guest_locked"),
        (102, "reset", 409, "guest_stopped"),
        (999, "start", 404, "guest_not_found"),
    ] {
        let (got, problem) = Control::of(&gateway, vmid, |_| ()).await.press(action).await;
        assert_eq!((got, &problem["code"]), (status, &json!(code)));
    }
}

#[tokio::test]
async fn a_guest_that_moved_is_switched_where_it_is_now() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let control = Control::of(&gateway, 100, |_| ()).await;
    assert_eq!(control.state().await, "running");
    sim.guest(100).migrate_to("pve2");
    assert_eq!(control.press("stop").await.0, 202);
    assert_eq!(control.state().await, "stopped");
    assert_eq!(seen(&sim, "pve2/qemu/100/status/stop"), 1);
}

#[tokio::test]
async fn a_session_that_was_killed_controls_nothing() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let control = Control::of(&gateway, 100, |_| ()).await;
    let mut client = gateway.open_with(control.opened["ticket"].as_str().unwrap()).await;
    client.log_in().await.unwrap();
    assert_eq!(control.state().await, "running");
    let live = gateway.shared.sessions.list();
    assert!(gateway.shared.sessions.stop(live[0].id, Reason::Killed));
    assert!(client.ended().await.is(Reason::Killed));
    for (status, problem) in [control.press("stop").await, control.ask("GET", &control.path, "").await] {
        assert_eq!((status, &problem["code"]), (401, &json!("token_rejected")));
    }
    assert_eq!(seen(&sim, "/status/stop"), 0);
}
