//! The daemon's entry: everything is in the library's `cli`.

fn main() {}
