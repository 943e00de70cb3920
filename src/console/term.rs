//! The terminal's login at the node (protocol reference 7), and how the browser learns of it.
//!
//! The browser takes no part: what it says early is held and is data, never a login (X01). The node's text before `OK`
//! goes to no one. What came glued to `OK` stays in the leg, for the splice.

use crate::reason::{Failure, Reason};
use crate::record::IntoTransport;
use crate::secret::Secret;
use crate::splice::{Leg, LegError};

/// What termproxy says to a good login, without a line's end.
const OK: [u8; 2] = *b"OK";

/// Sends user and ticket and waits for `OK`.
///
/// # Errors
/// `term_refused`, `term_answer`, or how the leg ended.
pub(super) async fn log_in<S>(node: &mut Leg<S>, (user, ticket): &(String, Secret)) -> Result<(), Failure>
where
    S: IntoTransport,
{
    // One frame: termproxy wants the line in the client's first bytes.
    let line = Secret::new([user.as_bytes(), b":", ticket.reveal(), b"\n"].concat());
    node.send(line.reveal()).await.map_err(|error| ended(user, &error))?;
    for expected in OK {
        let [said] = node.take().await.map_err(|error| ended(user, &error))?;
        if said != expected {
            return Err(Failure::new(Reason::TermAnswer, "the node's terminal did not answer the login with OK"));
        }
    }
    Ok(())
}

/// Tells the browser that its terminal is open, by one empty message: a line may stay silent until somebody types, and
/// the page would not know that it may let them.
///
/// # Errors
/// How the leg ended.
pub(super) async fn begin<S>(client: &mut Leg<S>) -> Result<(), Failure>
where
    S: IntoTransport,
{
    client.send(&[]).await.map_err(client_end)
}

/// How the browser's leg ended before its terminal was open.
pub(super) fn client_end(error: LegError) -> Failure {
    let reason = match error {
        LegError::TooMuch(_) => Reason::TermEarly,
        LegError::Closed(_) | LegError::Ended { .. } | LegError::Io(_) | LegError::Violation(_) | LegError::Text => {
            error.client_reason()
        }
    };
    Failure::new(reason, error.to_string())
}

/// termproxy refuses by ending, without a word. To an API token that is what old versions do each time; anything else
/// may have come by chance, so it keeps the reason that allows a second try.
fn ended(user: &str, error: &LegError) -> Failure {
    if user.contains('!') && matches!(error, LegError::Ended { at_boundary: true }) {
        return Reason::TermRefused.into();
    }
    Failure::new(error.node_reason(), format!("during the terminal's login: {error}"))
}

#[cfg(test)]
#[path = "term_tests.rs"]
mod tests;
