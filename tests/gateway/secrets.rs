//! No secret passes (invariant I2): every byte the browser's side received, every log line and every metric is searched.

use super::binary::Binary;
use super::control::Control;
use super::gateway::{Place, token};
use super::raw::Raw;
use super::term::terminal;
use super::{NODES, cluster};
use consolegate::sim::{Sim, Style};
use consolegate::wire::websocket::{Opcode, frame};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

#[tokio::test]
async fn i2_no_ticket_password_token_or_address_of_the_cluster_reaches_the_browser_a_log_or_a_metric() {
    for (style, sign_in) in
        [(Style::New, SignIn::Token), (Style::Legacy, SignIn::Token), (Style::New, SignIn::Password)]
    {
        let sim = cluster(|config| config.style = style).await;
        let mut binary = Binary::start_with(&sim, |text| sign_in.write(text, &sim)).await;
        binary.says("consolegate is ready").await;
        let mut tokens: Vec<String> = [100, 101, 102, 999, 100].map(|vmid| token(vmid, |_| {})).to_vec();
        tokens.push(terminal("qemu", 100, |_| {}));
        tokens.push(token(101, |claims| claims["console"]["rights"] = json!(["input", "power"])));
        let received = everything_received(&binary.place, &sim, &tokens).await;
        let metrics = binary.place.metrics().await;
        let logged = binary.logged();
        let secrets = secrets(&sim, &tokens);
        assert!(secrets.len() > 8, "{secrets:?}");
        for (place, text) in [("the browser", &received), ("the log", &logged), ("metrics", &metrics)] {
            assert!(text.len() > 500, "{place} was hardly looked at: {} bytes", text.len());
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{secret} reached {place}");
            }
        }
        assert!(logged.contains("session.opened") && logged.contains("session.closed"), "{logged}");
        for node in NODES {
            let address = sim.node_address(node).to_string();
            assert!(!received.contains(&address), "{address} reached the browser");
        }
    }
}

/// A page's session, two screens and a terminal that open and end, one that is off, one that is not there, a token used and used again.
async fn everything_received(place: &Place, sim: &Sim, tokens: &[String]) -> String {
    let mut received = Vec::new();
    for (index, vmid) in [100, 101].into_iter().enumerate() {
        let mut raw = Raw::log_in_with(place, &tokens[index]).await;
        raw.begin().await;
        let key = [4, 1, 0, 0, 0, 0, 0, 0x61];
        raw.send(&frame(Opcode::Binary, Some([9; 4]), &key)).await;
        sim.guest(vmid).wait_for_key(0x61).await.unwrap();
        sim.guest(vmid).kill_console();
        raw.close_code().await;
        received.extend(raw.received);
    }
    for token in &tokens[2..4] {
        let mut raw = Raw::open_with(place, token, &[]).await;
        raw.close_code().await;
        received.extend(raw.received);
    }
    // A terminal that says there is none, and ends; old nodes refuse even that to tokens.
    let mut raw = Raw::open_with(place, &tokens[5], &[]).await;
    raw.close_code().await;
    received.extend(raw.received);
    for _ in 0..2 {
        received.extend(place.refused(&tokens[4]).await.into_bytes());
    }
    // A session of the page: what it is given, and how its machine is and is switched.
    let control = Control::with(place, &tokens[6]).await;
    received.extend(control.opened.to_string().into_bytes());
    for (status, answer) in [control.ask("GET", &control.path, "").await, control.press("reset").await] {
        assert!(status < 300, "{answer}");
        received.extend(answer.to_string().into_bytes());
    }
    let resumed = place.session(control.opened["resume"].as_str().unwrap()).await;
    assert!(resumed["ticket"].is_string(), "{resumed}");
    received.extend(resumed.to_string().into_bytes());
    String::from_utf8_lossy(&received).into_owned()
}

/// How the gateway signs in to the cluster.
#[derive(Clone, Copy)]
enum SignIn {
    Token,
    Password,
}

impl SignIn {
    fn write(self, text: String, sim: &Sim) -> String {
        let token = format!("{{ token_id = \"{}\", secret_file = \"pve.secret\" }}", sim.api_token().0);
        assert!(text.contains(&token), "{text}");
        match self {
            Self::Token => text,
            Self::Password => {
                let user = sim.user().0;
                text.replace(&token, &format!("{{ user = \"{user}\", password_file = \"pve.password\" }}"))
            }
        }
    }
}

/// What must be found nowhere: what the panel, the gateway and the nodes know and the browser must not.
fn secrets(sim: &Sim, tokens: &[String]) -> Vec<String> {
    let (_, api_secret) = sim.api_token();
    let mut secrets = sim.given_secrets();
    secrets.push(api_secret.to_owned());
    let (user, password) = sim.user();
    // A login ticket, the cookie's value, begins with its user.
    secrets.extend([super::gateway::SECRET.to_owned(), password.to_owned(), format!("PVE:{user}:")]);
    secrets.push("PVEAuthCookie=".to_owned());
    secrets.extend(tokens.iter().cloned());
    // In a URL or a form a ticket looks different.
    let encoded = secrets.iter().map(|secret| utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string());
    let encoded: Vec<String> = encoded.collect();
    secrets.extend(encoded);
    secrets
}
