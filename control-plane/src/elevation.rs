//! Elevations: an administrator gives one person more groups, on one cluster, for a while.
//!
//! Gateways hear of each with the live set and add the groups to those of the person's identity provider. What has
//! ended stays there for an hour, so that a refusal can say so.

use std::sync::Arc;
use std::time::Duration;

use kubegate_core::bundle::MAX_ELEVATED_GROUPS;
use kubegate_core::id::{ClusterName, ElevationId, PersonId};
use kubegate_core::identity_name::{self, InvalidName};
use kubegate_core::policy::Policy;
use kubegate_core::time::{Timestamp, show_duration};
use kubegate_core::token::MAX_GROUPS;
use tokio::sync::Notify;

use crate::random::{self, RandomError};
pub use crate::store::elevation::Elevation;
use crate::store::{self, Store, StoreError, disabled, elevation};

/// How long an ended elevation is remembered.
pub const KEEP_ENDED: Duration = Duration::from_secs(3600);

/// The shortest elevation.
const SHORTEST: Duration = Duration::from_secs(60);

/// The longest elevation.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// How many elevations one person may have, those that are remembered included.
const MOST_OF_A_PERSON: usize = 50;

/// How many there may be of all people.
const MOST: usize = 2000;

/// What an administrator asks for.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Whose groups shall grow.
    pub person: PersonId,
    /// The person's user name, as far as it is known.
    pub user: Option<String>,
    /// Where.
    pub cluster: ClusterName,
    /// The extra groups.
    pub groups: Vec<String>,
    /// For how long.
    pub duration: Duration,
    /// What for.
    pub reason: String,
}

/// Why a grant is not made.
#[derive(Debug, thiserror::Error)]
pub enum GrantRefused {
    /// There is no such cluster.
    #[error("cluster: the policy in force has no cluster {:?} (name one of {})", cluster.as_str(), known.join(", "))]
    Cluster {
        /// What was asked for.
        cluster: ClusterName,
        /// Those that there are.
        known: Vec<String>,
    },
    /// No groups, or too many.
    #[error("groups: {0} are named (name 1 to {MAX_ELEVATED_GROUPS}, of {MAX_GROUPS} bytes together)")]
    Groups(usize),
    /// A group that cannot be handed to an API server.
    #[error("groups: {group:?} {problem} (use visible ASCII without commas)")]
    Group {
        /// The group.
        group: String,
        /// What is wrong with it.
        problem: InvalidName,
    },
    /// A group that is Kubernetes' own.
    #[error(
        "groups: {0:?} is one of Kubernetes' own groups, which RBAC may not judge (elevate into a group of yours, and let \
         a rule of the policy for that group add this one with `groups.extra`)"
    )]
    Reserved(String),
    /// Too short or too long.
    #[error("duration: {} is not between {} and {}", show_duration(*.0), show_duration(SHORTEST), show_duration(LONGEST))]
    Duration(Duration),
    /// No reason, or none that can be read in a log.
    #[error(transparent)]
    Reason(#[from] InvalidReason),
    /// The person is disabled.
    #[error("person: {0} is disabled (enable that person first)")]
    Disabled(PersonId),
    /// The person has many already.
    #[error("person: has {MOST_OF_A_PERSON} elevations (end some, or wait: one that has ended counts for an hour)")]
    TooManyOfPerson,
    /// There are many already.
    #[error("there are {MOST} elevations (end some, or wait: one that has ended counts for an hour)")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl From<sqlx::Error> for GrantRefused {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A reason that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reason: must be one line of 1 to {MAX_REASON} characters (say what for, such as a ticket)")]
pub struct InvalidReason;

/// Checks the reason that an administrator gives for something.
///
/// # Errors
/// When it is empty, too long, or has control characters.
pub fn check_reason(reason: &str) -> Result<String, InvalidReason> {
    let reason = reason.trim();
    let good = !reason.is_empty() && reason.chars().count() <= MAX_REASON && !reason.chars().any(char::is_control);
    if good { Ok(reason.to_owned()) } else { Err(InvalidReason) }
}

/// An elevation that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// As it is now.
    pub elevation: Elevation,
    /// Whether it had ended before somebody was to end it.
    pub before: bool,
}

/// All elevations.
#[derive(Clone, Debug)]
pub struct Elevations {
    store: Store,
    news: Arc<Notify>,
}

impl Elevations {
    /// The elevations in `store`; `news` is told when gateways have something new to hear.
    #[must_use]
    pub fn new(store: Store, news: Arc<Notify>) -> Self {
        Self { store, news }
    }

    /// Elevates, under the policy in force, in the name of the administrator `by`.
    ///
    /// # Errors
    /// Why not.
    pub async fn grant(
        &self,
        grant: Grant,
        by: &str,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Elevation, GrantRefused> {
        check_cluster(&grant.cluster, policy)?;
        let elevation = Elevation {
            id: ElevationId::from(random::id("e_")?),
            groups: check_groups(grant.groups)?,
            reason: check_reason(&grant.reason)?,
            granted_by: by.to_owned(),
            granted_at: now,
            until: now.after(check_duration(grant.duration)?),
            ended_by: None,
            person: grant.person,
            user: grant.user,
            cluster: grant.cluster,
        };
        let since = now.before(KEEP_ENDED);
        let mut tx = self.store.write().await?;
        if disabled::find(&mut tx, &elevation.person).await?.is_some() {
            return Err(GrantRefused::Disabled(elevation.person));
        }
        if elevation::of_ending_after(&mut tx, &elevation.person, since).await?.len() >= MOST_OF_A_PERSON {
            return Err(GrantRefused::TooManyOfPerson);
        }
        if elevation::count_ending_after(&mut tx, since).await? >= MOST {
            return Err(GrantRefused::TooMany);
        }
        elevation::insert(&mut tx, &elevation).await?;
        store::commit_and_wake(tx, Arc::clone(&self.news)).await?;
        Ok(elevation)
    }

    /// Ends an elevation now, in the name of the administrator `by`; `None` when there is none of that id. One that has
    /// ended before stays as it is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, id: &ElevationId, by: &str, now: Timestamp) -> Result<Option<Ended>, StoreError> {
        let mut tx = self.store.write().await?;
        let ended = elevation::end(&mut tx, id, by, now).await?;
        let found = elevation::find(&mut tx, id).await?;
        if ended {
            store::commit_and_wake(tx, Arc::clone(&self.news)).await?;
        }
        Ok(found.map(|elevation| Ended { elevation, before: !ended }))
    }

    /// All that last at `now`, and those that ended within the hour before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        elevation::ending_after(&mut *self.store.read().await?, now.before(KEEP_ENDED)).await
    }

    /// The same of one person.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(&self, person: &PersonId, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        elevation::of_ending_after(&mut *self.store.read().await?, person, now.before(KEEP_ENDED)).await
    }
}

fn check_cluster(cluster: &ClusterName, policy: &Policy) -> Result<(), GrantRefused> {
    if policy.cluster(cluster.as_str()).is_some() {
        return Ok(());
    }
    let known = policy.clusters().iter().map(|known| known.name.to_string()).collect();
    Err(GrantRefused::Cluster { cluster: cluster.clone(), known })
}

/// The groups in order, each once.
fn check_groups(mut groups: Vec<String>) -> Result<Vec<String>, GrantRefused> {
    groups.sort_unstable();
    groups.dedup();
    let length: usize = groups.iter().map(String::len).sum();
    if groups.is_empty() || groups.len() > MAX_ELEVATED_GROUPS || length > MAX_GROUPS {
        return Err(GrantRefused::Groups(groups.len()));
    }
    for group in &groups {
        identity_name::check(group).map_err(|problem| GrantRefused::Group { group: group.clone(), problem })?;
        if identity_name::is_reserved(group) {
            return Err(GrantRefused::Reserved(group.clone()));
        }
    }
    Ok(groups)
}

fn check_duration(duration: Duration) -> Result<Duration, GrantRefused> {
    if (SHORTEST..=LONGEST).contains(&duration) { Ok(duration) } else { Err(GrantRefused::Duration(duration)) }
}
