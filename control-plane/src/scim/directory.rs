//! Whom a sign-in means among the users that its provider has pushed, and what follows from that.

use kubegate_core::id::PersonId;
use kubegate_core::identity_name;
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use serde_json::Value;
use sqlx::SqliteConnection;

use super::error::Invalid;
use super::user::{User, key};
use crate::config::{GroupSource, Link, LinkAttribute, Provider, Scim};
use crate::person::Identity;
use crate::store::StoreError;
use crate::store::scim::{group, person, user};

/// What one provider pushes.
#[derive(Debug)]
pub struct Directory {
    provider: String,
    /// The claim that is the e-mail address.
    email: String,
    scim: Scim,
    /// What is put before the names of its groups; `None` when people's groups come from elsewhere.
    groups: Option<String>,
}

/// Why somebody whose sign-in went well may not go on: what the provider has pushed says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProvisioned {
    /// The provider has pushed no such user.
    #[error("the provider has pushed no such user")]
    Unknown,
    /// It has, and said that the user is not active.
    #[error("the provider has deactivated the user")]
    Inactive,
    /// More than one pushed user has the value.
    #[error("more than one pushed user has the linking value")]
    Ambiguous,
    /// The sign-in lacks the claim that links.
    #[error("the sign-in lacks the claim that links it to a pushed user")]
    Unlinked,
    /// Another person is signed in who is linked to the same pushed user.
    #[error("somebody else is signed in as the same pushed user; end that person's sessions if this is the right one")]
    Taken,
}

/// What a provider's push makes of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is as it should be.
    Stands,
    /// These are its groups.
    Groups(Vec<String>),
    /// Its person may not go on.
    Refused(NotProvisioned),
}

impl Directory {
    /// What `provider` pushes, if it does.
    #[must_use]
    pub fn of(provider: &Provider) -> Option<Self> {
        let scim = provider.scim.clone()?;
        let groups = (provider.groups == GroupSource::Scim).then(|| provider.group_prefix.clone());
        Some(Self { provider: provider.id.clone(), email: provider.claims.email.clone(), scim, groups })
    }

    /// The provider's id.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Whether people's groups come from here.
    #[must_use]
    pub fn gives_groups(&self) -> bool {
        self.groups.is_some()
    }

    /// Whether the provider shows this token.
    #[must_use]
    pub fn is_shown(&self, token: &Secret) -> bool {
        self.scim.is_shown(token)
    }

    /// By what its users are linked.
    #[must_use]
    pub fn attribute(&self) -> LinkAttribute {
        self.scim.link.attribute
    }

    /// What links this user to sign-ins.
    pub(super) fn link_of_user(&self, user: &User) -> Option<String> {
        user.link(self.attribute())
    }

    /// Refuses a group name that API servers cannot be told, where it would have to be.
    pub(super) fn check_group_name(&self, name: &str) -> Result<(), Invalid> {
        let Some(prefix) = &self.groups else {
            return Ok(());
        };
        let name = format!("{prefix}{name}");
        if identity_name::is_reserved(&name.to_ascii_lowercase()) {
            return Err(Invalid::value("displayName begins with `system:`, which Kubernetes keeps for itself"));
        }
        identity_name::check(&name).map_err(|why| {
            Invalid::value(format!("displayName cannot be the name of a group in Kubernetes: with its prefix it {why}"))
        })
    }

    /// What links this sign-in to a user.
    fn link_of(&self, identity: &Identity) -> Option<String> {
        let Link { attribute, claim } = &self.scim.link;
        let value = match claim.as_str() {
            "sub" => Some(identity.subject.as_str()),
            // Only when it is verified, or trusted by the configuration.
            path if path == self.email => identity.email.as_deref(),
            "email" => None,
            path => claim_at(identity, path).and_then(Value::as_str),
        };
        let value = value.filter(|value| !value.is_empty())?;
        Some(if *attribute == LinkAttribute::ExternalId { value.to_owned() } else { key(value) })
    }

    /// The one active user with this link.
    async fn user(
        &self,
        conn: &mut SqliteConnection,
        link: Option<&str>,
    ) -> Result<Result<user::Record, NotProvisioned>, StoreError> {
        let Some(link) = link else {
            return Ok(Err(NotProvisioned::Unlinked));
        };
        let mut found = user::by(conn, &self.provider, self.attribute().into(), link, 2).await?;
        Ok(match (found.pop(), found.pop()) {
            (None, _) => Err(NotProvisioned::Unknown),
            (Some(_), Some(_)) => Err(NotProvisioned::Ambiguous),
            (Some(record), None) if !record.user.active => Err(NotProvisioned::Inactive),
            (Some(record), None) => Ok(record),
        })
    }

    /// Whether that keeps somebody out.
    fn is_refused(&self, why: NotProvisioned) -> bool {
        self.scim.required || matches!(why, NotProvisioned::Inactive | NotProvisioned::Ambiguous)
    }

    async fn settle(&self, conn: &mut SqliteConnection, identity: &Identity) -> Result<Settled, StoreError> {
        let link = self.link_of(identity);
        let found = self.user(conn, link.as_deref()).await?;
        if let Some(why) = found.as_ref().err().copied().filter(|why| self.is_refused(*why)) {
            return Ok(Settled::Refused(why));
        }
        let Some(prefix) = &self.groups else {
            return Ok(Settled::Stands);
        };
        let names = match found {
            Ok(record) => group::names_of(conn, &self.provider, &record.id).await?,
            Err(_) => Vec::new(),
        };
        let mut groups: Vec<String> = names
            .into_iter()
            .filter(|name| self.check_group_name(name).is_ok())
            .map(|name| format!("{prefix}{name}"))
            .collect();
        groups.sort_unstable();
        Ok(if groups == identity.groups { Settled::Stands } else { Settled::Groups(groups) })
    }
}

/// A claim by its name, or by a path of names joined by dots.
fn claim_at<'a>(identity: &'a Identity, path: &str) -> Option<&'a Value> {
    if let Some(value) = identity.claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(identity.claims.get(first)?, |value, name| value.get(name))
}

/// What all providers push.
#[derive(Debug, Default)]
pub struct Directories(Vec<Directory>);

impl Directories {
    /// Those of the providers that push.
    #[must_use]
    pub fn new(providers: &[Provider]) -> Self {
        Self(providers.iter().filter_map(Directory::of).collect())
    }

    /// That of this provider.
    #[must_use]
    pub fn get(&self, provider: &str) -> Option<&Directory> {
        self.0.iter().find(|directory| directory.provider == provider)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Directory> {
        self.0.iter()
    }

    /// What has been pushed makes of an identity.
    pub(crate) async fn settle(&self, conn: &mut SqliteConnection, identity: &Identity) -> Result<Settled, StoreError> {
        match self.get(&identity.provider) {
            Some(directory) => directory.settle(conn, identity).await,
            None => Ok(Settled::Stands),
        }
    }

    /// Whether another person is signed in who is linked to the same pushed user. Who came first stays: where a provider lets
    /// people change the claim that links, nobody gets another's groups by it while that one is here.
    pub(crate) async fn is_taken(
        &self,
        conn: &mut SqliteConnection,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(directory) = self.get(&identity.provider) else { return Ok(false) };
        let Some(link) = directory.link_of(identity) else { return Ok(false) };
        if directory.user(conn, Some(&link)).await?.is_err() {
            return Ok(false);
        }
        person::is_of_another(conn, &directory.provider, &identity.person(), &link, now).await
    }

    /// Notes what links somebody who signs in, so that a later push finds them.
    pub(crate) async fn note(&self, conn: &mut SqliteConnection, identity: &Identity) -> Result<(), StoreError> {
        let Some(directory) = self.get(&identity.provider) else {
            return Ok(());
        };
        match directory.link_of(identity) {
            Some(link) => person::put(conn, &directory.provider, &identity.person(), &link).await,
            None => person::remove(conn, &identity.person()).await,
        }
    }

    /// Why a person who has signed in before may begin no session, if so.
    pub(crate) async fn refuses(
        &self,
        conn: &mut SqliteConnection,
        person: &PersonId,
    ) -> Result<Option<NotProvisioned>, StoreError> {
        let provider = person.as_str().split_once(':').map(|(provider, _)| provider);
        let Some(directory) = provider.and_then(|provider| self.get(provider)) else {
            return Ok(None);
        };
        let link = person::link_of(conn, person).await?;
        let found = directory.user(conn, link.as_deref()).await?;
        Ok(found.err().filter(|why| directory.is_refused(*why)))
    }
}
