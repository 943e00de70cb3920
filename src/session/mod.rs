//! Live sessions: the registry, the limits, and the guard that undoes both.
//!
//! Holding a [`SessionGuard`] proves that a session is within the limits, listed and killable; dropping it takes the
//! session off the list and gives its places back. Decides by counting alone: no I/O, no clock.

use crate::config::Limits;
use crate::id::{ClusterGuest, ClusterName, Console, NodeName, Protocol, SessionId};
use crate::reason::{Failure, Reason};
use crate::revocation::Facts;
use crate::token::Pass;
use crate::traffic::Traffic;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Ended sessions whose last figures wait for a scrape.
const MOST_GONE: usize = 9_000;

/// All live sessions of this gateway.
#[derive(Debug)]
pub struct Sessions {
    live: Mutex<Live>,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Live {
    entries: HashMap<SessionId, Entry>,
    guests: HashMap<ClusterGuest, usize>,
    subjects: HashMap<(String, String), usize>,
    nodes: HashMap<(ClusterName, NodeName), usize>,
    serial: u64,
    /// Ended and not told yet, where somebody wants to hear; at most as many as may be live.
    gone: Option<Vec<Listed>>,
    /// Set at shutdown: nothing new is admitted.
    closed: Option<Reason>,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    generation: u32,
    console: Console,
    subject: (String, String),
    node: Option<NodeName>,
    client: IpAddr,
    jti: String,
    issued: u64,
    began: u64,
    traffic: Arc<Traffic>,
    stop: Arc<Stop>,
}

/// Why a session is to end, once somebody says so; the last word counts.
#[derive(Debug, Default)]
struct Stop {
    why: Mutex<Option<Failure>>,
    said: Notify,
}

impl Stop {
    fn say(&self, why: Failure) {
        *self.lock() = Some(why);
        self.said.notify_waiters();
    }

    async fn heard(&self) -> Failure {
        loop {
            let said = self.said.notified();
            if let Some(why) = self.lock().clone() {
                return why;
            }
            said.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Failure>> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a list of sessions shows of one; opens nothing.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The session.
    pub id: SessionId,
    /// Which connection of it.
    pub generation: u32,
    /// Its console.
    pub console: Console,
    /// Its node, once known.
    pub node: Option<NodeName>,
    /// Issuer and subject.
    pub subject: (String, String),
    /// The browser's address.
    pub client: IpAddr,
    /// The connect token's name in logs, and the Unix second in which the panel signed it.
    pub jti: String,
    /// See `jti`.
    pub issued: u64,
    /// When this connection began, in Unix seconds.
    pub began: u64,
    /// What passed so far.
    pub traffic: Arc<Traffic>,
}

impl Listed {
    /// What a list says of it and what does not change while it is live: a JSON object.
    #[must_use]
    pub fn facts_of_list(&self) -> Value {
        json!({
            "session": self.id, "ref": self.id.reference(), "generation": self.generation,
            "protocol": self.console.protocol, "cluster": self.console.cluster.as_str(),
            "guest": self.console.guest.to_string(), "issuer": self.subject.0, "subject": self.subject.1,
            "jti": self.jti, "client": self.client, "began": self.began,
        })
    }

    /// What of it may be withdrawn.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        let (issuer, subject) = (&self.subject.0, &self.subject.1);
        Facts { issuer, subject, jti: &self.jti, console: &self.console, issued: self.issued }
    }
}

impl Sessions {
    /// No sessions yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { live: Mutex::default(), count: watch::Sender::new(0) })
    }

    /// Lists a session, or says which of the limits stands against it. A session that is live already is taken over. It
    /// begins at `now`, in Unix seconds.
    ///
    /// # Errors
    /// `gateway_full`, `limit_guest`, `limit_subject`, or why nothing is admitted any more.
    pub fn admit(
        self: &Arc<Self>,
        pass: &Pass,
        client: IpAddr,
        limits: &Limits,
        now: u64,
    ) -> Result<SessionGuard, Failure> {
        let (session, generation, grant) = (pass.session(), pass.generation(), pass.grant());
        let subject = (grant.issuer().to_owned(), grant.subject().to_owned());
        let mut live = self.lock();
        if let Some(reason) = live.closed {
            return Err(reason.into());
        }
        if live.entries.get(&session).is_some_and(|entry| entry.generation > generation) {
            return Err(Failure::new(Reason::TakenOver, "a later resume of this session is live already"));
        }
        if let Some(old) = live.remove(session, None) {
            old.stop.say(Reason::TakenOver.into());
        }
        live.check(limits, grant.console(), &subject)?;
        *live.guests.entry(grant.console().cluster_guest()).or_default() += 1;
        *live.subjects.entry(subject.clone()).or_default() += 1;
        live.serial += 1;
        let traffic = Arc::new(Traffic::default());
        let stop = Arc::<Stop>::default();
        let guard = SessionGuard {
            sessions: Arc::clone(self),
            id: session,
            serial: live.serial,
            traffic: Arc::clone(&traffic),
            stop: Arc::clone(&stop),
        };
        let (serial, console) = (live.serial, grant.console().clone());
        let (jti, issued) = (grant.jti_hash().to_owned(), grant.issued());
        let entry =
            Entry { serial, generation, console, subject, node: None, client, jti, issued, began: now, traffic, stop };
        live.entries.insert(session, entry);
        self.count.send_replace(live.entries.len());
        Ok(guard)
    }

    /// The live sessions, in no order that means anything but sorted by id.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let live = self.lock();
        let mut listed: Vec<Listed> = live.entries.iter().map(|(id, entry)| entry.listed(*id)).collect();
        listed.sort_by_key(|session| session.id);
        listed
    }

    /// One live session.
    #[must_use]
    pub fn get(&self, id: SessionId) -> Option<Listed> {
        self.lock().entries.get(&id).map(|entry| entry.listed(id))
    }

    /// What passes through the live sessions, for whoever counts it; in no order, and nothing else of them.
    #[must_use]
    pub fn traffics(&self) -> Vec<(Protocol, Arc<Traffic>)> {
        self.lock().entries.values().map(|entry| (entry.console.protocol, Arc::clone(&entry.traffic))).collect()
    }

    /// Whether those that end are kept until they are told.
    pub fn keep_gone(&self, wanted: bool) {
        let mut live = self.lock();
        live.gone = if wanted { Some(live.gone.take().unwrap_or_default()) } else { None };
    }

    /// Those that ended since the last call.
    #[must_use]
    pub fn take_gone(&self) -> Vec<Listed> {
        self.lock().gone.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// How many sessions are live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether none is live.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends one session; false where it is not live.
    pub fn stop(&self, id: SessionId, why: impl Into<Failure>) -> bool {
        let live = self.lock();
        live.entries.get(&id).map(|entry| entry.stop.say(why.into())).is_some()
    }

    /// Ends every session that it is true of, and says how many. It is asked under the lock, so it must not wait.
    pub fn stop_each(&self, is_meant: impl Fn(&Listed) -> bool, why: &Failure) -> usize {
        let live = self.lock();
        let mut ended = 0;
        for (_, entry) in live.entries.iter().filter(|(id, entry)| is_meant(&entry.listed(**id))) {
            entry.stop.say(why.clone());
            ended += 1;
        }
        ended
    }

    /// Ends all sessions and admits no more.
    pub fn close(&self, reason: Reason) {
        let mut live = self.lock();
        live.closed = Some(reason);
        for entry in live.entries.values() {
            entry.stop.say(reason.into());
        }
    }

    /// Returns once no session is live.
    pub async fn emptied(&self) {
        let mut count = self.count.subscribe();
        // The sender lives as long as this registry, so waiting cannot fail.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        // Counting cannot panic half-way, so a poisoned lock still guards whole state.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn check(&self, limits: &Limits, console: &Console, subject: &(String, String)) -> Result<(), Failure> {
        let over = |reason, limit| Err(Failure::new(reason, format!("{limit} sessions are live already")));
        if self.entries.len() >= limits.sessions {
            return over(Reason::GatewayFull, limits.sessions);
        }
        if self.guests.get(&console.cluster_guest()).is_some_and(|count| *count >= limits.per_guest) {
            return over(Reason::LimitGuest, limits.per_guest);
        }
        if self.subjects.get(subject).is_some_and(|count| *count >= limits.per_subject) {
            return over(Reason::LimitSubject, limits.per_subject);
        }
        Ok(())
    }

    /// Takes a session off the list; with a serial, only that very one.
    fn remove(&mut self, id: SessionId, serial: Option<u64>) -> Option<Entry> {
        if serial.is_some_and(|serial| self.entries.get(&id).is_none_or(|entry| entry.serial != serial)) {
            return None;
        }
        let entry = self.entries.remove(&id)?;
        give_back(&mut self.guests, &entry.console.cluster_guest());
        give_back(&mut self.subjects, &entry.subject);
        if let Some(node) = &entry.node {
            give_back(&mut self.nodes, &(entry.console.cluster.clone(), node.clone()));
        }
        Some(entry)
    }
}

impl Live {
    /// Keeps one that ended, where somebody wants to hear; the figures of a crowd that nobody asks for are not kept.
    fn keep(&mut self, ended: Option<Listed>) {
        if let (Some(gone), Some(ended)) = (&mut self.gone, ended)
            && gone.len() < MOST_GONE
        {
            gone.push(ended);
        }
    }
}

fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Entry {
    fn listed(&self, id: SessionId) -> Listed {
        Listed {
            id,
            generation: self.generation,
            console: self.console.clone(),
            node: self.node.clone(),
            subject: self.subject.clone(),
            client: self.client,
            jti: self.jti.clone(),
            issued: self.issued,
            began: self.began,
            traffic: Arc::clone(&self.traffic),
        }
    }
}

/// A listed session's place. Dropping it gives the place back.
#[derive(Debug)]
pub struct SessionGuard {
    sessions: Arc<Sessions>,
    id: SessionId,
    serial: u64,
    traffic: Arc<Traffic>,
    stop: Arc<Stop>,
}

impl SessionGuard {
    /// The session's counts.
    #[must_use]
    pub const fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// Notes the node, within its limit of sessions.
    ///
    /// # Errors
    /// `limit_node`.
    pub fn place(&self, node: &NodeName, limit: usize) -> Result<(), Failure> {
        let mut live = self.sessions.lock();
        let Some(entry) = live.entries.get(&self.id).filter(|entry| entry.serial == self.serial) else {
            return Err(Reason::TakenOver.into());
        };
        let key = (entry.console.cluster.clone(), node.clone());
        let count = live.nodes.entry(key).or_default();
        if *count >= limit {
            return Err(Failure::new(Reason::LimitNode, format!("{limit} sessions of node {node} are live already")));
        }
        *count += 1;
        if let Some(entry) = live.entries.get_mut(&self.id) {
            entry.node = Some(node.clone());
        }
        Ok(())
    }

    /// Waits until somebody ends the session, and says why.
    pub async fn stopped(&self) -> Failure {
        self.stop.heard().await
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        let mut live = self.sessions.lock();
        let ended = live.remove(self.id, Some(self.serial)).map(|entry| entry.listed(self.id));
        live.keep(ended);
        self.sessions.count.send_replace(live.entries.len());
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
