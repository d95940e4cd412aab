//! What a sign-in found out about a person.

use std::collections::BTreeMap;

use kubegate_core::id::PersonId;
use kubegate_core::identity_name::{self, InvalidName};
use kubegate_core::rule::Person;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a sign-in found out about a person, already mapped and checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The provider's id in the configuration.
    pub provider: String,
    /// The provider's own, never reassigned name of the person.
    pub subject: String,
    /// The user name that API servers see.
    pub user: String,
    /// The uid that API servers see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The e-mail address, only when it is verified or the provider is trusted for its domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// All groups, prefixed as configured.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The provider's other claims, for rules that ask for them.
    #[serde(default)]
    pub claims: BTreeMap<String, Value>,
    /// How strong the sign-in was, in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By which means the person signed in, in the provider's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Of a built-in account: which password it was, so that a changed one ends the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl Identity {
    /// Whose identity this is. A provider's id has no colon, so no two people share one.
    #[must_use]
    pub fn person(&self) -> PersonId {
        PersonId::from(format!("{}:{}", self.provider, self.subject))
    }

    /// The person as rules see them.
    #[must_use]
    pub fn as_rules_see(&self) -> Person<'_> {
        Person { user: &self.user, email: self.email.as_deref(), groups: &self.groups, claims: &self.claims }
    }
}

/// Why nobody can be signed in under a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUser {
    /// Kubernetes keeps such names for itself.
    #[error("begins with `system:`, which Kubernetes keeps for itself")]
    Reserved,
    /// It cannot be carried in a header.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

/// Checks a user name that API servers shall see.
///
/// # Errors
/// When the name is empty, reserved, or cannot be carried unchanged in an HTTP header.
pub fn check_user(name: &str) -> Result<(), InvalidUser> {
    if identity_name::is_reserved(&name.to_ascii_lowercase()) {
        return Err(InvalidUser::Reserved);
    }
    Ok(identity_name::check(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names() {
        assert_eq!(check_user("alice@example.com"), Ok(()));
        assert_eq!(check_user("system:admin"), Err(InvalidUser::Reserved));
        assert_eq!(check_user("System:serviceaccount:x:y"), Err(InvalidUser::Reserved));
        assert_eq!(check_user("a,b"), Err(InvalidUser::Name(InvalidName::Comma)));
        assert_eq!(check_user(""), Err(InvalidUser::Name(InvalidName::Empty)));
    }
}
