//! What must be remembered: used tokens and tickets, and which sessions may be resumed.
//!
//! Fails closed: what cannot be remembered is not accepted, and what is not known is not resumed. Knows names and times,
//! never what a name stands for. A store may be shared by a fleet, so every call is one whole step that another gateway
//! sees before it or after it, may fail, and answers within [`DEADLINE`]. Whoever calls lets a call end: a step that was
//! asked for and not waited for may have happened.

mod connection;
mod entry;
mod follow;
mod ledger;
mod memory;
mod news;
mod redis;
mod scripts;
mod spent;
#[cfg(test)]
mod tests;
mod withdrawn;

pub use news::News;

use crate::config::{self, Limits};
use crate::id::{Console, Machine, SessionId};
use crate::reason::{Failure, Reason};
use crate::revocation::{Facts, Revocation};
use crate::{hex, sha256};
use entry::Step;
use memory::Memory;
use redis::{Counted, Redis};
use serde_json::Value;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use withdrawn::Withdrawn;

/// The longest that any call takes.
pub const DEADLINE: Duration = Duration::from_secs(3);
/// News that wait to be heard; whoever has more of it waits.
const UNHEARD: usize = 1024;

/// Where used tokens are remembered, which sessions may be resumed, and what is withdrawn.
#[derive(Debug)]
pub struct Store {
    backend: Backend,
    withdrawn: Withdrawn,
    tell: mpsc::Sender<News>,
    /// Heard by one task.
    news: Mutex<mpsc::Receiver<News>>,
    /// It could not be used when it was last asked for news.
    is_down: AtomicBool,
}

#[derive(Debug)]
enum Backend {
    /// In this process: it forgets with it, and never waits.
    Memory(Memory),
    /// Shared by a fleet.
    Redis(Box<Redis>),
    /// One that never answers.
    #[cfg(test)]
    Stuck,
}

/// The name of something that is used once, and the Unix second until which somebody could bring it again.
#[derive(Debug, Clone, Copy)]
pub struct Once<'a> {
    /// The same wherever it is used.
    pub name: &'a str,
    /// It is remembered that long at least.
    pub until: u64,
    /// The Unix second of the use.
    pub now: u64,
    /// The Unix second in which it was made.
    pub made: u64,
}

/// A connection of a session, for whoever counts it.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// The session.
    pub session: SessionId,
    /// Which connection of it.
    pub generation: u32,
    /// Its console.
    pub console: &'a Console,
    /// The panel.
    pub issuer: &'a str,
    /// The panel's user.
    pub subject: &'a str,
}

impl Store {
    /// In this process, for at most `capacity` unexpired names and as many sessions.
    #[must_use]
    pub fn memory(capacity: usize) -> Self {
        Self::of(Backend::Memory(Memory::new(capacity)))
    }

    /// Where the configuration says; `gateway` is this process's name among the others.
    ///
    /// # Errors
    /// In the operator's words: certificates that cannot be used.
    pub fn of_config(config: &config::Store, capacity: usize, gateway: String) -> Result<Self, String> {
        match config {
            config::Store::Memory => Ok(Self::memory(capacity)),
            config::Store::Redis(place) => Ok(Self::of(Backend::Redis(Box::new(Redis::new(place, gateway)?)))),
        }
    }

    /// Whether what it knows outlives the process.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.backend, Backend::Redis(_))
    }

    /// One that never answers.
    #[cfg(test)]
    pub(crate) fn stuck() -> Self {
        Self::of(Backend::Stuck)
    }

    fn of(backend: Backend) -> Self {
        let (tell, news) = mpsc::channel(UNHEARD);
        Self { backend, withdrawn: Withdrawn::default(), tell, news: Mutex::new(news), is_down: AtomicBool::new(false) }
    }

    /// Uses a connect token up: the first caller wins, and its session begins. `ends`: when the session ends whatever
    /// happens; `keep`: seconds for which it is remembered without a connection.
    ///
    /// # Errors
    /// `replay` when it was used or that is no longer known, `store_full` or `store_down` when it cannot be remembered.
    pub async fn begin(&self, token: Once<'_>, session: SessionId, ends: u64, keep: u64) -> Result<(), Failure> {
        let now = token.now;
        self.take(session, Step::Begin { ends, keep, now }, Some(token)).await.map(drop)
    }

    /// Uses the ticket of a session's generation up, unless a later one was issued or the session is over: the first
    /// caller wins.
    ///
    /// # Errors
    /// `ticket`, and those of [`Self::begin`].
    pub async fn open_ticket(&self, ticket: Once<'_>, session: SessionId, generation: u32) -> Result<(), Failure> {
        self.take(session, Step::OpenTicket { generation }, Some(ticket)).await.map(drop)
    }

    /// Issues the next generation to the holder of the newest resume token: of a session that is live, or that ended at
    /// most `within` seconds ago. Each token resumes once, or again while the generation it gave has not connected, and
    /// not faster than a page does.
    ///
    /// # Errors
    /// `resume_expired`, `replay`, `resume_rate` or `store_down`.
    pub async fn resume(&self, session: SessionId, generation: u32, within: u64, now: u64) -> Result<u32, Failure> {
        self.take(session, Step::Resume { generation, within, now }, None).await
    }

    /// Whether the session is live, or ended at most `within` seconds ago and may be resumed. Changes nothing.
    ///
    /// # Errors
    /// `ticket` or `store_down`.
    pub async fn may_return(&self, session: SessionId, within: u64, now: u64) -> Result<(), Failure> {
        self.take(session, Step::MayReturn { within, now }, None).await.map(drop)
    }

    /// A session is about to connect with this generation. Whether it comes to that says [`Self::live`]: until then it may
    /// come back as long as before and no longer.
    ///
    /// # Errors
    /// `store_down`.
    pub async fn connecting(
        &self,
        session: SessionId,
        generation: u32,
        ends: u64,
        keep: u64,
        now: u64,
    ) -> Result<(), Failure> {
        self.take(session, Step::Connecting { generation, ends, keep, now }, None).await.map(drop)
    }

    /// This is the machine that has the session's guest's number now; none: nobody can say. The first machine that is told
    /// is the session's own. Another one ends the session for good: the number was given to somebody else.
    ///
    /// # Errors
    /// `guest_not_found`, or `store_down`.
    pub async fn meets(&self, session: SessionId, machine: Option<Machine>) -> Result<(), Failure> {
        self.take(session, Step::Meets { machine }, None).await.map(drop)
    }

    /// A session is connected with this generation. An older generation's later end does not count.
    ///
    /// # Errors
    /// `store_down`.
    pub async fn live(&self, session: SessionId, generation: u32, ends: u64) -> Result<(), Failure> {
        self.take(session, Step::Live { generation, ends }, None).await.map(drop)
    }

    /// The session's connection of this generation ended at `now` (Unix seconds); it is remembered for `keep` more. One
    /// that never came about lengthens nothing, unless the session's machine is known: it is compared with, however late.
    ///
    /// # Errors
    /// `store_down`.
    pub async fn ended(&self, session: SessionId, generation: u32, keep: u64, now: u64) -> Result<(), Failure> {
        self.end(session, Step::Ended { generation, keep, now }).await
    }

    /// The session ended for good (an idle limit, a kill, ...): nothing of it opens or resumes again. Call it in place of
    /// [`Self::ended`], or any time after. An older generation's call does not end a newer one.
    ///
    /// # Errors
    /// `store_down`.
    pub async fn over(&self, session: SessionId, generation: u32) -> Result<(), Failure> {
        self.end(session, Step::Over { generation }).await
    }

    /// Withdraws what the revocation means, here at once and everywhere within seconds.
    ///
    /// # Errors
    /// `store_full`. `store_down`: it holds here, and elsewhere once the store answers.
    pub async fn revoke(&self, revocation: Revocation, now: u64) -> Result<(), Failure> {
        if self.withdrawn.add(&revocation, now)? {
            self.heard(News::Revoked(revocation.clone())).await;
        }
        match &self.backend {
            Backend::Redis(redis) => in_time(redis.revoke(&revocation, now)).await,
            Backend::Memory(_) => Ok(()),
            #[cfg(test)]
            Backend::Stuck => in_time(std::future::pending()).await,
        }
    }

    /// Whether nothing that is withdrawn means this console.
    ///
    /// # Errors
    /// `revoked`.
    pub fn check(&self, facts: &Facts<'_>) -> Result<(), Failure> {
        self.withdrawn.check(facts)
    }

    /// Ends a session for good, wherever it is connected.
    ///
    /// # Errors
    /// `store_down`: it is over here, and elsewhere once the store answers.
    pub async fn kill(&self, session: SessionId) -> Result<(), Failure> {
        self.heard(News::Killed(session)).await;
        let tells = async {
            match &self.backend {
                Backend::Redis(redis) => in_time(redis.kill(session)).await,
                Backend::Memory(_) => Ok(()),
                #[cfg(test)]
                Backend::Stuck => Ok(()),
            }
        };
        let (over, told) = tokio::join!(self.over(session, u32::MAX), tells);
        over.and(told)
    }

    /// Counts a connection against the limits of the whole fleet; `facts` is what a list says of it. Where gateways share
    /// nothing, their own counts are all there is.
    ///
    /// # Errors
    /// `limit_guest`, `limit_subject` or `store_down`.
    pub async fn enter(&self, pass: Connection<'_>, limits: &Limits, facts: &Value) -> Result<(), Failure> {
        let Backend::Redis(redis) = &self.backend else { return Ok(()) };
        let Connection { session, generation, console, issuer, subject } = pass;
        // Of one width, whatever a panel calls its users.
        let subject = hex::lower(&sha256::of(format!("{}:{issuer}{subject}", issuer.len()).as_bytes()));
        let counted = Counted {
            session,
            generation,
            guest: format!("guest:{}/{}", console.cluster, console.guest),
            subject: format!("subject:{subject}"),
            facts: facts.to_string(),
        };
        in_time(redis.enter(counted, limits)).await
    }

    /// A connection is over, and counts no more: told now, or later.
    pub async fn leave(&self, session: SessionId, generation: u32) {
        if let Backend::Redis(redis) = &self.backend {
            // What is not told in time stays to be told.
            let _ = timeout(DEADLINE, redis.leave(session, generation)).await;
        }
    }

    /// A guest is switched at any gateway of the fleet, and not again within this time. Where gateways share nothing, each
    /// has its own word.
    ///
    /// # Errors
    /// `power_pace` or `store_down`.
    pub async fn press(&self, console: &Console, again: Duration) -> Result<(), Failure> {
        let Backend::Redis(redis) = &self.backend else { return Ok(()) };
        in_time(redis.press(&format!("press:{}/{}", console.cluster, console.guest), again)).await
    }

    /// What the other gateways of the fleet have live: each a gateway's name and what its list says.
    ///
    /// # Errors
    /// `store_down`.
    pub async fn elsewhere(&self, now: u64) -> Result<Vec<(String, Value)>, Failure> {
        let Backend::Redis(redis) = &self.backend else { return Ok(Vec::new()) };
        let all = in_time(redis.elsewhere(now)).await?;
        let read = |(gateway, facts): (String, String)| Some((gateway, serde_json::from_str(&facts).ok()?));
        Ok(all.into_iter().filter_map(read).collect())
    }

    /// What this gateway is called among the others; none where it knows of no other.
    #[must_use]
    pub fn gateway(&self) -> Option<&str> {
        match &self.backend {
            Backend::Redis(redis) => Some(redis.gateway()),
            Backend::Memory(_) => None,
            #[cfg(test)]
            Backend::Stuck => None,
        }
    }

    async fn heard(&self, news: News) {
        // The receiver lives as long as this store.
        let _ = self.tell.send(news).await;
    }

    /// A step that ends something, told now or later.
    async fn end(&self, session: SessionId, step: Step) -> Result<(), Failure> {
        match &self.backend {
            Backend::Redis(redis) => in_time(redis.end(session, step)).await.map(drop),
            Backend::Memory(_) => self.take(session, step, None).await.map(drop),
            #[cfg(test)]
            Backend::Stuck => self.take(session, step, None).await.map(drop),
        }
    }

    /// A step whose answer comes in time, or the word that there is none.
    async fn take(&self, session: SessionId, step: Step, once: Option<Once<'_>>) -> Result<u32, Failure> {
        match &self.backend {
            Backend::Memory(memory) => memory.take(session, step, once),
            Backend::Redis(redis) => in_time(redis.take(session, step, once)).await,
            #[cfg(test)]
            Backend::Stuck => in_time(std::future::pending()).await,
        }
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = || format!("the store did not answer within {} s", DEADLINE.as_secs());
    timeout(DEADLINE, answer).await.unwrap_or_else(|_| Err(Failure::new(Reason::StoreDown, late())))
}
