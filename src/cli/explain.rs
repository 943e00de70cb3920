//! `explain`: cause and cure of a reason, by its word, its code or its close code.
//!
//! Owns the layout; every word is the closed list's own. `docs/reasons.md` is what `--markdown` prints.

use super::exit::Stop;
use crate::reason::{Level, Reason};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  consolegate explain guest_stopped\n  consolegate explain 4423\n\nWithout a code it lists every reason."
)]
pub(super) struct Arguments {
    /// A reason of a log line or metric, a code that a customer saw, or a WebSocket close code.
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
        Some(code) => {
            let meant = meant(code.trim());
            if meant.is_empty() {
                return Err(Stop::Usage(unknown(code)));
            }
            meant.into_iter().map(explained).collect::<Vec<_>>().join("\n")
        }
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
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
    format!("{:?} is no reason, code or close code; {cure}", code)
}

/// A line each, for people who search.
fn list() -> String {
    let mut text = format!("{:<26} {:<22} close  cause and cure\n", "reason", "code");
    for reason in Reason::ALL {
        let public = reason.public();
        let _ = writeln!(text, "{:<26} {:<22} {:<6} {}", reason.word(), public.code, public.close, reason.cure());
    }
    text
}

fn explained(reason: Reason) -> String {
    let public = reason.public();
    format!(
        "{reason}\n  cause:    {}\n  customer: {}. {}\n  told by:  code {}, close code {}, HTTP status {}\n  page:     {}\n  log:      {}\n",
        reason.cure(),
        public.title,
        public.detail,
        public.code,
        public.close,
        public.status,
        next(reason),
        level(reason),
    )
}

/// The documentation of all reasons.
fn page() -> String {
    let mut text = String::from(
        "# Reasons\n\nWhy a token, a request or an open was refused, or a session ended: one closed list. The reason is in the log, the audit\nlog and the metrics; the customer sees the code, which several reasons share where telling them apart would help an\nattacker. `consolegate explain CODE` prints the same in a terminal. This page is made by `consolegate explain --markdown`.\n",
    );
    for reason in Reason::ALL {
        let public = reason.public();
        let _ = write!(
            text,
            "\n## {reason}\n\nCause and cure: {}.\n\n- The customer reads: \"{}.\" {}\n- Code `{}`, close code {}, HTTP status {}; logged as {}.\n- The page {}.\n",
            reason.cure(),
            public.title,
            public.detail,
            public.code,
            public.close,
            public.status,
            level(*reason),
            next(*reason),
        );
    }
    text
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
    fn what_is_meant_is_guessed_only_when_it_is_near() {
        assert!(meant("").is_empty() && meant("0").is_empty());
        assert!(unknown("guest_stoped").ends_with("did you mean guest_stopped?"));
        assert!(unknown("\u{1b}[2J").starts_with("\"\\u{1b}[2J\" is no reason"));
    }
}
