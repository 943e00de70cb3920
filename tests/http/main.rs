//! The public face through real sockets: raw bytes in, raw bytes out, numbered as in the hostile-inputs reference.
//!
//! Everything here ends before a node would be asked: the configured node is a listener that counts who comes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod brand;
mod client;
mod control;
mod deadlines;
mod door;
mod face;
mod files;
mod heads;
mod health;
mod origins;
mod proxies;
mod proxy_header;
mod sessions;
mod targets;
mod tls;
mod tokens;
mod upgrade;
