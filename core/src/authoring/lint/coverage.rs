//! When everything that one part of a rule is about is surely what another is about, too.
//!
//! Each function is sound: it says yes only when it is so. None is complete: `a*` together with `b*` is never put
//! together.

use std::collections::HashMap;

use crate::identity_name::is_reserved;
use crate::pattern::{Pattern, any_matches, glob};
use crate::rule::{Cluster, Grant, Rule, Who};

/// Some of the policy's clusters, by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clusters(Vec<u64>);

impl Clusters {
    /// Whether the cluster at `position` is among them.
    pub(super) fn has(&self, position: usize) -> bool {
        self.0.get(position >> 6).is_some_and(|word| word >> (position & 63) & 1 == 1)
    }

    /// Whether all of the `others` are among them.
    pub(super) fn have_all(&self, others: &Self) -> bool {
        self.0.iter().zip(&others.0).all(|(these, those)| those & !these == 0)
    }

    fn insert(&mut self, position: usize) {
        if let Some(word) = self.0.get_mut(position >> 6) {
            *word |= 1 << (position & 63);
        }
    }
}

/// On which clusters each rule is.
pub(super) fn reach(clusters: &[Cluster], rules: &[Rule]) -> Vec<Clusters> {
    let positions: HashMap<&str, usize> =
        clusters.iter().enumerate().map(|(position, cluster)| (cluster.name.as_str(), position)).collect();
    let mut known: HashMap<&[Pattern], Clusters> = HashMap::new();
    let of = |patterns: &[Pattern]| {
        let mut found = Clusters(vec![0; clusters.len().div_ceil(64)]);
        for pattern in patterns {
            match pattern.literal() {
                Some(name) => positions.get(name).into_iter().for_each(|position| found.insert(*position)),
                None => {
                    let matched = clusters.iter().enumerate().filter(|(_, it)| pattern.matches(it.name.as_str()));
                    matched.for_each(|(position, _)| found.insert(position));
                }
            }
        }
        found
    };
    rules.iter().map(|rule| known.entry(&rule.clusters).or_insert_with(|| of(&rule.clusters)).clone()).collect()
}

/// Whether `a` matches whatever `b` matches. In the text of `b` a `*` is a character like any other, so that nothing but
/// a `*` of `a` can match it; and that also matches whatever stands there in its place.
fn covers(a: &Pattern, b: &Pattern) -> bool {
    a.matches(b.as_str())
}

fn all_covered(a: &[Pattern], b: &[Pattern]) -> bool {
    b.iter().all(|b| a.iter().any(|a| covers(a, b)))
}

/// The same for a list that, when it is empty, is about everything.
fn all_covered_or_any(a: &[Pattern], b: &[Pattern]) -> bool {
    a.is_empty() || !b.is_empty() && all_covered(a, b)
}

/// Whether `a` is about whatever resource `b` is about; see [`Grant::resources`].
fn covers_resource(a: &Pattern, b: &Pattern) -> bool {
    if a.is_any() || b.is_any() {
        return a.is_any();
    }
    match (a.as_str().split_once('/'), b.as_str().split_once('/')) {
        (None, None) => covers(a, b),
        (Some((resource, subresource)), Some((other, below))) => glob(resource, other) && glob(subresource, below),
        _ => false,
    }
}

/// Whether `a` is about every request that `b` is about.
pub(super) fn covers_grant(a: &Grant, b: &Grant) -> bool {
    let about_resources = !b.api_groups.is_empty() && !b.resources.is_empty();
    let resources = || {
        all_covered(&a.api_groups, &b.api_groups)
            && b.resources.iter().all(|b| a.resources.iter().any(|a| covers_resource(a, b)))
            && all_covered_or_any(&a.namespaces, &b.namespaces)
            && all_covered_or_any(&a.names, &b.names)
    };
    all_covered(&a.verbs, &b.verbs)
        && (!about_resources || resources())
        && all_covered(&a.non_resource_urls, &b.non_resource_urls)
}

/// Whether `a`, which covers `b`, also names in full whatever `b` does that no `*` grants: of Kubernetes' own users and
/// groups, and of service accounts, to be impersonated.
pub(super) fn names_in_full(a: &Grant, b: &Grant) -> bool {
    let all_in = |a: &[Pattern], b: &[Pattern], counts: fn(&str) -> bool| {
        b.iter().filter(|b| b.literal().is_some_and(counts)).all(|b| a.contains(b))
    };
    !any_matches(&b.verbs, "impersonate")
        || all_in(&a.names, &b.names, is_reserved) && all_in(&a.resources, &b.resources, |it| it == "serviceaccounts")
}

/// Whether `a` concerns everybody whom `b` concerns.
pub(super) fn covers_who(a: &Who, b: &Who) -> bool {
    let implied = a.claims.iter().all(|(name, values)| {
        b.claims.get(name).is_some_and(|required| required.iter().all(|value| values.contains(value)))
    });
    implied && (names_everybody(a) || !b.names_nobody() && all_named(a, b))
}

/// Whether everybody is named, apart from claims.
pub(super) fn names_everybody(who: &Who) -> bool {
    who.names_nobody() || who.users.iter().any(|user| covers(user, &Pattern::from("*")))
}

fn all_named(a: &Who, b: &Who) -> bool {
    let email = |email: &Pattern| {
        a.emails.iter().any(|a| covers(a, email))
            || literal_domain(email).is_some_and(|domain| any_matches(&a.domains, domain))
    };
    let domain = |domain: &Pattern| {
        a.domains.iter().any(|a| covers(a, domain)) || any_matches(&a.emails, &format!("*@{domain}"))
    };
    all_covered(&a.users, &b.users)
        && all_covered(&a.groups, &b.groups)
        && b.emails.iter().all(email)
        && b.domains.iter().all(domain)
}

/// The domain of every address that `email` matches, when it is one and the same.
pub(super) fn literal_domain(email: &Pattern) -> Option<&str> {
    email.as_str().rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.contains('*'))
}
