//! What a browser says to a terminal: every byte arrives, no header in pieces, nothing that is no message.

use super::client::Client;
use super::gateway::{PATIENCE, TestGateway};
use super::raw::Raw;
use super::term::{SHELL, shells, terminal};
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{Backend, Event, GuestConfig, Sim};
use consolegate::wire::websocket::{Opcode, frame};
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio::net::UnixListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

const KEY: Option<[u8; 4]> = Some([7, 1, 8, 2]);

/// How the guest saw its size change.
fn sizes(sim: &Sim) -> Vec<(u16, u16)> {
    let events = sim.guest(SHELL).events();
    let size = |event: &Event| if let Event::Resize { columns, rows } = event { Some((*columns, *rows)) } else { None };
    events.iter().filter_map(size).collect()
}

/// Bytes typed so far.
fn typed(events: &[Event]) -> usize {
    events.iter().map(|event| if let Event::Input(bytes) = event { bytes.len() } else { 0 }).sum()
}

#[tokio::test]
async fn x04_x06_what_is_no_message_is_1002_and_never_reaches_the_node() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let long = [b"0:".as_slice(), &[b'1'; 21], b":x"].concat();
    for wrong in [
        &b"0:999999999:x"[..],
        b"0:-1:",
        b"0:abc:",
        &long,
        b"0:1111111111111111",
        b"1:80:x:",
        b"1:80:99999999999:",
        b"3",
        b"/",
        b"\0",
        b"\xff",
    ] {
        let mut client = gateway.open_terminal(SHELL).await;
        client.send(wrong).await;
        let end = client.ended().await;
        assert!(end.is(Reason::TermClient) && end.code == 1002, "{}: {end:?}", wrong.escape_ascii());
    }
    assert_eq!((typed(&sim.guest(SHELL).events()), sizes(&sim)), (0, Vec::new()));
    assert_eq!(sim.counters().client_frames, 11, "the login lines and nothing else");
}

#[tokio::test]
async fn x05_sizes_are_clamped_and_ten_a_second_with_the_newest_last() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open_terminal(SHELL).await;
    let began = tokio::time::Instant::now();
    client.send(b"1:0:65536:").await;
    for columns in 1..1000 {
        client.send(format!("1:{columns}:24:").as_bytes()).await;
    }
    client.send(b"1:-1:1000000000:").await;
    let last = Event::Resize { columns: 1, rows: 1000 };
    let came = |events: &[Event]| events.len() > 1 && events.last() == Some(&last);
    // Nothing follows it: the gateway's own clock lets it out.
    sim.guest(SHELL).wait_for(|events| came(&without_signs(events))).await.unwrap();
    let (sizes, most) = (sizes(&sim), began.elapsed().as_millis() / 100 + 1);
    assert_eq!((sizes[0], sizes.last()), ((1, 1000), Some(&(1, 1000))));
    assert!(sizes.len() as u128 <= most, "{} sizes in {most} tenths of a second", sizes.len());
}

fn without_signs(events: &[Event]) -> Vec<Event> {
    events.iter().filter(|event| **event != Event::KeepAlive).cloned().collect()
}

/// Sends messages while reading all there is, until the guest has so many bytes.
async fn paste(sim: &Sim, client: Client, messages: Vec<Message>, bytes: usize) {
    let (mut write, mut read) = client.socket.split();
    let reading = async { while let Some(Ok(_)) = read.next().await {} };
    let pasting = async {
        for message in messages {
            write.send(message).await.unwrap();
        }
        sim.guest(SHELL).wait_for(|events| typed(events) >= bytes).await.unwrap();
    };
    tokio::select! {
        () = reading => panic!("the console ended"),
        () = pasting => {}
    }
}

fn message(data: &[u8]) -> Vec<u8> {
    [format!("0:{}:", data.len()).as_bytes(), data].concat()
}

/// A machine whose serial port is a socket, and who reads there.
async fn serial(folder: &tempfile::TempDir) -> (Sim, UnixListener) {
    let path = folder.path().join("serial");
    let listener = UnixListener::bind(&path).unwrap();
    let mut guest = GuestConfig::qemu(104, "pve1").with_serial();
    guest.serial_socket = Some(path);
    (shells(|config| config.guests.push(guest)).await, listener)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x07_a_paste_of_10_mib_arrives_whole_and_nothing_piles_up_at_the_node() {
    let data: Vec<u8> = (0..10 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    // As the page sends it; as one message; as many.
    for (piece, bytes) in [(131_056, data.len()), (data.len(), 1 << 20), (20_000, 1 << 20)] {
        let folder = tempfile::tempdir().unwrap();
        let (sim, listener) = serial(&folder).await;
        let gateway = TestGateway::start(&sim, NODES, "").await;
        let mut client = gateway.open_with(&terminal("qemu", 104, |_| {})).await;
        client.is_open().await.unwrap();
        let (mut port, _) = listener.accept().await.unwrap();
        let (data, mut got) = (&data[..bytes], vec![0; bytes]);
        let pasting = async {
            for part in data.chunks(piece) {
                client.socket.send(Message::binary(message(part))).await.unwrap();
            }
        };
        let (_, read) = tokio::join!(pasting, timeout(PATIENCE, port.read_exact(&mut got)));
        read.unwrap_or_else(|_| panic!("{piece}: it does not come")).unwrap();
        let differs = got.iter().zip(data).position(|(one, other)| one != other);
        assert_eq!(differs, None, "messages of {piece}");
        let counters = sim.counters();
        assert_eq!((counters.split_headers, counters.wedged), (0, 0), "{piece}");
        assert!(counters.max_client_frame <= 131_072, "{}", counters.max_client_frame);
        assert!(counters.max_waiting < 640 << 10, "{piece}: {} bytes waited at the node", counters.max_waiting);
    }
}

#[tokio::test]
async fn x07_a_flood_of_single_keys_arrives_whole() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let client = gateway.open_terminal(SHELL).await;
    let data: Vec<u8> = (0..200_000_u32).map(|i| b'a' + (i % 26) as u8).collect();
    let keys: Vec<Vec<u8>> = data.chunks(1).map(message).collect();
    let messages = keys.chunks(100).map(|keys| Message::text(String::from_utf8(keys.concat()).unwrap())).collect();
    paste(&sim, client, messages, data.len()).await;
    assert!(sim.guest(SHELL).input() == data);
    assert_eq!(sim.counters().split_headers, 0);
}

#[tokio::test]
async fn x10_characters_and_bytes_cut_over_frames_arrive_unchanged() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut raw = Raw::open_with(&gateway, &terminal("lxc", SHELL, |_| {}), &[]).await;
    let text = message("é€😀".as_bytes());
    for (index, byte) in text.iter().enumerate() {
        let opcode = if index == 0 { Opcode::Text } else { Opcode::Continuation };
        let mut part = frame(opcode, KEY, &[*byte]);
        if index + 1 < text.len() {
            part[0] &= 0x7F;
        }
        raw.send(&part).await;
    }
    let all: Vec<u8> = (0..=255).collect();
    let all_of_it = message(&all);
    let (one, two) = all_of_it.split_at(100);
    raw.send(&[frame(Opcode::Binary, KEY, one), frame(Opcode::Binary, KEY, two)].concat()).await;
    let wanted = ["é€😀".as_bytes(), &all].concat();
    sim.guest(SHELL).wait_for_input(&wanted).await.unwrap();
    assert_eq!(sim.guest(SHELL).input(), wanted);
}

#[tokio::test]
async fn x08_what_the_guest_prints_passes_as_it_is() {
    let flood = Backend::Flood { bytes: 1 << 40, piece: 131_072 };
    let sim = cluster(|config| config.guests.push(GuestConfig::lxc(SHELL, "pve1").backend(flood))).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open_terminal(SHELL).await;
    let mut expected = (0..251_u8).cycle();
    for _ in 0..20 {
        let read = client.read(1_000_003).await.unwrap();
        assert!(read.iter().all(|byte| Some(*byte) == expected.next()), "bytes changed on the way");
    }
}
