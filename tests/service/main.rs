//! The gateway as a service of a machine: its audit file is rotated, its disk gets full, its clock jumps, it is restarted by
//! systemd.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "../support/client.rs"]
mod client;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/raw.rs"]
mod raw;

mod audit_file;
mod clock;
mod reload;
mod sockets;
