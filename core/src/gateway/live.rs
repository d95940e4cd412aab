//! The live set in force: how fresh it is, and whom it revokes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::message;
use super::stream::StreamEnd;
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
        match self.end_of(token) {
            None => Ok(()),
            Some(end @ StreamEnd::SessionRevoked) => {
                Err(message::unauthorized(end.code(), "your session has been ended"))
            }
            Some(end) => Err(message::unauthorized(end.code(), "what you may do has changed since you signed in")),
        }
    }

    /// How the session of a token was ended, if it was.
    pub(super) fn end_of(&self, token: &VerifiedToken) -> Option<StreamEnd> {
        let claims = &token.claims;
        if self.sessions.contains(&claims.sid) {
            return Some(StreamEnd::SessionRevoked);
        }
        let not_before = self.people.get(&claims.sub)?;
        (claims.iat < *not_before).then_some(StreamEnd::UserRevoked)
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
