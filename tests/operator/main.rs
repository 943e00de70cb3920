//! What an operator does before customers come: make a configuration, ask the nodes, look reasons up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, dead_code, unreachable_pub, missing_docs, reason = "tests share support")]

#[path = "../support/client.rs"]
mod client;
#[path = "../gate/mod.rs"]
mod gate;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/process.rs"]
mod process;

mod admin_token;
mod doctor;
mod init;
mod reasons;
