//! The way of a connect token: taken apart, key found, signature checked, and only then read.
//!
//! Owns the order. Up to the signature every refusal has one face outside; nothing of the claims is told before it holds.
//! Holding a [`Verified`] proves everything but single use, which [`Verified::begin`] adds.

use super::claims::Claims;
use super::console::Wish;
use super::grant::Grant;
use super::header::{self, Parts};
use super::issuer::Issuer;
use super::json::{Json, Object};
use super::{Envelope, KeySets, Pass, fingerprint, origin, plaintext, shown};
use crate::audit::About;
use crate::config::{self, Cluster, Origin};
use crate::id::SessionId;
use crate::metrics::Metrics;
use crate::reason::{Failure, Reason};
use crate::store::{Once, Store};
use crate::{hex, sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// All issuers' keys and rules.
#[derive(Debug)]
pub struct Verifier {
    issuers: HashMap<String, Issuer>,
    started: Option<u64>,
}

impl Verifier {
    /// Reads every issuer's keys. `started` (Unix seconds): where the store forgets with the process, tokens with an
    /// earlier `iat` are refused, because they may have been used before; none for a store that outlives it.
    ///
    /// `iat` has whole seconds and a panel's clock may be ahead by the leeway, so a token made in the very second of the
    /// start, or by a clock that is ahead, is not told apart from a new one. Passing the start plus
    /// [`super::LEEWAY_SECONDS`] plus one closes that gap; tokens made in those seconds are then refused.
    ///
    /// `sets`: those of the generations before, whose fetched keys this one goes on with.
    ///
    /// # Errors
    /// A key that does not parse or does not fit its algorithm, or a cluster that is not configured, named.
    pub fn new(
        issuers: &[config::Issuer],
        clusters: &[Cluster],
        own_origin: &Origin,
        started: Option<u64>,
        sets: &KeySets,
    ) -> Result<Self, String> {
        let mut known = HashMap::new();
        for rules in issuers {
            let issuer = Issuer::new(rules, clusters, own_origin, sets)?;
            if known.insert(rules.name.clone(), issuer).is_some() {
                return Err(format!("issuer {:?} comes twice", rules.name));
            }
        }
        Ok(Self { issuers: known, started })
    }

    /// Keeps the sets of every `jwks_url` fresh from now on, for as long as this or a later verifier uses them.
    pub fn begin(&self, metrics: &Arc<Metrics>) {
        self.issuers.values().for_each(|issuer| issuer.begin(metrics));
    }

    /// Waits, two seconds at most, where only a fresh answer of `jwks_url` could have the key that a token names. Believes
    /// and refuses nothing: [`Self::verify`] does, with what is there then.
    pub async fn freshen(&self, token: &str, now: u64) {
        let Ok(parts) = header::take_apart(token) else { return };
        if let Ok(issuer) = self.issuer(&parts.payload) {
            issuer.freshen(&parts.key_id, now).await;
        }
    }

    /// Checks everything about a token but its single use. `now` is Unix seconds.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn verify(&self, token: &str, now: u64) -> Result<Verified, Rejected> {
        if token.is_empty() {
            return Err(Failure::new(Reason::TokenMalformed, "the token is empty").into());
        }
        let parts = header::take_apart(token)?;
        let issuer = self.issuer(&parts.payload)?;
        self.check_signature(issuer, &parts, now)?;
        // From here on the panel is believed to have written this, and the answer may say what is wrong with it.
        self.read(issuer, &parts.payload, now).map_err(|rejected| {
            let Failure { reason, cause } = rejected.failure;
            let cause = format!("{cause} (issuer {:?}, key {})", issuer.name(), shown(&parts.key_id));
            Rejected { failure: Failure::new(reason, cause), ..rejected }
        })
    }

    /// Checks an opened ticket, resume token or control token, and the page that brings it, as the connect token that it
    /// came from was checked: a seal alone, whoever made it and when, opens nothing that its issuer may not open now, and for
    /// no longer than sessions are now.
    ///
    /// # Errors
    /// Those of the scope of connect tokens, `lifetime`, `origin`, `origin_missing` or `binding`.
    pub fn accept_sealed(
        &self,
        envelope: Envelope,
        origin: Option<&str>,
        rules: &config::Session,
        now: u64,
    ) -> Result<Envelope, Failure> {
        let grant = &envelope.grant;
        let issuer = self.issuers.get(grant.issuer()).ok_or_else(|| {
            Failure::new(Reason::TokenScope, format!("issuer {} is configured no more", shown(grant.issuer())))
        })?;
        issuer.check_grant(grant)?;
        origin::check(issuer.origins(), grant.origin(), origin)?;
        envelope.cut(rules, issuer.max_token_seconds(), now)
    }

    /// The issuer is read before the signature holds, to choose the key and for nothing else.
    fn issuer(&self, payload: &Object) -> Result<&Issuer, Failure> {
        let named = payload.get("iss").and_then(Json::text);
        named.and_then(|name| self.issuers.get(name)).ok_or_else(|| {
            let cause = format!("iss is {}", named.map_or_else(|| "missing or not a text".to_owned(), shown));
            Failure::new(Reason::TokenIssuer, cause)
        })
    }

    fn check_signature(&self, issuer: &Issuer, parts: &Parts<'_>, now: u64) -> Result<(), Failure> {
        let checked = issuer.with_key(&parts.key_id, now, |key| {
            if key.algorithm() != parts.algorithm {
                let cause = format!(
                    "alg is {:?}, the key {} is for {:?}",
                    parts.algorithm,
                    shown(&parts.key_id),
                    key.algorithm()
                );
                return Err(Failure::new(Reason::TokenAlgorithm, cause));
            }
            if !key.verifies(parts.signed, parts.signature) {
                let cause =
                    format!("the signature is not that of key {} of issuer {:?}", shown(&parts.key_id), issuer.name());
                return Err(Failure::new(Reason::TokenSignature, cause));
            }
            Ok(())
        });
        checked.unwrap_or_else(|unknown| Err(self.name_owner(issuer, &parts.key_id, now).unwrap_or(unknown)))
    }

    /// A key that this issuer lacks and another one has: one panel signs in the name of the other.
    fn name_owner(&self, issuer: &Issuer, key_id: &str, now: u64) -> Option<Failure> {
        let owner = self.issuers.values().find(|other| other.name() != issuer.name() && other.has_key(key_id, now))?;
        let cause = format!("iss is {:?}, the key {} is of {:?}", issuer.name(), shown(key_id), owner.name());
        Some(Failure::new(Reason::TokenIssuerKey, cause))
    }

    fn read(&self, issuer: &Issuer, payload: &Object, now: u64) -> Result<Verified, Rejected> {
        plaintext::refuse(payload)?;
        let claims = Claims::read(payload, issuer.audience())?;
        claims.times.check(now, issuer.max_token_seconds(), self.started)?;
        let wish = Wish::read(payload)?;
        let (console, node) = issuer.place(&wish)?;
        issuer.check_assurance(&claims)?;
        let bound = issuer.bound_origin(claims.origin.as_deref())?;
        let name = format!("jti:{}", fingerprint(&[issuer.name().as_bytes(), claims.id.as_bytes()]));
        let grant = Grant {
            issuer: issuer.name().to_owned(),
            subject: claims.subject,
            jti_hash: jti_hash(&claims.id),
            issued: claims.times.issued,
            console,
            node,
            rights: wish.rights,
            max_seconds: wish.max_seconds,
            idle_seconds: wish.idle_seconds,
            title: wish.title,
            lang: wish.lang,
            theme: wish.theme,
            origin: bound,
        };
        Ok(Verified { grant, name, until: claims.times.over(), origins: Arc::clone(issuer.origins()) })
    }
}

/// A token's name in logs: the first 16 hexadecimal digits of SHA-256 of its `jti`.
#[must_use]
pub fn jti_hash(jti: &str) -> String {
    let mut text = hex::lower(&sha256::of(jti.as_bytes()));
    text.truncate(16);
    text
}

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The rule that does not hold.
    pub failure: Failure,
    /// By how many seconds it came late or early, where that is the rule: told only after the signature held.
    pub seconds: Option<u64>,
}

impl From<Failure> for Rejected {
    fn from(failure: Failure) -> Self {
        Self { failure, seconds: None }
    }
}

/// A token that is right but may have been used already.
#[derive(Debug)]
pub struct Verified {
    pub(super) grant: Grant,
    name: String,
    until: u64,
    origins: Arc<[Origin]>,
}

impl Verified {
    /// Checks the page that brought the token, before it is spent (T32). `None` where a client that is not a browser
    /// sent the token in `Authorization` and no `Origin`.
    ///
    /// # Errors
    /// `origin`, `origin_missing` or `binding`.
    pub fn check_origin(&self, origin: Option<&str>) -> Result<(), Failure> {
        origin::check(&self.origins, self.grant.origin(), origin)
    }

    /// What the audit line of a refusal says of it.
    #[must_use]
    pub fn about(&self) -> About {
        self.grant.about()
    }

    /// Uses the token up: the session it asks for begins, by the rules of the configuration. `session` is random.
    ///
    /// # Errors
    /// `revoked`, `replay`, `store_full` or `store_down`.
    pub async fn begin(
        self,
        store: &Store,
        session: SessionId,
        rules: &config::Session,
        now: u64,
    ) -> Result<Pass, Failure> {
        store.check(&self.grant.facts())?;
        let ends = now.saturating_add(self.grant.longest(rules.max));
        let token = Once { name: &self.name, until: self.until, now, made: self.grant.issued };
        store.begin(token, session, ends, rules.resume.as_secs()).await?;
        Ok(Pass { session, generation: 0, ends, grant: self.grant })
    }
}
