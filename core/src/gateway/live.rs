//! The live set in force: how fresh it is, whom it revokes, and whom it elevates.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use super::message;
use super::stream::StreamEnd;
use crate::bundle::{ChangesDocument, Elevation, LiveDocument, LiveEntries, Version};
use crate::id::{ClusterName, PersonId, SessionId};
use crate::status::Refusal;
use crate::time::Timestamp;
use crate::token::VerifiedToken;

/// The live set in force, with the changes since it was signed.
pub(super) struct Live {
    /// The version of the changes.
    pub(super) version: Version,
    /// The hash of the changes.
    pub(super) hash: String,
    pub(super) snapshot: Rc<Snapshot>,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    changes: Entries,
}

/// A live set as it was signed.
pub(super) struct Snapshot {
    /// Its version.
    pub(super) version: Version,
    /// Its hash, by which changes name it.
    pub(super) hash: String,
    entries: Entries,
}

/// The entries of a live set, or of the changes to it.
#[derive(Default)]
struct Entries {
    sessions: HashSet<SessionId>,
    people: HashMap<PersonId, Timestamp>,
    elevations: HashMap<PersonId, Vec<Elevation>>,
}

impl Snapshot {
    pub(super) fn new(document: LiveDocument, hash: String) -> Self {
        Self { version: document.version, hash, entries: document.entries.into() }
    }
}

impl Live {
    /// A live set and its changes. Their own expiry counts when they are `inline`, in a plugin configuration that nobody
    /// renews; what came from a control plane is renewed or becomes stale.
    pub(super) fn new(snapshot: Rc<Snapshot>, changes: ChangesDocument, hash: String, inline: bool) -> Self {
        Self {
            version: changes.version,
            hash,
            snapshot,
            issued_at: changes.issued_at,
            expires_at: changes.expires_at.filter(|_| inline),
            changes: changes.entries.into(),
        }
    }

    /// Whether it is young enough to tell who still has access.
    pub(super) fn check_fresh(&self, max_staleness: Duration, now: Timestamp) -> Result<(), Refusal> {
        match self.expires_at {
            Some(end) if now >= end => Err(message::expired(end, now)),
            None if now >= self.issued_at.after(max_staleness) => Err(message::stale(self.issued_at, now)),
            _ => Ok(()),
        }
    }

    /// Whether a token's session and person still count.
    pub(super) fn check(&self, token: &VerifiedToken) -> Result<(), Refusal> {
        match self.end_of(token) {
            None => Ok(()),
            Some(end @ StreamEnd::SessionRevoked) => {
                Err(message::unauthorized(end.code(), "your session has been ended"))
            }
            Some(end) => {
                let why = "all your sessions were ended, or what you may do has changed since you signed in";
                Err(message::unauthorized(end.code(), why))
            }
        }
    }

    /// How the session of a token was ended, if it was. Where all sessions of its person were, that is the reason.
    pub(super) fn end_of(&self, token: &VerifiedToken) -> Option<StreamEnd> {
        let claims = &token.claims;
        let both = [&self.changes, &self.snapshot.entries];
        let not_before = both.iter().find_map(|entries| entries.people.get(&claims.sub));
        if not_before.is_some_and(|not_before| claims.iat < *not_before) {
            return Some(StreamEnd::UserRevoked);
        }
        both.iter().any(|entries| entries.sessions.contains(&claims.sid)).then_some(StreamEnd::SessionRevoked)
    }

    /// A person's elevations on a cluster that have not ended. One that somebody has ended is over whatever the clock says.
    pub(super) fn elevations<'l>(
        &'l self,
        person: &'l PersonId,
        cluster: &'l ClusterName,
        now: Timestamp,
    ) -> impl Iterator<Item = &'l Elevation> {
        self.all_elevations(person, cluster).filter(move |elevation| elevation.lasts(now))
    }

    /// The one of a person's elevations on a cluster that ended last, when its end is remembered.
    pub(super) fn last_ended<'l>(
        &'l self,
        person: &'l PersonId,
        cluster: &'l ClusterName,
        now: Timestamp,
    ) -> Option<&'l Elevation> {
        let ended = self.all_elevations(person, cluster).filter(|elevation| !elevation.lasts(now));
        ended.max_by_key(|elevation| elevation.until)
    }

    /// A changed elevation stands in the place of the one before.
    fn all_elevations<'l>(
        &'l self,
        person: &'l PersonId,
        cluster: &'l ClusterName,
    ) -> impl Iterator<Item = &'l Elevation> {
        let of = |entries: &'l Entries| entries.elevations.get(person).map(Vec::as_slice).unwrap_or_default();
        let (base, changed) = (of(&self.snapshot.entries), of(&self.changes));
        let unchanged = base.iter().filter(|elevation| changed.iter().all(|other| other.id != elevation.id));
        changed.iter().chain(unchanged).filter(move |elevation| elevation.cluster == *cluster)
    }
}

impl From<LiveEntries> for Entries {
    fn from(entries: LiveEntries) -> Self {
        let mut elevations: HashMap<_, Vec<_>> = HashMap::new();
        for elevation in entries.elevations {
            elevations.entry(elevation.person.clone()).or_default().push(elevation);
        }
        Self {
            sessions: entries.sessions.into_iter().map(|revoked| revoked.sid).collect(),
            people: entries.people.into_iter().map(|entry| (entry.person, entry.not_before)).collect(),
            elevations,
        }
    }
}
