//! What systemd is told of the process (`sd_notify(3)`); where nobody started it who listens, nobody is told.

use sd_notify::NotifyState;

/// It takes tokens.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its configuration again; [`ready`] says that this is over.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "cannot read the clock, so systemd is not told of the reload"),
    }
}

/// It leaves.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, ?state, "cannot tell systemd; NOTIFY_SOCKET must be its socket");
    }
}
