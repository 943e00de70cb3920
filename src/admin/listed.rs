//! The list of sessions as an operator sees it: who is where since when, and how it goes. Nothing in it opens anything.
//!
//! Of this gateway's sessions it has figures; of those of the fleet's others, what they said when they began.

use crate::api::Answer;
use crate::api::answer::json;
use crate::clock::unix_now;
use crate::console::Generation;
use crate::id::SessionId;
use crate::reason::{Failure, Reason};
use crate::session::Listed;
use crate::traffic::{Flow, Rtt};
use hyper::StatusCode;
use serde_json::{Value, json};

/// Every session of the fleet.
///
/// # Errors
/// `store_down`.
pub(super) async fn all(generation: &Generation) -> Result<Answer, Failure> {
    json(StatusCode::OK, &json!({ "sessions": everywhere(generation).await? }))
}

/// One of them.
///
/// # Errors
/// `not_found` or `store_down`.
pub(super) async fn one(generation: &Generation, id: SessionId) -> Result<Answer, Failure> {
    json(StatusCode::OK, &find(generation, id).await?)
}

/// One of them.
///
/// # Errors
/// `not_found` or `store_down`.
pub(super) async fn find(generation: &Generation, id: SessionId) -> Result<Value, Failure> {
    if let Some(listed) = generation.shared.sessions.get(id) {
        return Ok(with_figures(generation, &listed));
    }
    let id = id.to_string();
    let mut all = everywhere(generation).await?.into_iter();
    let none = || Failure::new(Reason::NotFound, format!("no session {id} is live"));
    all.find(|session| session["session"] == *id).ok_or_else(none)
}

async fn everywhere(generation: &Generation) -> Result<Vec<Value>, Failure> {
    let shared = &generation.shared;
    let mut all: Vec<Value> = shared.sessions.list().iter().map(|listed| with_figures(generation, listed)).collect();
    for (gateway, mut session) in shared.store.elsewhere(unix_now()).await? {
        if let Some(object) = session.as_object_mut() {
            object.insert("gateway".to_owned(), gateway.into());
            all.push(session);
        }
    }
    Ok(all)
}

fn with_figures(generation: &Generation, listed: &Listed) -> Value {
    let mut session = listed.facts_of_list();
    let traffic = &listed.traffic;
    let quantile = |rtt: &Rtt, share| rtt.quantile(share).map(|time| time.as_secs_f64());
    let figures = [
        ("gateway", generation.shared.store.gateway().into()),
        ("node", listed.node.as_ref().map(|node| node.as_str()).into()),
        ("up", flow(&traffic.up)),
        ("down", flow(&traffic.down)),
        ("rtt_p50_seconds", quantile(&traffic.rtt, 0.5).into()),
        ("rtt_p95_seconds", quantile(&traffic.rtt, 0.95).into()),
    ];
    if let Some(object) = session.as_object_mut() {
        object.extend(figures.map(|(key, value)| (key.to_owned(), value)));
    }
    session
}

fn flow(flow: &Flow) -> Value {
    json!({ "bytes": flow.bytes(), "frames": flow.frames(), "paused_seconds": flow.paused().as_secs_f64() })
}
