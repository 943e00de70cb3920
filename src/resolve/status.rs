//! What a refusal of Proxmox means: its status table, as one total function for calls and one for upgrades.
//!
//! Decides only; no I/O. The texts are Proxmox's own, and end in the operator's log, escaped and cut, never outside.
//! Protocol reference 8.1; hostile inputs U05, U06, U15, U18, U21.

use crate::reason::{Failure, Reason};

/// Characters of a node's text that reach the log.
const TEXT: usize = 128;
/// What Proxmox says of a node that its cluster does not know.
const UNKNOWN_NODE: &str = "hostname lookup";
const MISNAMED: &str = "Proxmox knows no address of such a node; correct the name of the [[cluster.node]] to one that \
                        `pvecm nodes` lists";

/// The reason for a status that is not the one hoped for, and Proxmox's words as its cause.
pub(super) fn refusal(status: u16, text: &str) -> Failure {
    let reason = match status {
        401 if text.contains("PVEVNC ticket") => Reason::PveTicket,
        401 => Reason::PveAuth,
        500 => failed_call(text),
        _ => whatever_was_asked(status).unwrap_or(Reason::PveAnswer),
    };
    let said = format!("status {status} {text}").trim_end().to_owned();
    // Proxmox says what it does not like, not what to do.
    let cure = if reason == Reason::ShellToken {
        Some(reason.cure())
    } else {
        (status == 500 && text.contains(UNKNOWN_NODE)).then_some(MISNAMED)
    };
    Failure::new(reason, cure.map_or_else(|| said.clone(), |cure| format!("{said}; {cure}")))
}

/// The reason for a console's upgrade that was not answered with 101, whatever the text. A 401 there is nearly always the
/// ticket: the identity was good a moment before.
#[must_use]
pub fn refused_upgrade(status: u16) -> Reason {
    match status {
        401 => Reason::PveTicket,
        _ => whatever_was_asked(status).unwrap_or(Reason::NodeUpgrade),
    }
}

/// The rows that mean the same in both answers.
const fn whatever_was_asked(status: u16) -> Option<Reason> {
    match status {
        300..=399 => Some(Reason::PveRedirect),
        403 => Some(Reason::PveAuth),
        503 | 595 | 596 | 599 => Some(Reason::NodeDown),
        _ => None,
    }
}

/// What a call that died in Proxmox's own daemon died of.
fn failed_call(text: &str) -> Reason {
    const DEATHS: [(&str, Reason); 7] = [
        ("does not exist", Reason::GuestNotFound),
        ("free port", Reason::NodeFull),
        ("not running", Reason::GuestStopped),
        ("is locked", Reason::GuestLocked),
        (UNKNOWN_NODE, Reason::NodeDown),
        ("Timeout while waiting for port", Reason::NodeSlow),
        ("does not look like a valid user name", Reason::ShellToken),
    ];
    DEATHS.iter().find(|(words, _)| text.contains(words)).map_or(Reason::PveAnswer, |(_, reason)| *reason)
}

/// A node's words fit for the log: printable, cut, and without what looks like a ticket or a token's secret.
pub(super) fn operator_text(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let words: Vec<&str> =
        said.split_whitespace().map(|word| if is_secret(word) { "[secret]" } else { word }).collect();
    let plain: String = words.join(" ").chars().flat_map(char::escape_default).take(TEXT).collect();
    plain.replace("\\'", "'").replace("\\\"", "\"")
}

/// Tickets and cookies of Proxmox begin with `PVE` and have no space; the secret of a token is a UUID.
fn is_secret(word: &str) -> bool {
    let uuid = |part: &str| part.len() == 36 && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let ticket = ["PVEVNC:", "PVE:", "PVEAuthCookie", "PVEAPIToken", "PVE%3A", "PVEVNC%3A"];
    ticket.iter().any(|mark| word.contains(mark)) || word.split(|c: char| !c.is_ascii_hexdigit() && c != '-').any(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u05_every_row_of_the_status_table_has_its_reason() {
        let rows = [
            (401, "No ticket", Reason::PveAuth),
            (401, "Authentication failed!", Reason::PveAuth),
            (401, "Permission denied - invalid csrf token", Reason::PveAuth),
            (401, "permission denied - invalid PVEVNC ticket", Reason::PveTicket),
            (403, "Permission check failed (/vms/100, VM.Console)", Reason::PveAuth),
            (400, "Parameter verification failed.", Reason::PveAnswer),
            (500, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist", Reason::GuestNotFound),
            (500, "unable to find free port (5900-6000)", Reason::NodeFull),
            (500, "VM 100 not running", Reason::GuestStopped),
            (500, "VM is locked (backup)", Reason::GuestLocked),
            (500, "hostname lookup 'pve9' failed - failed to get address info", Reason::NodeDown),
            (500, "Timeout while waiting for port '5900' to get ready!", Reason::NodeSlow),
            (500, "value 'gate@pve!x' does not look like a valid user name", Reason::ShellToken),
            (500, "something new", Reason::PveAnswer),
            (501, "Method 'GET /x' not implemented", Reason::PveAnswer),
            (503, "", Reason::NodeDown),
            (595, "Connection refused", Reason::NodeDown),
            (596, "Connection timed out", Reason::NodeDown),
            (597, "", Reason::PveAnswer),
            (599, "Too many redirections", Reason::NodeDown),
            (301, "Moved", Reason::PveRedirect),
            (308, "Permanent Redirect", Reason::PveRedirect),
            (201, "Created", Reason::PveAnswer),
            (999, "", Reason::PveAnswer),
            (0, "", Reason::PveAnswer),
        ];
        for (status, text, reason) in rows {
            let failure = refusal(status, text);
            assert_eq!(failure.reason, reason, "{status} {text}");
            assert!(failure.cause.contains(text), "{status} {text}");
            assert_eq!(failure.cause.contains("[[cluster.node]]"), text.contains("'pve9'"), "{failure}");
        }
    }

    #[test]
    fn u05_an_upgrade_is_refused_by_the_same_table() {
        for (status, reason) in [
            (401, Reason::PveTicket),
            (403, Reason::PveAuth),
            (302, Reason::PveRedirect),
            (503, Reason::NodeDown),
            (595, Reason::NodeDown),
            (596, Reason::NodeDown),
            (599, Reason::NodeDown),
            (597, Reason::NodeUpgrade),
            (500, Reason::NodeUpgrade),
            (200, Reason::NodeUpgrade),
            (0, Reason::NodeUpgrade),
        ] {
            assert_eq!(refused_upgrade(status), reason, "{status}");
        }
    }

    #[test]
    fn u15_texts_are_cut_escaped_and_rid_of_secrets() {
        assert_eq!(operator_text(b"a\x1b[31mb\r\nc"), "a\\u{1b}[31mb c");
        assert_eq!(operator_text(&b"x".repeat(5000)).len(), TEXT);
        assert_eq!(operator_text(b"bad ticket 'PVEVNC:6AC:abc==' here"), "bad ticket [secret] here");
        let uuid = "token=01234567-89ab-cdef-0123-456789abcdef;";
        assert_eq!(operator_text(uuid.as_bytes()), "[secret]");
        assert_eq!(operator_text(b"file 'nodes/N/100.conf' does not exist"), "file 'nodes/N/100.conf' does not exist");
        assert_eq!(operator_text(b"\xff\xfe"), "\\u{fffd}\\u{fffd}");
    }
}
