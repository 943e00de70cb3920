//! What is left to say to both legs once a session's place is given back, and how long that may take.
//!
//! Owns the bound that whoever ends the process waits for; the close frames themselves are the splice's.

use super::opening::NodeStream;
use crate::reason::Reason;
use crate::record::Transport;
use crate::splice::Departing;
use crate::store;
use std::time::Duration;

/// What a peer gets for each step of its end; the splice's own figure.
const GRACE: Duration = Duration::from_secs(2);

/// The longest a session takes from the word that ends it: the node's frame that is under way, the store, the close
/// frame, the peer's own end. Both legs go at once.
pub const GOODBYE: Duration = GRACE.saturating_mul(3).saturating_add(store::DEADLINE);

/// The last words.
pub(super) struct Goodbye<C> {
    pub(super) client: Departing<C>,
    pub(super) node: Option<Departing<NodeStream>>,
    pub(super) reason: Reason,
    pub(super) client_code: Option<u16>,
    pub(super) reference: String,
}

impl<C: Transport> Goodbye<C> {
    /// A code of the browser's own is given back as it came (RFC 6455 5.5.1).
    pub(super) async fn say(self: Box<Self>) {
        let Self { client, node, reason, client_code, reference } = *self;
        let public = reason.public();
        let text = serde_json::json!({ "code": public.code, "ref": reference }).to_string();
        let (code, text) = client_code.map_or((public.close, text), |code| (code, String::new()));
        let node = async {
            if let Some(node) = node {
                node.close(1000, "").await;
            }
        };
        tokio::join!(client.close(code, &text), node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splice::Leg;
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::Instant;

    async fn took(leg: DuplexStream) -> Duration {
        let goodbye = Box::new(Goodbye {
            client: Leg::client(leg, &[], false, 1024).depart(),
            node: None,
            reason: Reason::Shutdown,
            client_code: None,
            reference: "00c0ffee".to_owned(),
        });
        let began = Instant::now();
        goodbye.say().await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn w13_a_peer_that_reads_and_stays_or_never_reads_costs_no_more_than_is_waited_for() {
        let (leg, _never_reads) = duplex(8);
        assert_eq!(took(leg).await, GRACE);
        let (leg, _takes_it) = duplex(1024);
        assert_eq!(took(leg).await, GRACE);
        let (leg, peer) = duplex(1024);
        drop(peer);
        assert_eq!(took(leg).await, Duration::ZERO);
    }
}
