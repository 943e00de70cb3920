//! The record layer between two peers that share no line of code with it: `openssl s_client` on the browser's leg and
//! `openssl s_server` on the node's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(missing_docs, reason = "tests")]

mod peer;
mod relay;
mod scene;

use consolegate::config::Engine;
use consolegate::record::Transport;
use peer::{Peer, Typed};
use scene::{BEGIN, END, Identity, Legs, Scene, open, text};
use std::future::poll_fn;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Nothing here takes this long on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(60);

const SUITES: [&str; 3] = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
const BOTH_COMMANDS: [Typed; 3] = [Typed::UpdateBoth, Typed::Update, Typed::UpdateBoth];

const TLS13: [&str; 1] = ["-tls1_3"];
const TLS12: [&str; 1] = ["-tls1_2"];

/// A message of openssl's `-msg`.
const KEY_UPDATE: &str = "KeyUpdate";
const CLOSE_NOTIFY: &str = "warning close_notify";

fn no_complaint(ended: &peer::Ended) {
    for words in [":error:", "ERROR"] {
        assert!(!ended.errors.contains(words), "{words}: {}", ended.errors);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_suites_carries_megabytes_while_both_peers_change_their_keys() {
    for client in SUITES {
        for server in SUITES {
            let legs = Legs {
                client: &["-tls1_3", "-ciphersuites", client],
                server: &["-tls1_3", "-ciphersuites", server],
                engine: Engine::Auto,
                in_place: (true, true),
            };
            let typed = text(1024, 4000, &BOTH_COMMANDS, 25);
            let (both, one) = (7, 3);
            let (client, server) = Scene::begin(legs).await.exchange(typed.clone(), typed).await;
            for ended in [client, server] {
                no_complaint(&ended);
                let (sent, received) = (ended.sent(KEY_UPDATE), ended.received(KEY_UPDATE));
                assert_eq!(sent, both + one, "what was typed");
                // Those that come before the next data may share an answer (RFC 8446 4.6.3).
                assert!((1..=both).contains(&received), "{received} answers to {both} requests");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_version_or_the_buffered_engine_carries_the_same() {
    let updates = text(1024, 4000, &BOTH_COMMANDS, 25);
    let none = text(1024, 4000, &[], 25);
    let cases = [
        (&TLS12, &TLS13, Engine::Auto, (false, true), &none, &updates),
        (&TLS13, &TLS12, Engine::Auto, (true, false), &updates, &none),
        (&TLS12, &TLS12, Engine::Auto, (false, false), &none, &none),
        (&TLS13, &TLS13, Engine::Buffered, (false, false), &updates, &updates),
    ];
    for (client, server, engine, in_place, up, down) in cases {
        let legs = Legs { client, server, engine, in_place };
        let (client, server) = Scene::begin(legs).await.exchange(up.clone(), down.clone()).await;
        no_complaint(&client);
        no_complaint(&server);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_every_size_and_padding_are_opened() {
    let cases: [(&[&str], usize); 7] = [
        (&["-tls1_3", "-max_send_frag", "512"], 4000),
        (&["-tls1_3", "-max_send_frag", "512", "-record_padding", "64"], 4000),
        (&["-tls1_3", "-record_padding", "64"], 3),
        (&["-tls1_3", "-record_padding", "16384"], 1000),
        (&["-tls1_3", "-split_send_frag", "777"], 4000),
        (&["-tls1_3"], 1),
        // A message as long as what openssl reads at once.
        (&["-tls1_3"], 8192),
    ];
    for (options, line) in cases {
        let legs = Legs { client: options, server: options, engine: Engine::Auto, in_place: (true, true) };
        let typed = text(line.min(512), line, &BOTH_COMMANDS, 100);
        let (client, server) = Scene::begin(legs).await.exchange(typed.clone(), typed).await;
        no_complaint(&client);
        no_complaint(&server);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_goodbye_is_passed_on_to_the_other_leg() {
    let legs = Legs { client: &TLS13, server: &TLS13, engine: Engine::Auto, in_place: (true, true) };
    let typed = text(1, 100, &[], 100);
    let (client, server) = Scene::begin(legs).await.exchange(typed.clone(), typed).await;
    assert_eq!(client.sent(CLOSE_NOTIFY), 1, "{client:?}");
    assert_eq!(server.received(CLOSE_NOTIFY), 1, "{server:?}");
    assert!(client.status.success() && server.status.success(), "{client:?} {server:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_at_once_ends_it_cleanly() {
    let legs = Legs { client: &TLS13, server: &TLS13, engine: Engine::Auto, in_place: (true, true) };
    let mut scene = Scene::begin(legs).await;
    scene.client.leaves();
    timeout(PATIENCE, scene.relay).await.expect("an end").unwrap().expect("a clean one");
    no_complaint(&scene.client.ended().await);
    let server = scene.server.ended().await;
    no_complaint(&server);
    assert_eq!(server.received(CLOSE_NOTIFY), 1, "{server:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_crashes_while_data_flows_ends_it_and_the_other_is_told() {
    let legs = Legs { client: &TLS13, server: &TLS13, engine: Engine::Auto, in_place: (true, true) };
    let typed = text(4096, 4000, &BOTH_COMMANDS, 25);
    for client_crashes in [true, false] {
        let Scene { client, server, relay } = Scene::begin(legs).await;
        let (mut crashing, mut other) = if client_crashes { (client, server) } else { (server, client) };
        let types = crashing.types(typed.clone());
        other.prints(b'0').await;
        let other = tokio::spawn(other.ended());
        crashing.crashes();
        // What was on its way may have come to nobody, and the system may say so: either is an end.
        let _ended = timeout(PATIENCE, relay).await.expect("an end").unwrap();
        let other = other.await.unwrap();
        assert_eq!(other.received(CLOSE_NOTIFY), 1, "{}", other.errors);
        crashing.ended().await;
        types.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_that_come_after_the_handshake_resume_the_next_connection() {
    let identity = Identity::new();
    let (mut server, address) = Peer::server(&identity, 2, &["-tls1_3", "-num_tickets", "4"]).await;
    let config = identity.client();
    for resumed in [false, true] {
        let mut ours = open(address, config.clone(), Engine::Auto).await;
        assert!(ours.is_in_place());
        // The server speaks first here, and waits for the Finished, which would leave with our first data.
        poll_fn(|cx| ours.poll_drain(cx, &mut 0)).await.unwrap();
        // What comes behind the tickets proves that they are read.
        server.types(vec![Typed::Data(vec![BEGIN])]).await.unwrap();
        let mut got = [0; 1];
        timeout(PATIENCE, ours.read_exact(&mut got)).await.expect("data").unwrap();
        ours.write_all(&[END]).await.unwrap();
        ours.flush().await.unwrap();
        let printed = String::from_utf8(server.prints(END).await).unwrap();
        assert_eq!(printed.contains("Reused session-id"), resumed, "{printed}");
        ours.shutdown().await.unwrap();
    }
    let ended = server.ended().await;
    no_complaint(&ended);
    assert_eq!(ended.sent("NewSessionTicket"), 4 + 1, "{ended:?}");
}
