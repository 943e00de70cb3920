//! What both faces say and read the same way: bearer tokens, small JSON bodies, problems, health.
//!
//! Knows no route. A refusal is answered by its reason alone, wherever it was found; a cause never leaves the log.

pub mod answer;
pub mod bearer;
pub mod body;
pub mod health;
pub mod problem;

pub use answer::{Answer, Refused};
