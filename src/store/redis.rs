//! The store of a fleet: what one gateway remembers in Redis, all know.
//!
//! Owns how entries, names and news lie in Redis. Decides nothing about a session: a step is an [`Entry`]'s, written only
//! where nobody else wrote meanwhile. Without Redis, without news for longer than [`STALE`], or with another idea of the time
//! than Redis has, nothing opens; a Redis that may have lost some of its memory is noticed by its run, and takes nothing that
//! may have been used before (F13, F17, F27). What Redis could not be told is told when it answers again.

mod beat;
mod counts;

pub(super) use counts::Counted;

use super::connection::{Connection, Place, down};
use super::entry::{Entry, Outcome, Step};
use super::scripts::{READ, REVOKE, STEP};
use super::spent::KEEP_SECONDS;
use super::{News, Once};
use crate::clock::unix_now;
use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use crate::revocation::Revocation;
use crate::{hex, sha256};
use redis::{Cmd, cmd};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How old news may be while consoles open.
const STALE: Duration = Duration::from_secs(5);
/// How often another gateway may change the same session while this one decides.
const TRIES: usize = 8;
/// A panel's clock may be ahead of Redis's by its leeway and this gateway's, and a second has no parts.
const AMBIGUOUS_SECONDS: u64 = 8;
/// How long a gateway counts that says nothing any more.
const LEASE_SECONDS: u64 = 20;
/// What [`READ`] says of an entry that this run of Redis has written.
const WHOLE: &str = "whole";
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
    /// Ends of which Redis did not hear, and kills of which the others did not.
    ends: Vec<(SessionId, Step)>,
    kills: Vec<SessionId>,
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
        if once.is_some() || matches!(step, Step::Resume { .. } | Step::MayReturn { .. }) {
            self.is_fresh()?;
        }
        let key = self.key(&format!("session:{session}"));
        for _ in 0..TRIES {
            let (written, memory): (String, String) = self.connection.ask(&self.reading(&key)).await?;
            let known = match (entry_in(&written)?, step) {
                (Some(entry), Step::Resume { now, .. }) => {
                    remembered(&memory, Reason::ResumeExpired)?;
                    Some(self.as_it_stands(entry, now).await?)
                }
                (Some(entry), Step::MayReturn { now, .. }) => {
                    remembered(&memory, Reason::TicketRefused)?;
                    Some(self.as_it_stands(entry, now).await?)
                }
                (known, _) => known,
            };
            let Outcome { entry, answer } = Entry::take(known, step, Some(&self.gateway));
            let once = once.filter(|_| answer.is_ok());
            if entry.is_none() && once.is_none() {
                return answer;
            }
            match self.connection.ask::<String>(&self.writing(&key, &written, entry, once)?).await?.as_str() {
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

    fn reading(&self, key: &str) -> Cmd {
        let mut read = cmd("EVAL");
        read.arg(READ).arg(2).arg(self.key("born")).arg(key).arg(AMBIGUOUS_SECONDS);
        read
    }

    fn writing(&self, key: &str, before: &str, entry: Option<Entry>, once: Option<Once<'_>>) -> Result<Cmd, Failure> {
        let now = once.map_or_else(unix_now, |once| once.now);
        let text = entry.as_ref().map(text).transpose()?;
        let leaves = entry.map_or(0, |entry| entry.leaves().unwrap_or_else(|| entry.ends()));
        let name = once.map(|once| self.key(&format!("once:{}", hex::lower(&sha256::of(once.name.as_bytes())))));
        let keep = once.map(|once| (once.until.saturating_sub(once.now) + KEEP_SECONDS).to_string());
        let mut step = cmd("EVAL");
        step.arg(STEP).arg(3).arg(self.key("born")).arg(key).arg(name.as_deref().unwrap_or(key));
        step.arg(before).arg(text.unwrap_or_default()).arg(leaves.saturating_sub(now) + KEEP_SECONDS);
        step.arg(keep.unwrap_or_default()).arg(once.map_or(0, |once| once.made)).arg(AMBIGUOUS_SECONDS);
        Ok(step)
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
        // Without an answer nobody knows, so all is told again.
        self.connection.ask::<String>(&self.revoking(revocation, now)?).await.map(drop).inspect_err(|_| self.missed())
    }

    fn revoking(&self, revocation: &Revocation, now: u64) -> Result<Cmd, Failure> {
        let mut revoke = cmd("EVAL");
        revoke.arg(REVOKE).arg(2).arg(self.key("revoked")).arg(self.key("news")).arg(text(revocation)?);
        revoke.arg(revocation.until).arg(now).arg(text(&News::Revoked(revocation.clone()))?).arg(NEWS);
        Ok(revoke)
    }

    /// Tells every gateway that the session is killed: now, or later.
    pub(super) async fn kill(&self, session: SessionId) -> Result<(), Failure> {
        // It stays among those to be told until Redis has heard it, whoever stops waiting.
        self.follows().kills.push(session);
        self.tell(&News::Killed(session)).await?;
        self.follows().kills.retain(|each| *each != session);
        Ok(())
    }

    async fn tell(&self, news: &News) -> Result<(), Failure> {
        let mut add = cmd("XADD");
        add.arg(self.key("news")).arg("MAXLEN").arg("~").arg(NEWS).arg("*").arg("n").arg(text(news)?);
        self.connection.ask::<String>(&add).await.map(drop)
    }

    /// The guest of this name is switched now, and not again within this time.
    pub(super) async fn press(&self, guest: &str, again: Duration) -> Result<(), Failure> {
        let mut press = cmd("SET");
        press.arg(self.key(guest)).arg(1).arg("NX").arg("PX").arg(u64::try_from(again.as_millis()).unwrap_or(u64::MAX));
        match self.connection.ask::<Option<String>>(&press).await? {
            Some(_) => Ok(()),
            None => Err(Reason::PowerPace.into()),
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

fn text(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| down(&error))
}

/// The entry in what lies in Redis, which begins with the run that wrote it.
fn entry_in(written: &str) -> Result<Option<Entry>, Failure> {
    let text = written.split_once(' ').map(|(_, text)| text);
    text.map(serde_json::from_str).transpose().map_err(|error| down(&error))
}

/// Whether nothing of a session was lost. A young run is still told what lives, and takes no ticket of its first seconds.
fn remembered(memory: &str, otherwise: Reason) -> Result<(), Failure> {
    match memory {
        WHOLE => Ok(()),
        "young" => {
            Err(Failure::new(Reason::StoreDown, "the store began anew a moment ago, and is still told what lives"))
        }
        _ => Err(Failure::new(otherwise, "the store lost some of its memory, and nobody has said since that it lives")),
    }
}
