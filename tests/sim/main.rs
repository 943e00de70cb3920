//! The simulated node against section 12 of the protocol reference, item by item.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests"
)]

mod backends;
mod faults;
mod http;
mod login;
mod peer;
mod power;
mod term;
mod vnc;
mod websocket;
