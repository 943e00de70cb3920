//! Who the gateway is to a cluster: an API token, or a user whose login ticket is renewed before it ends.
//!
//! One login runs at a time; a failed one is shared by those who wait. Both calls of a console carry the same identity,
//! character for character. Protocol reference 4.

use super::answer::Answer;
use super::counted::Counted;
use super::exchange::{Ask, Identity, NodeApi};
use super::loose::Flag;
use super::status::refusal;
use crate::config::Credential;
use crate::id::{ClusterName, NodeName};
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use crate::secret::Secret;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A login ticket lives two hours; it is renewed well before.
const RENEW: Duration = Duration::from_secs(90 * 60);
/// The old ticket can stand in for the password this long.
const TICKET_LIFE: Duration = Duration::from_secs(115 * 60);
/// How long a failed login answers for those that come right after it.
const FAILED: Duration = Duration::from_secs(1);
/// Largest answer to a login: it lists every privilege of the user.
const LIMIT: usize = 1024 * 1024;
/// Proxmox reads an `Authorization` value up to `;` and percent-decodes it.
const HEADER: &AsciiSet = &CONTROLS.add(b'%').add(b';').add(b' ');

/// How the gateway signs in to one cluster.
#[derive(Debug)]
pub(super) enum SignIn {
    Token(Arc<Identity>),
    Password(Box<Login>),
}

#[derive(Debug)]
pub(super) struct Login {
    user: String,
    password: Secret,
    state: Mutex<State>,
    cluster: ClusterName,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Out,
    In {
        identity: Arc<Identity>,
        ticket: Secret,
        since: Instant,
    },
    Failed {
        failure: Failure,
        node: NodeName,
        when: Instant,
    },
}

impl SignIn {
    pub(super) fn new(credential: &Credential, cluster: &ClusterName, metrics: Arc<Metrics>) -> Self {
        match credential {
            Credential::ApiToken { token_id, secret } => {
                let mut value = format!("PVEAPIToken={}=", percent_encode(token_id.as_bytes(), HEADER)).into_bytes();
                value.extend(percent_encode(secret.reveal(), HEADER).flat_map(str::bytes));
                let credential = ("authorization", Secret::new(value));
                Self::Token(Arc::new(Identity { user: token_id.clone(), credential, csrf: None }))
            }
            Credential::Password { user, password } => {
                let (user, password, cluster) = (user.clone(), password.clone(), cluster.clone());
                Self::Password(Box::new(Login { user, password, state: Mutex::default(), cluster, metrics }))
            }
        }
    }

    /// The identity to use now; logs in at this node where need be. `refused`: the identity a 401 came for.
    pub(super) async fn identity(
        &self,
        node: &NodeApi,
        refused: Option<&Arc<Identity>>,
    ) -> Result<Arc<Identity>, Failure> {
        match self {
            Self::Token(identity) => Ok(Arc::clone(identity)),
            Self::Password(login) => login.identity(node, refused).await,
        }
    }

    /// Whether a 401 may be cured by a new login.
    pub(super) const fn renewable(&self) -> bool {
        matches!(self, Self::Password(_))
    }
}

impl Login {
    async fn identity(&self, node: &NodeApi, refused: Option<&Arc<Identity>>) -> Result<Arc<Identity>, Failure> {
        // Whoever holds the lock logs in; the others wait and find the result.
        let mut state = self.state.lock().await;
        let mut old = None;
        match &*state {
            State::In { identity, ticket, since } => {
                let was_refused = refused.is_some_and(|refused| Arc::ptr_eq(refused, identity));
                if !was_refused && since.elapsed() < RENEW {
                    return Ok(Arc::clone(identity));
                }
                if !was_refused && since.elapsed() < TICKET_LIFE {
                    old = Some((Arc::clone(identity), ticket.clone()));
                }
            }
            // A refusal is the same at every node; anything else is this node's own.
            State::Failed { failure, node: at, when } if when.elapsed() < FAILED => {
                if failure.reason == Reason::PveAuth || *at == node.name {
                    return Err(failure.clone());
                }
            }
            State::Failed { .. } | State::Out => {}
        }
        match (self.sign_in(node, old.as_ref().map(|(_, ticket)| ticket)).await, old) {
            (Ok((identity, ticket)), _) => {
                let identity = Arc::new(identity);
                *state = State::In { identity: Arc::clone(&identity), ticket, since: Instant::now() };
                Ok(identity)
            }
            // The old one is still good for a while; this node may just be down.
            (Err(failure), Some((identity, _))) if failure.reason != Reason::PveAuth => Ok(identity),
            (Err(failure), _) => {
                *state = State::Failed { failure: failure.clone(), node: node.name.clone(), when: Instant::now() };
                Err(failure)
            }
        }
    }

    /// By the old ticket where there is one, else by the password.
    async fn sign_in(&self, node: &NodeApi, old: Option<&Secret>) -> Result<(Identity, Secret), Failure> {
        if let Some(old) = old {
            match self.post(node, old).await {
                Err(failure) if failure.reason == Reason::PveAuth => {}
                done => return done,
            }
        }
        self.post(node, &self.password).await
    }

    async fn post(&self, node: &NodeApi, password: &Secret) -> Result<(Identity, Secret), Failure> {
        let counted = Counted::new(&self.metrics, &self.cluster, "login");
        let done = self.post_uncounted(node, password).await;
        counted.ended(done.as_ref().err().map(|failure| failure.reason));
        done
    }

    async fn post_uncounted(&self, node: &NodeApi, password: &Secret) -> Result<(Identity, Secret), Failure> {
        let mut form =
            format!("username={}&password=", percent_encode(self.user.as_bytes(), NON_ALPHANUMERIC)).into_bytes();
        form.extend(percent_encode(password.reveal(), NON_ALPHANUMERIC).flat_map(str::bytes));
        let ask = Ask {
            operation: "login",
            path: "/api2/json/access/ticket".into(),
            form: Some(Secret::new(form)),
            limit: LIMIT,
            once: false,
            sent: None,
        };
        let answer = node.exchange(&ask, None).await?;
        if answer.status != 200 {
            let refused = refusal(answer.status, &answer.text);
            return Err(Failure::new(refused.reason, format!("login of {}: {}", self.user, refused.cause)));
        }
        self.read(&answer)
    }

    fn read(&self, answer: &Answer) -> Result<(Identity, Secret), Failure> {
        let wrong = |what: &str| Failure::new(Reason::PveAnswer, format!("login of {}: {what}", self.user));
        let body: Body =
            serde_json::from_slice(answer.body.reveal()).map_err(|_| wrong("the answer is not a login answer"))?;
        let data = body.data;
        if data.second_factor.is_set() {
            let cure = format!("{} needs a second factor; configure an API token instead", self.user);
            return Err(Failure::new(Reason::PveAuth, cure));
        }
        let (ticket, csrf) = (Secret::new(data.ticket), Secret::new(data.csrf));
        let printable =
            |secret: &Secret| !secret.reveal().is_empty() && secret.reveal().iter().all(u8::is_ascii_graphic);
        if !printable(&ticket) || !printable(&csrf) {
            return Err(wrong("no usable ticket came"));
        }
        if !data.username.eq_ignore_ascii_case(&self.user) {
            return Err(Failure::new(Reason::Identity, format!("login of {} made somebody else", self.user)));
        }
        let mut cookie = b"PVEAuthCookie=".to_vec();
        cookie.extend(percent_encode(ticket.reveal(), NON_ALPHANUMERIC).flat_map(str::bytes));
        let credential = ("cookie", Secret::new(cookie));
        Ok((Identity { user: data.username, credential, csrf: Some(csrf) }, ticket))
    }
}

#[derive(Deserialize)]
struct Body {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    username: String,
    ticket: String,
    #[serde(rename = "CSRFPreventionToken", default)]
    csrf: String,
    #[serde(rename = "NeedTFA", default)]
    second_factor: Flag,
}
