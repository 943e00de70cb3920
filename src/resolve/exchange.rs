//! One request and one answer with one node: connections kept for seconds, deadlines, limits.
//!
//! Owns HTTP; knows nothing of what is asked. Asks for no compression, follows nothing, keeps no header but those it
//! needs. Protocol reference 2; hostile inputs U03, U07, U15.

use super::answer::{Answer, Answered, error_text, read, root_cause, skew};
use super::breaker::Breaker;
use super::heard::{Ear, Heard};
use crate::config::{Node, Timeouts};
use crate::id::NodeName;
use crate::net::{Endpoint, NodeTls};
use crate::reason::{Failure, Reason};
use crate::secret::Secret;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::task::AbortOnDropHandle;

/// pveproxy closes an idle connection after 5 s; ours is dropped well before.
const IDLE: Duration = Duration::from_millis(3500);
/// Questions to one node at once; more wait their turn. Consoles are counted by `limits.per_node_opening` instead.
const QUESTIONS: usize = 8;
/// Idle connections kept for each node: one for each question there can be at once, so that a busy node is asked on
/// connections it already has.
const KEPT: usize = QUESTIONS;
/// Room for an answer's head.
const HEAD: usize = 32 * 1024;

/// What is asked, still without identity.
#[derive(Debug)]
pub(super) struct Ask {
    /// Its name in metrics.
    pub(super) operation: &'static str,
    pub(super) path: String,
    /// A form makes it a POST.
    pub(super) form: Option<Secret>,
    /// The largest body of an answer.
    pub(super) limit: usize,
    /// Must never be sent twice, so it does not go over a kept connection, which may have to be replaced.
    pub(super) once: bool,
    /// Set when it is on its way.
    pub(super) sent: Option<Arc<AtomicBool>>,
}

/// An identity ready for requests.
#[derive(Debug)]
pub(super) struct Identity {
    /// As Proxmox names it: `user@realm` or `user@realm!token`.
    pub(super) user: String,
    /// The header that carries it.
    pub(super) credential: (&'static str, Secret),
    /// Must come with every POST of a login ticket.
    pub(super) csrf: Option<Secret>,
}

/// One node's API.
#[derive(Debug)]
pub(super) struct NodeApi {
    pub(super) name: NodeName,
    pub(super) tls: NodeTls,
    endpoint: Endpoint,
    connect: Duration,
    answer: Duration,
    /// Whether its clock was wrong the last time.
    pub(super) skewed: AtomicBool,
    kept: Mutex<Vec<Connection>>,
    questions: Semaphore,
    breaker: Mutex<Breaker>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    from: Answered,
    rest: Rest,
    used: bool,
    ear: Ear,
    _driver: AbortOnDropHandle<()>,
}

impl NodeApi {
    pub(super) fn new(node: &Node, tls: NodeTls, endpoint: Endpoint, timeouts: &Timeouts) -> Self {
        Self {
            name: node.name.clone(),
            tls,
            endpoint,
            connect: timeouts.node_connect,
            answer: timeouts.node_answer,
            skewed: AtomicBool::new(false),
            kept: Mutex::default(),
            questions: Semaphore::new(QUESTIONS),
            breaker: Mutex::default(),
        }
    }

    /// Host and port as configured.
    pub(super) fn authority(&self) -> String {
        self.endpoint.authority()
    }

    /// Asks the node. A kept connection that turns out closed before anything came back is replaced once.
    pub(super) async fn exchange(&self, ask: &Ask, identity: Option<&Identity>) -> Result<Answer, Failure> {
        let _turn = if ask.form.is_none() { Some(self.turn().await?) } else { None };
        if !ask.once
            && let Some(kept) = self.take_kept()
        {
            match self.over(kept, ask, identity).await {
                Err(Broken::BeforeAnswer(_)) => {}
                Err(Broken::Failed(failure)) => return Err(failure),
                Ok(answer) => return Ok(answer),
            }
        }
        let fresh = self.connect().await?;
        self.over(fresh, ask, identity).await.map_err(|broken| match broken {
            Broken::BeforeAnswer(failure) | Broken::Failed(failure) => failure,
        })
    }

    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
        match tokio::time::timeout(self.answer, self.questions.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(self.failure(Reason::NodeSlow, "too many questions wait for its answers")),
        }
    }

    async fn over(&self, mut via: Connection, ask: &Ask, identity: Option<&Identity>) -> Result<Answer, Broken> {
        let request = self.request(ask, identity).map_err(Broken::Failed)?;
        let deadline = Instant::now() + self.answer;
        let late =
            || Broken::Failed(self.failure(Reason::NodeSlow, &format!("no answer to {} in time", ask.operation)));
        let (used, ear) = (via.used, via.ear.clone());
        let sent = async {
            ear.reset();
            via.sender.ready().await?;
            if let Some(sent) = &ask.sent {
                sent.store(true, Relaxed);
            }
            via.sender.send_request(request).await
        };
        let response = match timeout_at(deadline, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.no_answer(&error, used && !ear.heard())),
            Err(_) => return Err(late()),
        };
        let from = via.from;
        let status = response.status().as_u16();
        let skew = skew(&response, SystemTime::now());
        if status != 200 {
            let text = error_text(response, deadline).await;
            return Ok(Answer { status, text, body: Secret::new([]), from, skew });
        }
        if response.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(Broken::Failed(
                self.failure(Reason::PveAnswer, "the answer is compressed though nobody asked"),
            ));
        }
        let body = match timeout_at(deadline, read(response.into_body(), ask.limit)).await {
            Ok(Ok(body)) => Secret::new(body),
            Ok(Err(why)) => return Err(Broken::Failed(self.failure(Reason::PveAnswer, &why))),
            Err(_) => return Err(late()),
        };
        self.keep(via);
        Ok(Answer { status, text: String::new(), body, from, skew })
    }

    fn request(&self, ask: &Ask, identity: Option<&Identity>) -> Result<Request<Full<Bytes>>, Failure> {
        let method = if ask.form.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder()
            .method(method)
            .uri(&ask.path)
            .header(header::HOST, self.authority())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("consolegate/", env!("CARGO_PKG_VERSION")));
        if let Some(identity) = identity {
            let (name, value) = &identity.credential;
            request = request.header(HeaderName::from_static(name), sensitive(value)?);
            if let (Some(csrf), true) = (&identity.csrf, ask.form.is_some()) {
                request = request.header("csrfpreventiontoken", sensitive(csrf)?);
            }
        }
        if ask.form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        // The bytes wipe themselves when hyper has written them.
        let body = ask.form.clone().map_or_else(Bytes::new, |form| Bytes::from_owner(Form(form)));
        request.body(Full::new(body)).map_err(|error| Failure::new(Reason::Internal, format!("request: {error}")))
    }

    /// A connection that ended without an answer. pveproxy closes kept connections at its own time, so one that was
    /// used before and brought nothing back is no failure yet.
    fn no_answer(&self, error: &hyper::Error, again: bool) -> Broken {
        let failure = self.failure(Reason::PveAnswer, &format!("no HTTP answer: {}", root_cause(error)));
        if again { Broken::BeforeAnswer(failure) } else { Broken::Failed(failure) }
    }

    fn failure(&self, reason: Reason, why: &str) -> Failure {
        Failure::new(reason, format!("node {}: {why}", self.name))
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let named = |failure: Failure| Failure::new(failure.reason, format!("node {}: {}", self.name, failure.cause));
        self.breaker().admits(Instant::now())?;
        let dialled = self.endpoint.dial(&self.tls, self.connect).await.map_err(named);
        match &dialled {
            Err(failure) if matches!(failure.reason, Reason::NodeRefused | Reason::NodeUnreachable) => {
                self.breaker().failed(failure.clone(), Instant::now());
            }
            // Nobody was asked.
            Err(failure) if failure.reason == Reason::GatewayFull => {}
            Ok(_) | Err(_) => self.breaker().answered(),
        }
        let (dialled, address) = dialled?;
        let ear = Ear::default();
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD)
            .handshake(TokioIo::new(Heard { stream: dialled.stream, ear: ear.clone() }))
            .await
            .map_err(|error| self.failure(Reason::PveAnswer, &error.to_string()))?;
        let rest = Rest::default();
        let over = rest.clone().over();
        // Its errors reach whoever waits for an answer; nobody else needs them.
        let driver = tokio::spawn(async move {
            tokio::select! {
                _ = connection => {}
                () = over => {}
            }
        });
        let from = Answered { address, leaf: dialled.leaf };
        let _driver = AbortOnDropHandle::new(driver);
        Ok(Connection { sender, from, rest, used: false, ear, _driver })
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_kept(&self) -> Option<Connection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| !one.sender.is_closed());
        while let Some(one) = kept.pop() {
            if one.rest.end() {
                return Some(one);
            }
        }
        None
    }

    fn keep(&self, mut connection: Connection) {
        connection.used = true;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| !one.sender.is_closed());
        if kept.len() < KEPT {
            connection.rest.begin();
            kept.push(connection);
        }
    }
}

/// Since when nobody asks over a connection, for it and for the list that it is kept in.
#[derive(Debug, Clone, Default)]
struct Rest(Arc<Mutex<Option<Instant>>>);

impl Rest {
    fn begin(&self) {
        *self.since() = Some(Instant::now());
    }

    /// Whether it has not been too long.
    fn end(&self) -> bool {
        self.since().take().is_some_and(|since| since.elapsed() < IDLE)
    }

    /// Waits until it has: what rests takes a descriptor, also where nobody asks this node again.
    async fn over(self) {
        while let Some(until) = self.next_look() {
            sleep_until(until).await;
        }
    }

    /// When it may have been too long; none: it has. Looks at the time while nobody can end the rest.
    fn next_look(&self) -> Option<Instant> {
        let since = self.since();
        let now = Instant::now();
        let until = since.unwrap_or(now) + IDLE;
        (until > now).then_some(until)
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Broken {
    /// A used connection ended before a byte of the answer came: a fresh one may do.
    BeforeAnswer(Failure),
    Failed(Failure),
}

struct Form(Secret);

impl AsRef<[u8]> for Form {
    fn as_ref(&self) -> &[u8] {
        self.0.reveal()
    }
}

fn sensitive(value: &Secret) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_bytes(value.reveal())
        .map_err(|_| Failure::new(Reason::Internal, "the credential does not fit a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    /// How long it took to be over, of four times as long as may be.
    async fn over(rest: &Rest) -> Option<Duration> {
        let began = Instant::now();
        timeout(IDLE * 4, rest.clone().over()).await.ok().map(|()| began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn e05_what_rests_ends_by_itself_though_nobody_asks_again() {
        let rest = Rest::default();
        assert_eq!(over(&rest).await, None, "it is asked over");
        rest.begin();
        assert_eq!(over(&rest).await, Some(IDLE));
        assert!(!rest.end(), "and is not used again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_that_ended_in_time_counts_no_more() {
        let rest = Rest::default();
        rest.begin();
        advance(IDLE - Duration::from_millis(1)).await;
        assert!(rest.end());
        assert_eq!(over(&rest).await, None);
    }
}
