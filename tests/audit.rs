//! Every audit line has the same fields by the same names, and one target.
//!
//! A process of its own: which lines are written at all is decided once for a process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use consolegate::audit::{self, About, Told};
use consolegate::id::{Console, Guest, Protocol, SessionId, Vmid};
use consolegate::reason::{Failure, Reason};
use consolegate::traffic::Traffic;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The lines that were written meanwhile, as the audit file has them.
fn written(write: impl FnOnce()) -> Vec<Map<String, Value>> {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
    tracing::subscriber::with_default(subscriber, write);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn about() -> About {
    let guest = Guest::Qemu(Vmid::try_from(100).unwrap());
    About {
        session: Some(SessionId::from_bits(0xfeed)),
        generation: Some(2),
        jti: Some("0123456789abcdef".into()),
        issuer: Some("panel".into()),
        subject: Some("customer-42\"}\n{\"event\":\"session.opened".into()),
        console: Some(Console { cluster: "eu1".parse().unwrap(), guest, protocol: Protocol::Vnc }),
        node: Some("pve1".parse().unwrap()),
        src: Some("192.0.2.7".parse().unwrap()),
    }
}

#[test]
fn the_four_lines_name_a_session_the_same_way() {
    let failure = Failure::new(Reason::GuestStopped, "qemu/100 is not running");
    let lines = written(|| {
        audit::opened(&about(), "0000feed", Duration::from_millis(42));
        audit::closed(&about(), "0000feed", &failure, &Traffic::default(), Duration::from_secs(3));
        audit::refused(&about(), "0000feed", &failure, Told::Close, Some(Duration::from_secs(1)));
        audit::refused(&about(), "0000feed", &failure, Told::Status, None);
        audit::refused(&about(), "0000feed", &failure, Told::Nothing, None);
        audit::power(&about(), "0000feed", "reset", Ok(()));
        audit::power(&about(), "0000feed", "reset", Err(&failure));
    });
    let same =
        ["session", "generation", "jti", "issuer", "subject", "cluster", "guest", "protocol", "node", "src", "ref"];
    let own: [(&str, &[&str]); 7] = [
        ("session.opened", &["open_ms"]),
        (
            "session.closed",
            &[
                "reason",
                "cause",
                "code",
                "up_bytes",
                "down_bytes",
                "up_frames",
                "down_frames",
                "up_paused_ms",
                "down_paused_ms",
                "rtt_p50_us",
                "rtt_p95_us",
                "dur_ms",
            ],
        ),
        ("session.refused", &["reason", "cause", "code", "dur_ms"]),
        ("session.refused", &["reason", "cause", "status"]),
        ("session.refused", &["reason", "cause"]),
        ("session.power", &["action", "outcome"]),
        ("session.power", &["action", "outcome", "cause"]),
    ];
    assert_eq!(lines.len(), own.len(), "one line each, whatever a subject is called");
    for (line, (event, own)) in lines.iter().zip(own) {
        assert_eq!(line["target"], "consolegate::audit");
        assert_eq!(line["event"], event);
        let fields: BTreeSet<&str> = line.keys().map(String::as_str).collect();
        let frame = ["timestamp", "level", "target", "event"];
        let expected: BTreeSet<&str> = frame.iter().chain(&same).chain(own).copied().collect();
        assert_eq!(fields, expected, "{event}");
        assert_eq!((&line["guest"], &line["src"]), (&"qemu/100".into(), &"192.0.2.7".into()));
        assert_eq!(line["generation"], 2);
    }
    assert_eq!((&lines[2]["code"], &lines[3]["status"]), (&4423.into(), &409.into()));
    assert_eq!((&lines[5]["outcome"], &lines[6]["outcome"]), (&"done".into(), &"guest_stopped".into()));
}

#[test]
fn what_is_not_known_is_left_out_and_the_reason_decides_the_level() {
    let lines = written(|| {
        for reason in [Reason::TokenMissing, Reason::NodeCert, Reason::Internal] {
            audit::refused(&About::default(), "00000000", &reason.into(), Told::Status, None);
        }
        audit::power(&About::default(), "00000000", "stop", Err(&Reason::PvePower.into()));
    });
    let levels: Vec<&Value> = lines.iter().map(|line| &line["level"]).collect();
    assert_eq!(levels, ["INFO", "WARN", "ERROR", "WARN"]);
    let fields: Vec<&str> = lines[0].keys().map(String::as_str).collect();
    assert_eq!(fields.len(), ["timestamp", "level", "target", "event", "ref", "reason", "cause", "status"].len());
}
