//! `explain`: cause and cure of a reason, by its word, its code, its close code or its HTTP status.
//!
//! Owns the layout, where each status is answered, and what 1006 is; everything else is the closed list's own.
//! `docs/reasons.md` is what `--markdown` prints.

use super::exit::Stop;
use crate::reason::{Level, Reason};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  consolegate explain guest_stopped\n  consolegate explain 4423\n  consolegate explain 403\n\nWithout a code it lists every reason."
)]
pub(super) struct Arguments {
    /// A reason of a log line or metric, a code that a customer saw, a WebSocket close code, or an HTTP status.
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// The page of the documentation, with every reason.
    #[arg(long, conflicts_with = "code")]
    markdown: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let text = match &arguments.code {
        _ if arguments.markdown => page(),
        None => list(),
        Some(code) => found(code.trim()).ok_or_else(|| Stop::Usage(unknown(code)))?,
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn found(code: &str) -> Option<String> {
    let meant = meant(code);
    if !meant.is_empty() {
        return Some(meant.into_iter().map(explained).collect::<Vec<_>>().join("\n"));
    }
    if code == "1006" {
        return Some(CUT.iter().fold("1006\n".to_owned(), |text, (label, words)| text + &row(label, words)));
    }
    by_status(code.parse().ok()?)
}

fn row(label: &str, words: &str) -> String {
    format!("  {:<9} {words}\n", format!("{label}:"))
}

/// What browsers say of a WebSocket that ended without a close frame.
const CUT: [(&str, &str); 4] = [
    (
        "cause",
        "the browser's own word for a connection that ended without a close frame (RFC 6455, section 7.4.1); the \
         gateway never sends it",
    ),
    (
        "at once",
        "GET /v1/ws was not answered with 101: a proxy in between does not pass the upgrade on, the browser refuses the \
         certificate (open the gateway's /healthz in it), or the gateway refused the request, whose status browsers \
         hide; then its log has the reason",
    ),
    (
        "later",
        "a proxy in between cut the connection (see its time limits for tunnels), the network did, or the gateway was \
         killed; where it was not, its log says client_gone or client_dead",
    ),
    ("page", "says that the connection was lost, and tries again by itself"),
];

/// Where the gateway answers with this status; none where it refuses nothing with it.
fn answered_at(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "any path: the request itself; POST /v1/sessions/{session}/power: what it asks for",
        401 => {
            "wherever a token is shown: POST /v1/sessions, GET /v1/ws, GET /v1/sessions/{session}, POST \
             /v1/sessions/{session}/power, and the admin side"
        }
        403 => {
            "POST /v1/sessions, GET /v1/ws and /v1/sessions/{session}: the page's origin; POST \
             /v1/sessions/{session}/power: the right to it; the admin side: a scope"
        }
        404 => {
            "any path that is none; POST /v1/sessions/{session}/power: the guest; the admin side's /v1/sessions/{id}: the \
             session"
        }
        405 | 408 | 417 | 421 | 431 | 500 => "any path",
        409 => "POST /v1/sessions/{session}/power: the guest cannot be switched as it is",
        426 => "GET /v1/ws",
        429 => {
            "any path, where a trusted proxy passes on too many requests of one client; POST \
             /v1/sessions/{session}/power; all other limits are close codes of GET /v1/ws"
        }
        502 | 504 => {
            "POST /v1/sessions/{session}/power, which asks Proxmox; opening a console answers 101 before it asks"
        }
        503 => {
            "POST /v1/sessions, GET /v1/ws, POST /v1/sessions/{session}/power, the admin side; /readyz says starting or \
             draining with it"
        }
        _ => return None,
    })
}

const BODY: &str = "problem details (RFC 9457), whose code is one of these, and on the admin side the reason; without a code \
                    are /readyz, an unknown path of the admin side (404), and what cannot be read as HTTP (400, 431): any \
                    other such answer is of a proxy in between";
const SOCKET: &str = "browsers hide the status of a WebSocket's request and say 1006; once GET /v1/ws has answered 101, the \
                      reason comes as its close code";

fn by_status(status: u16) -> Option<String> {
    let mut text = format!("HTTP status {status}\n{}", row("where", answered_at(status)?));
    text += &(row("body", BODY) + &row("socket", SOCKET) + "\n");
    Some(text + &table(|reason| reason.public().status == status))
}

/// One reason by its word, or all that show this code or close code. Words of logs come first: they say more.
fn meant(code: &str) -> Vec<Reason> {
    let all = || Reason::ALL.iter().copied();
    let by_word: Vec<Reason> = all().filter(|reason| reason.word() == code).collect();
    if !by_word.is_empty() {
        return by_word;
    }
    let close = code.parse::<u16>().ok();
    all().filter(|reason| reason.public().code == code || Some(reason.public().close) == close).collect()
}

fn unknown(code: &str) -> String {
    let near = Reason::ALL
        .iter()
        .flat_map(|reason| [reason.word(), reason.public().code])
        .min_by_key(|word| strsim::damerau_levenshtein(code, word))
        .filter(|word| strsim::damerau_levenshtein(code, word) * 3 <= word.len());
    let cure = match near {
        Some(word) => format!("did you mean {word}?"),
        None => "consolegate explain lists them all".to_owned(),
    };
    format!("{:?} is no reason, code, close code or HTTP status; {cure}", code)
}

/// A line each, for people who search.
fn list() -> String {
    table(|_| true)
}

fn table(wanted: impl Fn(Reason) -> bool) -> String {
    let mut text = format!("{:<26} {:<22} close  cause and cure\n", "reason", "code");
    for reason in Reason::ALL.iter().filter(|reason| wanted(**reason)) {
        let public = reason.public();
        let _ = writeln!(text, "{:<26} {:<22} {:<6} {}", reason.word(), public.code, public.close, reason.cure());
    }
    text
}

fn explained(reason: Reason) -> String {
    let public = reason.public();
    format!(
        "{reason}\n  cause:    {}\n  customer: {}. {}\n  told by:  code {}, close code {}{}\n  page:     {}\n  log:      {}\n",
        reason.cure(),
        public.title,
        public.detail,
        public.code,
        public.close,
        status(reason),
        next(reason),
        level(reason),
    )
}

/// The documentation of all reasons.
fn page() -> String {
    let mut text = String::from(
        "# Reasons\n\nWhy a token, a request or an open was refused, or a session ended: one closed list. The reason is in the log, the audit\nlog and the metrics; the customer sees the code, which several reasons share where telling them apart would help an\nattacker. `consolegate explain CODE` prints the same in a terminal. This page is made by `consolegate explain --markdown`.\n",
    );
    text += &statuses();
    for reason in Reason::ALL {
        let public = reason.public();
        let _ = write!(
            text,
            "\n## {reason}\n\nCause and cure: {}.\n\n- The customer reads: \"{}.\" {}\n- Code `{}`, close code {}{}; logged as {}.\n- The page {}.\n",
            reason.cure(),
            public.title,
            public.detail,
            public.code,
            public.close,
            status(*reason),
            level(*reason),
            next(*reason),
        );
    }
    text
}

/// What a panel's developer sees who has no code yet.
fn statuses() -> String {
    let mut text = format!(
        "\nBy HTTP status. The body: {BODY}. Of `GET /v1/ws`: {SOCKET}.\n\n| status | where | codes |\n| --- | --- | --- |\n"
    );
    let all: BTreeSet<u16> = Reason::ALL.iter().map(|reason| reason.public().status).collect();
    for (status, place) in all.into_iter().filter_map(|status| Some((status, answered_at(status)?))) {
        let told = Reason::ALL.iter().map(|reason| reason.public()).filter(|public| public.status == status);
        let codes: BTreeSet<String> = told.map(|public| format!("`{}`", public.code)).collect();
        let codes = codes.into_iter().collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "| {status} | {place} | {codes} |");
    }
    text += "\nIn a browser, 1006:\n\n";
    CUT.iter().fold(text, |text, (label, words)| text + &format!("- {label}: {words}.\n"))
}

/// The status of a refusal; nothing where a session ends and no request is refused.
fn status(reason: Reason) -> String {
    match reason.public().status {
        200 => String::new(),
        status => format!(", HTTP status {status}"),
    }
}

/// What the page does.
fn next(reason: Reason) -> &'static str {
    let public = reason.public();
    match (public.retryable, public.may_return) {
        (true, _) => "tries again by itself",
        (false, true) => "offers to connect again",
        (false, false) => "stops; only a new link from the panel opens a console",
    }
}

fn level(reason: Reason) -> &'static str {
    match reason.level() {
        Level::Info => "info",
        Level::Warn => "warning",
        Level::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_reason_and_a_close_code_all_of_its_own() {
        for reason in Reason::ALL {
            assert_eq!(meant(reason.word()), [*reason]);
            assert!(meant(reason.public().code).iter().any(|one| one.public() == reason.public()), "{reason}");
        }
        let off = meant("4423");
        assert_eq!(off, [Reason::GuestStopped, Reason::GuestLocked]);
        assert!(meant("host_refused").len() > 10);
        assert!(meant("token_rejected").contains(&Reason::TokenSignature));
    }

    #[test]
    fn every_status_says_where_it_is_answered_and_by_which_reasons() {
        for reason in Reason::ALL {
            let status = reason.public().status;
            match found(&status.to_string()) {
                None => assert_eq!(status, 200, "{reason} ends a session and refuses nothing"),
                Some(said) => assert!(said.contains(&format!("\n{:<26} ", reason.word())), "{status}: {reason}"),
            }
        }
        let full = found("429").unwrap();
        assert!(full.contains("where:") && !full.contains("replay") && full.lines().count() < 15, "{full}");
        for none in ["418", "101", "302"] {
            assert_eq!(found(none), None);
        }
    }

    #[test]
    fn what_is_meant_is_guessed_only_when_it_is_near() {
        assert!(meant("").is_empty() && meant("0").is_empty());
        assert!(unknown("guest_stoped").ends_with("did you mean guest_stopped?"));
        assert!(unknown("\u{1b}[2J").starts_with("\"\\u{1b}[2J\" is no reason"));
    }
}
