//! People, as administrators deal with them: whom a name means, and who may not sign in.

use std::collections::BTreeSet;
use std::time::Duration;

use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

use super::end::News;
use super::{SessionError, Sessions};
use crate::store::disabled::{self, Disabled};
use crate::store::elevation;
use crate::store::people;
pub use crate::store::people::Known;
use crate::store::revocation;
use crate::store::session::{self, EndReason};

/// A token may be on its way when its person is disabled.
pub(super) const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// A person whom a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Who.
    pub person: PersonId,
    /// The newest user name that is known.
    pub user: Option<String>,
}

/// How many people a page holds.
const PER_PAGE: u32 = 100;

/// Some of the people who are known, by their ids.
#[derive(Debug)]
pub struct PeoplePage {
    /// The people.
    pub people: Vec<Known>,
    /// Whom to go on after, when there are more.
    pub next: Option<PersonId>,
}

/// What came of disabling a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutOut {
    /// How many sessions it ended.
    pub sessions: usize,
    /// Whether the person was disabled before.
    pub was_disabled: bool,
}

impl Sessions {
    /// The person of this id. People are known for a day after the longest life of their last session, however early it
    /// ended, and as long as they are disabled.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn known(&self, person: &PersonId) -> Result<Option<Named>, SessionError> {
        let mut conn = self.store.read().await?;
        let user = session::user_of(&mut conn, person).await?;
        let disabled = disabled::find(&mut conn, person).await?;
        let is_known = user.is_some() || disabled.is_some();
        let user = user.or_else(|| disabled.and_then(|disabled| disabled.user));
        Ok(is_known.then(|| Named { person: person.clone(), user }))
    }

    /// Everybody who is known to have, or to have had, this user name; ten at most. Where a provider gives a name to
    /// somebody else, both are found until the former holder is known no more, and before the first sign-in of the new one
    /// only the former.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn named(&self, user: &str) -> Result<Vec<Named>, SessionError> {
        let mut conn = self.store.read().await?;
        let mut people: BTreeSet<PersonId> = disabled::named(&mut conn, user).await?.into_iter().collect();
        people.extend(session::people_named(&mut conn, user).await?);
        Ok(people.into_iter().map(|person| Named { person, user: Some(user.to_owned()) }).take(10).collect())
    }

    /// Disables a person: ends all sessions and elevations, refuses every token that was made until now, and lets no new
    /// session begin. One who is disabled already stays so, for the reason given then.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn disable(&self, disabled: &Disabled) -> Result<ShutOut, SessionError> {
        let (person, now) = (&disabled.person, disabled.at);
        let mut tx = self.store.write().await?;
        let was_disabled = !disabled::insert(&mut tx, disabled).await?;
        elevation::end_all_of(&mut tx, person, &disabled.by, now).await?;
        let sessions = self.end_all_in(&mut tx, person, EndReason::Disabled, now, now.after(ON_ITS_WAY)).await?;
        self.commit(tx, News(true)).await?;
        Ok(ShutOut { sessions, was_disabled })
    }

    /// Lets a person sign in again; `false` when that was so before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enable(&self, person: &PersonId, now: Timestamp) -> Result<bool, SessionError> {
        let mut tx = self.store.write().await?;
        let Some(disabled) = disabled::find(&mut tx, person).await? else {
            return Ok(false);
        };
        disabled::remove(&mut tx, person).await?;
        revocation::admit_from(&mut tx, person, now.max(disabled.at.after(revocation::SECOND))).await?;
        self.commit(tx, News(true)).await?;
        Ok(true)
    }

    /// The people who are known by a session, live or not, a page at a time: the first page, or the one after `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn people(&self, now: Timestamp, after: Option<&PersonId>) -> Result<PeoplePage, SessionError> {
        let mut people = people::page(&mut *self.store.read().await?, now, after, PER_PAGE + 1).await?;
        let more = people.len() > PER_PAGE as usize;
        people.truncate(PER_PAGE as usize);
        let next = people.last().filter(|_| more).map(|last| last.person.clone());
        Ok(PeoplePage { people, next })
    }

    /// Everybody who is disabled.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn disabled(&self) -> Result<Vec<Disabled>, SessionError> {
        Ok(disabled::all(&mut *self.store.read().await?).await?)
    }
}
