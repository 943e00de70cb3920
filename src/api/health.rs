//! What balancers ask: alive is alive, ready is ready for new consoles.

use super::Answer;
use super::answer::whole;
use crate::lifecycle::Phase;
use hyper::{Method, StatusCode};

/// One of the two questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// `/healthz`.
    Alive,
    /// `/readyz`.
    Ready,
}

impl Probe {
    /// How it may be asked.
    pub const ALLOW: &str = "GET, HEAD";

    /// The question of this path.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Alive),
            "/readyz" => Some(Self::Ready),
            _ => None,
        }
    }

    /// Whether it is asked by this method.
    #[must_use]
    pub fn allows(method: &Method) -> bool {
        matches!(*method, Method::GET | Method::HEAD)
    }

    /// Its answer in this phase.
    #[must_use]
    pub fn answer(self, phase: Phase) -> Answer {
        let (status, word) = match (self, phase) {
            (Self::Alive, _) | (Self::Ready, Phase::Ready) => (StatusCode::OK, "ok\n"),
            (Self::Ready, Phase::Starting) => (StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
            (Self::Ready, Phase::Leaving | Phase::Draining) => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        };
        whole(status, "text/plain; charset=utf-8", word)
    }
}
