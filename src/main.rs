//! The daemon's entry: everything is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    consolegate::cli::run()
}
