//! Keys that are asked for over the network: when, how often, what an answer changes, and until when it counts. The clock
//! and the panel are made here; the answers over real sockets are in the tests of the gateway.

use super::pairs::pair;
use super::rotation::{jwk, renamed, set};
use super::*;
use crate::config::JwksUrl;
use crate::metrics::Metrics;
use crate::token::jwks_door::Answer;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

/// A panel that publishes keys.
#[derive(Clone)]
struct Published {
    answer: Arc<Mutex<Result<String, &'static str>>>,
    asked: Arc<AtomicUsize>,
    /// An answer takes one.
    open: Arc<Semaphore>,
    started: Instant,
}

impl Published {
    fn new(first: Result<String, &'static str>) -> Self {
        Self {
            answer: Arc::new(Mutex::new(first)),
            asked: Arc::default(),
            open: Arc::new(Semaphore::new(1_000_000)),
            started: Instant::now(),
        }
    }

    fn publish(&self, answer: Result<String, &'static str>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Unix seconds, which pass with tokio's clock.
    fn now(&self) -> u64 {
        NOW + self.started.elapsed().as_secs()
    }

    fn sets(&self) -> KeySets {
        let (clock, panel) = (self.clone(), self.clone());
        KeySets::by(move || clock.now(), move || panel.clone().answer())
    }

    async fn answer(self) -> Result<Answer, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.open.acquire().await.unwrap().forget();
        let body = self.answer.lock().unwrap().clone().map_err(str::to_owned)?;
        Ok(Answer { body: body.into(), max_age: Some(600) })
    }
}

fn rules() -> Issuer {
    let mut rules = issuer(&[]);
    rules.jwks_url = Some(JwksUrl {
        url: "https://panel.example.com/keys".into(),
        tls: true,
        host: "panel.example.com".into(),
        port: 443,
        path: "/keys".into(),
        ca: None,
        max_stale: Duration::from_secs(3600),
    });
    rules
}

fn build(rules: Issuer, sets: &KeySets) -> Verifier {
    let clusters = [cluster("eu1", &["pve1", "pve2"])];
    Verifier::new(&[rules], &clusters, &origin(OWN), None, sets).unwrap()
}

/// A verifier that asks this panel, and its metrics.
fn gate(published: &Published) -> (Verifier, Arc<Metrics>) {
    let (gate, metrics) = (build(rules(), &published.sets()), Arc::new(Metrics::new().unwrap()));
    gate.begin(&metrics);
    (gate, metrics)
}

fn failures(metrics: &Metrics) -> u64 {
    let text = String::from_utf8(metrics.render(std::iter::empty()).unwrap()).unwrap();
    let line = "consolegate_jwks_refresh_failures_total{issuer=\"panel\"} ";
    text.lines().find_map(|each| each.strip_prefix(line)?.parse().ok()).expect("the series is there from the start")
}

/// What becomes of a token that is signed now by this key under this name.
async fn judged(gate: &Verifier, published: &Published, kid: &str) -> Result<(), Reason> {
    let now = published.now();
    let mut claims = good();
    (claims["iat"], claims["exp"]) = (json!(now), json!(now + 60));
    let header = json!({"alg": "ES256", "kid": kid, "typ": "JWT"}).to_string();
    let token = pair(Algorithm::ES256).sign(&header, claims.to_string());
    gate.freshen(&token, now).await;
    gate.verify(&token, published.now()).map(drop).map_err(|rejected| rejected.failure.reason)
}

fn of(kids: &[&str]) -> Result<String, &'static str> {
    let keys: Vec<Value> = kids.iter().map(|kid| jwk(pair(Algorithm::ES256), kid)).collect();
    Ok(set(&keys))
}

#[tokio::test(start_paused = true)]
async fn d03_keys_are_there_from_the_start_and_a_new_one_with_its_first_token() {
    let published = Published::new(of(&["old"]));
    let (gate, metrics) = gate(&published);
    assert_eq!(judged(&gate, &published, "old").await, Ok(()));
    published.publish(of(&["old", "new"]));
    assert_eq!(judged(&gate, &published, "new").await, Err(Reason::TokenKeyId), "not within half a minute");
    sleep(Duration::from_secs(30)).await;
    assert_eq!(judged(&gate, &published, "new").await, Ok(()));
    assert_eq!(judged(&gate, &published, "old").await, Ok(()), "both, while they overlap");
    published.publish(of(&["new"]));
    sleep(Duration::from_secs(601)).await;
    assert_eq!(judged(&gate, &published, "old").await, Err(Reason::TokenKeyId), "taken out, it is out");
    assert_eq!(judged(&gate, &published, "new").await, Ok(()));
    assert_eq!(failures(&metrics), 0);
}

#[tokio::test(start_paused = true)]
async fn t29_unknown_names_are_asked_for_once_in_half_a_minute_and_by_one_at_a_time() {
    let published = Published::new(of(&["old"]));
    let (gate, _) = gate(&published);
    assert_eq!(judged(&gate, &published, "old").await, Ok(()));
    for second in 0..90 {
        for n in 0..20 {
            let refused = judged(&gate, &published, &format!("random-{second}-{n}")).await;
            assert_eq!(refused, Err(Reason::TokenKeyId));
        }
        assert_eq!(judged(&gate, &published, "old").await, Ok(()));
        sleep(Duration::from_secs(1)).await;
    }
    assert!((3..=4).contains(&published.asked()), "{} times in 90 s", published.asked());
}

#[tokio::test(start_paused = true)]
async fn f14_a_slow_panel_holds_a_token_for_two_seconds_and_is_asked_once() {
    let published = Published::new(of(&["old", "new"]));
    published.open.forget_permits(1_000_000);
    let (gate, _) = gate(&published);
    let started = Instant::now();
    let waits = (0..100).map(|n| {
        let (gate, published) = (&gate, &published);
        async move { judged(gate, published, if n % 2 == 0 { "new" } else { "random" }).await }
    });
    let judged_all = futures_util::future::join_all(waits).await;
    assert!(judged_all.iter().all(|one| *one == Err(Reason::KeysStale)), "no set has come yet");
    assert_eq!((started.elapsed().as_secs(), published.asked()), (2, 1));
    let waits = judged(&gate, &published, "new");
    let (opened, ()) = tokio::join!(waits, async { published.open.add_permits(1) });
    assert_eq!(opened, Ok(()), "the answer on its way is waited for");
    assert_eq!(published.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn f14_the_last_good_keys_count_until_they_are_too_old_and_come_back() {
    let published = Published::new(of(&["old"]));
    let (gate, metrics) = gate(&published);
    assert_eq!(judged(&gate, &published, "old").await, Ok(()));
    published.publish(Err("it answers 500 Internal Server Error instead of 200"));
    sleep(Duration::from_secs(600 + 3599)).await;
    assert_eq!(judged(&gate, &published, "old").await, Ok(()), "an hour after a fresh set was due");
    let failed = failures(&metrics);
    assert!((115..=121).contains(&failed), "twice a minute: {failed}");
    sleep(Duration::from_secs(3)).await;
    assert_eq!(judged(&gate, &published, "old").await, Err(Reason::KeysStale));
    published.publish(of(&["old"]));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(judged(&gate, &published, "old").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn f14_a_set_that_is_no_good_keeps_the_last_good_one() {
    let ours = jwk(pair(Algorithm::ES256), "old");
    let with = |member: &str, value: &str| {
        let mut other = jwk(pair(Algorithm::ES256), "other");
        other[member] = json!(value);
        Ok(set(&[ours.clone(), other]))
    };
    let bad = [
        Err("no connection: refused"),
        Ok(String::new()),
        Ok("{}".to_owned()),
        Ok("<html>".to_owned()),
        Ok(set(&[])),
        with("alg", "none"),
        with("alg", "NONE"),
        with("alg", "ES384"),
        with("d", "AAAA"),
        with("kty", "oct"),
        with("kid", "old"),
        with("x", "AAAA"),
        // Sets that lack every key of ours: for encryption, of no algorithm we know, without a name.
        Ok(set(&[{
            let mut key = ours.clone();
            key["use"] = json!("enc");
            key
        }])),
        Ok(set(&[json!({"kty": "OKP", "crv": "X25519", "kid": "old", "x": "AAAA"})])),
        Ok(json!({"keys": [{"kty": "EC", "crv": "P-256", "x": ours["x"], "y": ours["y"]}]}).to_string()),
    ];
    let published = Published::new(of(&["old"]));
    let (gate, metrics) = gate(&published);
    assert_eq!(judged(&gate, &published, "old").await, Ok(()));
    for bad in bad {
        let (shown, failed) = (format!("{bad:?}"), failures(&metrics));
        published.publish(bad);
        sleep(Duration::from_secs(30)).await;
        assert_eq!(judged(&gate, &published, "random").await, Err(Reason::TokenKeyId), "{shown}");
        assert_eq!(judged(&gate, &published, "old").await, Ok(()), "{shown}");
        assert_eq!(failures(&metrics), failed + 1, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_the_fetched_set_where_its_address_is_the_same() {
    let published = Published::new(of(&["old"]));
    let sets = published.sets();
    let metrics = Arc::new(Metrics::new().unwrap());
    let first = build(rules(), &sets);
    first.begin(&metrics);
    assert_eq!(judged(&first, &published, "old").await, Ok(()));

    let mut tighter = rules();
    tighter.max_token = Duration::from_secs(61);
    tighter.jwks_url.as_mut().unwrap().max_stale = Duration::from_secs(60);
    let second = build(tighter, &sets);
    second.begin(&metrics);
    drop(first);
    published.publish(Err("down"));
    assert_eq!(judged(&second, &published, "old").await, Ok(()));
    assert_eq!(published.asked(), 1, "nothing was asked again");

    let mut elsewhere = rules();
    elsewhere.jwks_url.as_mut().unwrap().url = "https://panel.example.com/other".into();
    let thrown_away = build(elsewhere, &sets);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(published.asked(), 1, "a generation that does not enter asks for nothing");
    assert_eq!(judged(&thrown_away, &published, "old").await, Err(Reason::KeysStale), "another address, other keys");

    drop((second, thrown_away));
    let asked = published.asked();
    sleep(Duration::from_secs(10_000)).await;
    assert_eq!(published.asked(), asked, "with the last generation the asking ends");
}

#[tokio::test(start_paused = true)]
async fn own_keys_wait_for_nobody() {
    let published = Published::new(Err("down"));
    published.open.forget_permits(1_000_000);
    let mut both = rules();
    both.keys = vec![panel().key()];
    let gate = build(both, &published.sets());
    gate.begin(&Arc::new(Metrics::new().unwrap()));
    let token = panel().token(&good());
    let waits = gate.freshen(&token, NOW);
    timeout(Duration::from_millis(1), waits).await.expect("at once");
    assert!(gate.verify(&token, NOW).is_ok());
    assert_eq!(reason(gate.verify(&renamed(&panel(), "unknown"), NOW)), Reason::KeysStale);
}
