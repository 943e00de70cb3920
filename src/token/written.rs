//! The JSON inside a sealed text: fields as they are written, no proof of anything.
//!
//! A [`Grant`] cannot be read from JSON, so that nothing but a token's whole way or a seal that held makes one; this is
//! where a seal's content becomes one. Its fields are the format that gateways of a fleet share.

use super::{Envelope, Grant, Pass};
use crate::id::{Console, NodeName, Right, SessionId};
use serde::{Deserialize, Serialize};

/// An [`Envelope`] as written.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    session: SessionId,
    generation: u32,
    expires: u64,
    ends: u64,
    grant: WrittenGrant,
}

#[derive(Serialize, Deserialize)]
struct WrittenGrant {
    issuer: String,
    subject: String,
    jti_hash: String,
    issued: u64,
    console: Console,
    node: Option<NodeName>,
    rights: Vec<Right>,
    max_seconds: Option<u64>,
    idle_seconds: Option<u64>,
    title: Option<String>,
    lang: Option<String>,
    theme: Option<String>,
    origin: Option<String>,
}

impl Written {
    pub(super) fn of(pass: &Pass, expires: u64) -> Self {
        let Pass { session, generation, ends, ref grant } = *pass;
        Self { session, generation, expires, ends, grant: WrittenGrant::of(grant) }
    }

    /// Unix seconds after which it no longer opens.
    pub(super) const fn expires(&self) -> u64 {
        self.expires
    }

    /// What it says. Only for what a seal protected.
    pub(super) fn read(self) -> Envelope {
        let Self { session, generation, expires, ends, grant } = self;
        Envelope { session, generation, expires, ends, grant: grant.read() }
    }
}

impl WrittenGrant {
    fn of(grant: &Grant) -> Self {
        let Grant {
            issuer,
            subject,
            jti_hash,
            issued,
            console,
            node,
            rights,
            max_seconds,
            idle_seconds,
            title,
            lang,
            theme,
            origin,
        } = grant.clone();
        Self {
            issuer,
            subject,
            jti_hash,
            issued,
            console,
            node,
            rights,
            max_seconds,
            idle_seconds,
            title,
            lang,
            theme,
            origin,
        }
    }

    fn read(self) -> Grant {
        let Self {
            issuer,
            subject,
            jti_hash,
            issued,
            console,
            node,
            rights,
            max_seconds,
            idle_seconds,
            title,
            lang,
            theme,
            origin,
        } = self;
        Grant {
            issuer,
            subject,
            jti_hash,
            issued,
            console,
            node,
            rights,
            max_seconds,
            idle_seconds,
            title,
            lang,
            theme,
            origin,
        }
    }
}
