//! SCIM 2.0 (RFC 7643, RFC 7644): users and groups that an identity provider pushes.
//!
//! ```text
//!  provider ─▶ http/scim ─▶ Provisioning ─▶ store/scim      one transaction:
//!                               └─────────▶ Sessions        a push, and what follows from it
//!  sign-in, every token ─▶ Sessions ─▶ Directories ─▶ store/scim
//! ```
//!
//! A [`Directory`] says which user a sign-in means. All state is in the store and nothing is cached, so every process sees
//! the same. A push that changes nothing has no effect.

mod directory;
pub mod error;
pub mod filter;
pub mod group;
mod groups;
mod json;
mod list;
pub mod patch;
pub mod user;
mod users;

use std::sync::Arc;

use kubegate_core::time::Timestamp;

pub(crate) use self::directory::Settled;
pub use self::directory::{Directories, Directory, NotProvisioned};
pub use self::error::{Invalid, InvalidKind, ScimError};
pub use self::list::{Listed, MOST_LISTED, Question};
use crate::session::{News, Sessions};
use crate::store::scim::push::{self, Push};
use crate::store::scim::{group as group_store, user as user_store};
use crate::store::{Store, StoreError, Write};
use crate::telemetry::{Metrics, ProviderLabels};

/// How many users a provider may push.
pub const MAX_USERS: usize = 100_000;

/// How many groups a provider may push.
pub const MAX_GROUPS: usize = 10_000;

/// What is done with users and groups that providers push.
#[derive(Clone, Debug)]
pub struct Provisioning {
    store: Store,
    sessions: Sessions,
    directories: Arc<Directories>,
    metrics: Arc<Metrics>,
}

/// How a provider's pushing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushStanding {
    /// How many users there are.
    pub users: usize,
    /// How many groups.
    pub groups: usize,
    /// The last push that went well, and the last that was refused.
    pub push: Push,
}

impl Provisioning {
    /// For the providers that push.
    #[must_use]
    pub fn new(store: Store, sessions: Sessions, directories: Arc<Directories>, metrics: Arc<Metrics>) -> Self {
        Self { store, sessions, directories, metrics }
    }

    /// What this provider pushes.
    #[must_use]
    pub fn directory(&self, provider: &str) -> Option<&Directory> {
        self.directories.get(provider)
    }

    /// How a provider's pushing stands; `None` of one that does not push.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn standing(&self, provider: &str) -> Result<Option<PushStanding>, StoreError> {
        if self.directory(provider).is_none() {
            return Ok(None);
        }
        let mut conn = self.store.read().await?;
        Ok(Some(PushStanding {
            users: user_store::count(&mut conn, provider).await?,
            groups: group_store::count(&mut conn, provider).await?,
            push: push::find(&mut conn, provider).await?,
        }))
    }

    /// Brings sessions and metrics in step with what is in the store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(&self, now: Timestamp) -> Result<(), crate::session::SessionError> {
        self.sessions.resettle_all(now).await?;
        for directory in self.directories.all() {
            self.count(directory.provider()).await?;
        }
        Ok(())
    }

    /// Notes why a push was refused.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_failure(&self, provider: &str, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        push::failed(&mut tx, provider, why, now).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a push: notes that it went well, and commits.
    async fn commit(&self, mut tx: Write, provider: &str, news: News, now: Timestamp) -> Result<(), StoreError> {
        push::succeeded(&mut tx, provider, now).await?;
        self.sessions.commit(tx, news).await?;
        self.count(provider).await
    }

    async fn count(&self, provider: &str) -> Result<(), StoreError> {
        let Some(standing) = self.standing(provider).await? else {
            return Ok(());
        };
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let labels = ProviderLabels { provider: provider.to_owned() };
        self.metrics.scim_users.get_or_create(&labels).set(gauge(standing.users));
        self.metrics.scim_groups.get_or_create(&labels).set(gauge(standing.groups));
        Ok(())
    }
}
