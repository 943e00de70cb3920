//! That a session is connected, as the store knows it: told at the beginning, and at the end however that comes.
//!
//! Owns when the store is told. A session that the store thought connected for ever could be resumed for ever, and one
//! that opens which fail kept alive could wait for the next owner of its guest's number.

use super::record::unsaid;
use crate::clock::unix_now;
use crate::config::Limits;
use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use crate::store::{Connection, Store};
use crate::token::{Grant, Pass};
use serde_json::Value;
use std::sync::Arc;
use tokio::runtime::Handle;

/// One connection of a session in the store; dropped without an end, it ends as its task did.
pub(super) struct Connected {
    store: Arc<Store>,
    session: SessionId,
    generation: u32,
    ends: u64,
    /// Seconds for which it may be resumed.
    keep: u64,
    is_over: bool,
}

impl Connected {
    /// Tells the store that the session connects now; `keep`: seconds for which it may be resumed afterwards.
    ///
    /// # Errors
    /// `store_down`. The store may have heard it all the same, so it is told the end too.
    pub(super) async fn begin(store: &Arc<Store>, pass: &Pass, keep: u64, now: u64) -> Result<Self, Failure> {
        let (session, generation, ends) = (pass.session(), pass.generation(), pass.ends());
        let connected = Self { store: Arc::clone(store), session, generation, ends, keep, is_over: false };
        store.connecting(session, generation, ends, keep, now).await?;
        Ok(connected)
    }

    /// Counts it against the limits of the fleet; `facts` is what a list says of it.
    ///
    /// # Errors
    /// `limit_guest`, `limit_subject` or `store_down`.
    pub(super) async fn enter(&self, grant: &Grant, limits: &Limits, facts: &Value) -> Result<(), Failure> {
        let (session, generation) = (self.session, self.generation);
        let (console, issuer, subject) = (grant.console(), grant.issuer(), grant.subject());
        self.store.enter(Connection { session, generation, console, issuer, subject }, limits, facts).await
    }

    /// The console is open.
    ///
    /// # Errors
    /// `store_down`.
    pub(super) async fn opened(&self) -> Result<(), Failure> {
        self.store.live(self.session, self.generation, self.ends).await
    }

    /// It ended at `now` (Unix seconds). Whether it may come back is the reason's word.
    pub(super) async fn end(mut self, reason: Reason, now: u64) {
        self.told(reason, now).await;
        self.is_over = true;
    }

    fn told(&self, reason: Reason, now: u64) -> impl Future<Output = ()> + use<> {
        let Self { session, generation, keep, .. } = *self;
        let store = Arc::clone(&self.store);
        async move {
            let ended = async {
                match reason.may_resume() {
                    true => store.ended(session, generation, keep, now).await,
                    false => store.over(session, generation).await,
                }
            };
            let ((), told) = tokio::join!(store.leave(session, generation), ended);
            if let Err(failure) = told {
                tracing::error!(%session, generation, %reason, cause = failure.cause, "the store was not told of an end");
            }
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and what it remembers with it.
        if !self.is_over
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(self.told(unsaid().reason, unix_now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::scene;

    #[tokio::test]
    async fn f25_d07_a_session_whose_task_panics_is_over_for_the_store_too() {
        let (store, opening) = (Arc::new(Store::memory(10)), scene::opening());
        let session = opening.pass.session();
        let its = Arc::clone(&store);
        let task = tokio::spawn(async move {
            let _connected = Connected::begin(&its, &opening.pass, 120, 0).await.unwrap();
            panic!("a bug");
        });
        assert!(task.await.unwrap_err().is_panic());
        tokio::task::yield_now().await;
        let cause = store.resume(session, 0, 120, 0).await.unwrap_err().cause;
        assert_eq!(cause, "the session is over");
    }

    #[tokio::test(start_paused = true)]
    async fn f13_a_session_that_the_store_does_not_know_of_is_none() {
        let refused = Connected::begin(&Arc::new(Store::stuck()), &scene::opening().pass, 120, 0).await;
        assert_eq!(refused.err().map(|failure| failure.reason), Some(Reason::StoreDown));
    }
}
