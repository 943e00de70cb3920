//! `token inspect`: what a token says, and what this gateway thinks of it.
//!
//! Owns the words around a verdict; the verdict is the verifier's. Prints a stranger's text only with its control
//! characters escaped. Remembers nothing: whether a token was used already, only the running gateway knows. Asks nobody but
//! an issuer's `jwks_url`.

use super::exit::{Stop, explain};
use super::{Configuration, verifier};
use crate::clock::unix_now;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use crate::token::{Rejected, Verifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::sync::Arc;

/// More than any token, with room for the address around it.
const MAX_INPUT: u64 = 16 * 1024;

/// Arguments of `token inspect`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  consolegate token mint --vmid 100 | consolegate token inspect -\n\nExits with 1 when the gateway would refuse the token."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    configuration: Configuration,
    /// The token, or the whole console address; - reads it from standard input, where no process list shows it.
    #[arg(value_name = "TOKEN|-", allow_hyphen_values = true)]
    token: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let config = Config::load(&arguments.configuration.config)?;
    let given = if arguments.token == "-" { read_input()? } else { arguments.token.clone() };
    let given = given.trim();
    let token = match given.split_once('#') {
        Some((_, token)) => token,
        None if given.contains("://") => {
            return Err(Stop::Usage("the address has no #, and the token stands behind it".to_owned()));
        }
        None => given,
    };
    let now = unix_now();
    let refusals = refusals(&config, token, now)?;
    io::stdout().write_all(report(token, &refusals, now).as_bytes())?;
    if refusals.is_empty() { Ok(()) } else { Err(Stop::Refused) }
}

fn read_input() -> Result<String, Stop> {
    let mut text = String::new();
    io::stdin().take(MAX_INPUT).read_to_string(&mut text)?;
    Ok(text)
}

/// The verifier stops at the first rule that does not hold. A token that only came at the wrong time is judged once
/// more as of the moment it was made, which shows what else is wrong with it.
fn refusals(config: &Config, token: &str, now: u64) -> Result<Vec<Failure>, Stop> {
    let verifier = verifier(config).map_err(Stop::Failed)?;
    if config.issuers.iter().any(|issuer| issuer.jwks_url.is_some()) {
        ask_for_keys(&verifier, token, now)?;
    }
    let Err(Rejected { failure: first, .. }) = verifier.verify(token, now) else { return Ok(Vec::new()) };
    let mut refusals = vec![first];
    let untimely = refusals.iter().any(|failure| matches!(failure.reason, Reason::TokenExpired | Reason::TokenNotYet));
    let made = part(token, 1).and_then(|claims| claims.get("iat").and_then(Value::as_u64)).filter(|_| untimely);
    if let Some(Err(second)) = made.map(|made| verifier.verify(token, made)) {
        refusals.push(second.failure);
    }
    Ok(refusals)
}

/// Asks `jwks_url` once, as the running gateway has, where the token's issuer has one.
fn ask_for_keys(verifier: &Verifier, token: &str, now: u64) -> Result<(), Stop> {
    let metrics = Arc::new(Metrics::new().map_err(Stop::Failed)?);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        verifier.begin(&metrics);
        verifier.freshen(token, now).await;
    });
    Ok(())
}

fn report(token: &str, refusals: &[Failure], now: u64) -> String {
    let mut text = String::new();
    for (index, title) in ["header", "claims"].into_iter().enumerate() {
        match part(token, index) {
            Some(value) => {
                let _ = writeln!(text, "{title}");
                lines(&mut text, "", &value, now);
            }
            None => {
                let _ = writeln!(text, "{title}: not base64url of a JSON object");
            }
        }
    }
    for failure in refusals {
        let _ = writeln!(text, "refused: {}", explain(failure));
    }
    if refusals.is_empty() {
        text.push_str("good: this gateway accepts it, if it was not used before\n");
    }
    text
}

/// A part of the token as the object it should be.
fn part(token: &str, index: usize) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

fn lines(text: &mut String, prefix: &str, value: &Value, now: u64) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = format!("{prefix}{}", printable(name));
        if value.is_object() {
            lines(text, &format!("{name}."), value, now);
            continue;
        }
        let time = matches!(name.as_str(), "iat" | "nbf" | "exp").then(|| value.as_u64()).flatten();
        let time = time.map(|time| format!(" ({})", relative(time, now))).unwrap_or_default();
        let _ = writeln!(text, "  {name:<20} {}{time}", printable(&value.to_string()));
    }
}

/// Text whose control and direction characters can neither move the terminal's cursor nor reorder its line.
fn printable(text: &str) -> String {
    let one = |c: char| {
        if c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric() {
            c.to_string()
        } else {
            c.escape_unicode().to_string()
        }
    };
    text.chars().map(one).collect()
}

/// A time as seen from now.
fn relative(time: u64, now: u64) -> String {
    let distance = time.abs_diff(now);
    if time / 1_000 > now / 2 {
        return "not seconds but milliseconds? Divide by 1000".to_owned();
    }
    let words = match distance {
        0..=119 => format!("{distance} s"),
        120..=7_199 => format!("{} min {} s", distance / 60, distance % 60),
        7_200..=172_799 => format!("{} h {} min", distance / 3_600, distance % 3_600 / 60),
        _ => format!("{} days", distance / 86_400),
    };
    if time >= now { format!("in {words}") } else { format!("{words} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_now() {
        assert_eq!(relative(143, 100), "in 43 s");
        assert_eq!(relative(88, 100), "12 s ago");
        assert_eq!(relative(100, 100), "in 0 s");
        assert_eq!(relative(0, 3_700), "61 min 40 s ago");
        assert_eq!(relative(1_795_319_512 + 86_400 * 11, 1_795_319_512), "in 11 days");
        assert!(relative(1_795_319_512_000, 1_795_319_512).contains("milliseconds"));
    }

    #[test]
    fn nothing_a_token_holds_moves_the_cursor() {
        assert_eq!(printable("web-01 ä\u{1b}[2J\u{202e}\u{9b}"), "web-01 ä\\u{1b}[2J\\u{202e}\\u{9b}");
    }
}
