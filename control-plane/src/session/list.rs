//! Which sessions there are, for the people whose they are and for administrators.

use kubegate_core::id::{PersonId, SessionId};
use kubegate_core::time::Timestamp;

use super::{Session, SessionError, Sessions};
use crate::store::session;

/// How many sessions a page holds.
const PER_PAGE: u32 = 100;

/// Where the page before ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    created_at: Timestamp,
    id: SessionId,
}

/// Some of all sessions, the newest first.
#[derive(Debug)]
pub struct Page {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// Where to go on, when there are more.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// Reads what [`Cursor`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (created_at, id) = text.split_once('.')?;
        let created_at = Timestamp::from_seconds(created_at.parse().ok()?);
        Some(Self { created_at, id: SessionId::from(id.to_owned()) }).filter(|_| text.len() <= 200)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.created_at.seconds(), self.id)
    }
}

impl Sessions {
    /// The sessions of a person, the newest first: those that live, and those that only idle time ended
    /// ([`Session::is_idle`]) and that may have open streams.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_of(&self, person: &PersonId, now: Timestamp) -> Result<Vec<Session>, SessionError> {
        Ok(session::shown_of(&mut *self.store.read().await?, person, now).await?)
    }

    /// The session with this id, live or not.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, id: &SessionId) -> Result<Option<Session>, SessionError> {
        Ok(session::find(&mut *self.store.read().await?, id).await?)
    }

    /// The same of everybody, a page at a time: the first page, or the one after `cursor`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self, now: Timestamp, cursor: Option<&Cursor>) -> Result<Page, SessionError> {
        let after = cursor.map(|cursor| (cursor.created_at, &cursor.id));
        let mut sessions = session::shown(&mut *self.store.read().await?, now, after, PER_PAGE + 1).await?;
        let more = sessions.len() > PER_PAGE as usize;
        sessions.truncate(PER_PAGE as usize);
        let last = sessions.last().filter(|_| more);
        let next = last.map(|last| Cursor { created_at: last.created_at, id: last.id.clone() });
        Ok(Page { sessions, next })
    }
}
