//! A token becomes the right to one connection: shown, its page checked, then used up. In that order: a token that came
//! with the wrong page, or too early in a drain, is still good elsewhere.

use super::call::Call;
use crate::api::Refused;
use crate::audit::About;
use crate::clock::unix_now;
use crate::console::Generation;
use crate::id::SessionId;
use crate::random;
use crate::reason::{Failure, Reason};
use crate::token::{Envelope, Pass, Purpose, Verified, is_sealed};
use std::future::Future;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// What was shown: ours or a panel's, in time, brought by a page that may bring it; perhaps used before.
pub(super) enum Shown {
    /// A panel's connect token.
    Token(Verified),
    /// A session ticket.
    Ticket(Envelope),
    /// A resume token.
    Resume(Envelope),
}

impl Shown {
    /// What opens a WebSocket.
    ///
    /// # Errors
    /// What is wrong with the token or its page.
    pub(super) async fn at_socket(call: &Call, token: &str) -> Result<Self, Refused> {
        if is_sealed(token) {
            return opened(call, Purpose::Ticket, token, unix_now()).map(Self::Ticket);
        }
        verified(call, token).await.map(Self::Token)
    }

    /// What begins or resumes a session.
    ///
    /// # Errors
    /// What is wrong with the token or its page.
    pub(super) async fn at_sessions(call: &Call, token: &str) -> Result<Self, Refused> {
        if is_sealed(token) {
            return opened(call, Purpose::Resume, token, unix_now()).map(Self::Resume);
        }
        verified(call, token).await.map(Self::Token)
    }

    /// Uses it up, in a task of its own: a client that leaves meanwhile must not leave half of it done.
    ///
    /// # Errors
    /// `replay`, `ticket`, `resume_expired`, or what is wrong with the store.
    pub(super) async fn used(self, call: &Call, tasks: &TaskTracker) -> Result<Pass, Refused> {
        let about = self.about();
        let used = to_its_end(tasks, self.used_in(Arc::clone(&call.generation))).await;
        used.map_err(|failure| Refused::about(failure, about))
    }

    async fn used_in(self, generation: Arc<Generation>) -> Result<Pass, Failure> {
        let (shared, rules, now) = (&generation.shared, &generation.config.session, unix_now());
        match self {
            Self::Token(verified) => verified.begin(&shared.store, session()?, rules, now).await,
            Self::Ticket(envelope) => envelope.open(&shared.store, shared.since.tickets, now).await,
            Self::Resume(envelope) => envelope.resume(&shared.store, rules, now).await,
        }
    }

    fn about(&self) -> About {
        match self {
            Self::Token(verified) => verified.about(),
            Self::Ticket(envelope) | Self::Resume(envelope) => envelope.about(),
        }
    }
}

async fn verified(call: &Call, token: &str) -> Result<Verified, Refused> {
    let verifier = &call.generation.verifier;
    verifier.freshen(token, unix_now()).await;
    let verified = verifier.verify(token, unix_now())?;
    match verified.check_origin(call.origin()) {
        Ok(()) => Ok(verified),
        Err(failure) => Err(Refused::about(failure, verified.about())),
    }
}

/// What is inside a sealed text that its issuer may still open, brought by a page that may bring it. Uses nothing up.
///
/// # Errors
/// `ticket`, or what is wrong with what is inside or with the page.
pub(super) fn opened(call: &Call, purpose: Purpose, text: &str, now: u64) -> Result<Envelope, Refused> {
    let generation = &call.generation;
    let envelope = generation.shared.sealer.open(purpose, text, now)?;
    let about = envelope.about();
    let accepted = generation.verifier.accept_sealed(envelope, call.origin(), &generation.config.session, now);
    accepted.map_err(|failure| Refused::about(failure, about))
}

fn session() -> Result<SessionId, Failure> {
    Ok(SessionId::from_bits(u128::from_be_bytes(random::bytes()?)))
}

/// Runs what must not stop half-way, whoever still waits for it.
async fn to_its_end<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    let broke = |error| Err(Failure::new(Reason::Internal, format!("using a token up: {error}")));
    tasks.spawn(work).await.unwrap_or_else(broke)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[tokio::test]
    async fn a_client_that_leaves_stops_nothing_half_way() {
        let (tasks, done) = (TaskTracker::new(), Arc::new(AtomicBool::new(false)));
        let its = Arc::clone(&done);
        let work = async move {
            tokio::task::yield_now().await;
            its.store(true, Ordering::SeqCst);
            Ok(())
        };
        let mut waits = Box::pin(to_its_end(&tasks, work));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(waits);
        tasks.close();
        tasks.wait().await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn f25_a_panic_while_a_token_is_used_up_is_answered_as_our_bug() {
        let used = to_its_end(&TaskTracker::new(), async { panic!("a bug") }).await;
        assert_eq!(used.map(|()| Reason::Internal).unwrap_err().reason, Reason::Internal);
    }
}
