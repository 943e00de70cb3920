//! Signals of the process.

use tokio::signal::unix::{SignalKind, signal};

/// Returns at SIGTERM or SIGINT. SIGHUP is taken and answered with a line: reloading comes with a later version, and the
/// default action would end every console.
pub async fn asked_to_stop() {
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else {
        tracing::error!("cannot listen for signals; stop the process with SIGKILL");
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => return,
            _ = interrupt.recv() => return,
            _ = hangup.recv() => tracing::warn!("this version cannot reload its configuration; restart it"),
        }
    }
}
