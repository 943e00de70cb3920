//! The list of sessions as an operator sees it: who is where since when, and how it goes. Nothing in it opens anything.

use crate::api::Answer;
use crate::api::answer::json;
use crate::console::Generation;
use crate::id::{Guest, Protocol, SessionId};
use crate::reason::{Failure, Reason};
use crate::session::Listed;
use crate::traffic::{Flow, Rtt, Traffic};
use hyper::StatusCode;
use serde::Serialize;
use std::net::IpAddr;

/// One session.
#[derive(Serialize)]
struct Shown<'a> {
    session: SessionId,
    r#ref: String,
    generation: u32,
    protocol: Protocol,
    cluster: &'a str,
    guest: &'a Guest,
    node: Option<&'a str>,
    issuer: &'a str,
    subject: &'a str,
    jti: &'a str,
    client: IpAddr,
    /// Unix seconds.
    began: u64,
    up: Way,
    down: Way,
    rtt_p50_seconds: Option<f64>,
    rtt_p95_seconds: Option<f64>,
}

/// One direction of a session.
#[derive(Serialize)]
struct Way {
    bytes: u64,
    frames: u64,
    paused_seconds: f64,
}

impl Way {
    fn of(flow: &Flow) -> Self {
        Self { bytes: flow.bytes(), frames: flow.frames(), paused_seconds: flow.paused().as_secs_f64() }
    }
}

impl<'a> Shown<'a> {
    fn of(listed: &'a Listed) -> Self {
        let Traffic { up, down, rtt, .. } = &*listed.traffic;
        let quantile = |rtt: &Rtt, share| rtt.quantile(share).map(|time| time.as_secs_f64());
        Self {
            session: listed.id,
            r#ref: listed.id.reference(),
            generation: listed.generation,
            protocol: listed.console.protocol,
            cluster: listed.console.cluster.as_str(),
            guest: &listed.console.guest,
            node: listed.node.as_ref().map(|node| node.as_str()),
            issuer: &listed.subject.0,
            subject: &listed.subject.1,
            jti: &listed.jti,
            client: listed.client,
            began: listed.began,
            up: Way::of(up),
            down: Way::of(down),
            rtt_p50_seconds: quantile(rtt, 0.5),
            rtt_p95_seconds: quantile(rtt, 0.95),
        }
    }
}

/// Every session.
///
/// # Errors
/// `store_down`.
pub(super) async fn all(generation: &Generation) -> Result<Answer, Failure> {
    let listed = generation.shared.sessions.list();
    let sessions: Vec<Shown<'_>> = listed.iter().map(Shown::of).collect();
    json(StatusCode::OK, &serde_json::json!({ "sessions": sessions }))
}

/// One of them.
///
/// # Errors
/// `not_found` or `store_down`.
pub(super) async fn one(generation: &Generation, id: SessionId) -> Result<Answer, Failure> {
    match find(generation, id).await? {
        Some(listed) => json(StatusCode::OK, &Shown::of(&listed)),
        None => Err(Failure::new(Reason::NotFound, format!("no session {id} is live"))),
    }
}

/// The session, where it is live.
///
/// # Errors
/// `store_down`.
pub(super) async fn find(generation: &Generation, id: SessionId) -> Result<Option<Listed>, Failure> {
    Ok(generation.shared.sessions.get(id))
}
