//! Checks the sections of plain rules: `[session]`, `[limits]`, `[timeouts]`, `[drain]`, `[splice]`, `[metrics]`, `[log]`, `[audit]`.
//!
//! Owns their defaults and ranges. Nothing known is silently ignored: what this version cannot do yet
//! is refused.

use super::files::Folder;
use super::raw::Section;
use super::{Drain, Engine, Limits, LogFormat, Session, Timeouts, key};
use std::path::PathBuf;
use std::time::Duration;

/// Highest value of every limit.
const MOST: u64 = 100_000;

/// A screen without a byte in either direction (protocol reference 6.1).
const PROXMOX_ENDS_AFTER: Duration = Duration::from_secs(900);

/// `[session]`.
pub(super) fn session(mut section: Section<'_>, folder: Folder<'_>) -> Option<Session> {
    let report = section.report();
    let key = match section.text("key_file") {
        None => Some(None),
        Some(name) => folder.secret(&name).and_then(|secret| match key::long_enough(&secret) {
            Ok(()) => Some(Some(secret)),
            Err((what, fix)) => {
                report.wrong(&name.place, format!("{} {what}", name.value), fix);
                None
            }
        }),
    };
    let max = seconds(&mut section, "max_seconds", 28_800);
    let idle = section.number("idle_seconds", 0, 0..=MOST);
    let resume = seconds(&mut section, "resume_seconds", 120);
    let idle = idle?;
    Some(Session { key: key?, max: max?, idle: (idle > 0).then(|| Duration::from_secs(idle)), resume: resume? })
}

/// `[limits]`.
pub(super) fn limits(mut section: Section<'_>) -> Option<Limits> {
    let mut limit = |key, default| section.number(key, default, 1..=MOST).and_then(|limit| usize::try_from(limit).ok());
    let sessions = limit("sessions", 9_000);
    let per_guest = limit("per_guest", 4);
    let per_subject = limit("per_subject", 50);
    let per_node = limit("per_node", 400);
    let per_node_opening = limit("per_node_opening", 32);
    let per_client = limit("per_client", 32);
    Some(Limits {
        sessions: sessions?,
        per_guest: per_guest?,
        per_subject: per_subject?,
        per_node: per_node?,
        per_node_opening: per_node_opening?,
        per_client: per_client?,
    })
}

/// `[timeouts]`.
pub(super) fn timeouts(mut section: Section<'_>) -> Option<Timeouts> {
    let report = section.report();
    let dead_place = section.place_of("dead");
    let quiet_place = section.place_of("keep_alive");
    let tls = seconds(&mut section, "tls", 5);
    let header = seconds(&mut section, "header", 10);
    let node_connect = seconds(&mut section, "node_connect", 5);
    let node_answer = seconds(&mut section, "node_answer", 10);
    let handshake = seconds(&mut section, "handshake", 10);
    let ping = seconds(&mut section, "ping", 20);
    let dead = seconds(&mut section, "dead", 60);
    let stall = seconds(&mut section, "stall", 30);
    let keep_alive = seconds(&mut section, "keep_alive", 300);
    if ping.zip(dead).is_some_and(|(ping, dead)| dead <= ping) {
        report.wrong(&dead_place, "every session would count as dead before its next ping", "set dead above ping");
    }
    if keep_alive.is_some_and(|time| time >= PROXMOX_ENDS_AFTER) {
        report.wrong(&quiet_place, "Proxmox ends a quiet screen after 900 seconds", "set keep_alive well below 900");
    }
    Some(Timeouts {
        tls: tls?,
        header: header?,
        node_connect: node_connect?,
        node_answer: node_answer?,
        handshake: handshake?,
        ping: ping?,
        dead: dead?,
        stall: stall?,
        keep_alive: keep_alive?,
    })
}

/// `[drain]`: each from 0, because a gateway without a balancer has nobody to wait for.
pub(super) fn drain(mut section: Section<'_>) -> Option<Drain> {
    let mut seconds = |key, default| section.number(key, default, 0..=MOST).map(Duration::from_secs);
    let (lame_duck, deadline, spread) = (seconds("lame_duck", 5), seconds("deadline", 60), seconds("spread", 10));
    Some(Drain { lame_duck: lame_duck?, deadline: deadline?, spread: spread? })
}

/// `[metrics]`: whether there are figures of each session.
pub(super) fn metrics(mut section: Section<'_>) -> Option<bool> {
    section.flag("per_session", false).map(|written| written.value)
}

/// `[splice]`.
pub(super) fn splice(mut section: Section<'_>) -> Option<Engine> {
    match section.word("engine", &["auto", "buffered"])?.value {
        "buffered" => Some(Engine::Buffered),
        _ => Some(Engine::Auto),
    }
}

/// `[log]`.
pub(super) fn log(mut section: Section<'_>) -> Option<LogFormat> {
    match section.word("format", &["auto", "json", "text"])?.value {
        "json" => Some(LogFormat::Json),
        "text" => Some(LogFormat::Text),
        _ => Some(LogFormat::Auto),
    }
}

/// `[audit]`; inside: none, where there is no audit log.
#[expect(clippy::option_option, reason = "outside: whether it is right; inside: whether it is there")]
pub(super) fn audit(section: Option<Section<'_>>, folder: Folder<'_>) -> Option<Option<PathBuf>> {
    let Some(mut section) = section else {
        return Some(None);
    };
    let report = section.report();
    let name = section.required_text("file", "audit.log")?;
    let path = folder.path_of(&name)?;
    if path.is_dir() || !path.parent().is_some_and(std::path::Path::is_dir) {
        let what = format!("{} cannot be a file: its folder is not there, or it is a folder itself", path.display());
        report.wrong(&name.place, what, "make the folder, or correct the name");
        return None;
    }
    Some(Some(path))
}

fn seconds(section: &mut Section<'_>, key: &'static str, default: u64) -> Option<Duration> {
    section.number(key, default, 1..=MOST).map(Duration::from_secs)
}
