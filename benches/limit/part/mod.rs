//! The measurements, one file each.

mod lanes;
pub mod throughput;
