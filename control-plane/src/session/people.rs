//! People, as administrators deal with them: whom a name means, and who may not sign in.

use std::collections::BTreeMap;
use std::time::Duration;

use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

use super::end::{News, SECOND};
use super::{SessionError, Sessions};
use crate::store::disabled::{self, Disabled};
use crate::store::elevation;
use crate::store::revocation;
use crate::store::session::{self, EndReason};

/// A token may be on its way when its person is disabled.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// A person whom a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Who.
    pub person: PersonId,
    /// The newest user name that is known.
    pub user: Option<String>,
}

impl Sessions {
    /// Whom `name` means, a user name or a person's id: all that are known by it, ten at most. People are known for a day
    /// after their last session has ended, and as long as they are disabled.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn named(&self, name: &str) -> Result<Vec<Named>, SessionError> {
        let mut conn = self.store.read().await?;
        let disabled = disabled::named(&mut conn, name).await?;
        let mut found: BTreeMap<PersonId, Option<String>> =
            disabled.into_iter().map(|disabled| (disabled.person, disabled.user)).collect();
        for (person, user) in session::people_named(&mut conn, name).await? {
            found.insert(person, Some(user));
        }
        Ok(found.into_iter().map(|(person, user)| Named { person, user }).take(10).collect())
    }

    /// Disables a person: ends all sessions and elevations, refuses every token that was made until now, and lets no new
    /// session begin. Says how many sessions it ended. One who is disabled already stays so, for the reason given then.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn disable(&self, disabled: &Disabled) -> Result<usize, SessionError> {
        let (person, now) = (&disabled.person, disabled.at);
        let mut tx = self.store.write().await?;
        disabled::insert(&mut tx, disabled).await?;
        elevation::end_all_of(&mut tx, person, &disabled.by, now).await?;
        let ended = self.end_all_in(&mut tx, person, EndReason::Disabled, now, now.after(ON_ITS_WAY)).await?;
        tx.commit().await?;
        self.tell(News(true));
        Ok(ended)
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
        revocation::admit_from(&mut tx, person, now.max(disabled.at.after(SECOND))).await?;
        tx.commit().await?;
        self.tell(News(true));
        Ok(true)
    }

    /// Everybody who is disabled.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn disabled(&self) -> Result<Vec<Disabled>, SessionError> {
        Ok(disabled::all(&mut *self.store.read().await?).await?)
    }
}
