//! The command line: one file per command.
//!
//! Owns arguments, what is printed and exit codes. Data goes to standard output, talk to standard error. Decides nothing
//! about tokens, guests or the configuration: it asks the rooms that do.

mod check;
mod demo;
mod doctor;
mod exit;
mod explain;
mod init;
mod inspect;
mod mint;
mod serve;

use crate::config::Config;
use crate::id::Vmid;
use crate::token::{KeySets, Verifier};
use clap::{CommandFactory, Parser, Subcommand};
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
    /// Write a configuration with fresh keys, from four answers; fetches nothing.
    Init(Box<init::Arguments>),
    /// Ask every node of the configuration whether consoles can be opened, and say what to do where not.
    Doctor(doctor::Arguments),
    /// Show the gateway in a browser, with a simulated Proxmox node on this machine.
    Demo(demo::Arguments),
    /// Make and look at connect tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Say what a reason, a code or a close code means, and what to do about it.
    Explain(explain::Arguments),
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

/// All commands with their arguments, for what is made of them: completions and manual pages (`examples/handbook.rs`).
#[must_use]
pub fn command() -> clap::Command {
    CommandLine::command()
}

fn dispatch(command: Command) -> Result<(), Stop> {
    match command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Token(TokenCommand::Mint(arguments)) => mint::run(&arguments),
        Command::Token(TokenCommand::Inspect(arguments)) => inspect::run(&arguments),
    }
}

/// A guest's number, as an argument.
fn vmid(text: &str) -> Result<Vmid, String> {
    let number = text.parse::<u32>().ok().and_then(|number| Vmid::try_from(number).ok());
    number.ok_or_else(|| "a guest's number is a whole number from 100 to 999999999".to_owned())
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
