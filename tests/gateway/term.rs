//! Terminals: who may open which, how they begin and end, and what the node hears of the login.

use super::client::{Client, Closed};
use super::gateway::{PATIENCE, Place, TestGateway, token};
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{Backend, Event, Fault, GuestConfig, Sim, SimConfig, Status, Style};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// A container with a shell.
pub const SHELL: u32 = 103;
const WELCOME: &str = "Linux mail-01 (simulated)\r\nType, or 'exit' to leave.\r\nroot@mail-01:~# ";
const UPGRADE: &str = "/vncwebsocket";

/// The usual cluster and a container with a shell; headers must come whole.
pub async fn shells(change: impl FnOnce(&mut SimConfig)) -> Sim {
    cluster(|config| {
        config.term_strict = true;
        config.guests.push(GuestConfig::lxc(SHELL, "pve2").named("mail-01"));
        change(config);
    })
    .await
}

/// A token for a terminal.
pub fn terminal(kind: &str, vmid: u32, change: impl FnOnce(&mut Value)) -> String {
    token(vmid, |claims| {
        claims["console"]["kind"] = json!(kind);
        claims["console"]["protocol"] = json!("term");
        change(claims);
    })
}

impl Place {
    /// Opens a container's terminal and waits until it is open.
    pub async fn open_terminal(&self, vmid: u32) -> Client {
        let mut client = self.open_with(&terminal("lxc", vmid, |_| {})).await;
        client.is_open().await.unwrap();
        client
    }
}

impl Client {
    /// The empty message that says that a terminal is open; or how it ended instead.
    pub async fn is_open(&mut self) -> Result<(), Closed> {
        match timeout(PATIENCE, self.socket.next()).await.expect("the gateway says something") {
            Some(Ok(Message::Binary(data))) => {
                assert!(data.is_empty(), "{}", data.escape_ascii());
                Ok(())
            }
            Some(Ok(Message::Close(Some(frame)))) => {
                Err(Closed { code: frame.code.into(), reason: frame.reason.to_string() })
            }
            other => panic!("{other:?}"),
        }
    }

    /// Reads this text and nothing else.
    pub async fn reads(&mut self, text: &str) {
        assert_eq!(String::from_utf8_lossy(&self.read(text.len()).await.unwrap()), text);
    }
}

#[tokio::test]
async fn a_terminal_opens_logged_in_and_what_is_typed_arrives() {
    for glue_ok in [false, true] {
        let sim = shells(|config| config.glue_ok = glue_ok).await;
        let gateway = TestGateway::start(&sim, NODES, "").await;
        let mut client = gateway.open_terminal(SHELL).await;
        client.reads(WELCOME).await;
        client.send("0:9:é€😀".as_bytes()).await;
        client.reads("é€😀").await;
        client.send(b"0:1:\r").await;
        client.reads("\r\né€😀\r\nroot@mail-01:~# ").await;
        assert_eq!(sim.guest(SHELL).input(), "é€😀\r".as_bytes());
        client.send(b"0:5:exit\r").await;
        let end = client.ended().await;
        // So soon after its opening it may as well have been none.
        assert!(end.is(Reason::GuestEnded) || end.is(Reason::NoTerminal), "{end:?}");
        assert_eq!(sim.counters().split_headers, 0);
        let sessions = gateway.metric("consolegate_sessions_started_total{protocol=\"term\"}").await;
        assert_eq!(sessions, Some(1.0));
    }
}

#[tokio::test]
async fn x01_a_login_line_of_the_browsers_is_never_one() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open_with(&terminal("lxc", SHELL, |_| {})).await;
    client.send(b"root@pam:PVEVNC:65000000::c2lnbmF0dXJl\n").await;
    let end = client.ended().await;
    assert!(end.is(Reason::TermClient), "{end:?}");
    assert!(sim.guest(SHELL).input().is_empty());
    // As input it is input.
    let mut client = gateway.open_with(&terminal("lxc", SHELL, |_| {})).await;
    client.send(b"0:13:root@pam:PVE\n").await;
    sim.guest(SHELL).wait_for_input(b"root@pam:PVE\n").await.unwrap();
}

#[tokio::test]
async fn x02_what_comes_before_ok_is_held_up_to_4_kib() {
    let early = |len: usize| [format!("0:{len}:").into_bytes(), vec![b'x'; len]].concat();
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "[timeouts]\nhandshake = 3\n").await;
    let stall = || sim.fail_next(UPGRADE, Fault::StallAfterUpgrade(Vec::new()));
    stall();
    let mut client = gateway.open_with(&terminal("lxc", SHELL, |_| {})).await;
    sim.wait_for(|counters| counters.upgrades == 1).await.unwrap();
    client.send(&early(4089)).await;
    client.send(b"2").await;
    let end = client.ended().await;
    assert!(end.is(Reason::TermEarly) && end.code == 1008, "{end:?}");
    stall();
    let mut client = gateway.open_with(&terminal("lxc", SHELL, |_| {})).await;
    client.send(&early(4089)).await;
    let end = client.ended().await;
    assert!(end.is(Reason::NodeHandshakeTimeout), "4096 bytes are held: {end:?}");
    let mut client = gateway.open_with(&terminal("lxc", SHELL, |_| {})).await;
    client.send(&early(4089)).await;
    sim.guest(SHELL).wait_for_input(&[b'x'; 4089]).await.unwrap();
}

#[tokio::test]
async fn x03_a_node_that_does_not_say_ok_is_refused_and_its_words_are_not_shown() {
    let frames = |text: &[u8]| -> Vec<u8> {
        text.chunks(100).flat_map(|part| [&[0x82, part.len() as u8][..], part].concat()).collect()
    };
    let megabyte = vec![b'<'; 1 << 20];
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "[timeouts]\nhandshake = 2\n").await;
    for (fault, reason, why) in [
        (Fault::StallAfterUpgrade(frames(b"O")), Reason::NodeHandshakeTimeout, "O"),
        (Fault::AfterUpgrade(frames(b"KO")), Reason::TermAnswer, "KO"),
        (Fault::StallAfterUpgrade(frames(b"KO")), Reason::TermAnswer, "KO, and stays"),
        (Fault::AfterUpgrade(frames(b"HTTP/1.1 500 secret of node\r\n\r\n")), Reason::TermAnswer, "HTTP"),
        (Fault::AfterUpgrade(frames(&megabyte)), Reason::TermAnswer, "1 MiB"),
        (Fault::AfterUpgrade(Vec::new()), Reason::TermRefused, "an end"),
    ] {
        sim.fail_next(UPGRADE, fault);
        let before = sim.counters().vncproxy_posts;
        let mut client = gateway.open_with(&terminal("lxc", SHELL, |_| {})).await;
        let end = client.is_open().await.unwrap_err();
        assert!(end.is(reason), "{why}: {end:?}");
        assert!(!end.reason.contains("secret"), "{end:?}");
        assert_eq!(sim.counters().vncproxy_posts, before + 1, "{why}: no second ticket");
    }
}

#[tokio::test]
async fn old_nodes_refuse_tokens_and_take_a_user_and_password() {
    let sim = shells(|config| config.style = Style::Legacy).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let end = gateway.open_with(&terminal("lxc", SHELL, |_| {})).await.is_open().await.unwrap_err();
    assert!(end.is(Reason::TermRefused), "{end:?}");
    let refused = gateway.metric("consolegate_connect_failures_total{reason=\"term_refused\"}").await;
    assert_eq!(refused, Some(1.0));
    let gateway = TestGateway::start_changed(&sim, NODES, |text| with_password(&text, &sim)).await;
    gateway.open_terminal(SHELL).await.reads(WELCOME).await;
}

/// The configuration with a user and password instead of the token.
fn with_password(text: &str, sim: &Sim) -> String {
    let (token_id, _) = sim.api_token();
    let token = format!("token_id = \"{token_id}\", secret_file = \"pve.secret\"");
    assert!(text.contains(&token));
    text.replace(&token, &format!("user = \"{}\", password_file = \"pve.password\"", sim.user().0))
}

#[tokio::test]
async fn a_machine_without_a_serial_port_says_so_and_ends_normally() {
    let sim = shells(|config| config.guests.push(GuestConfig::qemu(104, "pve1").with_serial())).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open_with(&terminal("qemu", 100, |_| {})).await;
    client.is_open().await.unwrap();
    client.reads("unable to find a serial interface\r\n").await;
    let end = client.ended().await;
    assert!(end.is(Reason::NoTerminal) && end.code == 1000, "{end:?}");
    let counted = gateway.metric("consolegate_sessions_ended_total{protocol=\"term\",reason=\"no_terminal\"}").await;
    assert_eq!(counted, Some(1.0), "the operator can tell it from any other end");
    let mut client = gateway.open_with(&terminal("qemu", 104, |_| {})).await;
    client.is_open().await.unwrap();
    client.send(b"0:2:ls").await;
    sim.guest(104).wait_for_input(b"ls").await.unwrap();
}

#[tokio::test]
async fn a_container_that_stops_in_the_session_ends_it_with_4423() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open_terminal(SHELL).await;
    client.reads(WELCOME).await;
    sim.guest(SHELL).set_status(Status::Stopped);
    let end = client.ended().await;
    assert!(end.is(Reason::GuestStopped), "{end:?}");
}

#[tokio::test]
async fn a_container_has_a_screen_too() {
    for style in [Style::New, Style::Legacy] {
        let sim = shells(|config| config.style = style).await;
        let gateway = TestGateway::start(&sim, NODES, "").await;
        let token = token(SHELL, |claims| claims["console"]["kind"] = json!("lxc"));
        let mut client = gateway.open_with(&token).await;
        let (width, height, _) = client.log_in().await.unwrap();
        client.first_update(width, height).await.unwrap();
    }
}

#[tokio::test]
async fn five_terminals_of_a_container_are_five() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "[limits]\nper_guest = 5\n").await;
    let open = || gateway.open_terminal(SHELL);
    let (a, b, c, d, e) = tokio::join!(open(), open(), open(), open(), open());
    for (number, client) in [a, b, c, d, e].iter_mut().enumerate() {
        client.reads(WELCOME).await;
        client.send(format!("0:1:{number}").as_bytes()).await;
        client.reads(&number.to_string()).await;
    }
    assert_eq!((sim.guest(SHELL).input(), sim.counters().term_logins), (b"01234".to_vec(), 5));
}

/// Tokens for a node's own shell.
fn host_shell(protocol: &str) -> String {
    token(0, |claims| {
        claims["console"] = json!({ "cluster": "eu1", "kind": "node", "node": "pve2", "protocol": protocol });
    })
}

#[tokio::test]
async fn x09_a_host_shell_opens_only_where_the_issuer_may_open_hosts() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    for protocol in ["vnc", "term"] {
        let answer = gateway.refused(&host_shell(protocol)).await;
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("token_invalid"), "{answer}");
    }
    assert_eq!(sim.counters().requests, 0, "Proxmox is not even asked");
    let hosts = |text: String| text.replace("kinds = [\"qemu\", \"lxc\"]", "kinds = [\"node\"]");
    let gateway = TestGateway::start_changed(&sim, NODES, hosts).await;
    let mut client = gateway.open_with(&host_shell("term")).await;
    client.is_open().await.unwrap();
    assert!(!client.read(10).await.unwrap().is_empty());
    // A host's screen takes no API token, in any version; a terminal takes none in old ones.
    let end = gateway.open_with(&host_shell("vnc")).await.ended().await;
    assert!(end.is(Reason::ShellToken), "{end:?}");
    let counted = gateway.metric("consolegate_connect_failures_total{reason=\"shell_token\"}").await;
    assert_eq!(counted, Some(1.0));
    let both = |text: String| hosts(with_password(&text, &sim));
    let gateway = TestGateway::start_changed(&sim, NODES, both).await;
    gateway.open_with(&host_shell("vnc")).await.log_in().await.unwrap();
}

#[tokio::test]
async fn view_only_types_nothing_and_may_change_the_size() {
    let sim = shells(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let view = terminal("lxc", SHELL, |claims| claims["console"]["rights"] = json!([]));
    let mut client = gateway.open_with(&view).await;
    client.is_open().await.unwrap();
    client.reads(WELCOME).await;
    client.send(b"0:4:rm *").await;
    client.send(b"20:2:\r\r1:120:40:").await;
    let resized = Event::Resize { columns: 120, rows: 40 };
    sim.guest(SHELL).wait_for(|events| events.contains(&resized)).await.unwrap();
    assert!(sim.guest(SHELL).input().is_empty());
    // What another one types is seen.
    sim.guest(SHELL).kill_console();
    assert_eq!(client.ended().await.code, 1000);
}

#[tokio::test]
async fn a_real_shell_runs_behind_it_and_has_the_browsers_size() {
    // Whoever runs the tests in the background has them ignore interrupts, and what they start with them.
    let program = ["env", "--default-signal=INT", "PS1=ready> ", "sh", "-i"];
    let shell = Backend::Program(program.map(str::to_owned).to_vec());
    let sim = shells(|config| config.guests.push(GuestConfig::lxc(105, "pve1").backend(shell))).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let mut client = gateway.open_terminal(105).await;
    let ask = |text: &str| format!("0:{}:{text}", text.len()).into_bytes();
    client.until("ready> ").await;
    client.send(&ask("stty size\r")).await;
    assert!(client.until("ready> ").await.contains("20 80"), "termproxy begins with 80 columns and 20 rows");
    client.send(b"1:120:40:").await;
    sim.guest(105).wait_for(|events| events.contains(&Event::Resize { columns: 120, rows: 40 })).await.unwrap();
    client.send(&ask("stty size\r")).await;
    assert!(client.until("ready> ").await.contains("40 120"));
    client.send(&ask("cat\ronce\r")).await;
    client.until("once\r\nonce\r\n").await;
    // An interrupt makes Linux throw away what was printed and not read yet, and the shell what was typed meanwhile.
    client.send(&ask("\u{3}")).await;
    let again = async {
        loop {
            client.send(&ask("echo back-$((40+2))\r")).await;
            if timeout(Duration::from_millis(500), client.until("back-42")).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, again).await.expect("the shell goes on after an interrupt");
    client.send(&ask("exit\r")).await;
    assert_eq!(client.ended().await.code, 1000);
}

impl Client {
    /// Reads until this was printed; all that was.
    async fn until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.ends_with(text) {
            read.push_str(&String::from_utf8_lossy(&self.read(1).await.unwrap()));
        }
        read
    }
}
