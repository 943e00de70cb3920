//! A gateway's word to the others once a second, and what it hears of them.
//!
//! Owns when what a gateway knows is fresh, and what a Redis that forgot, or could not be told, is told again.

use super::super::News;
use super::super::entry::{Entry, Step};
use super::super::scripts::SINCE;
use super::{Counted, LEASE_SECONDS, LONGEST_SECONDS, NEWS, Redis, WHOLE, entry_in};
use crate::reason::{Failure, Reason};
use crate::revocation::Revocation;
use redis::{cmd, pipe};
use std::collections::HashMap;
use tokio::time::Instant;

/// A gateway's clock may differ from Redis's by this.
const SKEW_SECONDS: u64 = 2;
/// Sessions of which Redis is told at once.
const AT_ONCE: usize = 1000;

impl Redis {
    /// Says that this gateway is there, and hears what is new. `withdrawn`: what it knows to be revoked, which a Redis that
    /// forgot hears again. News come also with a failure: with a store that may forget, or is of another time, nothing opens.
    pub(in crate::store) async fn beat(
        &self,
        now: u64,
        withdrawn: impl FnOnce() -> Vec<Revocation>,
    ) -> Result<(Vec<News>, Result<(), Failure>), Failure> {
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
        let (was_there, (born, policy), (time, _)): (bool, (String, String), (u64, u64)) =
            self.connection.ask_all(&beat).await?;
        let last = last.filter(|_| born == before && was_there);
        let is_steady = last.is_some();
        let (news, heard) = match last {
            Some(last) => self.since(&last).await?,
            // It was away, or Redis forgot: everything is told again, and heard again. Twice is once.
            None => {
                self.tell_all(&withdrawn(), now).await?;
                let mut all = self.revocations(now).await?;
                let (news, heard) = self.since("0-0").await?;
                all.extend(news);
                (all, heard)
            }
        };
        let usable = usable(&policy, now.abs_diff(time));
        let mut follows = self.follows();
        (follows.born, follows.fresh, follows.last) = (born, usable.is_ok().then_some(asked), Some(heard));
        follows.steady = follows.steady.filter(|_| is_steady).or(Some(asked));
        Ok((news, usable))
    }

    /// Whoever did not hear for a while hears everything anew.
    pub(in crate::store) fn missed(&self) {
        self.follows().last = None;
    }

    /// What was heard could not be kept: nothing opens until it is heard again and can be.
    pub(in crate::store) fn cannot_keep(&self) {
        let mut follows = self.follows();
        (follows.fresh, follows.last) = (None, None);
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

    async fn tell_all(&self, withdrawn: &[Revocation], now: u64) -> Result<(), Failure> {
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
            all.add_command(self.revoking(each, now)?).ignore();
        }
        all.cmd("EXPIRE").arg(&live).arg(LEASE_SECONDS).ignore();
        self.connection.ask_all::<()>(&all).await?;
        self.tell_where(&counted).await?;
        // Those that ended meanwhile were written down again.
        let mut follows = self.follows();
        let is_over = |each: &Counted| {
            follows.counted.get(&each.session).is_none_or(|counted| counted.generation != each.generation)
        };
        let over: Vec<Counted> = counted.into_iter().filter(is_over).collect();
        follows.left.extend(over);
        Ok(())
    }

    /// A store of another run may know an older state of the sessions that are connected here, in which what was used since
    /// would be good again. What it does not know at all stays unknown.
    async fn tell_where(&self, counted: &[Counted]) -> Result<(), Failure> {
        for some in counted.chunks(AT_ONCE) {
            let keys: Vec<String> = some.iter().map(|each| self.key(&format!("session:{}", each.session))).collect();
            let mut read = pipe();
            for key in &keys {
                read.add_command(self.reading(key));
            }
            let known: Vec<(String, String)> = self.connection.ask_all(&read).await?;
            let mut write = pipe();
            for ((each, key), (written, memory)) in some.iter().zip(&keys).zip(&known) {
                if memory != WHOLE
                    && let Some(entry) = entry_in(written)?
                {
                    let live = Step::Live { generation: each.generation, ends: entry.ends() };
                    let outcome = Entry::take(Some(entry), live, Some(&self.gateway));
                    write.add_command(self.writing(key, written, outcome.entry, None)?).ignore();
                }
            }
            // Nobody answers when nothing is asked.
            if !write.is_empty() {
                self.connection.ask_all::<()>(&write).await?;
            }
        }
        Ok(())
    }

    /// Tells what could not be told when it happened. Each stays until Redis has heard it.
    pub(in crate::store) async fn tell_late(&self) -> Result<(), Failure> {
        loop {
            let Some(counted) = self.follows().left.last().cloned() else { break };
            self.left(&counted).await?;
            let is_told = |each: &Counted| each.session == counted.session && each.generation == counted.generation;
            self.follows().left.retain(|each| !is_told(each));
        }
        loop {
            let Some(session) = self.follows().kills.last().copied() else { break };
            self.kill(session).await?;
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
}

/// Whether the store forgets nothing before its time and has the same idea of that.
fn usable(policy: &str, skew: u64) -> Result<(), Failure> {
    let cause = match policy {
        "" if skew <= SKEW_SECONDS => return Ok(()),
        "" => format!("this clock and the store's are {skew} s apart; set both by NTP"),
        _ => format!(
            "Redis may forget used tokens before their time: set maxmemory-policy noeviction instead of {policy}"
        ),
    };
    Err(Failure::new(Reason::StoreDown, cause))
}
