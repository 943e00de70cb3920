//! The [`Pass`]: the right to one connection of a session.
//!
//! Made only where something was used up for it: a connect token, a session ticket or a resume token. Holding one is the
//! proof, so it is never cloned.

use super::Grant;
use crate::audit::About;
use crate::id::SessionId;

/// The right to one connection of a session.
#[derive(Debug, PartialEq, Eq)]
pub struct Pass {
    pub(super) session: SessionId,
    pub(super) generation: u32,
    pub(super) ends: u64,
    pub(super) grant: Grant,
}

impl Pass {
    /// The session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Counts resumes.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Unix seconds at which the session ends whatever happens.
    #[must_use]
    pub const fn ends(&self) -> u64 {
        self.ends
    }

    /// What the session may do.
    #[must_use]
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What audit lines say of it.
    #[must_use]
    pub fn about(&self) -> About {
        About { session: Some(self.session), generation: Some(self.generation), ..self.grant.about() }
    }

    /// One for which nothing was used up, for tests of what comes after.
    #[cfg(test)]
    pub(crate) const fn unspent(session: SessionId, generation: u32, grant: Grant) -> Self {
        Self { session, generation, ends: 0, grant }
    }
}
