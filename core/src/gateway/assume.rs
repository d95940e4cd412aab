//! `kubectl --as`: who may be somebody else.

use crate::condition::Circumstances;
use crate::identity_name::is_reserved;
use crate::impersonation::{ANONYMOUS, AUTHENTICATED, Assumed, EXTRA_PREFIX, UNAUTHENTICATED, service_account};
use crate::policy::{Access, Policy};
use crate::request::Attributes;
use crate::rule::Grant;

/// Whether a person may be somebody else; matched as RBAC matches the verb `impersonate`, but that nothing of
/// Kubernetes' own (`system:`…) comes with a wildcard: such users and groups must be named in full, and service
/// accounts by their resource. Otherwise a rule that leaves everything to the cluster's RBAC would hand out
/// `system:masters`, which RBAC does not judge.
///
/// # Errors
/// The first thing asked for that no rule grants.
pub(super) fn may_assume(
    policy: &Policy,
    access: &Access,
    circumstances: &Circumstances<'_>,
    assumed: &Assumed,
) -> Result<(), String> {
    let grants = Grants { policy, access, circumstances };
    let user = &assumed.user;
    let allowed = match service_account(user) {
        Some((namespace, name)) => grants.service_account(namespace, name),
        None => user != ANONYMOUS && grants.name("users", user),
    };
    if !allowed {
        return Err(format!("the user {user:?}"));
    }
    for group in assumed.groups.iter().filter(|group| *group != AUTHENTICATED) {
        if group == UNAUTHENTICATED || !grants.name("groups", group) {
            return Err(format!("the group {group:?}"));
        }
    }
    if let Some(uid) = assumed.uid.as_deref().filter(|uid| !grants.authentication("uids", "", uid)) {
        return Err(format!("the uid {uid:?}"));
    }
    for (key, value) in &assumed.extras {
        if key.starts_with(EXTRA_PREFIX) || !grants.authentication("userextras", key, value) {
            return Err(format!("the extra {key:?} with the value {value:?}"));
        }
    }
    Ok(())
}

/// What one person is granted on one cluster.
struct Grants<'a> {
    policy: &'a Policy,
    access: &'a Access,
    circumstances: &'a Circumstances<'a>,
}

impl Grants<'_> {
    fn name(&self, resource: &str, name: &str) -> bool {
        let in_full = |grant: &Grant| grant.names.iter().any(|pattern| pattern.literal() == Some(name));
        self.any("", resource, "", "", name, |grant| !is_reserved(name) || in_full(grant))
    }

    fn service_account(&self, namespace: &str, name: &str) -> bool {
        let resource = "serviceaccounts";
        let explicit = |grant: &Grant| grant.resources.iter().any(|pattern| pattern.literal() == Some(resource));
        self.any("", resource, "", namespace, name, explicit)
    }

    fn authentication(&self, resource: &str, subresource: &str, name: &str) -> bool {
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
    ) -> bool {
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
        self.policy.decide(self.access, &attributes, self.circumstances).denied_by.is_none()
            && self.policy.allowing(self.access, &attributes, self.circumstances, accepts).is_ok()
    }
}
