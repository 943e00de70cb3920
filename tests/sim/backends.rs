//! What a console may be connected to besides the built-in picture and shell.

use crate::peer::*;
use consolegate::sim::{Backend, GuestConfig, Sim, SimConfig};
use serde_json::{Value, json};
use std::path::Path;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UnixListener};

async fn of(guest: GuestConfig) -> Sim {
    start(SimConfig { guests: vec![guest], ..SimConfig::quick() }).await
}

#[tokio::test]
async fn any_tcp_server_behind_a_fixed_password() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = Backend::Tcp(server.local_addr().unwrap());
    let guest = GuestConfig { vnc_password: Some("fixed".into()), ..GuestConfig::qemu(100, NODE).backend(backend) };
    let sim = of(guest).await;
    let (mut peer, opened) = console(&sim, "pve1/qemu/100", "vncproxy").await;
    assert_eq!(opened.text("password"), "fixed");
    let (mut server, _) = server.accept().await.unwrap();
    server.write_all(b"RFB 003.003\n").await.unwrap();
    assert_eq!(peer.payload(12).await, b"RFB 003.003\n");
    peer.binary(b"hello").await;
    let mut received = [0; 5];
    server.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"hello");
    server.write_all(&[7; 10_000]).await.unwrap();
    let mut total = 0;
    while total < 10_000 {
        let (_, payload) = peer.frame().await;
        assert!(payload.len() <= 4096);
        total += payload.len();
    }
    drop(server);
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

/// Answers QMP on a socket and gives the commands it was sent.
async fn qmp(listener: UnixListener) -> Vec<Value> {
    let (stream, _) = listener.accept().await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"{\"QMP\": {\"version\": {}}}\n").await.unwrap();
    let mut commands = Vec::new();
    while commands.len() < 3 {
        let line = lines.next_line().await.unwrap().unwrap();
        commands.push(serde_json::from_str(&line).unwrap());
        writer.write_all(b"{\"event\": \"RESUME\"}\n{\"return\": {}}\n").await.unwrap();
    }
    commands
}

fn listen(folder: &Path, name: &str) -> UnixListener {
    UnixListener::bind(folder.join(name)).unwrap()
}

#[tokio::test]
async fn a_real_qemu_gets_each_consoles_password_by_qmp() {
    let folder = tempfile::tempdir().unwrap();
    let (qmp_listener, vnc) = (listen(folder.path(), "qmp"), listen(folder.path(), "vnc"));
    let guest = GuestConfig {
        qmp: Some(folder.path().join("qmp")),
        ..GuestConfig::qemu(100, NODE).backend(Backend::Unix(folder.path().join("vnc")))
    };
    let sim = of(guest).await;
    let (mut peer, opened) = console(&sim, "pve1/qemu/100", "vncproxy").await;
    let commands = qmp(qmp_listener).await;
    assert_eq!(commands[0], json!({"execute": "qmp_capabilities"}));
    assert_eq!(commands[1]["arguments"], json!({"protocol": "vnc", "password": opened.text("password")}));
    assert_eq!(commands[2]["arguments"], json!({"protocol": "vnc", "time": "+30"}));
    let (mut server, _) = vnc.accept().await.unwrap();
    server.write_all(b"RFB 003.008\n").await.unwrap();
    assert_eq!(peer.payload(12).await, b"RFB 003.008\n");
}

#[tokio::test]
async fn a_real_serial_port_behind_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let serial = listen(folder.path(), "serial");
    let sim =
        of(GuestConfig { serial_socket: Some(folder.path().join("serial")), ..GuestConfig::qemu(100, NODE) }).await;
    let (mut peer, opened) = console(&sim, "pve1/qemu/100", "termproxy").await;
    peer.term(&opened).await;
    assert_eq!(peer.frame().await.1, b"starting serial terminal on interface serial0\r\n");
    let (mut server, _) = serial.accept().await.unwrap();
    server.write_all(b"login: ").await.unwrap();
    assert_eq!(peer.frame().await.1, b"login: ");
    peer.binary(b"0:5:root\r").await;
    let mut typed = [0; 5];
    server.read_exact(&mut typed).await.unwrap();
    assert_eq!(&typed, b"root\r");
}

#[tokio::test]
async fn an_echo_behind_the_vnc_login() {
    let sim = of(GuestConfig::qemu(100, NODE).backend(Backend::RfbEcho)).await;
    let (mut peer, opened) = console(&sim, "pve1/qemu/100", "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    peer.binary(&[250, 251, 252]).await;
    assert_eq!(peer.payload(3).await, [250, 251, 252]);
}

#[tokio::test]
async fn a_flood_is_a_known_pattern_of_the_asked_length() {
    for (console_path, what, guest) in [
        ("pve1/qemu/100", "vncproxy", GuestConfig::qemu(100, NODE)),
        ("pve1/lxc/100", "termproxy", GuestConfig::lxc(100, NODE)),
    ] {
        let sim = of(guest.backend(Backend::Flood { bytes: 200_000, piece: 131_072 })).await;
        let (mut peer, opened) = console(&sim, console_path, what).await;
        if what == "vncproxy" {
            peer.vnc(opened.text("password")).await;
        } else {
            peer.term(&opened).await;
        }
        let (_, mut all) = peer.frame().await;
        assert_eq!(all.len(), 131_072);
        all.extend(peer.frame().await.1);
        let wanted: Vec<u8> = (0..251).cycle().take(200_000).collect();
        assert!(all == wanted);
        assert_eq!(peer.rest().await, (Vec::new(), true));
    }
}
