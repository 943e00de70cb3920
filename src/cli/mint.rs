//! `token mint`: signs a connect token as a panel would, for trying things out.
//!
//! Owns the claims it writes (EMBED.md has all there are). Never prints a token that this gateway would refuse.

use super::exit::{Stop, explain};
use super::{Configuration, verifier};
use crate::clock::unix_now;
use crate::config::{Config, Issuer, Key, KeyMaterial};
use crate::id::Vmid;
use crate::secret::Secret;
use crate::token::Rejected;
use crate::{hex, random};
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use std::io::{self, Write};

/// Arguments of `token mint`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  consolegate token mint --vmid 100 --url\n\nThe token opens one console, once, within its seconds."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    configuration: Configuration,
    /// Who signs; may be left out where there is one issuer.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// Which of its keys (kid); left out: its first with a shared secret.
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// The guest's number.
    #[arg(long, value_name = "NUMBER", value_parser = super::vmid)]
    vmid: Option<Vmid>,
    /// What the guest is.
    #[arg(long, default_value = "qemu", value_parser = ["qemu", "lxc", "node"])]
    kind: String,
    /// Screen or terminal.
    #[arg(long, default_value = "vnc", value_parser = ["vnc", "term"])]
    protocol: String,
    /// The cluster; may be left out where the issuer has one.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The node: needed for --kind node, a hint for guests.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// A right, once for each; without any: input.
    #[arg(long = "right", value_name = "RIGHT", value_parser = ["input", "clipboard", "resize", "power"])]
    rights: Vec<String>,
    /// No rights at all: the console can be watched, not used.
    #[arg(long, conflicts_with = "rights")]
    view_only: bool,
    /// The panel's user.
    #[arg(long, value_name = "NAME", default_value = "operator")]
    sub: String,
    /// How long the token may be used to connect.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
    /// Print the address to open in a browser instead of the token alone.
    #[arg(long)]
    url: bool,
    /// Print token, address and claims as JSON.
    #[arg(long, conflicts_with = "url")]
    json: bool,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    jti: String,
    iat: u64,
    exp: u64,
    console: Console<'a>,
}

#[derive(Serialize)]
struct Console<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vmid: Option<u32>,
    protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
}

#[derive(Serialize)]
struct Printed<'a> {
    token: &'a str,
    url: &'a str,
    claims: &'a Claims<'a>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    if arguments.kind != "node" && arguments.vmid.is_none() {
        return Err(Stop::Usage("--vmid is needed for a guest; --kind node needs --node instead".to_owned()));
    }
    let config = Config::load(&arguments.configuration.config)?;
    let issuer = issuer(&config, arguments.issuer.as_deref())?;
    let (key, secret) = signing_key(issuer, arguments.key.as_deref())?;
    let now = unix_now();
    let claims = claims(arguments, issuer, now)?;
    let mut header = Header::new(key.algorithm);
    header.kid = Some(key.id.clone());
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.reveal()))
        .map_err(|error| Stop::Failed(format!("the token could not be signed: {error}")))?;
    refuse_useless(&config, &token, now)?;
    // The fragment never leaves the browser, so the token is in no log of a web server.
    let url = format!("{}/console#{token}", config.public_url);
    if arguments.json {
        let printed = Printed { token: &token, url: &url, claims: &claims };
        let json = serde_json::to_string_pretty(&printed).map_err(|error| Stop::Failed(error.to_string()))?;
        writeln!(io::stdout(), "{json}")?;
    } else {
        writeln!(io::stdout(), "{}", if arguments.url { &url } else { &token })?;
    }
    Ok(())
}

fn issuer<'a>(config: &'a Config, name: Option<&str>) -> Result<&'a Issuer, Stop> {
    let names = || config.issuers.iter().map(|issuer| issuer.name.as_str()).collect::<Vec<_>>().join(", ");
    match (name, config.issuers.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Stop::Usage(format!("--issuer is needed, there are several: {}", names()))),
        (Some(name), issuers) => issuers
            .iter()
            .find(|issuer| issuer.name == name)
            .ok_or_else(|| Stop::Usage(format!("there is no issuer {name:?}; configured: {}", names()))),
    }
}

fn signing_key<'a>(issuer: &'a Issuer, id: Option<&str>) -> Result<(&'a Key, &'a Secret), Stop> {
    let chosen = |key: &&'a Key| id.is_none_or(|id| key.id == id);
    if let Some(id) = id.filter(|_| !issuer.keys.iter().any(|key| chosen(&key))) {
        let names = issuer.keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Stop::Usage(format!("issuer {:?} has no key {id:?}; configured: {names}", issuer.name)));
    }
    let shared = |key: &'a Key| match &key.material {
        KeyMaterial::Shared(secret) => Some((key, secret)),
        KeyMaterial::PublicPem(_) => None,
    };
    issuer.keys.iter().filter(chosen).find_map(shared).ok_or_else(|| {
        Stop::Failed(format!(
            "the gateway holds only the public key of issuer {:?}, so only the panel can sign\n  fix: sign with the \
             panel's private key (examples/sign_token.rs), or add an [[issuer.key]] with HS256 for trying things out",
            issuer.name
        ))
    })
}

fn claims<'a>(arguments: &'a Arguments, issuer: &'a Issuer, now: u64) -> Result<Claims<'a>, Stop> {
    let jti = hex::lower(&random::bytes::<16>().map_err(|error| Stop::Failed(error.to_string()))?);
    let rights = (arguments.view_only || !arguments.rights.is_empty()).then_some(arguments.rights.as_slice());
    Ok(Claims {
        iss: &issuer.name,
        aud: &issuer.audience,
        sub: &arguments.sub,
        jti,
        iat: now,
        exp: now.saturating_add(arguments.seconds),
        console: Console {
            cluster: arguments.cluster.as_deref(),
            kind: &arguments.kind,
            vmid: arguments.vmid.map(Vmid::get),
            protocol: &arguments.protocol,
            rights,
            node: arguments.node.as_deref(),
        },
    })
}

fn refuse_useless(config: &Config, token: &str, now: u64) -> Result<(), Stop> {
    let refused = |rejected: Rejected| {
        Stop::Failed(format!("this gateway would refuse the token: {}", explain(&rejected.failure)))
    };
    verifier(config).map_err(Stop::Failed)?.verify(token, now).map(|_| ()).map_err(refused)
}
