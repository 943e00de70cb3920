//! What must be remembered: used tokens and tickets, and which sessions may be resumed.
//!
//! Fails closed: what cannot be remembered is not accepted, and what is not known is not resumed. Knows names and times,
//! never what a name stands for. A store may be shared by a fleet, so every call is one whole step that another gateway
//! sees before it or after it, may fail, and answers within [`DEADLINE`]. Whoever calls lets a call end: a step that was
//! asked for and not waited for may have happened.

mod ledger;
mod memory;
mod news;
mod spent;
#[cfg(test)]
mod tests;
mod withdrawn;

pub use news::News;

use crate::id::{Machine, SessionId};
use crate::reason::{Failure, Reason};
use crate::revocation::{Facts, Revocation};
use memory::Memory;
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
}

#[derive(Debug)]
enum Backend {
    /// In this process: it forgets with it, and never waits.
    Memory(Memory),
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
}

impl Store {
    /// In this process, for at most `capacity` unexpired names and as many sessions.
    #[must_use]
    pub fn memory(capacity: usize) -> Self {
        Self::of(Backend::Memory(Memory::new(capacity)))
    }

    /// One that never answers.
    #[cfg(test)]
    pub(crate) fn stuck() -> Self {
        Self::of(Backend::Stuck)
    }

    fn of(backend: Backend) -> Self {
        let (tell, news) = mpsc::channel(UNHEARD);
        Self { backend, withdrawn: Withdrawn::default(), tell, news: Mutex::new(news) }
    }

    /// Uses a connect token up: the first caller wins, and its session begins. `ends`: when the session ends whatever
    /// happens; `keep`: seconds for which it is remembered without a connection.
    ///
    /// # Errors
    /// `replay` when it was used or that is no longer known, `store_full` or `store_down` when it cannot be remembered.
    pub async fn begin(
        &self,
        token: Once<'_>,
        session: SessionId,
        ends: u64,
        keep: u64,
        now: u64,
    ) -> Result<(), Failure> {
        self.answer(|memory| memory.begin(token, session, ends, keep, now)).await
    }

    /// Uses the ticket of a session's generation up, unless a later one was issued or the session is over: the first
    /// caller wins.
    ///
    /// # Errors
    /// `ticket`, and those of [`Self::begin`].
    pub async fn open_ticket(
        &self,
        ticket: Once<'_>,
        session: SessionId,
        generation: u32,
        now: u64,
    ) -> Result<(), Failure> {
        self.answer(|memory| memory.open_ticket(ticket, session, generation, now)).await
    }

    /// Issues the next generation to the holder of the newest resume token: of a session that is live, or that ended at
    /// most `within` seconds ago. Each token resumes once, or again while the generation it gave has not connected, and
    /// not faster than a page does.
    ///
    /// # Errors
    /// `resume_expired`, `replay`, `resume_rate` or `store_down`.
    pub async fn resume(&self, session: SessionId, generation: u32, within: u64, now: u64) -> Result<u32, Failure> {
        self.answer(|memory| memory.resume(session, generation, within, now)).await
    }

    /// Whether the session is live, or ended at most `within` seconds ago and may be resumed. Changes nothing.
    ///
    /// # Errors
    /// `ticket` or `store_down`.
    pub async fn may_return(&self, session: SessionId, within: u64, now: u64) -> Result<(), Failure> {
        self.answer(|memory| memory.may_return(session, within, now)).await
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
        self.answer(|memory| memory.connecting(session, generation, ends, keep, now)).await
    }

    /// This is the machine that has the session's guest's number now; none: nobody can say. The first machine that is told
    /// is the session's own. Another one ends the session for good: the number was given to somebody else.
    ///
    /// # Errors
    /// `guest_not_found`, or `store_down`.
    pub async fn meets(&self, session: SessionId, machine: Option<Machine>) -> Result<(), Failure> {
        self.answer(|memory| memory.meets(session, machine)).await
    }

    /// A session is connected with this generation. An older generation's later end does not count.
    ///
    /// # Errors
    /// `store_down`.
    pub async fn live(&self, session: SessionId, generation: u32, ends: u64) -> Result<(), Failure> {
        self.answer(|memory| memory.live(session, generation, ends)).await
    }

    /// The session's connection of this generation ended at `now` (Unix seconds); it is remembered for `keep` more. One
    /// that never came about lengthens nothing, unless the session's machine is known: it is compared with, however late.
    ///
    /// # Errors
    /// `store_down`.
    pub async fn ended(&self, session: SessionId, generation: u32, keep: u64, now: u64) -> Result<(), Failure> {
        self.answer(|memory| memory.ended(session, generation, keep, now)).await
    }

    /// The session ended for good (an idle limit, a kill, ...): nothing of it opens or resumes again. Call it in place of
    /// [`Self::ended`], or any time after. An older generation's call does not end a newer one.
    ///
    /// # Errors
    /// `store_down`.
    pub async fn over(&self, session: SessionId, generation: u32) -> Result<(), Failure> {
        self.answer(|memory| memory.over(session, generation)).await
    }

    /// Withdraws what the revocation means, here at once and everywhere within seconds.
    ///
    /// # Errors
    /// `store_full` or `store_down`.
    pub async fn revoke(&self, revocation: Revocation, now: u64) -> Result<(), Failure> {
        if self.withdrawn.add(&revocation, now)? {
            self.heard(News::Revoked(revocation)).await;
        }
        Ok(())
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
    /// `store_down`.
    pub async fn kill(&self, session: SessionId) -> Result<(), Failure> {
        self.over(session, u32::MAX).await?;
        self.heard(News::Killed(session)).await;
        Ok(())
    }

    /// Hears news, for as long as it is polled.
    pub async fn follow(&self, mut heard: impl FnMut(News)) {
        let mut news = self.news.lock().await;
        while let Some(each) = news.recv().await {
            heard(each);
        }
    }

    async fn heard(&self, news: News) {
        // The receiver lives as long as this store.
        let _ = self.tell.send(news).await;
    }

    /// An answer that comes in time, or that there is none.
    async fn answer<T>(&self, of_memory: impl FnOnce(&Memory) -> Result<T, Failure>) -> Result<T, Failure> {
        let answer = async {
            match &self.backend {
                Backend::Memory(memory) => of_memory(memory),
                #[cfg(test)]
                Backend::Stuck => std::future::pending().await,
            }
        };
        let late = || format!("the store did not answer within {} s", DEADLINE.as_secs());
        timeout(DEADLINE, answer).await.unwrap_or_else(|_| Err(Failure::new(Reason::StoreDown, late())))
    }
}
