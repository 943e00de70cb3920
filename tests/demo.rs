//! `consolegate demo` as a person uses it: the real binary, its address in a real browser, and a panel of one's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use futures_util::{SinkExt, StreamExt};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Chromium starts slowly on a busy machine with two cores.
const PATIENCE: Duration = Duration::from_secs(180);

/// The demo on ports of its own, and the next line of what it says that holds `word`.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), arguments)
    }

    /// The same with its throw-away files in this folder, which it is told as people may: not from the root.
    fn start_in(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_consolegate"))
            .args(["demo", "--port", "0", "--gateway-port", "0"])
            .args(arguments)
            .env("TMPDIR", ".")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self, word: &str) -> String {
        let line = timeout(PATIENCE, async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(word) {
                    return line;
                }
            }
            panic!("the demo ended without {word}");
        });
        line.await.expect("the demo says what it should")
    }

    /// The word of that line that begins so.
    async fn word(&mut self, start: &str) -> String {
        let line = self.line(start).await;
        line.split(' ').find(|word| word.starts_with(start)).unwrap().to_owned()
    }
}

#[tokio::test]
async fn p01_the_demo_opens_a_console_in_its_panels_frame_and_in_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let artifacts = root.join("artifacts");
    std::fs::create_dir_all(&artifacts).unwrap();
    let mut demo = Demo::start(&[]);
    let url = demo.word("http://").await;
    let driver = Command::new("node")
        .arg(root.join("tests/browser/demo.mjs"))
        .arg(url)
        .arg(&artifacts)
        .kill_on_drop(true)
        .output();
    let done = timeout(PATIENCE, driver).await.expect("the browser comes to an end").expect("node (run `make setup`)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    demo.child.kill().await.unwrap();
}

/// A link of the panel: the WebSocket of the machine, logged in as far as its protocol asks.
async fn open(panel: &str, machine: &str) -> WebSocketStream<TcpStream> {
    let answer = answer(panel, "POST", &format!("/open/{machine}"), panel, "-").await;
    let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let (gateway, token) = body["url"].as_str().unwrap().split_once("/console#").unwrap();
    let host = gateway.strip_prefix("http://").unwrap();
    let mut request = format!("ws://{host}/v1/ws").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let stream = TcpStream::connect(host).await.unwrap();
    client_async(request, stream).await.unwrap().0
}

/// Reads until what came ends so.
async fn until(socket: &mut WebSocketStream<TcpStream>, wanted: &[u8]) -> Vec<u8> {
    let mut came = Vec::new();
    let reads = async {
        while !came.windows(wanted.len()).any(|window| window == wanted) {
            came.extend(socket.next().await.expect("it goes on").unwrap().into_data());
        }
    };
    timeout(PATIENCE, reads).await.expect("it comes");
    came
}

/// The picture, of 16 by 16 pixels, where the machine shows the first key that it is given.
async fn place_of_the_first_key(screen: &mut WebSocketStream<TcpStream>) -> Vec<u8> {
    screen.send(Message::binary(&[3, 0, 0, 112, 0, 80, 0, 16, 0, 16][..])).await.unwrap();
    let mut update = Vec::new();
    while update.len() < 4 + 12 + 16 * 16 * 4 {
        update.extend(timeout(PATIENCE, screen.next()).await.unwrap().unwrap().unwrap().into_data());
    }
    update
}

#[tokio::test]
async fn the_demos_shell_works_its_watcher_only_watches_and_nothing_of_it_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (stale, ours) =
        (folder.path().join("consolegate-demo-4194999-00ff"), folder.path().join("consolegate-demo-1-00ff"));
    std::fs::create_dir(&stale).unwrap();
    std::fs::create_dir(&ours).unwrap();
    let mut demo = Demo::start_in(folder.path(), &[]);
    let panel = demo.word("http://").await;
    assert!(!stale.exists(), "no process has so large a number");
    assert!(ours.exists(), "the first process always runs");

    let mut shell = open(&panel, "103").await;
    let typed = "echo answer-$((6*7))\r";
    shell.send(Message::binary(format!("0:{}:{typed}", typed.len()).into_bytes())).await.unwrap();
    until(&mut shell, b"answer-42").await;

    let mut watcher = open(&panel, "100-watch").await;
    watcher.send(Message::binary(&b"RFB 003.008\n\x01\x01"[..])).await.unwrap();
    until(&mut watcher, b"web-01").await;
    let before = place_of_the_first_key(&mut watcher).await;
    watcher.send(Message::binary([4, 1, 0, 0, 0, 0, 0, 0x61].repeat(50))).await.unwrap();
    assert_eq!(place_of_the_first_key(&mut watcher).await, before, "no key arrived before this request did");

    let pid = Pid::from_raw(demo.child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    // Half of drain.deadline, for which a gateway waits for its consoles.
    let ended = timeout(Duration::from_secs(30), demo.child.wait()).await;
    assert!(ended.expect("it waits for nobody").unwrap().success());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["consolegate-demo-1-00ff"]);
}

#[tokio::test]
async fn a_configuration_of_ones_own_reaches_the_demos_node_with_the_cluster_of_the_demos() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("panel.key");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let panel = ["--panel-origin", "http://localhost:3000", "--panel-key", key.to_str().unwrap()];
    let mut demo = Demo::start_in(folder.path(), &panel);
    let said = demo.line("consolegate.toml").await;
    let file = said.rsplit(' ').next().unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let cluster = &text[text.find("[[cluster]]").unwrap()..];

    let own = folder.path().join("own.toml");
    let head = r#"
        public_url = "http://127.0.0.1:8490"
        [listen]
        address = "127.0.0.1:8490"
        [[issuer]]
        name = "mine"
        clusters = ["eu1"]
        [[issuer.key]]
        id = "1"
        algorithm = "HS256"
        secret_file = "panel.key"
    "#;
    std::fs::write(&own, format!("{head}{cluster}")).unwrap();
    let asked = Command::new(env!("CARGO_BIN_EXE_consolegate"))
        .args(["doctor", "--vmid", "100", "--config", own.to_str().unwrap()])
        .kill_on_drop(true)
        .output();
    let asked = timeout(PATIENCE, asked).await.expect("it comes to an end").unwrap();
    let found = String::from_utf8(asked.stdout).unwrap();
    assert!(asked.status.success(), "{found}{}", String::from_utf8_lossy(&asked.stderr));
    assert!(found.contains("RFB 003.008 from qemu/100"), "{found}");
    demo.child.kill().await.unwrap();
}

/// What a gateway answers to a request of a page of this origin.
async fn answer(gateway: &str, method: &str, path: &str, origin: &str, token: &str) -> String {
    let host = gateway.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_panel_of_ones_own_signs_for_the_demos_machines() {
    const ORIGIN: &str = "http://panel.localhost:3000";
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("panel.key");
    let secret = "0123456789abcdef0123456789abcdef";
    std::fs::write(&key, format!("{secret}\n")).unwrap();
    let mut demo = Demo::start(&["--panel-origin", ORIGIN, "--panel-key", key.to_str().unwrap()]);
    let opens = demo.line("/console#TOKEN").await;
    let gateway = opens.rsplit(' ').next().unwrap().strip_suffix("/console#TOKEN").unwrap().to_owned();

    // The token is made of what the demo says, and of nothing else.
    let mut said = HashMap::new();
    while !said.contains_key("vmid") {
        let line = demo.line("    ").await;
        let mut words = line.split_whitespace();
        said.insert(words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    }
    assert_eq!(said["alg"], "HS256");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |jti: &str, secret: &str| {
        let header = Header { kid: Some(said["kid"].clone()), ..Header::new(Algorithm::HS256) };
        let claims = json!({
            "iss": said["iss"], "aud": said["aud"], "sub": "customer-1", "jti": jti, "iat": now, "exp": now + 60,
            "console": { "cluster": said["cluster"], "kind": "qemu", "vmid": said["vmid"].parse::<u32>().unwrap(),
                         "protocol": "vnc", "title": "web-01" },
        });
        encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    let opened = answer(&gateway, "POST", "/v1/sessions", ORIGIN, &token("0123456789abcdef", secret)).await;
    assert!(opened.starts_with("HTTP/1.1 201 "), "{opened}");
    assert!(opened.contains("\"title\":\"web-01\""), "{opened}");
    let other = token("fedcba9876543210", "another secret of thirty-two bytes");
    let refused = answer(&gateway, "POST", "/v1/sessions", ORIGIN, &other).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    let third = token("abcdefabcdefabcd", secret);
    let stranger = answer(&gateway, "POST", "/v1/sessions", "http://localhost:3000", &third).await;
    assert!(stranger.starts_with("HTTP/1.1 403 "), "{stranger}");
    let page = answer(&gateway, "GET", "/console", ORIGIN, "-").await;
    let ancestors = page.lines().find(|line| line.contains("frame-ancestors")).unwrap();
    assert!(ancestors.contains(ORIGIN), "{ancestors}");
    demo.child.kill().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_ones_own_panel_is_said_of_its_option() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("panel.key");
    std::fs::write(&key, "short\n").unwrap();
    let key = key.to_str().unwrap();
    let pathy = ["--panel-origin", "http://localhost:3000/panel", "--panel-key", key];
    let short = ["--panel-origin", "http://localhost:3000", "--panel-key", key];
    let public = [short.as_slice(), &["--panel-algorithm", "EdDSA"]].concat();
    let unknown = [short.as_slice(), &["--panel-algorithm", "none"]].concat();
    for (arguments, words) in [
        (pathy.as_slice(), "--panel-origin: \"http://localhost:3000/panel\": expected an origin without a path"),
        (&short, "--panel-key: /"),
        (&short, "panel.key holds 5 bytes; a secret has at least 32; make one: openssl rand -hex 32"),
        (&public, "panel.key holds no PEM public key"),
        (&unknown, "--panel-algorithm: \"none\" is not known"),
    ] {
        let ended = Command::new(env!("CARGO_BIN_EXE_consolegate"))
            .args(["demo", "--port", "0", "--gateway-port", "0"])
            .args(arguments)
            .output();
        let ended = timeout(PATIENCE, ended).await.unwrap().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(words) && !said.contains("issuer["), "{said}");
    }
}

#[tokio::test]
async fn a_taken_port_names_the_whole_command_that_takes_others() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_consolegate"));
    let ended = timeout(PATIENCE, demo.args(["demo", "--port", &port, "--gateway-port", "0"]).output());
    let ended = ended.await.unwrap().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("consolegate demo --port 8490 --gateway-port 8491"), "{said}");
    assert!(said.contains("make demo DEMO_ARGS=\"--port 8490 --gateway-port 8491\""), "{said}");
}
