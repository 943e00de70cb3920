//! The store of a fleet: what one gateway remembers in Redis, all know.
//!
//! Owns how entries, names and news lie in Redis. Decides nothing about a session: a step is an [`Entry`]'s, written only
//! where nobody else wrote meanwhile. Without Redis, without news for longer than [`STALE`], or with another idea of the time
//! than Redis has, nothing opens; a Redis that may have lost some of its memory is noticed by its run, and takes nothing that
//! may have been used before (F13, F17, F27). What Redis could not be told is told when it answers again.

mod counts;

pub(super) use counts::Counted;

use super::connection::{Connection, Place, down};
use super::entry::{Entry, Outcome, Step};
use super::scripts::{SINCE, STEP};
use super::{News, Once};
use crate::clock::unix_now;
use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use crate::revocation::Revocation;
use crate::{hex, sha256};
use redis::{Cmd, cmd, pipe};
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
/// A panel's clock may be ahead of Redis's by its leeway and this gateway's, and a second has no parts.
const AMBIGUOUS_SECONDS: u64 = 8;
/// A gateway's clock may differ from Redis's by this.
const SKEW_SECONDS: u64 = 2;
/// How long a gateway counts that says nothing any more.
const LEASE_SECONDS: u64 = 20;
/// News that are kept for gateways that were away for a moment.
const NEWS: usize = 10_000;
/// The longest that a session may live, and so a list of some.
const LONGEST_SECONDS: u64 = 200_000;

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
    /// When news were heard last, and since when without a break.
    fresh: Option<Instant>,
    steady: Option<Instant>,
    /// When the store's memory began, and the last news heard.
    born: String,
    last: Option<String>,
    /// Connections that count, and those of which Redis did not hear that they ended.
    counted: HashMap<SessionId, Counted>,
    left: Vec<Counted>,
    /// Ends of which Redis did not hear.
    ends: Vec<(SessionId, Step)>,
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
            let known = match (known, step) {
                (Some(entry), Step::Resume { now, .. } | Step::MayReturn { now, .. }) => {
                    Some(self.as_it_stands(entry, now).await?)
                }
                (known, _) => known,
            };
            let Outcome { entry, answer } = Entry::take(known, step, Some(&self.gateway));
            let once = once.filter(|_| answer.is_ok());
            if entry.is_none() && once.is_none() {
                return answer;
            }
            match self.write(&key, written.as_deref().unwrap_or_default(), entry, once).await?.as_str() {
                "done" => {
                    if answer.is_ok() {
                        self.tell_of_return(session, step).await?;
                    }
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

    /// A session is where its gateway wrote it down last, and that gateway may be gone.
    async fn as_it_stands(&self, entry: Entry, now: u64) -> Result<Entry, Failure> {
        let Some(gateway) = entry.gateway().filter(|gateway| *gateway != self.gateway) else { return Ok(entry) };
        let mut score = cmd("ZSCORE");
        score.arg(self.key("gateways")).arg(gateway);
        let lease: u64 = self.connection.ask::<Option<u64>>(&score).await?.unwrap_or_default();
        if lease > now {
            return Ok(entry);
        }
        if self.follows().steady.is_none_or(|steady| steady.elapsed() < STALE) {
            // What kept this gateway from the store may have kept that one too.
            let cause = format!("gateway {gateway} of the session says nothing; it is waited for a moment longer");
            return Err(Failure::new(Reason::StoreDown, cause));
        }
        Ok(entry.left_behind(lease.saturating_sub(LEASE_SECONDS)))
    }

    async fn write(
        &self,
        key: &str,
        before: &str,
        entry: Option<Entry>,
        once: Option<Once<'_>>,
    ) -> Result<String, Failure> {
        let now = once.map_or_else(unix_now, |once| once.now);
        let text = entry.as_ref().map(serde_json::to_string).transpose().map_err(|error| down(&error))?;
        let leaves = entry.map_or(0, |entry| entry.leaves().unwrap_or_else(|| entry.ends()));
        let name = once.map(|once| self.key(&format!("once:{}", hex::lower(&sha256::of(once.name.as_bytes())))));
        let keep = once.map(|once| (once.until.saturating_sub(once.now) + KEEP_SECONDS).to_string());
        let mut step = cmd("EVAL");
        step.arg(STEP).arg(3).arg(key).arg(name.as_deref().unwrap_or(key)).arg(self.key("born"));
        step.arg(before).arg(text.unwrap_or_default()).arg(leaves.saturating_sub(now) + KEEP_SECONDS);
        step.arg(keep.unwrap_or_default()).arg(once.map_or(0, |once| once.made)).arg(AMBIGUOUS_SECONDS);
        self.connection.ask(&step).await
    }

    /// The end of a connection. Where Redis cannot be told now, it is told later: an end for good must not be undone by a
    /// resume because nobody heard of it.
    pub(super) async fn end(&self, session: SessionId, step: Step) -> Result<u32, Failure> {
        // It stays among those to be told until Redis has heard it, whoever stops waiting.
        self.follows().ends.push((session, step));
        let told = self.take(session, step, None).await;
        if !matches!(&told, Err(failure) if failure.reason == Reason::StoreDown) {
            self.follows().ends.retain(|each| *each != (session, step));
        }
        told
    }

    /// A session that comes back may be connected elsewhere still, and is over there.
    async fn tell_of_return(&self, session: SessionId, step: Step) -> Result<(), Failure> {
        if let Step::Connecting { generation, .. } = step
            && generation > 0
        {
            self.tell(&News::Returned(session, generation)).await?;
        }
        Ok(())
    }

    /// Remembers a revocation for every gateway, those that start later too.
    pub(super) async fn revoke(&self, revocation: &Revocation, now: u64) -> Result<(), Failure> {
        let text = serde_json::to_string(revocation).map_err(|error| down(&error))?;
        let key = self.key("revoked");
        let mut both = pipe();
        both.cmd("ZADD").arg(&key).arg(revocation.until).arg(text).ignore();
        both.cmd("ZREMRANGEBYSCORE").arg(&key).arg("-inf").arg(now).ignore();
        // Both or neither: gateways that run hear the news, those that start read the list.
        both.add_command(self.telling(&News::Revoked(revocation.clone()))?).ignore().atomic();
        self.connection.ask_all::<()>(&both).await
    }

    /// Tells every gateway.
    pub(super) async fn tell(&self, news: &News) -> Result<(), Failure> {
        self.connection.ask::<String>(&self.telling(news)?).await.map(drop)
    }

    fn telling(&self, news: &News) -> Result<Cmd, Failure> {
        let text = serde_json::to_string(news).map_err(|error| down(&error))?;
        let mut add = cmd("XADD");
        add.arg(self.key("news")).arg("MAXLEN").arg("~").arg(NEWS).arg("*").arg("n").arg(text);
        Ok(add)
    }

    /// Says that this gateway is there, and hears what is new. `withdrawn`: what it knows to be revoked, which a Redis that
    /// forgot hears again.
    pub(super) async fn beat(
        &self,
        now: u64,
        withdrawn: impl FnOnce() -> Vec<Revocation>,
    ) -> Result<Vec<News>, Failure> {
        let (last, before) = {
            let follows = self.follows();
            (follows.last.clone(), follows.born.clone())
        };
        let (lease, live) = (self.key(&format!("lease:{}", self.gateway)), self.key(&format!("live:{}", self.gateway)));
        let asked = Instant::now();
        let mut beat = pipe();
        beat.cmd("EXISTS").arg(&lease);
        beat.cmd("SET").arg(&lease).arg(1).arg("EX").arg(LEASE_SECONDS).ignore();
        beat.cmd("ZADD").arg(self.key("gateways")).arg(now + LEASE_SECONDS).arg(&self.gateway).ignore();
        beat.cmd("ZREMRANGEBYSCORE").arg(self.key("gateways")).arg("-inf").arg(now.saturating_sub(3600)).ignore();
        beat.cmd("EXPIRE").arg(live).arg(LEASE_SECONDS).ignore();
        beat.cmd("EVAL").arg(SINCE).arg(1).arg(self.key("born"));
        beat.cmd("TIME");
        let (was_there, born, (time, _)): (bool, String, (u64, u64)) = self.connection.ask_all(&beat).await?;
        if now.abs_diff(time) > SKEW_SECONDS {
            let cause = format!("this clock and the store's are {} s apart; set both by NTP", now.abs_diff(time));
            return Err(Failure::new(Reason::StoreDown, cause));
        }
        let last = last.filter(|_| born == before && was_there);
        let is_steady = last.is_some();
        let (news, heard) = match last {
            Some(last) => self.since(&last).await?,
            // It was away, or Redis forgot: everything is told again, and heard again. Twice is once.
            None => {
                self.tell_all(&withdrawn()).await?;
                let mut all = self.revocations(now).await?;
                let (news, heard) = self.since("0-0").await?;
                all.extend(news);
                (all, heard)
            }
        };
        let mut follows = self.follows();
        (follows.born, follows.fresh, follows.last) = (born, Some(asked), Some(heard));
        follows.steady = follows.steady.filter(|_| is_steady).or(Some(asked));
        Ok(news)
    }

    /// Whoever did not hear for a while hears everything anew.
    pub(super) fn missed(&self) {
        self.follows().last = None;
    }

    /// The news since one of them, and the last of these.
    async fn since(&self, last: &str) -> Result<(Vec<News>, String), Failure> {
        let mut range = cmd("XRANGE");
        range.arg(self.key("news")).arg(format!("({last}")).arg("+").arg("COUNT").arg(NEWS);
        let heard: Vec<(String, HashMap<String, String>)> = self.connection.ask(&range).await?;
        let last = heard.last().map_or_else(|| last.to_owned(), |(id, _)| id.clone());
        let mut news = Vec::new();
        for text in heard.iter().filter_map(|(_, fields)| fields.get("n")) {
            match serde_json::from_str(text) {
                Ok(each) => news.push(each),
                Err(error) => tracing::warn!(cause = %error, "news of a gateway of another version are not understood"),
            }
        }
        Ok((news, last))
    }

    /// Every revocation. One that cannot be read may mean anybody, so then nothing opens.
    async fn revocations(&self, now: u64) -> Result<Vec<News>, Failure> {
        let mut range = cmd("ZRANGEBYSCORE");
        range.arg(self.key("revoked")).arg(now).arg("+inf");
        let texts: Vec<String> = self.connection.ask(&range).await?;
        let read = |text: &String| serde_json::from_str(text).map(News::Revoked);
        let unread = |error| Failure::new(Reason::StoreDown, format!("a revocation cannot be read: {error}"));
        texts.iter().map(read).collect::<Result<_, _>>().map_err(unread)
    }

    async fn tell_all(&self, withdrawn: &[Revocation]) -> Result<(), Failure> {
        let counted: Vec<Counted> = self.follows().counted.values().cloned().collect();
        let live = self.key(&format!("live:{}", self.gateway));
        let mut all = pipe();
        for each in &counted {
            let (session, member) = (each.session.to_string(), self.member(each));
            for key in [self.key(&each.guest), self.key(&each.subject)] {
                all.cmd("HSET").arg(&key).arg(&session).arg(&member).ignore();
                all.cmd("EXPIRE").arg(&key).arg(LONGEST_SECONDS).ignore();
            }
            all.cmd("HSET").arg(&live).arg(&session).arg(&each.facts).ignore();
        }
        for each in withdrawn {
            let text = serde_json::to_string(each).map_err(|error| down(&error))?;
            all.cmd("ZADD").arg(self.key("revoked")).arg(each.until).arg(text).ignore();
        }
        all.cmd("EXPIRE").arg(&live).arg(LEASE_SECONDS).ignore();
        self.connection.ask_all::<()>(&all).await?;
        // Those that ended meanwhile were written down again.
        let mut follows = self.follows();
        let is_over = |each: &Counted| {
            follows.counted.get(&each.session).is_none_or(|counted| counted.generation != each.generation)
        };
        let over: Vec<Counted> = counted.into_iter().filter(is_over).collect();
        follows.left.extend(over);
        Ok(())
    }

    /// Tells what could not be told when it happened. Each stays until Redis has heard it.
    pub(super) async fn tell_late(&self) -> Result<(), Failure> {
        loop {
            let Some(counted) = self.follows().left.last().cloned() else { break };
            self.left(&counted).await?;
            let is_told = |each: &Counted| each.session == counted.session && each.generation == counted.generation;
            self.follows().left.retain(|each| !is_told(each));
        }
        loop {
            let Some((session, step)) = self.follows().ends.first().copied() else { return Ok(()) };
            match self.take(session, step, None).await {
                Err(failure) if failure.reason == Reason::StoreDown => return Err(failure),
                // What it says by now is no longer this gateway's to know.
                Ok(_) | Err(_) => self.follows().ends.retain(|each| *each != (session, step)),
            }
        }
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

    fn key(&self, name: &str) -> String {
        format!("{{consolegate}}:{name}")
    }

    fn follows(&self) -> std::sync::MutexGuard<'_, Follows> {
        self.follows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
