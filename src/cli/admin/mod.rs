//! Commands that ask a running gateway: its sessions, what is withdrawn, the drain.
//!
//! Owns where the admin side is and what proves the right to ask it. Decides nothing about a session: the gateway does.

mod client;
mod drain;
mod revoke;
mod sessions;

pub(super) use drain::{Arguments as Drain, run as drain};
pub(super) use revoke::{Arguments as Revoke, run as revoke};
pub(super) use sessions::{SessionsCommand as Sessions, run as sessions};

use super::exit::Stop;
use super::{Configuration, check};
use crate::config::Config;
use client::{Client, Said};
use hyper::Method;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tokio::runtime::Builder;

const NO_TOKEN: &str = r#"no token; name its file with --token-file, or set CONSOLEGATE_ADMIN_TOKEN
  fix: where there is none yet, make one, and see its SHA-256, which is all that the gateway is told:
    TOKEN=$(openssl rand -hex 32)
    printf %s "$TOKEN" | sha256sum | cut -c1-64
  write at the end of the configuration, with scopes of read, kill, drain and revoke:
    [[admin.token]]
    name = "ops"
    sha256 = "THE 64 DIGITS"
    scopes = ["read", "kill"]
  and let the gateway read it (systemctl reload consolegate); then
    export CONSOLEGATE_ADMIN_TOKEN="$TOKEN""#;

/// The gateway that is asked, and the token that is shown.
#[derive(Debug, clap::Args)]
pub(super) struct Gateway {
    #[command(flatten)]
    configuration: Configuration,
    /// The admin side of another gateway, such as https://gate2.internal:9464; left out: the configuration's.
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// Whom its certificate is believed to be signed by; left out: the system's roots.
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
    /// The file of the bearer token, - for standard input; left out: the variable CONSOLEGATE_ADMIN_TOKEN.
    #[arg(long, value_name = "PATH")]
    token_file: Option<PathBuf>,
}

impl Gateway {
    /// The answer to one question.
    fn ask(&self, method: Method, path: &str, body: &str) -> Result<Said, Stop> {
        let (address, ca) = (self.address()?, self.ca_file.as_deref().map(|path| read("--ca-file", path)).transpose()?);
        let client = Client::new(&address, ca.as_deref()).map_err(Stop::Usage)?;
        let token = self.token()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(client.ask(method, path, &token, body)).map_err(Stop::Failed)
    }

    fn address(&self) -> Result<String, Stop> {
        if let Some(address) = &self.admin {
            return Ok(address.clone());
        }
        let Config { admin, .. } = check::loaded(&self.configuration.config)?;
        let scheme = if admin.tls.is_some() { "https" } else { "http" };
        // Where it listens on all addresses, this machine's own is one of them.
        let address = match admin.address.ip().is_unspecified() {
            true => format!("localhost:{}", admin.address.port()),
            false => admin.address.to_string(),
        };
        Ok(format!("{scheme}://{address}"))
    }

    fn token(&self) -> Result<String, Stop> {
        let text = match &self.token_file {
            Some(path) if path.as_os_str() == "-" => {
                let mut text = String::new();
                io::stdin().read_to_string(&mut text)?;
                text
            }
            Some(path) => String::from_utf8_lossy(&read("--token-file", path)?).into_owned(),
            None => {
                let set = std::env::var("CONSOLEGATE_ADMIN_TOKEN").ok().filter(|text| !text.trim().is_empty());
                set.ok_or_else(|| Stop::Usage(NO_TOKEN.to_owned()))?
            }
        };
        Ok(text.trim().to_owned())
    }
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(path).map_err(|error| Stop::Failed(format!("{option} {}: {error}", path.display())))
}

/// What a gateway said as data, for programs.
fn print(said: &Said) -> Result<(), Stop> {
    writeln!(io::stdout(), "{}", said.text)?;
    Ok(())
}
