//! What the process is asked to do from outside, in the order it is asked.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End; asked again, at once.
    Stop,
    /// Read the configuration again.
    Reload,
}

/// The process's signals: SIGTERM and SIGINT stop, SIGHUP reloads. A stream that ends counts as a stop.
#[must_use]
pub fn signals() -> mpsc::Receiver<Signal> {
    // Nobody asks so often that more would have to wait; whoever does is waited for.
    let (tell, signals) = mpsc::channel(8);
    let asked = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    tokio::spawn(async move {
        let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = asked else {
            tracing::error!("cannot listen for signals; stop the process with SIGKILL");
            return tell.closed().await;
        };
        loop {
            let signal = tokio::select! {
                _ = terminate.recv() => Signal::Stop,
                _ = interrupt.recv() => Signal::Stop,
                _ = hangup.recv() => Signal::Reload,
            };
            if tell.send(signal).await.is_err() {
                return;
            }
        }
    });
    signals
}
