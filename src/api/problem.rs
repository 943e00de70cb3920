//! Refusals: one way to answer, one line in the log, one count.
//!
//! The answer is built from the [`Reason`] alone (RFC 9457), so two reasons with one face cannot be told apart outside.
//! Whoever asks for HTML is a person with a browser and gets the same as plain text.
//! The cause stays in the log. Never a token, a query or a header's text in either.

use super::{Answer, Refused};
use crate::audit::{self, About, Told};
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use crate::{hex, random};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;
use std::borrow::Cow;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    code: &'static str,
    title: &'static str,
    status: u16,
    detail: Cow<'static, str>,
    retryable: bool,
    r#ref: &'a str,
}

/// The answer to a refused request. `reference` is what a customer reads out and an operator finds in the log.
pub fn answer(refused: &Refused, reference: &str) -> Answer {
    let reason = refused.failure.reason;
    write(reason, detail(reason, refused.seconds), reason.public().retryable, reference)
}

/// The same for whoever runs the gateway: the reason itself, its cause and its cure.
pub fn for_operator(refused: &Refused, reference: &str) -> Answer {
    let reason = refused.failure.reason;
    let problem = serde_json::json!({
        "type": "about:blank", "code": reason.word(), "status": reason.public().status,
        "title": refused.failure.cause, "detail": reason.cure(), "ref": reference,
    });
    let mut answer = answer(refused, reference);
    *answer.body_mut() = Full::new(Bytes::from(problem.to_string()));
    answer
}

/// The same for a person who came with a browser: the words, and nothing to be parsed.
pub fn in_words(refused: &Refused, reference: &str) -> Answer {
    let mut answer = answer(refused, reference);
    let reason = refused.failure.reason;
    let title = reason.public().title;
    let words = if reason == Reason::NotFound {
        // Not in the log either, so there is nothing to refer to.
        format!("{title}.\nConsoles open from a link in your provider's panel.\n")
    } else {
        format!("{title}.\n{}\n\nReference {reference}\n", detail(reason, refused.seconds))
    };
    *answer.body_mut() = Full::new(Bytes::from(words));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// The answer for what is done once and never again by itself.
pub fn once(reason: Reason, reference: &str) -> Answer {
    let detail = match reason.public().retryable {
        true if reason != Reason::PowerPace => "It is not known whether the machine was switched.".into(),
        _ => detail(reason, None),
    };
    write(reason, detail, false, reference)
}

fn write(reason: Reason, detail: Cow<'static, str>, retryable: bool, reference: &str) -> Answer {
    let public = reason.public();
    let problem = Problem {
        r#type: "about:blank",
        code: public.code,
        title: public.title,
        status: public.status,
        detail,
        retryable,
        r#ref: reference,
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::from_u16(public.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let status = answer.status();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::UPGRADE_REQUIRED => {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
        }
        _ => {}
    }
    // A missing file says nothing about the requests behind it; every other refusal ends the conversation.
    match status {
        StatusCode::NOT_FOUND => {}
        StatusCode::UPGRADE_REQUIRED => {
            headers.insert(CONNECTION, HeaderValue::from_static("close, upgrade"));
        }
        _ => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    answer
}

/// The same answer as bytes, for connections on which hyper answers nothing.
pub async fn bytes(refused: &Refused, reference: &str) -> Vec<u8> {
    let (parts, body) = answer(refused, reference).into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", parts.status, body.len()).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

/// Skewed clocks are the most common fault of a new panel, so both time refusals say by how much. Whoever asks a
/// container to reset is told what it can do instead.
fn detail(reason: Reason, seconds: Option<u64>) -> Cow<'static, str> {
    let detail = reason.public().detail;
    match (reason, seconds) {
        (Reason::TokenExpired, Some(seconds)) => format!("It expired {seconds} s ago. {detail}").into(),
        (Reason::TokenNotYet, Some(seconds)) => format!("It becomes valid in {seconds} s. {detail}").into(),
        (Reason::ContainerReset, _) => "A container has no reset; stop it and start it.".into(),
        _ => detail.into(),
    }
}

/// The line and the count of a refusal.
pub fn note(metrics: &Metrics, failure: &Failure, reference: &str, about: &About) {
    let reason = failure.reason;
    if matches!(reason, Reason::NotFound | Reason::MethodNotAllowed) {
        // Browsers and scanners ask for things that never were; no console was asked for.
        let src = about.src.map(tracing::field::display);
        tracing::debug!(target: "consolegate::http", reason = reason.word(), r#ref = reference, src, "not answered");
        return;
    }
    count(metrics, reason);
    audit::refused(about, reference, failure, Told::Status, None);
}

/// Once for each refusal. An open is counted where it is tried, and none of these came so far.
pub fn count(metrics: &Metrics, reason: Reason) {
    if reason.is_token() {
        metrics.token_rejected(reason);
    } else {
        metrics.request_refused(reason);
    }
}

/// Eight random hexadecimal digits. Without randomness they are zeros: a refusal needs no secret.
pub fn reference() -> String {
    hex::lower(&random::bytes::<4>().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(answer: Answer) -> String {
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn every_reason_has_an_answer_and_none_shows_its_cause() {
        for reason in Reason::ALL {
            let answer = answer(&Failure::new(*reason, "10.0.0.1 said hunter2").into(), "00c0ffee");
            assert_eq!(answer.status().as_u16(), reason.public().status);
            assert!(!answer.headers().contains_key("location") && !answer.headers().contains_key("set-cookie"));
            let text = text(answer).await;
            assert!(!text.contains("hunter2") && text.contains("00c0ffee"), "{text}");
        }
    }

    #[tokio::test]
    async fn refusals_that_must_look_alike_are_the_same_bytes() {
        let one = |reason: Reason| text(answer(&reason.into(), "00000000"));
        let missing = one(Reason::TokenMissing).await;
        for reason in [Reason::TokenSignature, Reason::TokenKeyId, Reason::TokenAlgorithm, Reason::TicketRefused] {
            assert_eq!(one(reason).await, missing);
        }
    }

    #[tokio::test]
    async fn time_refusals_say_by_how_much() {
        let seconds = |reason: Reason| Refused { seconds: Some(42), ..Refused::from(reason) };
        assert!(text(answer(&seconds(Reason::TokenExpired), "0")).await.contains("42 s ago"));
        assert!(text(answer(&seconds(Reason::TokenNotYet), "0")).await.contains("in 42 s"));
        assert!(!text(answer(&seconds(Reason::TokenSignature), "0")).await.contains("42"));
    }
}
