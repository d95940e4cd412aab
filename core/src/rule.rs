//! The rule model: who may do what on which clusters, in RBAC's vocabulary.
//!
//! These types hold only valid values; [`crate::authoring`] makes them from a policy file, and they travel to the
//! filter inside the bundle.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::condition::Condition;
use crate::id::{ClusterName, RuleName};
use crate::pattern::{Pattern, any_matches, glob};
use crate::request::Attributes;
use crate::time::{Timestamp, show_duration};
use crate::token::SessionClaims;

/// A cluster: one Kubernetes API server that Kubegate fronts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name; the audience of its session tokens.
    pub name: ClusterName,
    /// The hosts (`:authority` without the port, lower case) under which clients reach it.
    pub hosts: Vec<String>,
    /// The URL that kubeconfigs name.
    pub server: String,
    /// The certificate authority that clients check it with: base64 of PEM, as in a kubeconfig.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_authority_data: Option<String>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, unique in the policy.
    pub name: RuleName,
    /// Whom it concerns.
    pub who: Who,
    /// On which clusters.
    pub clusters: Vec<Pattern>,
    /// What they may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may: Vec<Grant>,
    /// What they may not do, whatever other rules allow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<Grant>,
    /// When `may` and `deny` count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// How strong and how fresh a sign-in `may` demands.
    #[serde(default, skip_serializing_if = "Demand::is_none")]
    pub demand: Demand,
    /// Whether `deny` only says in the record what it would have denied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audit_only: bool,
    /// What becomes of their groups.
    #[serde(default, skip_serializing_if = "GroupMapping::is_empty")]
    pub groups: GroupMapping,
}

/// How far an identity provider's clock may be behind, and how long a sign-in may take on its way here.
pub const AUTH_AGE_LEEWAY: Duration = Duration::from_secs(60);

/// How strong and how fresh a sign-in has to be (OpenID Connect Core 1.0 section 2, `acr` and `auth_time`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Demand {
    /// How many seconds ago the person may have proved who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_max_age: Option<u64>,
    /// Of which authentication context classes one must be the session's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr: Vec<String>,
}

impl Demand {
    /// Whether any sign-in will do.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a session's sign-in is strong enough, and fresh enough at `now`.
    #[must_use]
    pub fn is_met(&self, claims: &SessionClaims, now: Timestamp) -> bool {
        self.is_fresh(claims, now) && self.is_strong(claims)
    }

    /// Whether the sign-in is fresh enough, give or take [`AUTH_AGE_LEEWAY`].
    #[must_use]
    pub fn is_fresh(&self, claims: &SessionClaims, now: Timestamp) -> bool {
        let age = now.before(AUTH_AGE_LEEWAY).since(claims.auth_time);
        self.auth_max_age.is_none_or(|most| age.as_secs() <= most)
    }

    /// Whether the sign-in is strong enough.
    #[must_use]
    pub fn is_strong(&self, claims: &SessionClaims) -> bool {
        self.acr.is_empty() || claims.acr.as_ref().is_some_and(|acr| self.acr.contains(acr))
    }

    /// The command that meets it.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = "kubegate login".to_owned();
        if !self.acr.is_empty() {
            command.push_str(&format!(" --acr {}", self.acr.join(",")));
        }
        if let Some(age) = self.auth_max_age {
            command.push_str(&format!(" --max-age {}", show_duration(Duration::from_secs(age))));
        }
        command
    }
}

/// A person, as rules see them.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The mapped user name.
    pub user: &'a str,
    /// The verified e-mail address.
    pub email: Option<&'a str>,
    /// The groups.
    pub groups: &'a [String],
    /// Further claims by name.
    pub claims: &'a BTreeMap<String, Value>,
}

/// Whom a rule concerns: people that any of `users`, `emails`, `domains` and `groups` names (everybody, when all four
/// are empty), provided that they have every one of `claims`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Who {
    /// User names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<Pattern>,
    /// E-mail addresses, compared without regard to case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Pattern>,
    /// Domains of e-mail addresses, compared without regard to case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Pattern>,
    /// Groups, as the identity provider names them (after the provider's own prefix).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Pattern>,
    /// Claims by name: the person's value, or one of its items, must be among those listed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<Value>>,
}

impl Who {
    /// Whether it concerns `person`.
    #[must_use]
    pub fn matches(&self, person: &Person<'_>) -> bool {
        self.names(person) && self.claims.iter().all(|(name, wanted)| has_claim(person, name, wanted))
    }

    /// Whether nobody is named, so that `claims` alone decide.
    #[must_use]
    pub fn names_nobody(&self) -> bool {
        self.users.is_empty() && self.emails.is_empty() && self.domains.is_empty() && self.groups.is_empty()
    }

    pub(crate) fn names(&self, person: &Person<'_>) -> bool {
        self.names_nobody()
            || any_matches(&self.users, person.user)
            || person.groups.iter().any(|group| any_matches(&self.groups, group))
            || person.email.is_some_and(|email| self.names_email(email))
    }

    fn names_email(&self, email: &str) -> bool {
        let email = email.to_ascii_lowercase();
        any_matches(&self.emails, &email) || domain(&email).is_some_and(|domain| any_matches(&self.domains, domain))
    }
}

/// The domain of an e-mail address.
pub(crate) fn domain(email: &str) -> Option<&str> {
    email.rsplit_once('@').map(|(_, domain)| domain)
}

fn has_claim(person: &Person<'_>, name: &str, wanted: &[Value]) -> bool {
    match person.claims.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => items.iter().any(|item| wanted.contains(item)),
        Some(value) => wanted.contains(value),
    }
}

/// What a rule allows or denies: the fields of a Kubernetes RBAC `PolicyRule`, with globs and namespaces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// Request verbs (`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, `impersonate`).
    pub verbs: Vec<Pattern>,
    /// API groups; `""` is the core group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<Pattern>,
    /// Resources: `pods`, `pods/log`, `pods/*`, `*/scale`; `*` alone is every resource and subresource.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Pattern>,
    /// Namespaces; when empty, all of them and what stands outside of namespaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<Pattern>,
    /// Names of objects; when empty, all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Pattern>,
    /// Paths outside of the resource API, such as `/metrics`.
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "nonResourceURLs")]
    pub non_resource_urls: Vec<Pattern>,
}

impl Grant {
    /// Whether it is about the request.
    #[must_use]
    pub fn matches(&self, request: &Attributes<'_>) -> bool {
        self.mismatch(request).is_none()
    }

    /// The first of its fields by which it is not about the request; nothing, when it is.
    #[must_use]
    pub fn mismatch(&self, request: &Attributes<'_>) -> Option<&'static str> {
        if !any_matches(&self.verbs, request.judged_verb()) {
            return Some("verbs");
        }
        if !request.is_resource_request {
            return (!any_matches(&self.non_resource_urls, &request.path)).then_some("nonResourceURLs");
        }
        if !any_matches(&self.api_groups, request.api_group) {
            return Some("apiGroups");
        }
        if !self.resources.iter().any(|pattern| resource_matches(pattern, request)) {
            return Some("resources");
        }
        let is_among =
            |patterns: &[Pattern], name: &str| patterns.is_empty() || !name.is_empty() && any_matches(patterns, name);
        if !is_among(&self.namespaces, request.namespace) {
            return Some("namespaces");
        }
        (!is_among(&self.names, &request.name)).then_some("names")
    }
}

/// `*` is everything, as in RBAC; else the pattern's two halves stand for the resource and the subresource, so that
/// `pod*` does not reach `pods/exec`.
fn resource_matches(pattern: &Pattern, request: &Attributes<'_>) -> bool {
    if pattern.is_any() {
        return true;
    }
    match pattern.as_str().split_once('/') {
        None => request.subresource.is_empty() && pattern.matches(request.resource),
        Some((resource, subresource)) => {
            !request.subresource.is_empty()
                && glob(resource, request.resource)
                && glob(subresource, request.subresource)
        }
    }
}

/// What becomes of a person's groups on the way to the API server.
///
/// The groups that a person is seen with on a cluster are the union over all rules that concern them there, whatever
/// each request asks, so that the API server always sees the same person. When none of those rules has `pass` or
/// `prefix`, all groups are passed on as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupMapping {
    /// Which groups are passed on. A name that begins with `system:` must be given in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<Vec<Pattern>>,
    /// What is put before each group that is passed on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Groups that are added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<String>,
}

impl GroupMapping {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
