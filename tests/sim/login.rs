//! Items 5, 6 and 11: who asks, and what they may.

use crate::peer::*;
use consolegate::sim::{Sim, SimConfig, Status};
use serde_json::Value;

/// Signs in with a password; ticket and CSRF text.
async fn sign_in(sim: &Sim, user: &str) -> (String, String) {
    let (_, password) = sim.user();
    let mut peer = Peer::connect(sim, NODE).await;
    let body = format!("username={user}&password={password}");
    let data = peer.ask("POST", "/api2/json/access/ticket", "", &body).await.data();
    let text = |key: &str| data[key].as_str().unwrap().to_owned();
    (text("ticket"), text("CSRFPreventionToken"))
}

#[tokio::test]
async fn sim_05_tickets_are_taken_from_cookie_and_authorization() {
    let sim = quick().await;
    let (ticket, _) = sign_in(&sim, "gate@pve").await;
    for header in [
        format!("Cookie: a=b; PVEAuthCookie={}\r\n", encode(&ticket)),
        format!("Authorization: PVEAuthCookie={}\r\n", encode(&ticket)),
    ] {
        let mut peer = Peer::connect(&sim, NODE).await;
        assert_eq!(peer.ask("GET", "/api2/json/version", &header, "").await.status, 200);
    }
    let (id, secret) = sim.api_token();
    for header in [format!("PVEAPIToken={id}={secret}"), format!("PVEAPIToken {id}={secret}")] {
        let mut peer = Peer::connect(&sim, NODE).await;
        let header = format!("Authorization: {header}\r\n");
        assert_eq!(peer.ask("GET", "/api2/json/version", &header, "").await.status, 200);
    }
    sim.enable_token(false);
    assert_eq!(ask(&sim, NODE, "GET", "/version", "").await.status, 401);
}

#[tokio::test]
async fn sim_05_tickets_need_csrf_on_post_and_expire_after_two_hours() {
    let sim = quick().await;
    let (ticket, csrf) = sign_in(&sim, "gate@pve").await;
    let cookie = format!("Cookie: PVEAuthCookie={}\r\n", encode(&ticket));
    let path = "/api2/json/nodes/pve1/qemu/100/vncproxy";
    let mut peer = Peer::connect(&sim, NODE).await;
    let reply = peer.ask("POST", path, &cookie, "websocket=1").await;
    assert_eq!((reply.status, reply.reason.as_str()), (401, "Permission denied - invalid csrf token"));
    let both = format!("{cookie}CSRFPreventionToken: {csrf}\r\n");
    let mut peer = Peer::connect(&sim, NODE).await;
    let data = peer.ask("POST", path, &both, "websocket=1").await.data();
    assert_eq!(data["user"], "gate@pve");
    sim.set_clock_offset(NODE, 7201);
    let mut peer = Peer::connect(&sim, NODE).await;
    assert_eq!(peer.ask("GET", "/api2/json/version", &cookie, "").await.status, 401);
}

#[tokio::test]
async fn sim_06_forbidden_comes_before_bad_parameters_before_missing_guests() {
    let sim = quick().await;
    sim.set_privileges("gate@pve!console", "/vms", &["VM.Audit"]);
    let post = |path: &'static str, body: &'static str| ask(&sim, NODE, "POST", path, body);
    let reply = post("/nodes/pve1/qemu/999/vncproxy", "nonsense=1").await;
    assert_eq!((reply.status, reply.reason.as_str()), (403, "Permission check failed (/vms/999, VM.Console)"));
    sim.set_privileges("gate@pve!console", "/vms", &["VM.Audit", "VM.Console"]);
    assert_eq!(post("/nodes/pve1/qemu/999/vncproxy", "nonsense=1").await.status, 400);
    assert_eq!(post("/nodes/pve1/qemu/999/vncproxy", "websocket=1").await.status, 500);
    // The user's own privileges bound its token's.
    sim.set_privileges("gate@pve", "/vms/100", &[]);
    assert_eq!(post("/nodes/pve1/qemu/100/vncproxy", "websocket=1").await.status, 403);
}

#[tokio::test]
async fn sim_11_resources_show_what_may_be_audited() {
    let sim = quick().await;
    let listed = |data: Value| -> Vec<u64> {
        data.as_array().unwrap().iter().map(|item| item["vmid"].as_u64().unwrap()).collect()
    };
    let all = ask(&sim, NODE, "GET", "/cluster/resources?type=vm", "").await.data();
    assert_eq!(listed(all), [100, 101]);
    sim.set_privileges("gate@pve!console", "/vms/100", &["VM.Console"]);
    sim.guest(101).set_status(Status::Stopped);
    let fewer = ask(&sim, NODE, "GET", "/cluster/resources?type=vm", "").await.data();
    assert_eq!(listed(fewer.clone()), [101]);
    assert_eq!(fewer[0]["status"], "stopped");
    let nodes = ask(&sim, NODE, "GET", "/cluster/resources?type=node", "").await.data();
    assert_eq!(nodes[0]["status"], "online");
}

#[tokio::test]
async fn sim_11_a_second_factor_takes_a_second_round() {
    let sim = start(SimConfig { totp: Some("123456".into()), ..SimConfig::quick() }).await;
    let (user, password) = sim.user();
    let mut peer = Peer::connect(&sim, NODE).await;
    let path = "/api2/json/access/ticket";
    let first = peer.ask("POST", path, "", &format!("username={user}&password={password}")).await.data();
    assert_eq!(first["NeedTFA"], 1);
    assert!(first.get("cap").is_none());
    let half = encode(first["ticket"].as_str().unwrap());
    assert!(first["ticket"].as_str().unwrap().starts_with("PVE:!tfa!"));
    let cookie = format!("Cookie: PVEAuthCookie={half}\r\n");
    assert_eq!(Peer::connect(&sim, NODE).await.ask("GET", "/api2/json/version", &cookie, "").await.status, 401);
    let wrong = format!("username={user}&password=totp:000000&tfa-challenge={half}");
    assert_eq!(Peer::connect(&sim, NODE).await.ask("POST", path, "", &wrong).await.status, 401);
    let right = format!("username={user}&password=totp:123456&tfa-challenge={half}");
    let second = peer.ask("POST", path, "", &right).await.data();
    let cookie = format!("Cookie: PVEAuthCookie={}\r\n", encode(second["ticket"].as_str().unwrap()));
    assert_eq!(peer.ask("GET", "/api2/json/version", &cookie, "").await.status, 200);
}

#[tokio::test]
async fn sim_11_tickets_renew_themselves_and_tokens_may_not_sign_in() {
    let sim = quick().await;
    let (ticket, _) = sign_in(&sim, "gate@pve").await;
    let mut peer = Peer::connect(&sim, NODE).await;
    let renew = format!("username=gate@pve&password={}", encode(&ticket));
    assert_eq!(peer.ask("POST", "/api2/json/access/ticket", "", &renew).await.status, 200);
    assert_eq!(ask(&sim, NODE, "POST", "/access/ticket", &renew).await.status, 403);
    let wrong = peer.ask("POST", "/api2/json/access/ticket", "", "username=gate@pve&password=no").await;
    assert_eq!((wrong.status, wrong.reason.as_str()), (401, "authentication failure"));
}

#[tokio::test]
async fn sim_11_single_sign_on_states_are_used_once() {
    let sim = quick().await;
    let mut peer = Peer::connect(&sim, NODE).await;
    let begin = "realm=sso&redirect-url=https://gate.example/";
    let url = peer.ask("POST", "/api2/json/access/openid/auth-url", "", begin).await.data();
    let state = url.as_str().unwrap().rsplit_once("state=").unwrap().1.to_owned();
    let end = format!("state={state}&code=good&redirect-url=https://gate.example/");
    assert!(peer.ask("POST", "/api2/json/access/openid/login", "", &end).await.data()["ticket"].is_string());
    assert_eq!(peer.ask("POST", "/api2/json/access/openid/login", "", &end).await.status, 401);
}

#[tokio::test]
async fn sim_11_access_is_given_with_put() {
    let sim = quick().await;
    let (ticket, csrf) = sign_in(&sim, "root@pam").await;
    let root = format!("Cookie: PVEAuthCookie={}\r\nCSRFPreventionToken: {csrf}\r\n", encode(&ticket));
    let mut peer = Peer::connect(&sim, NODE).await;
    let role = peer.ask("POST", "/api2/json/access/roles", &root, "roleid=Look&privs=VM.Audit").await;
    assert_eq!(role.status, 200);
    let body = "path=/vms/100&roles=Look&tokens=gate@pve!console";
    assert_eq!(peer.ask("PUT", "/api2/json/access/acl", &root, body).await.status, 200);
    let held = ask(&sim, NODE, "GET", "/access/permissions?path=/vms/100", "").await.data();
    assert_eq!(held["/vms/100"], serde_json::json!({"VM.Audit": 1}));
    assert_eq!(Peer::connect(&sim, NODE).await.ask("POST", "/api2/json/access/acl", &root, body).await.status, 501);
}

#[tokio::test]
async fn sim_11_node_shells_by_vnc_are_not_for_tokens() {
    let sim = quick().await;
    let reply = ask(&sim, NODE, "POST", "/nodes/pve1/vncshell", "websocket=1").await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.reason, "value 'gate@pve!console' does not look like a valid user name");
    let (mut peer, opened) = console(&sim, "pve1", "termproxy").await;
    peer.term(&opened).await;
}
