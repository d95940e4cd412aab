//! The groups of a person, from the one source that the configuration names.

use kubegate_core::secret::Secret;
use serde_json::{Map, Value};

use super::error::{IdentityError, OidcError};
use super::{Protocol, Provider, claims, graph};
use crate::config::GroupSource;
use crate::person::Identity;

/// What an answer of the provider says.
pub(super) struct Said<'a> {
    /// The ID token, when there is one.
    pub(super) id_token: Option<&'a Map<String, Value>>,
    /// The userinfo endpoint, when it was asked.
    pub(super) user_info: Option<&'a Map<String, Value>>,
    /// What to ask further with.
    pub(super) access_token: &'a Secret,
}

impl Provider {
    /// The groups as the provider names them; `None` when this answer says nothing of groups.
    ///
    /// A source that cannot be asked fails: an empty list would take rights away, or with a deny rule give them.
    pub(super) async fn named_groups(&self, said: &Said<'_>) -> Result<Option<Vec<Value>>, OidcError> {
        let path = &self.settings.claims.groups;
        let Protocol::Oidc(discovery) = &self.protocol else { return Ok(None) };
        let of = |claims: Option<&Map<String, Value>>| claims.map(|claims| named(claims, path)).transpose();
        match &self.settings.groups {
            GroupSource::Claims => {
                whole(said.id_token)?;
                match of(said.id_token)?.flatten() {
                    Some(groups) => Ok(Some(groups)),
                    None => Ok(of(said.user_info)?.flatten()),
                }
            }
            GroupSource::IdToken => {
                whole(said.id_token)?;
                Ok(of(said.id_token)?.flatten())
            }
            GroupSource::UserInfo => Ok(Some(of(said.user_info)?.flatten().unwrap_or_default())),
            GroupSource::Entra { graph } => match said.id_token {
                Some(claims) if overage(claims) => {
                    let groups = graph::groups(&discovery.http, graph, said.access_token).await;
                    Ok(Some(groups.map_err(OidcError::Groups)?))
                }
                claims => Ok(of(claims)?.flatten()),
            },
            GroupSource::Github | GroupSource::File(_) | GroupSource::Scim | GroupSource::None => Ok(None),
        }
    }

    /// The groups that are kept here for somebody, where that is their source: they may have changed since the sign-in.
    /// Sorted, each once, and how many of them cannot be passed on.
    #[must_use]
    pub fn kept_groups(&self, identity: &Identity) -> Option<(Vec<String>, u64)> {
        let file = self.group_file.as_ref()?.current();
        let prefix = &self.settings.user_prefix;
        let user = identity.user.strip_prefix(prefix.as_str())?;
        let named = file.groups_of(user, identity.email.as_deref(), &identity.subject);
        let named: Vec<Value> = named.into_iter().map(Value::from).collect();
        Some(super::identity::prefixed(&self.settings, &named))
    }
}

/// The groups that a claim names; `None` when it is not there.
fn named(claims: &Map<String, Value>, path: &str) -> Result<Option<Vec<Value>>, IdentityError> {
    let Some(found) = claims::find(claims, path) else { return Ok(None) };
    let groups: Vec<Value> = found.into_iter().flat_map(claims::flattened).cloned().collect();
    if groups.iter().any(Value::is_object) {
        return Err(IdentityError::Groups(path.to_owned()));
    }
    Ok(Some(groups))
}

/// Fails when Entra has left the groups out.
fn whole(claims: Option<&Map<String, Value>>) -> Result<(), IdentityError> {
    if claims.is_some_and(overage) { Err(IdentityError::Overage) } else { Ok(()) }
}

/// Whether Entra says that there are more groups than it puts into a token: `_claim_names` (distributed claims, OpenID
/// Connect Core 1.0, section 5.6.2) in answers to a code, `hasgroups` in others.
fn overage(claims: &Map<String, Value>) -> bool {
    let distributed = claims.get("_claim_names").and_then(|names| names.get("groups")).is_some();
    let has_groups = match claims.get("hasgroups") {
        Some(Value::Bool(more)) => *more,
        Some(Value::String(more)) => more == "true",
        _ => false,
    };
    distributed || has_groups
}
