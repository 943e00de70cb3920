//! The file descriptors of the process: as many as the system allows, and a word where that is too few.
//!
//! Systems start services with a soft limit of 1024 for the sake of programs that use select(2) (getrlimit(2)); whoever
//! does not is expected to raise it to the hard limit.

use crate::metrics;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one.
pub(super) fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum || current.is_none() {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(current, maximum, %error, "the limit of file descriptors could not be raised to the hard one");
    }
}

/// Says what is missing for so many sessions: each holds two sockets, and the listeners, log and idle API connections
/// need some more.
pub(super) fn warn(sessions: usize) {
    let needed = sessions * 2 + 256;
    if let Some(limit) = metrics::descriptors().filter(|limit| *limit < needed) {
        tracing::warn!(
            limit,
            needed,
            missing = needed - limit,
            sessions,
            "too few file descriptors for limits.sessions; raise the hard limit (LimitNOFILE, ulimit -Hn) or lower it"
        );
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
}
