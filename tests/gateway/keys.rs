//! Keys that change while the gateway runs: by a reload, and at the address where the panel publishes them.

use super::gateway::{PATIENCE, Place, SECRET, TestGateway, token};
use super::node_faults::later;
use super::{NODES, cluster};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use consolegate::config::{Key, KeyMaterial};
use consolegate::secret::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

/// Claims of a new token.
fn claims() -> Value {
    let payload = token(100, |_| ()).split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn answer(place: &Place, token: &str) -> String {
    let session = place.session(token).await;
    session["code"].as_str().unwrap_or("opens").to_owned()
}

#[tokio::test]
async fn d03_both_keys_open_while_they_overlap_and_the_old_one_nothing_once_it_is_taken_out() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    let secret = b"another-secret-of-the-panel-that-is-long-enough";
    let newer = || {
        let header = Header { kid: Some("2026-12".into()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap()
    };
    let mut live = gateway.open(100).await;
    live.log_in().await.unwrap();
    assert_eq!(answer(&gateway, &newer()).await, "token_rejected", "not known yet");

    gateway.reload(|config| {
        let material = KeyMaterial::Shared(Secret::new(&secret[..]));
        config.issuers[0].keys.push(Key { id: "2026-12".into(), algorithm: Algorithm::HS256, material });
    });
    assert_eq!(answer(&gateway, &newer()).await, "opens");
    assert_eq!(answer(&gateway, &token(100, |_| ())).await, "opens");

    gateway.reload(|config| config.issuers[0].keys.retain(|key| key.id != "2026-11"));
    assert_eq!(answer(&gateway, &newer()).await, "opens");
    assert_eq!(answer(&gateway, &token(100, |_| ())).await, "token_rejected");
    assert_eq!(gateway.metric("consolegate_tokens_rejected_total{reason=\"kid\"}").await, Some(2.0));
    assert!(live.first_update(64, 48).await.is_ok(), "what it opened before goes on");
}

/// A panel that publishes its keys on loopback.
#[derive(Clone)]
struct Panel {
    address: SocketAddr,
    /// What it answers; none: it closes.
    set: Arc<Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
    /// Gone with this, its port too.
    serves: Arc<Mutex<Option<AbortOnDropHandle<()>>>>,
}

impl Panel {
    async fn publishing(set: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let panel = Self {
            address: listener.local_addr().unwrap(),
            set: Arc::new(Mutex::new(Some(set))),
            asked: Arc::default(),
            serves: Arc::default(),
        };
        let serves = panel.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                serves.asked.fetch_add(1, Ordering::SeqCst);
                let Some(set) = serves.set.lock().unwrap().as_ref().map(Value::to_string) else { continue };
                let length = set.len();
                drop(stream.read(&mut [0; 4096]).await);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}");
                drop(stream.write_all(format!("{head}\r\n\r\n{set}").as_bytes()).await);
            }
        });
        *panel.serves.lock().unwrap() = Some(AbortOnDropHandle::new(task));
        panel
    }

    /// It is gone, and nobody listens where it was.
    async fn goes_down(&self) {
        drop(self.serves.lock().unwrap().take());
        let gone = async { while TcpStream::connect(self.address).await.is_ok() {} };
        timeout(PATIENCE, gone).await.expect("it is gone");
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A key of the panel and what it publishes of it.
fn signing(kid: &'static str) -> (impl Fn() -> String, Value) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
    let key = EncodingKey::from_ed_der(pair.serialized_der());
    let sign = move || {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims(), &key).unwrap()
    };
    (sign, json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid, "x": x}))
}

#[tokio::test]
async fn t29_f14_keys_of_an_address_open_consoles_and_a_flood_of_unknown_names_asks_once() {
    let (sign, public) = signing("fetched");
    let panel = Panel::publishing(json!({"keys": [public]})).await;
    let sim = cluster(|_| {}).await;
    let url = format!("jwks_url = \"http://{}/keys.json\"\n[[issuer.key]]", panel.address);
    let gateway = TestGateway::start_changed(&sim, NODES, |text| {
        text.replace("[[issuer.key]]", &url) + "[limits]\nper_client = 2000\nper_subject = 2000\n"
    })
    .await;
    assert_eq!(answer(&gateway, &sign()).await, "opens", "the first token waits for the keys");
    assert_eq!(answer(&gateway, &token(100, |_| ())).await, "opens", "the key of the configuration is beside them");

    let random = |n: usize| {
        let header = Header { kid: Some(format!("random-{n}")), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
    };
    let started = Instant::now();
    for round in 0..10 {
        let flood = futures_util::future::join_all((0..50).map(|n| {
            let (gateway, token) = (&gateway, random(round * 50 + n));
            async move { answer(gateway, &token).await }
        }));
        let good = sign();
        let (refused, opened) = tokio::join!(flood, answer(&gateway, &good));
        assert!(refused.iter().all(|code| code == "token_rejected"), "{refused:?}");
        assert_eq!(opened, "opens");
    }
    let windows = usize::try_from(started.elapsed().as_secs() / 30).unwrap();
    assert!(panel.asked() <= 1 + windows + 1, "{} questions for 500 names", panel.asked());

    // The panel is gone; what was fetched counts, for the next generation too.
    *panel.set.lock().unwrap() = None;
    let asked = panel.asked();
    gateway.reload(|config| config.limits.per_guest = 3);
    assert_eq!(answer(&gateway, &sign()).await, "opens");
    assert_eq!(panel.asked(), asked, "and nothing was asked again");
    let failures = gateway.metric("consolegate_jwks_refresh_failures_total{issuer=\"panel\"}").await;
    assert_eq!(failures, Some(0.0));
}

/// All that a gateway wants of a panel is its keys, and it tells it nothing: there is no queue of events for one. Audit lines
/// go to the log and a file, whose queues are bounded and counted (E07).
#[tokio::test]
async fn f15_while_the_panel_is_down_what_it_signed_opens_comes_back_and_goes_on() {
    let (sign, public) = signing("fetched");
    let panel = Panel::publishing(json!({"keys": [public]})).await;
    let sim = cluster(|_| {}).await;
    let url = format!("jwks_url = \"http://{}/keys.json\"\n[[issuer.key]]", panel.address);
    let gateway = TestGateway::start_changed(&sim, NODES, |text| text.replace("[[issuer.key]]", &url)).await;
    let page = gateway.session(&sign()).await;
    let mut live = gateway.open_with(page["ticket"].as_str().unwrap()).await;
    live.log_in().await.unwrap();
    let issued = [sign(), sign(), token(100, |_| ())];

    panel.goes_down().await;
    let began = Instant::now();
    for token in &issued {
        assert_eq!(answer(&gateway, token).await, "opens");
    }
    assert!(began.elapsed() < Duration::from_secs(2), "none waits for the panel: {:?}", began.elapsed());
    live.first_update(64, 48).await.expect("what is live goes on");
    drop(live);
    let resumed = gateway.session(page["resume"].as_str().unwrap()).await;
    let mut again = gateway.open_with(resumed["ticket"].as_str().unwrap()).await;
    again.log_in().await.expect("and what was cut comes back");
    drop(again);
    later(3600).await;
    gateway.until_at_least("consolegate_jwks_refresh_failures_total{issuer=\"panel\"}", 1.0).await;
    assert_eq!(answer(&gateway, &sign()).await, "opens", "also once its keys were asked for in vain");
}

#[tokio::test]
async fn f14_a_panel_that_never_answered_refuses_its_own_keys_alone_and_is_named() {
    let (sign, _) = signing("fetched");
    let panel = Panel::publishing(json!({"keys": []})).await;
    let sim = cluster(|_| {}).await;
    let url = format!("jwks_url = \"http://{}/keys.json\"\n[[issuer.key]]", panel.address);
    let gateway = TestGateway::start_changed(&sim, NODES, |text| text.replace("[[issuer.key]]", &url)).await;
    let started = Instant::now();
    assert_eq!(answer(&gateway, &sign()).await, "token_rejected");
    assert_eq!(answer(&gateway, &token(100, |_| ())).await, "opens");
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(gateway.metric("consolegate_tokens_rejected_total{reason=\"keys_stale\"}").await, Some(1.0));
    let failures = gateway.metric("consolegate_jwks_refresh_failures_total{issuer=\"panel\"}").await;
    assert_eq!(failures, Some(1.0));
}
