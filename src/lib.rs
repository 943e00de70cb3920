//! Consolegate: a console gateway for Proxmox VE.
//!
//! A panel signs a short-lived connect token; a browser brings it; the gateway asks Proxmox for a console of exactly that
//! guest, logs in to it, and passes WebSocket bytes both ways until one side ends.
//!
//! # The way of a connection
//!
//! ```text
//! listen ──stream──▶ http ──token──▶ console ──┬▶ session.admit    ─▶ SessionGuard
//!                                              ├▶ resolve.locate   ─▶ Place
//!                                              ├▶ resolve.open     ─▶ Target (ticket)
//!                                              ├▶ upstream.connect ─▶ Upstream
//!                                              ├▶ vnc login        ─▶ Pair
//!                                              ├▶ splice.run       ─▶ Ended
//!                                              └▶ record: log line, metrics (once, here)
//! ```
//!
//! Each stage consumes the value of the stage before, so holding a value proves what came before it.
//!
//! # The house
//!
//! A file imports only from rooms further down this list; `tests/layers.rs` refuses anything else.
//!
//! | room | what it owns |
//! | --- | --- |
//! | [`cli`] | one file per command |
//! | [`app`] | configuration to running gateway; the demo |
//! | [`admin`], [`http`] | the two faces: routes, nothing else |
//! | [`api`] | what both faces say alike: bearer tokens, bodies, problems, health |
//! | [`console`] | the pipeline of one console, and the VNC login |
//! | [`upstream`] | the node's WebSocket |
//! | [`resolve`] | the Proxmox API: guests, credentials, tickets |
//! | [`lifecycle`] | starting, ready, draining, closed |
//! | [`session`], [`turns`] | live sessions and their limits; who opens what now |
//! | [`token`] | connect tokens, grants, sealed tickets |
//! | [`splice`] | bytes between the legs: re-heading, back-pressure, times |
//! | [`listen`] | accepting, TLS, client addresses |
//! | [`store`] | what was used already, and what is withdrawn |
//! | [`sim`] | the simulated Proxmox node of demo, tests and benches |
//! | [`net`], [`metrics`], [`trace`], [`audit`], [`log`] | dialling nodes; counters; spans; audit lines; where lines go |
//! | [`record`] | TLS: records opened and sealed where they lie |
//! | [`config`] | the file as written and as meant |
//! | [`wire`] | frame headers, RFB, PROXY: bytes in, values out |
//! | [`revocation`] | what an operator withdrew |
//! | [`id`], [`secret`], [`reason`], [`traffic`] | the words of the product |
//! | [`not_after`] | when a certificate ends |
//! | [`calendar`], [`clock`], [`hex`], [`random`], [`sha256`] | what every program needs, once |
//!
//! # Words
//!
//! **Client leg**, **node leg**: the browser's and Proxmox's side of a session. **VNC ticket**: Proxmox's. **Session
//! ticket**, **resume token**: ours, sealed. **Reason**: why something was refused or ended, of one closed list.

#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "tests choose their own numbers"))]

pub mod admin;
pub mod api;
pub mod app;
pub mod audit;
pub mod calendar;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod hex;
pub mod http;
pub mod id;
pub mod lifecycle;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod net;
pub mod not_after;
pub mod random;
pub mod reason;
pub mod record;
pub mod resolve;
pub mod revocation;
pub mod secret;
pub mod session;
pub mod sha256;
pub mod sim;
pub mod splice;
pub mod store;
pub mod token;
pub mod trace;
pub mod traffic;
pub mod turns;
pub mod upstream;
pub mod wire;
