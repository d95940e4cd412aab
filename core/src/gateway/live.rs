//! The live set in force: how fresh it is, and whom it revokes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::message;
use crate::bundle::{LiveDocument, Version};
use crate::id::{PersonId, SessionId};
use crate::status::Refusal;
use crate::time::Timestamp;
use crate::token::VerifiedToken;

/// The live set in force.
pub(super) struct Live {
    pub(super) version: Version,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    sessions: HashSet<SessionId>,
    people: HashMap<PersonId, Timestamp>,
}

impl Live {
    /// Whether it is young enough to tell who still has access.
    pub(super) fn check_fresh(&self, max_staleness: Duration, now: Timestamp) -> Result<(), Refusal> {
        let end = self.expires_at.unwrap_or_else(|| self.issued_at.after(max_staleness));
        if now >= end { Err(message::stale(self.issued_at, now)) } else { Ok(()) }
    }

    /// Whether a token's session and person still count.
    pub(super) fn check(&self, token: &VerifiedToken) -> Result<(), Refusal> {
        let claims = &token.claims;
        if self.sessions.contains(&claims.sid) {
            return Err(message::unauthorized("session-revoked", "your session has been ended"));
        }
        if self.people.get(&claims.sub).is_some_and(|not_before| claims.iat < *not_before) {
            return Err(message::unauthorized("user-revoked", "what you may do has changed since you signed in"));
        }
        Ok(())
    }
}

impl From<LiveDocument> for Live {
    fn from(document: LiveDocument) -> Self {
        Self {
            version: document.version,
            issued_at: document.issued_at,
            expires_at: document.expires_at,
            sessions: document.sessions.into_iter().map(|revoked| revoked.sid).collect(),
            people: document.people.into_iter().map(|entry| (entry.person, entry.not_before)).collect(),
        }
    }
}
