//! What gateways tell each other about sessions: withdrawn, ended by an operator, come back elsewhere.

use crate::id::SessionId;
use crate::revocation::Revocation;
use serde::{Deserialize, Serialize};

/// Something that live sessions may have to end for. Hearing it twice is hearing it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// What it means is over.
    Revoked(Revocation),
    /// An operator ended the session.
    Killed(SessionId),
    /// The session is connected with this generation; older ones are over.
    Returned(SessionId, u32),
}

impl News {
    /// The revocation in it.
    pub(super) const fn revocation(&self) -> Option<&Revocation> {
        match self {
            Self::Revoked(revocation) => Some(revocation),
            Self::Killed(_) | Self::Returned(..) => None,
        }
    }
}
