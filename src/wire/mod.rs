//! Wire formats: bytes in, values out. No I/O, no clock, no product rules.
//!
//! Every table is used in both directions and tested against bytes from its specification.

pub mod proxy;
pub mod rfb;
pub mod rfb_client;
pub mod term;
pub mod utf8;
pub mod vnc_auth;
pub mod walk;
pub mod websocket;
