//! Figures of each session for Prometheus: as many series as there are sessions, so only where the operator wants them.
//!
//! A session that ended is told once more, so that its last figures are not lost.

use crate::session::{Listed, Sessions};
use std::fmt::Write;

/// A figure: its name without the prefix, type, help and value.
type Figure = (&'static str, &'static str, &'static str, fn(&Listed) -> f64);

#[expect(clippy::cast_precision_loss, reason = "figures of Prometheus are of this kind, exact up to 8 PiB")]
const FIGURES: [Figure; 8] = [
    ("received_bytes_total", "counter", "Bytes that came from the browser.", |of| of.traffic.up.bytes() as f64),
    ("sent_bytes_total", "counter", "Bytes that went to the browser.", |of| of.traffic.down.bytes() as f64),
    ("received_frames_total", "counter", "Data frames that came from the browser.", |of| of.traffic.up.frames() as f64),
    ("sent_frames_total", "counter", "Data frames that went to the browser.", |of| of.traffic.down.frames() as f64),
    ("client_paused_seconds_total", "counter", "Time in which the browser was not read.", |of| {
        of.traffic.up.paused().as_secs_f64()
    }),
    ("node_paused_seconds_total", "counter", "Time in which the node was not read.", |of| {
        of.traffic.down.paused().as_secs_f64()
    }),
    ("rtt_p95_seconds", "gauge", "Round trip to the browser, the 95th of a hundred.", |of| {
        of.traffic.rtt.quantile(0.95).map_or(f64::NAN, |time| time.as_secs_f64())
    }),
    ("began_timestamp_seconds", "gauge", "When it began, in seconds since 1970.", |of| of.began as f64),
];

/// The text format. What ended since the last call is in it for the last time.
pub(super) fn of_sessions(sessions: &Sessions) -> String {
    let mut all = sessions.list();
    all.extend(sessions.take_gone());
    let mut text = String::new();
    for (name, kind, help, figure) in FIGURES {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# HELP consolegate_session_{name} {help}\n# TYPE consolegate_session_{name} {kind}");
        for session in &all {
            let vmid = session.console.guest.vmid().map(|vmid| vmid.to_string()).unwrap_or_default();
            let node = session.node.as_ref().map(|node| node.as_str()).unwrap_or_default();
            let _ = writeln!(
                text,
                "consolegate_session_{name}{{session=\"{}\",cluster=\"{}\",node=\"{node}\",vmid=\"{vmid}\"}} {}",
                session.id,
                session.console.cluster,
                figure(session)
            );
        }
    }
    text
}
