//! The measurements, one file each.

pub mod idle;
pub mod lanes;
pub mod latency;
pub mod opens;
pub mod stall;
pub mod start;
pub mod throughput;
pub mod typing;
