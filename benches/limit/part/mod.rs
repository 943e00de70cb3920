//! The measurements, one file each.

pub mod lanes;
pub mod opens;
pub mod throughput;
pub mod typing;
