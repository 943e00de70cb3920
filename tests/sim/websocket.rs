//! Items 12 to 16: the upgrade and frames.

use crate::peer::*;
use consolegate::sim::{Backend, GuestConfig, Sim, SimConfig, Status};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn echo() -> Sim {
    let guest = GuestConfig::qemu(100, NODE).backend(Backend::Echo);
    start(SimConfig { guests: vec![guest], ..SimConfig::quick() }).await
}

const GUEST: &str = "pve1/qemu/100";

#[tokio::test]
async fn sim_12_the_answer_has_three_headers_and_the_offered_subprotocols_as_they_came() {
    let sim = echo().await;
    let accept = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    for (offer, answer) in [
        ("", ""),
        ("Sec-WebSocket-Protocol: binary\r\n", "Sec-WebSocket-Protocol: binary\r\n"),
        ("Sec-WebSocket-Protocol: a, b\r\n", "Sec-WebSocket-Protocol: a, b\r\n"),
        ("Sec-WebSocket-Extensions: permessage-deflate\r\n", ""),
    ] {
        let opened = open(&sim, NODE, GUEST, "vncproxy").await;
        let mut peer = Peer::connect(&sim, NODE).await;
        let headers = token_header(&sim) + offer;
        peer.send(upgrade_request(GUEST, &opened.port(), opened.text("ticket"), &headers)).await;
        assert_eq!(String::from_utf8(peer.head().await).unwrap(), format!("{accept}{answer}\r\n"));
    }
}

#[tokio::test]
async fn sim_12_wrong_upgrades_are_told() {
    let sim = echo().await;
    let opened = open(&sim, NODE, GUEST, "vncproxy").await;
    let good = upgrade_request(GUEST, &opened.port(), opened.text("ticket"), &token_header(&sim));
    for (from, to, reason) in [
        ("Version: 13", "Version: 12", "unsupported websocket-version '12'"),
        ("Key: dGhlIHNhbXBsZSBub25jZQ==", "Key: ", "missing websocket-key"),
        ("Upgrade: WebSocket", "Upgrade: h2c", "unable to upgrade to protocol 'h2c'"),
    ] {
        let mut peer = Peer::connect(&sim, NODE).await;
        peer.send(good.replace(from, to)).await;
        let reply = peer.reply().await;
        assert_eq!((reply.status, reply.reason.as_str()), (500, reason));
    }
}

#[tokio::test]
async fn sim_12_frames_sent_before_the_answer_are_processed() {
    let sim = echo().await;
    let opened = open(&sim, NODE, GUEST, "vncproxy").await;
    let mut peer = Peer::connect(&sim, NODE).await;
    let request = upgrade_request(GUEST, &opened.port(), opened.text("ticket"), &token_header(&sim));
    peer.send([request.as_bytes(), &frame(2, b"early")].concat()).await;
    assert_eq!(peer.reply().await.status, 101);
    assert_eq!(peer.payload(5).await, b"early");
}

#[tokio::test]
async fn sim_13_bad_frames_wedge_and_leak() {
    let mut long = vec![0x82, 0xff];
    long.extend(131_073_u64.to_be_bytes());
    for bad in [raw_frame(0x02, b"part"), raw_frame(0xc2, b"rsv"), vec![0x82, 1, b'x'], long] {
        let sim = echo().await;
        let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
        peer.send([frame(2, b"before"), bad, frame(2, b"after")].concat()).await;
        assert_eq!(peer.payload(6).await, b"before");
        sim.wait_for(|counters| counters.wedged == 1).await.unwrap();
        // Nothing after it counts, a close frame no more than data.
        peer.send(frame(8, b"")).await;
        assert_eq!(sim.counters().leaked, 0);
        drop(peer);
        let counters = sim.wait_for(|counters| counters.leaked == 1).await.unwrap();
        assert_eq!((counters.websocket_live, counters.closes, counters.client_frames), (1, 0, 1));
        sim.guest(100).set_status(Status::Stopped);
        sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    }
}

#[tokio::test]
async fn sim_13_a_wedged_console_goes_on_sending() {
    let sim = quick().await;
    let (mut peer, opened) = console(&sim, GUEST, "vncproxy").await;
    peer.vnc(opened.text("password")).await;
    // Ask for the whole picture and a frame that wedges, at once: the picture still comes.
    let ask = frame(2, &[3, 0, 0, 0, 0, 0, 0x02, 0x80, 0x01, 0x90]);
    peer.send([ask, raw_frame(0x02, b"part")].concat()).await;
    let mut received = 0;
    while received < 640 * 400 * 4 {
        received += peer.frame().await.1.len();
    }
    assert_eq!(sim.counters().wedged, 1);
}

#[tokio::test]
async fn sim_13_the_largest_frame_passes() {
    let sim = echo().await;
    let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
    let payload: Vec<u8> = (0..=255).cycle().take(131_072).collect();
    peer.binary(&payload).await;
    assert_eq!(peer.frame().await, (0x82, payload));
    assert_eq!(sim.counters().max_client_frame, 131_072);
}

#[tokio::test]
async fn sim_14_other_opcodes_are_dropped_text_passes_and_pings_are_answered() {
    let sim = echo().await;
    let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
    for opcode in [0, 3, 7, 11, 15, 10] {
        peer.send(frame(opcode, b"lost")).await;
    }
    peer.send(frame(1, "täxt".as_bytes())).await;
    assert_eq!(peer.frame().await, (0x82, "täxt".as_bytes().to_vec()));
    peer.send(frame(9, &[7; 200])).await;
    assert_eq!(peer.frame().await, (0x8a, vec![7; 200]));
    assert_eq!(sim.counters().dropped_frames, 5);
}

#[tokio::test]
async fn sim_14_frames_may_come_one_byte_at_a_time() {
    let sim = echo().await;
    let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
    for byte in [frame(2, b"slow"), frame(2, b""), frame(2, b"ly")].concat() {
        peer.send([byte]).await;
    }
    assert_eq!(peer.payload(6).await, b"slowly");
}

#[tokio::test]
async fn sim_15_a_client_close_is_answered_by_a_bare_fin() {
    let sim = start(SimConfig { guests: vec![GuestConfig::lxc(101, NODE)], ..SimConfig::quick() }).await;
    let (mut peer, opened) = console(&sim, "pve1/lxc/101", "termproxy").await;
    peer.term(&opened).await;
    peer.frame().await;
    // What comes before the close is delivered.
    peer.send([frame(2, b"0:4:last"), frame(8, &[3, 0xe8])].concat()).await;
    let (bytes, clean) = peer.rest().await;
    assert!(!clean, "no close_notify");
    assert!(!bytes.windows(2).any(|pair| pair[0] == 0x88), "no close frame");
    sim.guest(101).wait_for_input(b"last").await.unwrap();
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
}

#[tokio::test]
async fn sim_15_a_console_that_ends_is_close_notify_and_nothing_else() {
    let sim = echo().await;
    let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
    peer.binary(b"x").await;
    assert_eq!(peer.payload(1).await, b"x");
    sim.guest(100).kill_console();
    assert_eq!(peer.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn sim_15_a_console_can_end_inside_a_frame() {
    let guest = GuestConfig::qemu(100, NODE).backend(Backend::Echo);
    let sim = start(SimConfig { guests: vec![guest], cut_in_mid_frame: true, ..SimConfig::quick() }).await;
    let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
    sim.guest(100).kill_console();
    let (bytes, clean) = peer.rest().await;
    assert_eq!((bytes.len(), bytes[1], clean), (52, 100, true));
}

#[tokio::test]
async fn sim_15_a_client_that_leaves_ends_the_console() {
    let sim = echo().await;
    let (peer, _) = console(&sim, GUEST, "vncproxy").await;
    assert_eq!(sim.counters().websocket_live, 1);
    drop(peer);
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    assert_eq!(sim.counters().leaked, 0);
}

#[tokio::test]
async fn sim_16_the_console_is_read_without_back_pressure_and_a_backlog_is_lost_at_its_end() {
    const SENT: u64 = 64 << 20;
    let backend = Backend::Flood { bytes: SENT, piece: 65_536 };
    let sim =
        start(SimConfig { guests: vec![GuestConfig::lxc(101, NODE).backend(backend)], ..SimConfig::quick() }).await;
    let (mut peer, opened) = console(&sim, "pve1/lxc/101", "termproxy").await;
    peer.term(&opened).await;
    // Nothing is read, yet the console gets rid of everything and ends.
    sim.wait_for(|counters| counters.websocket_live == 0).await.unwrap();
    let mut rest = Vec::new();
    let _ = peer.stream.read_to_end(&mut rest).await;
    assert!(rest.len() < 32 << 20, "{}", rest.len());
    let _ = peer.stream.shutdown().await;
}

#[tokio::test]
async fn sim_16_client_bytes_are_taken_without_back_pressure() {
    let sim = echo().await;
    let (mut peer, _) = console(&sim, GUEST, "vncproxy").await;
    // The echo comes back and is not read; both directions are taken all the same.
    let piece = frame(2, &vec![1; 65_536]);
    for _ in 0..256 {
        peer.send(&piece).await;
    }
    sim.wait_for(|counters| counters.client_bytes == 256 * 65_536).await.unwrap();
}

#[tokio::test]
async fn an_independent_websocket_library_agrees() {
    let sim = echo().await;
    let opened = open(&sim, NODE, GUEST, "vncproxy").await;
    let query = format!("port={}&vncticket={}", opened.port(), encode(opened.text("ticket")));
    let url = format!("wss://pve1:8006/api2/json/nodes/{GUEST}/vncwebsocket?{query}");
    let (id, secret) = sim.api_token();
    let authorization = format!("PVEAPIToken={id}={secret}");
    let (config, address) = (trusting(&sim).config().clone(), sim.node_address(NODE));
    tokio::task::spawn_blocking(move || converse(config, address, &url, &authorization)).await.unwrap();
}

/// Speaks to the node by blocking calls of the other library.
fn converse(config: Arc<rustls::ClientConfig>, address: SocketAddr, url: &str, authorization: &str) {
    use tokio_tungstenite::tungstenite::{Message, client, client::IntoClientRequest as _};
    let connection = rustls::ClientConnection::new(config, "pve1".try_into().unwrap()).unwrap();
    let stream = rustls::StreamOwned::new(connection, std::net::TcpStream::connect(address).unwrap());
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", authorization.parse().unwrap());
    request.headers_mut().insert("sec-websocket-protocol", "binary".parse().unwrap());
    let (mut socket, response) = client(request, stream).unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "binary");
    socket.send(Message::binary(vec![5; 70_000])).unwrap();
    assert_eq!(socket.read().unwrap(), Message::binary(vec![5; 70_000]));
    socket.send(Message::Ping("hi".into())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong("hi".into()));
}
