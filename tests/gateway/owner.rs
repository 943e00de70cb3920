//! A session is of one machine: whoever is given its number next is out of its reach.

use super::control::Control;
use super::gateway::{Place, TestGateway};
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{GuestConfig, Status};
use serde_json::{Value, json};

fn text<'v>(session: &'v Value, key: &str) -> &'v str {
    session[key].as_str().unwrap_or_else(|| panic!("no {key}: {session}"))
}

/// Resumes and opens; the name on the screen, or how it ended.
async fn comes_back(place: &Place, session: &mut Value) -> Result<String, super::client::Closed> {
    let resumed = place.session(text(session, "resume")).await;
    assert!(resumed["ticket"].is_string(), "{resumed}");
    *session = resumed;
    place.open_with(text(session, "ticket")).await.log_in().await.map(|(_, _, name)| name)
}

#[tokio::test]
async fn x05_a_session_does_not_open_the_next_machine_of_its_number() {
    let sim = cluster(|config| config.guests.push(GuestConfig::lxc(104, "pve2"))).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    for (vmid, kind) in [(100, "qemu"), (104, "lxc")] {
        let token = gateway.token(vmid, |claims| claims["console"]["kind"] = kind.into());
        let mut session = gateway.session(&token).await;
        gateway.open_with(text(&session, "ticket")).await.log_in().await.unwrap();
        comes_back(&gateway, &mut session).await.expect("its own machine");
        sim.guest(vmid).destroy();
        sim.guest(vmid).create_anew();
        let end = comes_back(&gateway, &mut session).await.expect_err("somebody else's machine");
        assert!(end.is(Reason::GuestNotFound), "{kind}: {end:?}");
        let again = gateway.session(text(&session, "resume")).await;
        assert_eq!(again["code"], "resume_expired", "{kind}");
        let fresh = gateway.token(vmid, |claims| claims["console"]["kind"] = kind.into());
        gateway.open_with(&fresh).await.log_in().await.expect("its new owner's link opens it");
    }
}

#[tokio::test]
async fn x05_a_session_does_not_switch_the_next_machine_of_its_number() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let control = Control::of(&gateway, 100, |_| ()).await;
    gateway.open_with(text(&control.opened, "ticket")).await.log_in().await.unwrap();
    sim.guest(100).create_anew();
    let (status, problem) = control.press("stop").await;
    assert_eq!((status, &problem["code"]), (404, &json!("guest_not_found")));
    assert!(sim.guest(100).is_running());
    assert_eq!(control.press("stop").await.0, 401, "it is over");
}

#[tokio::test]
async fn x05_a_session_is_over_once_its_machine_was_seen_to_be_gone() {
    let sim = cluster(|_| {}).await;
    // Nobody can tell one machine from another here: all that is known is that it was gone.
    sim.set_privileges("gate@pve!console", "/vms/100", &["VM.Console"]);
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let control = Control::of(&gateway, 100, |claims| claims["console"]["node"] = "pve1".into()).await;
    gateway.open_with(text(&control.opened, "ticket")).await.log_in().await.unwrap();
    gateway.shared.sessions.emptied().await;
    sim.set_privileges("gate@pve!console", "/vms/100", &["VM.Console", "VM.Audit"]);
    sim.guest(100).destroy();
    assert_eq!(control.state().await, "missing");
    sim.guest(100).create_anew();
    assert_eq!(gateway.session(text(&control.opened, "resume")).await["code"], "resume_expired");
    assert_eq!(control.ask("GET", &control.path, "").await.0, 401);
}

#[tokio::test]
async fn a_session_waits_for_its_machine_that_is_off_and_comes_back_to_it() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut session = gateway.session(&gateway.token(102, |_| ())).await;
    let off = gateway.open_with(text(&session, "ticket")).await.ended().await;
    assert!(off.is(Reason::GuestStopped), "{off:?}");
    sim.guest(102).set_status(Status::Running);
    assert!(comes_back(&gateway, &mut session).await.unwrap().contains("off-01"));
    sim.guest(102).migrate_to("pve2");
    assert!(comes_back(&gateway, &mut session).await.unwrap().contains("off-01"), "the same machine elsewhere");
}
