//! The keys of an issuer's `jwks_url`: kept fresh by a task of their own, and asked for when a token names one they lack.
//!
//! Owns who asks and who waits: one question at a time, never two within half a minute, and a token waits two seconds at
//! most. What to do with an answer is [`Held`]'s, how to get one [`Door`]'s. A set is whole or not at all, and one that is
//! not keeps the last good one, with a warning and a counter.

use super::jwks::{self, KeySet};
use super::jwks_door::{Answer, Door};
use super::jwks_held::Held;
use crate::clock::unix_now;
use crate::config;
use crate::metrics::Metrics;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

/// From the question to the last byte of its answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a token waits for the key it names.
const PATIENCE: Duration = Duration::from_secs(2);

type Asked = Pin<Box<dyn Future<Output = Result<Answer, String>> + Send>>;
type Ask = Arc<dyn Fn() -> Asked + Send + Sync>;
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// One issuer's key set.
#[derive(Debug)]
pub(super) struct JwksUrl {
    shared: Arc<Shared>,
    /// Ends with the last generation that uses the set.
    task: OnceLock<AbortOnDropHandle<()>>,
}

struct Shared {
    issuer: String,
    source: config::JwksUrl,
    held: watch::Sender<Held>,
    /// Somebody needs an answer now.
    wanted: Notify,
    ask: Ask,
    clock: Clock,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("issuer", &self.issuer).field("url", &self.source.url).finish_non_exhaustive()
    }
}

impl JwksUrl {
    /// The keys, while they count; none of them is asked for here.
    ///
    /// # Errors
    /// In the operator's words: none have come, or the last ones are older than `max_stale` seconds.
    pub(super) fn keys(&self, now: u64, max_stale: u64) -> Result<Arc<KeySet>, String> {
        let held = self.shared.held.borrow();
        held.keys(now, max_stale).map(Arc::clone).map_err(|why| format!("jwks_url {}: {why}", self.shared.source.url))
    }

    /// Asks for the set from now on. A set that another generation began to ask for goes on as it was.
    pub(super) fn begin(&self, metrics: &Arc<Metrics>) {
        metrics.jwks_refresh(&self.shared.issuer, false);
        let (shared, metrics) = (Arc::clone(&self.shared), Arc::clone(metrics));
        self.task
            .get_or_init(|| AbortOnDropHandle::new(tokio::spawn(async move { shared.keep_fresh(&metrics).await })));
    }

    /// Waits for the next answer where the set lacks this key and may be asked for, or is being asked for.
    pub(super) async fn freshen(&self, id: &str, now: u64, max_stale: u64) {
        let mut held = self.shared.held.subscribe();
        let before = {
            let seen = held.borrow_and_update();
            if seen.keys(now, max_stale).is_ok_and(|keys| keys.contains_key(id)) {
                return;
            }
            if seen.may_ask(now) {
                self.shared.wanted.notify_one();
            } else if !seen.is_asking() {
                return;
            }
            seen.answers()
        };
        // In time or not, the token is judged by what is there then.
        drop(timeout(PATIENCE, held.wait_for(|held| held.answers() != before)).await);
    }
}

impl Shared {
    async fn keep_fresh(&self, metrics: &Metrics) {
        loop {
            let wait = Duration::from_secs(self.held.borrow().wait((self.clock)()));
            let is_due = tokio::select! {
                () = sleep(wait) => true,
                () = self.wanted.notified() => false,
            };
            if is_due || self.held.borrow().may_ask((self.clock)()) {
                self.refresh(metrics).await;
            }
        }
    }

    async fn refresh(&self, metrics: &Metrics) {
        self.held.send_modify(|held| held.ask((self.clock)()));
        let answer = (self.ask)().await.and_then(|answer| Ok((jwks::read(&answer.body)?, answer.max_age)));
        if let Err(cause) = &answer {
            metrics.jwks_refresh(&self.issuer, true);
            let (issuer, url) = (&self.issuer, &self.source.url);
            tracing::warn!(target: "consolegate::token", ?issuer, url, cause, "no good key set came; the last good one stays");
        }
        self.held.send_modify(|held| held.answer(answer, (self.clock)()));
    }
}

/// The key sets that are asked for, whatever generation of the configuration uses them.
pub struct KeySets {
    alive: Mutex<Vec<Weak<JwksUrl>>>,
    clock: Clock,
    ask: Option<Ask>,
}

impl fmt::Debug for KeySets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySets")
    }
}

impl Default for KeySets {
    fn default() -> Self {
        Self { alive: Mutex::default(), clock: Arc::new(unix_now), ask: None }
    }
}

impl KeySets {
    /// Sets that come from elsewhere and by another clock.
    #[cfg(test)]
    pub(super) fn by<A>(
        clock: impl Fn() -> u64 + Send + Sync + 'static,
        ask: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self
    where
        A: Future<Output = Result<Answer, String>> + Send + 'static,
    {
        let ask: Ask = Arc::new(move || Box::pin(ask()));
        Self { alive: Mutex::default(), clock: Arc::new(clock), ask: Some(ask) }
    }

    /// The set of an issuer. How a reload keeps what was fetched: as long as a generation that uses a set lives, the next
    /// one whose issuer has the same name, address and authorities is given that very set, with its keys, its task and
    /// the time of its last question. Nothing is asked before [`JwksUrl::begin`], so a generation that is thrown away
    /// changed nothing.
    ///
    /// # Errors
    /// In the operator's words: authorities or a host that cannot be used.
    pub(super) fn of(&self, issuer: &str, source: &config::JwksUrl) -> Result<Arc<JwksUrl>, String> {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.retain(|set| set.strong_count() > 0);
        let is_it = |set: &Arc<JwksUrl>| {
            let other = &set.shared;
            other.issuer == issuer && other.source.url == source.url && other.source.ca == source.ca
        };
        if let Some(set) = alive.iter().filter_map(Weak::upgrade).find(is_it) {
            return Ok(set);
        }
        let ask = match &self.ask {
            Some(ask) => Arc::clone(ask),
            None => by_network(source)?,
        };
        let shared = Shared {
            issuer: issuer.to_owned(),
            source: source.clone(),
            held: watch::Sender::new(Held::default()),
            wanted: Notify::new(),
            ask,
            clock: Arc::clone(&self.clock),
        };
        let set = Arc::new(JwksUrl { shared: Arc::new(shared), task: OnceLock::new() });
        alive.push(Arc::downgrade(&set));
        Ok(set)
    }
}

fn by_network(source: &config::JwksUrl) -> Result<Ask, String> {
    let door = Arc::new(Door::new(source)?);
    Ok(Arc::new(move || {
        let door = Arc::clone(&door);
        Box::pin(async move { door.ask(ANSWER).await })
    }))
}
