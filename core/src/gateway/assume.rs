//! `kubectl --as`: who may be somebody else.

use std::cell::Cell;

use crate::condition::Circumstances;
use crate::id::RuleName;
use crate::identity_name::is_reserved;
use crate::impersonation::{ANONYMOUS, AUTHENTICATED, Assumed, EXTRA_PREFIX, UNAUTHENTICATED, service_account};
use crate::policy::{Access, Policy};
use crate::request::Attributes;
use crate::rule::{Demand, Grant};

/// Whether a person may be somebody else; matched as RBAC matches the verb `impersonate`, but that nothing of
/// Kubernetes' own (`system:`…) comes with a wildcard: such users and groups must be named in full, and service
/// accounts by their resource. Otherwise a rule that leaves everything to the cluster's RBAC would hand out
/// `system:masters`, which RBAC does not judge.
///
/// Returns the rule that would deny it, were it not only on trial.
///
/// # Errors
/// The first thing asked for that no rule grants.
pub(super) fn may_assume<'p>(
    policy: &'p Policy,
    access: &Access,
    circumstances: &Circumstances<'_>,
    assumed: &Assumed,
) -> Result<Option<&'p RuleName>, Lacking<'p>> {
    let grants = Grants { policy, access, circumstances, would_deny: Cell::default() };
    let user = &assumed.user;
    let granted = match service_account(user) {
        Some((namespace, name)) => grants.service_account(namespace, name),
        None if user == ANONYMOUS => Err(None),
        None => grants.name("users", user),
    };
    granted.map_err(|demands| Lacking { what: format!("the user {user:?}"), demands })?;
    for group in assumed.groups.iter().filter(|group| *group != AUTHENTICATED) {
        let granted = if group == UNAUTHENTICATED { Err(None) } else { grants.name("groups", group) };
        granted.map_err(|demands| Lacking { what: format!("the group {group:?}"), demands })?;
    }
    if let Some(uid) = assumed.uid.as_deref() {
        let granted = grants.authentication("uids", "", uid);
        granted.map_err(|demands| Lacking { what: format!("the uid {uid:?}"), demands })?;
    }
    for (key, value) in &assumed.extras {
        let ours = key.starts_with(EXTRA_PREFIX);
        let granted = if ours { Err(None) } else { grants.authentication("userextras", key, value) };
        let what = || format!("the extra {key:?} with the value {value:?}");
        granted.map_err(|demands| Lacking { what: what(), demands })?;
    }
    Ok(grants.would_deny.get())
}

/// Something that no rule grants.
#[derive(Debug)]
pub(super) struct Lacking<'p> {
    /// In words.
    pub(super) what: String,
    /// The rule that would grant it after a fresher or stronger sign-in.
    pub(super) demands: Demanding<'p>,
}

type Demanding<'p> = Option<(&'p RuleName, &'p Demand)>;

/// What one person is granted on one cluster.
struct Grants<'p, 'a> {
    policy: &'p Policy,
    access: &'a Access,
    circumstances: &'a Circumstances<'a>,
    would_deny: Cell<Option<&'p RuleName>>,
}

impl<'p> Grants<'p, '_> {
    fn name(&self, resource: &str, name: &str) -> Result<(), Demanding<'p>> {
        let in_full = |grant: &Grant| grant.names.iter().any(|pattern| pattern.literal() == Some(name));
        self.any("", resource, "", "", name, |grant| !is_reserved(name) || in_full(grant))
    }

    fn service_account(&self, namespace: &str, name: &str) -> Result<(), Demanding<'p>> {
        let resource = "serviceaccounts";
        let explicit = |grant: &Grant| grant.resources.iter().any(|pattern| pattern.literal() == Some(resource));
        self.any("", resource, "", namespace, name, explicit)
    }

    fn authentication(&self, resource: &str, subresource: &str, name: &str) -> Result<(), Demanding<'p>> {
        self.any("authentication.k8s.io", resource, subresource, "", name, |_| true)
    }

    /// Whether any grant matches the request to impersonate, and `accepts` it.
    fn any(
        &self,
        api_group: &str,
        resource: &str,
        subresource: &str,
        namespace: &str,
        name: &str,
        accepts: impl Fn(&Grant) -> bool,
    ) -> Result<(), Demanding<'p>> {
        let attributes = Attributes {
            verb: "impersonate".into(),
            api_group,
            api_version: "v1",
            resource,
            subresource,
            namespace,
            name: name.into(),
            is_resource_request: true,
            path: "".into(),
        };
        let verdict = self.policy.decide(self.access, &attributes, self.circumstances);
        if verdict.denied_by.is_some() {
            return Err(None);
        }
        self.would_deny.set(self.would_deny.get().or(verdict.would_deny));
        self.policy.allowing(self.access, &attributes, self.circumstances, accepts).map(drop)
    }
}
