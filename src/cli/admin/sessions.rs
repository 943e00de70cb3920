//! `sessions list`, `show` and `kill`: what is live in the fleet.

use super::client::at;
use super::{Gateway, print};
use crate::cli::exit::Stop;
use crate::clock::unix_now;
use crate::id::SessionId;
use hyper::Method;
use serde_json::Value;
use std::io::{self, Write};

/// What is live, and ending it.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum SessionsCommand {
    /// Every live session of the fleet, as a table.
    List {
        #[command(flatten)]
        gateway: Gateway,
        /// Print what the gateway says, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Everything about one session, as JSON.
    Show {
        #[command(flatten)]
        gateway: Gateway,
        /// The session: its id, or the first characters of it that no other has.
        session: String,
    },
    /// End a session for good.
    Kill {
        #[command(flatten)]
        gateway: Gateway,
        /// The same.
        session: String,
    },
}

pub(in crate::cli) fn run(command: &SessionsCommand) -> Result<(), Stop> {
    match command {
        SessionsCommand::List { gateway, json: true } => print(&gateway.ask(Method::GET, "/v1/sessions", "")?),
        SessionsCommand::List { gateway, json: false } => {
            let said = gateway.ask(Method::GET, "/v1/sessions", "")?;
            let none = Vec::new();
            let said = said.json();
            io::stdout().write_all(table(at(&said, "sessions").as_array().unwrap_or(&none), unix_now()).as_bytes())?;
            Ok(())
        }
        SessionsCommand::Show { gateway, session } => {
            let id = whole(gateway, session)?;
            print(&gateway.ask(Method::GET, &format!("/v1/sessions/{id}"), "")?)
        }
        SessionsCommand::Kill { gateway, session } => {
            let id = whole(gateway, session)?;
            gateway.ask(Method::DELETE, &format!("/v1/sessions/{id}"), "")?;
            writeln!(io::stderr(), "session {id} is ended")?;
            Ok(())
        }
    }
}

/// The id that begins so. A whole one may be of a session that is not connected at the moment.
fn whole(gateway: &Gateway, beginning: &str) -> Result<String, Stop> {
    if beginning.parse::<SessionId>().is_ok() {
        return Ok(beginning.to_owned());
    }
    let said = gateway.ask(Method::GET, "/v1/sessions", "")?.json();
    let ids =
        at(&said, "sessions").as_array().into_iter().flatten().filter_map(|session| at(session, "session").as_str());
    let mut meant = ids.filter(|id| !beginning.is_empty() && id.starts_with(beginning));
    match (meant.next(), meant.next()) {
        (Some(id), None) => Ok(id.to_owned()),
        (None, _) => Err(Stop::Failed(format!("no live session begins with {beginning:?}"))),
        (Some(_), Some(_)) => Err(Stop::Failed(format!("more than one live session begins with {beginning:?}"))),
    }
}

const HEADS: [&str; 9] = ["REF", "CONSOLE", "GUEST", "NODE", "ISSUER/SUBJECT", "CLIENT", "AGE", "UP", "DOWN"];

/// One line for each session, the oldest first.
fn table(sessions: &[Value], now: u64) -> String {
    let mut sessions: Vec<&Value> = sessions.iter().collect();
    sessions.sort_by_key(|session| at(session, "began").as_u64());
    let mut rows = vec![HEADS.map(str::to_owned)];
    rows.extend(sessions.into_iter().map(|session| row(session, now)));
    let widths: Vec<usize> = (0..HEADS.len())
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &[String; 9]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(session: &Value, now: u64) -> [String; 9] {
    // A panel's words may hold anything; a terminal is shown none of it.
    let text = |key: &str| at(session, key).as_str().unwrap_or("-").escape_debug().to_string();
    let bytes = |way: &str| at(at(session, way), "bytes").as_u64().map_or_else(|| "-".to_owned(), size);
    [
        text("ref"),
        text("protocol"),
        format!("{}/{}", text("cluster"), text("guest")),
        text("node"),
        format!("{}/{}", text("issuer"), text("subject")),
        text("client"),
        at(session, "began").as_u64().map_or_else(|| "-".to_owned(), |began| age(now.saturating_sub(began))),
        bytes("up"),
        bytes("down"),
    ]
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (bytes.max(1).ilog2() / 10).min(4);
    let unit = UNITS.get(power as usize).unwrap_or(&"B");
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let count = bytes as f64 / f64::from(1_u32 << 10).powi(power.cast_signed());
    if power == 0 { format!("{bytes}{unit}") } else { format!("{count:.1}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_is_in_columns_and_shows_no_control_character() {
        let session = |reference: &str, subject: &str, began: u64, up: u64| {
            json!({ "ref": reference, "protocol": "vnc", "cluster": "eu1", "guest": "qemu/100", "node": "pve1",
                    "issuer": "panel", "subject": subject, "client": "192.0.2.1", "began": began,
                    "up": { "bytes": up }, "down": { "bytes": 5 << 20 } })
        };
        let listed = [session("bbbbbbbb", "a\u{1b}[2J", 990, 1023), session("aaaaaaaa", "b", 100, 1536)];
        let table = table(&listed, 4000);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), HEADS);
        assert!(lines[1].starts_with("aaaaaaaa  vnc      eu1/qemu/100  pve1"), "{table}");
        assert!(lines[1].ends_with("1h05m  1.5KiB  5.0MiB"), "{table}");
        assert!(lines[2].contains("panel/a\\u{1b}[2J") && lines[2].contains("50m    1023B"), "{table}");
    }
}
