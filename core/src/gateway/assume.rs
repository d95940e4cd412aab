//! `kubectl --as`: who may be somebody else.

use std::iter;

use crate::condition::Circumstances;
use crate::id::{ClusterName, RuleName};
use crate::identity_name::is_reserved;
use crate::impersonation::{ANONYMOUS, AUTHENTICATED, Assumed, EXTRA_PREFIX, UNAUTHENTICATED, service_account};
use crate::pattern::Pattern;
use crate::policy::{Access, Finding, Policy};
use crate::request::Attributes;
use crate::rule::{Demand, Grant, Person};

/// Something that a client asks to be: a user, a group, a uid or an extra.
///
/// Rules grant it as RBAC grants the verb `impersonate`, but that nothing of Kubernetes' own (`system:…`) comes with a
/// wildcard: such users and groups must be named in full, and service accounts by their resource. Otherwise a rule that
/// leaves everything to the cluster's RBAC would hand out `system:masters`, which RBAC does not judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption<'a> {
    /// What it is, in words.
    pub what: String,
    /// The request to impersonate it, which rules judge.
    pub request: Attributes<'a>,
    needs: Needs,
}

/// What a grant must have besides matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    NameInFull,
    ResourceInFull,
    /// No grant is enough.
    Impossible,
}

/// Something that no rule grants.
#[derive(Debug)]
pub(super) struct Lacking<'p> {
    /// In words.
    pub(super) what: String,
    /// The rule that would grant it after a fresher or stronger sign-in.
    pub(super) demands: Option<(&'p RuleName, &'p Demand)>,
}

/// Whether a person may be somebody else. Returns the rule that would deny it, were it not only on trial.
///
/// # Errors
/// The first thing asked for that no rule grants.
pub(super) fn may_assume<'p>(
    policy: &'p Policy,
    access: &Access,
    circumstances: &Circumstances<'_>,
    assumed: &Assumed,
) -> Result<Option<&'p RuleName>, Lacking<'p>> {
    let mut would_deny = None;
    for asked in Assumption::all(assumed) {
        let verdict = policy.decide(access, &asked.request, circumstances);
        let granted = match verdict.denied_by {
            Some(_) => Err(None),
            None => policy.allowing(access, &asked.request, circumstances, |grant| asked.missing_in(grant).is_none()),
        };
        granted.map_err(|demands| Lacking { what: asked.what, demands })?;
        would_deny = would_deny.or(verdict.would_deny);
    }
    Ok(would_deny)
}

impl<'a> Assumption<'a> {
    /// All that a client asks to be.
    pub fn all(assumed: &'a Assumed) -> impl Iterator<Item = Self> {
        let groups = assumed.groups.iter().filter(|group| *group != AUTHENTICATED);
        iter::once(Self::user(&assumed.user))
            .chain(groups.map(|group| Self::group(group)))
            .chain(assumed.uid.as_deref().map(Self::uid))
            .chain(assumed.extras.iter().map(|(key, value)| Self::extra(key, value)))
    }

    /// What each rule that could concern the person makes of it; see [`Policy::explain`].
    #[must_use]
    pub fn explain<'p>(
        &self,
        policy: &'p Policy,
        person: &Person<'_>,
        cluster: &ClusterName,
        circumstances: &Circumstances<'_>,
    ) -> Vec<Finding<'p>> {
        policy.explain_by(person, cluster, &self.request, circumstances, |grant| self.missing_in(grant))
    }

    /// The field of a matching grant that does not say enough.
    fn missing_in(&self, grant: &Grant) -> Option<&'static str> {
        let in_full = |patterns: &[Pattern], text: &str| patterns.iter().any(|pattern| pattern.literal() == Some(text));
        match self.needs {
            Needs::Nothing => None,
            Needs::NameInFull => (!in_full(&grant.names, &self.request.name)).then_some("names (not in full)"),
            Needs::ResourceInFull => {
                (!in_full(&grant.resources, self.request.resource)).then_some("resources (not in full)")
            }
            Needs::Impossible => Some("names (nobody may assume it)"),
        }
    }

    fn user(user: &'a str) -> Self {
        let what = format!("the user {user:?}");
        match service_account(user) {
            Some((namespace, name)) => {
                let request = Attributes { namespace, ..impersonate("", "serviceaccounts", "", name) };
                Self { what, request, needs: Needs::ResourceInFull }
            }
            None => Self { what, request: impersonate("", "users", "", user), needs: Needs::of(user) },
        }
    }

    fn group(group: &'a str) -> Self {
        let request = impersonate("", "groups", "", group);
        Self { what: format!("the group {group:?}"), request, needs: Needs::of(group) }
    }

    fn uid(uid: &'a str) -> Self {
        let request = impersonate("authentication.k8s.io", "uids", "", uid);
        Self { what: format!("the uid {uid:?}"), request, needs: Needs::Nothing }
    }

    fn extra(key: &'a str, value: &'a str) -> Self {
        let what = format!("the extra {key:?} with the value {value:?}");
        let request = impersonate("authentication.k8s.io", "userextras", key, value);
        Self { what, request, needs: if key.starts_with(EXTRA_PREFIX) { Needs::Impossible } else { Needs::Nothing } }
    }
}

impl Needs {
    /// What a user or a group of that name needs.
    fn of(name: &str) -> Self {
        match name {
            ANONYMOUS | UNAUTHENTICATED => Self::Impossible,
            name if is_reserved(name) => Self::NameInFull,
            _ => Self::Nothing,
        }
    }
}

fn impersonate<'a>(api_group: &'a str, resource: &'a str, subresource: &'a str, name: &'a str) -> Attributes<'a> {
    Attributes {
        verb: "impersonate".into(),
        api_group,
        api_version: "v1",
        resource,
        subresource,
        namespace: "",
        name: name.into(),
        is_resource_request: true,
        path: "".into(),
    }
}
