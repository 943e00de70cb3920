//! Items 19 and 20: the terminal.

use crate::peer::*;
use consolegate::sim::{Backend, Event, GuestConfig, SimConfig, Status, Style, Timing};
use std::time::Duration;

const GUEST: &str = "pve1/lxc/101";

#[tokio::test]
async fn sim_19_after_the_login_line_comes_ok_then_raw_output() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, GUEST, "termproxy").await;
    let line = format!("{}:{}\n", opened.text("user"), opened.text("ticket"));
    let (one, two) = line.split_at(20);
    peer.binary(one.as_bytes()).await;
    peer.binary(two.as_bytes()).await;
    assert_eq!(peer.frame().await, (0x82, b"OK".to_vec()));
    let (_, welcome) = peer.frame().await;
    assert!(String::from_utf8(welcome).unwrap().ends_with("root@mail-01:~# "));
    peer.send(frame(1, b"0:3:ls\r")).await;
    assert_eq!(String::from_utf8(peer.frame().await.1).unwrap(), "ls\r\nls\r\nroot@mail-01:~# ");
    assert_eq!(sim.guest(101).input(), b"ls\r");
    assert_eq!(sim.counters().term_logins, 1);
}

#[tokio::test]
async fn sim_19_ok_may_share_its_frame() {
    let sim = start(SimConfig { glue_ok: true, ..SimConfig::quick() }).await;
    let (mut peer, opened) = console(&sim, GUEST, "termproxy").await;
    peer.binary(format!("{}:{}\n", opened.text("user"), opened.text("ticket")).as_bytes()).await;
    assert!(peer.frame().await.1.starts_with(b"OKLinux mail-01"));
}

#[tokio::test]
async fn sim_19_a_wrong_line_and_a_late_one_end_it_without_a_byte() {
    let timing = Timing { login: Duration::from_millis(100), ..Timing::quick() };
    let sim = start(SimConfig { timing, ..SimConfig::default() }).await;
    let (mut wrong, opened) = console(&sim, GUEST, "termproxy").await;
    wrong.binary(format!("root@pam:{}\n", opened.text("ticket")).as_bytes()).await;
    assert_eq!(wrong.rest().await, (Vec::new(), true));
    let (mut late, _) = console(&sim, GUEST, "termproxy").await;
    assert_eq!(late.rest().await, (Vec::new(), true));
    let (mut long, _) = console(&sim, GUEST, "termproxy").await;
    long.binary(&[b'x'; 4096]).await;
    assert_eq!(long.rest().await, (Vec::new(), true));
    assert_eq!(sim.counters().term_logins, 0);
}

#[tokio::test]
async fn sim_19_sizes_and_signs_of_life_are_recorded() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, GUEST, "termproxy").await;
    peer.term(&opened).await;
    peer.binary(b"1:120:40:").await;
    peer.binary(b"2").await;
    peer.binary(b"0:1:x").await;
    sim.guest(101).wait_for_input(b"x").await.unwrap();
    let wanted = [Event::Resize { columns: 120, rows: 40 }, Event::KeepAlive, Event::Input(b"x".to_vec())];
    assert_eq!(sim.guest(101).events(), wanted);
}

#[tokio::test]
async fn sim_19_a_header_in_two_frames_is_misread_or_ends_a_strict_terminal() {
    for term_strict in [false, true] {
        let sim = start(SimConfig { term_strict, ..SimConfig::quick() }).await;
        let (mut peer, opened) = console(&sim, GUEST, "termproxy").await;
        peer.term(&opened).await;
        peer.frame().await;
        peer.binary(b"0:1").await;
        sim.wait_for(|counters| counters.split_headers == 1).await.unwrap();
        if term_strict {
            assert_eq!(peer.rest().await, (Vec::new(), true));
            continue;
        }
        peer.binary(b"2:hello world!").await;
        peer.binary(b"0:1:.").await;
        sim.guest(101).wait_for_input(b".").await.unwrap();
        assert_ne!(sim.guest(101).input(), b"hello world!.");
    }
}

#[tokio::test]
async fn sim_19_a_payload_may_be_cut_anywhere() {
    let sim = start(SimConfig { term_strict: true, ..SimConfig::quick() }).await;
    let (mut peer, opened) = console(&sim, GUEST, "termproxy").await;
    peer.term(&opened).await;
    peer.binary(b"0:11:he").await;
    peer.binary(b"llo w").await;
    peer.binary(b"orld0:1:!").await;
    sim.guest(101).wait_for_input(b"hello world!").await.unwrap();
    assert_eq!(sim.counters().split_headers, 0);
}

#[tokio::test]
async fn sim_19_guests_without_a_terminal_say_so() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, "pve1/qemu/100", "termproxy").await;
    peer.term(&opened).await;
    assert_eq!(peer.frame().await.1, b"unable to find a serial interface\r\n");
    assert_eq!(peer.rest().await, (Vec::new(), true));
    sim.guest(101).set_status(Status::Stopped);
    let (mut peer, opened) = console(&sim, GUEST, "termproxy").await;
    peer.term(&opened).await;
    assert!(peer.frame().await.1.ends_with(b" is not running\r\n"));
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn sim_19_a_serial_port_and_an_echo_behind_the_login() {
    let guests = vec![GuestConfig::qemu(100, NODE).with_serial(), GuestConfig::qemu(102, NODE).backend(Backend::Echo)];
    let sim = start(SimConfig { guests, ..SimConfig::quick() }).await;
    let (mut serial, opened) = console(&sim, "pve1/qemu/100", "termproxy").await;
    serial.term(&opened).await;
    serial.binary(b"0:1:x").await;
    sim.guest(100).wait_for_input(b"x").await.unwrap();
    let (mut echo, opened) = console(&sim, "pve1/qemu/102", "termproxy").await;
    echo.term(&opened).await;
    echo.binary(b"0:3:raw").await;
    assert_eq!(echo.frame().await, (0x82, b"0:3:raw".to_vec()));
}

#[tokio::test]
async fn sim_19_leaving_the_shell_ends_it() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, GUEST, "termproxy").await;
    peer.term(&opened).await;
    peer.binary(b"0:5:exit\r").await;
    assert!(peer.rest().await.1);
}

#[tokio::test]
async fn sim_20_legacy_terminals_never_say_ok_to_tokens() {
    let sim = start(SimConfig { style: Style::Legacy, ..SimConfig::quick() }).await;
    let (mut peer, opened) = console(&sim, GUEST, "termproxy").await;
    peer.binary(format!("{}:{}\n", opened.text("user"), opened.text("ticket")).as_bytes()).await;
    assert_eq!(peer.rest().await, (Vec::new(), true));
}
