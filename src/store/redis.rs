//! The store of a fleet: what one gateway remembers in Redis, all know.
//!
//! Owns how entries, names and news lie in Redis. Decides nothing about a session: a step is an [`Entry`]'s, written only
//! where nobody else wrote meanwhile. Without Redis, or without news for longer than [`STALE`], nothing opens; a Redis that
//! lost its memory is noticed by when it began, and takes nothing that may have been used before (F13, F27).

use super::connection::{Connection, Place, down};
use super::entry::{Entry, Outcome, Step};
use super::scripts::{ENTER, LEAVE, STEP};
use super::{News, Once};
use crate::clock::unix_now;
use crate::config::Limits;
use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use crate::revocation::Revocation;
use crate::{hex, sha256};
use redis::{cmd, pipe};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How old news may be while consoles open.
const STALE: Duration = Duration::from_secs(5);
/// How often another gateway may change the same session while this one decides.
const TRIES: usize = 8;
/// How long names are kept beyond their time: a clock that was set back by less opens nothing again.
const KEEP_SECONDS: u64 = 3600;
/// Panels' and gateways' clocks may differ by this, and a second has no parts.
const AMBIGUOUS_SECONDS: u64 = 6;
/// How long a gateway counts that says nothing any more.
const LEASE_SECONDS: u64 = 20;
/// News that are kept for gateways that were away for a moment.
const NEWS: usize = 10_000;
/// The longest that a session may live, and so a list of some.
const LONGEST_SECONDS: u64 = 200_000;

/// A connection that counts, as the fleet knows it.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) session: SessionId,
    pub(super) generation: u32,
    /// Names of its guest and its subject.
    pub(super) guest: String,
    pub(super) subject: String,
    /// What a list says of it: a JSON object.
    pub(super) facts: String,
}

/// A store in Redis.
#[derive(Debug)]
pub(super) struct Redis {
    connection: Connection,
    gateway: String,
    follows: Mutex<Follows>,
}

/// What this gateway knows of the fleet, and the fleet of it.
#[derive(Debug, Default)]
struct Follows {
    /// When news were heard last.
    fresh: Option<Instant>,
    /// When the store's memory began, and the last news heard.
    born: String,
    last: Option<String>,
    /// Connections that count, and those of which Redis did not hear that they ended.
    counted: HashMap<SessionId, Counted>,
    left: Vec<Counted>,
}

impl Redis {
    /// A store at this place, for a gateway of this name. Connects when it is first asked.
    ///
    /// # Errors
    /// In the operator's words: certificates that cannot be used.
    pub(super) fn new(place: &Place, gateway: String) -> Result<Self, String> {
        Ok(Self { connection: Connection::new(place)?, gateway, follows: Mutex::default() })
    }

    /// What this gateway is called.
    pub(super) fn gateway(&self) -> &str {
        &self.gateway
    }

    /// One step of a session, which uses a name up where it needs one.
    pub(super) async fn take(&self, session: SessionId, step: Step, once: Option<Once<'_>>) -> Result<u32, Failure> {
        if once.is_some() || matches!(step, Step::Resume { .. }) {
            self.is_fresh()?;
        }
        let key = self.key(&format!("session:{session}"));
        for _ in 0..TRIES {
            let written: Option<String> = self.connection.ask(cmd("GET").arg(&key)).await?;
            let known =
                written.as_deref().map(serde_json::from_str::<Entry>).transpose().map_err(|error| down(&error))?;
            let Outcome { entry, answer } = Entry::take(known, step);
            let once = once.filter(|_| answer.is_ok());
            if entry.is_none() && once.is_none() {
                return answer;
            }
            match self.write(&key, written.as_deref().unwrap_or_default(), entry, once).await?.as_str() {
                "done" => {
                    self.tell_of_return(session, known, step).await?;
                    return answer;
                }
                "used" => return Err(Reason::TokenReplay.into()),
                "early" => {
                    let cause = "it may have been used before the store of the fleet lost its memory or was new";
                    return Err(Failure::new(Reason::TokenBeforeBoot, cause));
                }
                _ => {}
            }
        }
        Err(Failure::new(
            Reason::StoreDown,
            format!("session {session} was changed {TRIES} times while one step was taken"),
        ))
    }

    async fn write(
        &self,
        key: &str,
        before: &str,
        entry: Option<Entry>,
        once: Option<Once<'_>>,
    ) -> Result<String, Failure> {
        let now = once.map_or_else(unix_now, |once| once.now);
        let text = entry.map(|entry| serde_json::to_string(&entry)).transpose().map_err(|error| down(&error))?;
        let leaves = entry.map_or(0, |entry| entry.leaves().unwrap_or_else(|| entry.ends()));
        let name = once.map(|once| self.key(&format!("once:{}", hex::lower(&sha256::of(once.name.as_bytes())))));
        let keep = once.map(|once| (once.until.saturating_sub(once.now) + KEEP_SECONDS).to_string());
        let mut step = cmd("EVAL");
        step.arg(STEP).arg(3).arg(key).arg(name.as_deref().unwrap_or(key)).arg(self.key("born"));
        step.arg(before).arg(text.unwrap_or_default()).arg(leaves.saturating_sub(now) + KEEP_SECONDS);
        step.arg(keep.unwrap_or_default()).arg(now).arg(once.map_or(0, |once| once.made)).arg(AMBIGUOUS_SECONDS);
        self.connection.ask(&step).await
    }

    /// A session that comes back while it is connected elsewhere is over there.
    async fn tell_of_return(&self, session: SessionId, known: Option<Entry>, step: Step) -> Result<(), Failure> {
        match (known, step) {
            (Some(entry), Step::Connecting { generation, .. }) if entry.is_live() && generation > 0 => {
                self.tell(&News::Returned(session, generation)).await
            }
            _ => Ok(()),
        }
    }

    /// Counts a connection against the limits of the whole fleet.
    pub(super) async fn enter(&self, counted: Counted, limits: &Limits) -> Result<(), Failure> {
        let mut enter = cmd("EVAL");
        enter.arg(ENTER).arg(3).arg(self.key(&counted.guest)).arg(self.key(&counted.subject));
        enter.arg(self.key(&format!("live:{}", self.gateway))).arg(counted.session.to_string());
        enter.arg(self.member(&counted)).arg(limits.per_guest).arg(limits.per_subject).arg(self.key("lease:"));
        enter.arg(&counted.facts).arg(LONGEST_SECONDS);
        let said: String = self.connection.ask(&enter).await?;
        let over = |reason, limit| Err(Failure::new(reason, format!("{limit} sessions are live in the fleet already")));
        match said.as_str() {
            "in" => {
                self.follows().counted.insert(counted.session, counted);
                Ok(())
            }
            "guest" => over(Reason::LimitGuest, limits.per_guest),
            _ => over(Reason::LimitSubject, limits.per_subject),
        }
    }

    /// The connection is over. Where Redis cannot be told now, it is told later.
    pub(super) async fn leave(&self, session: SessionId, generation: u32) {
        let counted = {
            let mut follows = self.follows();
            match follows.counted.get(&session) {
                Some(counted) if counted.generation == generation => follows.counted.remove(&session),
                _ => None,
            }
        };
        let Some(counted) = counted else { return };
        if let Err(failure) = self.left(&counted).await {
            tracing::warn!(%session, cause = failure.cause, "the store is told later that a connection ended");
            self.follows().left.push(counted);
        }
    }

    async fn left(&self, counted: &Counted) -> Result<(), Failure> {
        let mut leave = cmd("EVAL");
        leave.arg(LEAVE).arg(3).arg(self.key(&counted.guest)).arg(self.key(&counted.subject));
        leave.arg(self.key(&format!("live:{}", self.gateway))).arg(counted.session.to_string());
        leave.arg(self.member(counted));
        self.connection.ask::<String>(&leave).await.map(drop)
    }

    /// Remembers a revocation for every gateway, those that start later too.
    pub(super) async fn revoke(&self, revocation: &Revocation, now: u64) -> Result<(), Failure> {
        let text = serde_json::to_string(revocation).map_err(|error| down(&error))?;
        let key = self.key("revoked");
        let mut both = pipe();
        both.cmd("ZADD").arg(&key).arg(revocation.until).arg(text).ignore();
        both.cmd("ZREMRANGEBYSCORE").arg(&key).arg("-inf").arg(now).ignore();
        self.connection.ask_all::<()>(&both).await?;
        self.tell(&News::Revoked(revocation.clone())).await
    }

    /// Tells every gateway.
    pub(super) async fn tell(&self, news: &News) -> Result<(), Failure> {
        let text = serde_json::to_string(news).map_err(|error| down(&error))?;
        let mut add = cmd("XADD");
        add.arg(self.key("news")).arg("MAXLEN").arg("~").arg(NEWS).arg("*").arg("n").arg(text);
        self.connection.ask::<String>(&add).await.map(drop)
    }

    /// Says that this gateway is there, and hears what is new.
    pub(super) async fn beat(&self, now: u64) -> Result<Vec<News>, Failure> {
        let (last, before) = {
            let follows = self.follows();
            (follows.last.clone(), follows.born.clone())
        };
        let (lease, live) = (self.key(&format!("lease:{}", self.gateway)), self.key(&format!("live:{}", self.gateway)));
        let mut beat = pipe();
        beat.cmd("SET").arg(lease).arg(1).arg("EX").arg(LEASE_SECONDS).ignore();
        beat.cmd("ZADD").arg(self.key("gateways")).arg(now + LEASE_SECONDS).arg(&self.gateway).ignore();
        beat.cmd("EXPIRE").arg(live).arg(LEASE_SECONDS).ignore();
        beat.cmd("SETNX").arg(self.key("born")).arg(now).ignore();
        beat.cmd("GET").arg(self.key("born"));
        beat.cmd("XREVRANGE").arg(self.key("news")).arg("+").arg("-").arg("COUNT").arg(1);
        let (born, newest): (String, Heard) = self.connection.ask_all(&beat).await?;
        let newest = newest.last().map_or_else(|| "0-0".to_owned(), |(id, _)| id.clone());
        let news = match last {
            Some(last) if born == before => self.since(&last).await?,
            // It was away, or Redis forgot: everything that holds is heard again, and told again.
            _ => {
                self.tell_all().await?;
                self.follows().last = Some(newest);
                self.revocations(now).await?
            }
        };
        self.tell_late().await?;
        let mut follows = self.follows();
        (follows.born, follows.fresh) = (born, Some(Instant::now()));
        Ok(news)
    }

    /// Whoever did not hear for a while hears everything anew.
    pub(super) fn missed(&self) {
        self.follows().last = None;
    }

    async fn since(&self, last: &str) -> Result<Vec<News>, Failure> {
        let mut range = cmd("XRANGE");
        range.arg(self.key("news")).arg(format!("({last}")).arg("+").arg("COUNT").arg(NEWS);
        let heard: Heard = self.connection.ask(&range).await?;
        if let Some((id, _)) = heard.last() {
            self.follows().last = Some(id.clone());
        }
        let texts = heard.iter().filter_map(|(_, fields)| fields.get("n"));
        // One that this version does not know is of a newer gateway and not for it.
        Ok(texts.filter_map(|text| serde_json::from_str(text).ok()).collect())
    }

    async fn revocations(&self, now: u64) -> Result<Vec<News>, Failure> {
        let mut range = cmd("ZRANGEBYSCORE");
        range.arg(self.key("revoked")).arg(now).arg("+inf");
        let texts: Vec<String> = self.connection.ask(&range).await?;
        Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).map(News::Revoked).collect())
    }

    async fn tell_all(&self) -> Result<(), Failure> {
        let counted: Vec<Counted> = self.follows().counted.values().cloned().collect();
        if counted.is_empty() {
            return Ok(());
        }
        let mut all = pipe();
        for each in &counted {
            let (session, member) = (each.session.to_string(), self.member(each));
            for key in [self.key(&each.guest), self.key(&each.subject)] {
                all.cmd("HSET").arg(&key).arg(&session).arg(&member).ignore();
                all.cmd("EXPIRE").arg(&key).arg(LONGEST_SECONDS).ignore();
            }
            all.cmd("HSET").arg(self.key(&format!("live:{}", self.gateway))).arg(&session).arg(&each.facts).ignore();
        }
        self.connection.ask_all::<()>(&all).await
    }

    async fn tell_late(&self) -> Result<(), Failure> {
        let left = std::mem::take(&mut self.follows().left);
        for (at, counted) in left.iter().enumerate() {
            if let Err(failure) = self.left(counted).await {
                self.follows().left.extend(left.into_iter().skip(at));
                return Err(failure);
            }
        }
        Ok(())
    }

    /// What the other gateways have live: each a gateway's name and a JSON object.
    pub(super) async fn elsewhere(&self, now: u64) -> Result<Vec<(String, String)>, Failure> {
        let mut range = cmd("ZRANGEBYSCORE");
        range.arg(self.key("gateways")).arg(now).arg("+inf");
        let gateways: Vec<String> = self.connection.ask(&range).await?;
        let mut all = Vec::new();
        for gateway in gateways.into_iter().filter(|gateway| *gateway != self.gateway) {
            let facts: Vec<String> =
                self.connection.ask(cmd("HVALS").arg(self.key(&format!("live:{gateway}")))).await?;
            all.extend(facts.into_iter().map(|facts| (gateway.clone(), facts)));
        }
        Ok(all)
    }

    fn is_fresh(&self) -> Result<(), Failure> {
        let fresh = self.follows().fresh;
        if fresh.is_some_and(|fresh| fresh.elapsed() < STALE) {
            return Ok(());
        }
        let cause = format!("no news of revocations for {} s; without them nothing opens", STALE.as_secs());
        Err(Failure::new(Reason::StoreDown, cause))
    }

    fn member(&self, counted: &Counted) -> String {
        format!("{} {}", self.gateway, counted.generation)
    }

    fn key(&self, name: &str) -> String {
        format!("{{consolegate}}:{name}")
    }

    fn follows(&self) -> std::sync::MutexGuard<'_, Follows> {
        self.follows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// News as a stream gives them: each with its id and fields.
type Heard = Vec<(String, HashMap<String, String>)>;
