//! The command line: one file per command.
//!
//! Owns arguments, what is printed and exit codes. Data goes to standard output, talk to standard error. Decides nothing
//! about tokens, guests or the configuration: it asks the rooms that do.

mod check;
mod demo;
mod exit;
mod inspect;
mod mint;
mod serve;

use crate::config::Config;
use crate::token::{KeySets, Verifier};
use clap::{Parser, Subcommand};
use exit::{Exit, Stop};
use std::path::PathBuf;
use std::process::ExitCode;

/// A console gateway for Proxmox VE: signed links in, VNC and terminals out.
#[derive(Debug, Parser)]
#[command(name = "consolegate", version, after_help = "Exit codes: 0 good, 1 failed, 64 usage, 78 configuration.")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(serve::Arguments),
    /// Check the configuration and every file it names, offline.
    Check(check::Arguments),
    /// Show the gateway in a browser, with a simulated Proxmox node on this machine.
    Demo(demo::Arguments),
    /// Make and look at connect tokens.
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Sign a connect token with an issuer's shared secret.
    Mint(Box<mint::Arguments>),
    /// Show what a token says, and whether this gateway would accept it.
    Inspect(inspect::Arguments),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct Configuration {
    /// The configuration file.
    #[arg(long, value_name = "PATH", default_value = "/etc/consolegate/consolegate.toml")]
    config: PathBuf,
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    install_providers();
    match CommandLine::try_parse() {
        Ok(line) => Exit::of(dispatch(line.command)).into(),
        Err(error) => {
            let wanted = if error.use_stderr() { Exit::Usage } else { Exit::Good };
            if error.print().is_ok() { wanted.into() } else { Exit::Failed.into() }
        }
    }
}

fn dispatch(command: Command) -> Result<(), Stop> {
    match command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Token(TokenCommand::Mint(arguments)) => mint::run(&arguments),
        Command::Token(TokenCommand::Inspect(arguments)) => inspect::run(&arguments),
    }
}

/// Both libraries keep their cryptography in a global that may be set once. When it is set already, it was set here.
fn install_providers() {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The verifier of a configuration. It refuses no token for being older than the process: commands remember none.
fn verifier(config: &Config) -> Result<Verifier, String> {
    Verifier::new(&config.issuers, &config.clusters, &config.public_url, None, &KeySets::default())
}
