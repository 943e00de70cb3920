//! The file descriptors of the process: as many as the system allows, and shared out where those are few.
//!
//! Systems start services with a soft limit of 1024 for the sake of programs that use select(2) (getrlimit(2)); whoever
//! does not is expected to raise it to the hard limit. What is left over for clients' connections is what the admin side, the
//! store, the log and the questions to nodes do not need, so a flood of clients takes none of theirs.

use crate::config::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is kept back of many descriptors; of few it is a quarter.
const KEPT: usize = 384;
/// The most of it that the admin side takes for connections without a good token: a few scrapers and a balancer, and room
/// for an operator to shake hands and ask while others only connect. Of few descriptors it is an eighth.
const ADMIN: usize = 256;
/// Connections beyond those of sessions, so that pages load and hear why no session opens; of few it is an eighth.
const VISITORS: usize = 48;

/// Who may have how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// The limit itself; none: the system sets none that matters.
    limit: Option<usize>,
    /// Connections of clients: each may become a session, which takes another descriptor for its node.
    pub(super) clients: usize,
    /// Connections to the admin side that have shown no good token.
    pub(super) admin: usize,
    sessions: usize,
}

impl Share {
    /// What this process may have, once it has raised its soft limit to the hard one.
    pub(super) fn of_process() -> Self {
        raise();
        let limit = getrlimit(Resource::Nofile).current;
        limit.and_then(|limit| limit.try_into().ok()).map_or(Self::unlimited(), Self::of)
    }

    /// As many as the configuration says.
    pub(super) const fn unlimited() -> Self {
        Self { limit: None, clients: usize::MAX, admin: ADMIN, sessions: usize::MAX }
    }

    fn of(limit: usize) -> Self {
        let clients = (limit - KEPT.min(limit / 4)) / 2;
        let sessions = clients - VISITORS.min(clients / 8);
        Self { limit: Some(limit), clients, admin: ADMIN.min(limit / 8), sessions }
    }

    /// The configuration with no more sessions than have descriptors, and a word of warning where those are fewer than it says.
    pub(super) fn bound(self, mut config: Config) -> Config {
        let (wanted, limit) = (config.limits.sessions, self.limit.unwrap_or_default());
        if wanted > self.sessions {
            let needed = (wanted + VISITORS) * 2 + KEPT;
            tracing::warn!(
                limit,
                needed,
                missing = needed.saturating_sub(limit),
                sessions = self.sessions,
                "too few file descriptors for limits.sessions, so it counts as this many; raise the hard limit \
                 (LimitNOFILE, ulimit -Hn) or lower it"
            );
            config.limits.sessions = self.sessions;
        }
        config
    }
}

fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum || current.is_none() {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(current, maximum, %error, "the limit of file descriptors could not be raised to the hard one");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_takes_all_the_descriptors_it_may_have() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let low = Some(current.unwrap_or(4096).min(4096) - 1);
        setrlimit(Resource::Nofile, Rlimit { current: low, maximum }).unwrap();
        raise();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
    }

    #[test]
    fn f21_clients_and_their_nodes_leave_the_admin_side_and_the_store_theirs() {
        for limit in [64, 256, 1024, 4096, 20_000, 65_536, 1 << 30] {
            let share = Share::of(limit);
            let left = limit - share.clients * 2 - share.admin;
            assert!(left >= limit / 8 || left >= KEPT - ADMIN, "{limit}: {left} for store, log and questions");
            assert!(share.sessions < share.clients && share.sessions > limit / 4, "{limit}: {share:?}");
        }
        assert_eq!(Share::of(65_536).admin, Share::unlimited().admin);
    }
}
