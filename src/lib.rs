//! Consolegate: a console gateway for Proxmox VE.

#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "tests choose their own numbers"))]

pub mod admin;
pub mod app;
pub mod cli;
pub mod config;
pub mod console;
pub mod http;
pub mod id;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod net;
pub mod reason;
pub mod resolve;
pub mod secret;
pub mod session;
pub mod sim;
pub mod splice;
pub mod store;
pub mod token;
pub mod traffic;
pub mod upstream;
pub mod wire;
