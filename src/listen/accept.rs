//! Accepting, whatever the system says: the one loop behind every listener.
//!
//! A broken connection costs nothing; anything else (descriptors, memory) gets time to pass, because accepting at once
//! would spin. Never ends by itself.

use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// First and longest wait after an error.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A bound listener, and how its errors have gone so far.
#[derive(Debug)]
pub struct Accept {
    listener: TcpListener,
    /// Whose it is, in log lines.
    whose: &'static str,
    pause: Option<Duration>,
}

impl Accept {
    /// Accepts on this listener.
    #[must_use]
    pub const fn new(listener: TcpListener, whose: &'static str) -> Self {
        Self { listener, whose, pause: None }
    }

    /// The next connection and where it comes from; an IPv4 address is never written as IPv6.
    pub async fn next(&mut self) -> (TcpStream, IpAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    if self.pause.take().is_some() {
                        tracing::info!(target: "consolegate::listen", whose = self.whose, "accepting connections again");
                    }
                    return (stream, address.ip().to_canonical());
                }
                Err(error) if is_peers_doing(&error) => {}
                Err(error) => self.wait(&error).await,
            }
        }
    }

    async fn wait(&mut self, error: &io::Error) {
        let wait = longer(self.pause);
        if self.pause.replace(wait).is_none() {
            tracing::warn!(target: "consolegate::listen", whose = self.whose, %error,
                "cannot accept connections; trying again");
        }
        tokio::time::sleep(wait).await;
    }
}

fn longer(pause: Option<Duration>) -> Duration {
    pause.map_or(BACK_OFF.0, |before| (before * 2).min(BACK_OFF.1))
}

fn is_peers_doing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e01_waits_grow_to_a_second_and_no_further() {
        let waits = std::iter::successors(Some(longer(None)), |before| Some(longer(Some(*before))));
        let millis: Vec<u128> = waits.take(7).map(|wait| wait.as_millis()).collect();
        assert_eq!(millis, [50, 100, 200, 400, 800, 1000, 1000]);
    }
}
