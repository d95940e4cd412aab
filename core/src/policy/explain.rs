//! Why each rule that could concern a person did or did not decide a request.

use std::collections::BTreeSet;

use super::{Access, Policy};
use crate::condition::Circumstances;
use crate::id::{ClusterName, RuleName};
use crate::pattern::any_matches;
use crate::request::Attributes;
use crate::rule::{Grant, Person, Rule};

/// What one rule has to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<'p> {
    /// The rule.
    pub rule: &'p RuleName,
    /// What it makes of the request.
    pub outcome: Outcome,
}

/// What a rule makes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It allows it.
    Allows,
    /// It denies it; with why its condition cannot be evaluated, when that alone is the reason.
    Denies(Option<String>),
    /// It would deny it, were it not only on trial; with the same.
    WouldDeny(Option<String>),
    /// It would allow it after another sign-in, by this command.
    Demands(String),
    /// It is for other clusters.
    OtherCluster,
    /// It names the person, or a group of theirs, but asks for claims that they do not have.
    OtherClaims,
    /// It is not about the person.
    OtherPeople,
    /// It says nothing of such requests: for each entry of `may` and `deny` the first field that does not fit.
    OtherRequests(Vec<&'static str>),
    /// It neither allows nor denies anything: it maps groups.
    MapsGroups,
    /// Its condition is false.
    ConditionFalse,
    /// Its condition cannot be evaluated, which allows nothing.
    ConditionFailed(String),
}

impl Policy {
    /// What each rule that names a person or one of their groups, or names people by globs, makes of a request; in the
    /// order of the policy file. A rule whose `deny` is only on trial stands twice, when its `may` is about the request, too.
    #[must_use]
    pub fn explain<'p>(
        &'p self,
        person: &Person<'_>,
        cluster: &ClusterName,
        request: &Attributes<'_>,
        circumstances: &Circumstances<'_>,
    ) -> Vec<Finding<'p>> {
        self.explain_by(person, cluster, request, circumstances, |_| None)
    }

    /// The same, where an entry of `may` that matches must not have a field that `missing` names either.
    pub(crate) fn explain_by<'p>(
        &'p self,
        person: &Person<'_>,
        cluster: &ClusterName,
        request: &Attributes<'_>,
        circumstances: &Circumstances<'_>,
        missing: impl Fn(&Grant) -> Option<&'static str>,
    ) -> Vec<Finding<'p>> {
        let candidates = Access { rules: self.index.candidates(person), groups: Vec::new() };
        let explain = |rule: &'p Rule| {
            let outcomes = outcomes(rule, person, cluster, request, circumstances, &missing);
            outcomes.into_iter().map(|outcome| Finding { rule: &rule.name, outcome })
        };
        self.rules_of(&candidates).flat_map(explain).collect()
    }

    /// The claims of a person on which it may depend what becomes of a request and as whom it goes on: those for which a
    /// rule asks that would otherwise concern it.
    #[must_use]
    pub fn claims_asked(&self, person: &Person<'_>, cluster: &ClusterName, request: &Attributes<'_>) -> BTreeSet<&str> {
        let is_about = |rule: &&Rule| {
            !rule.groups.is_empty() || rule.may.iter().chain(&rule.deny).any(|grant| grant.matches(request))
        };
        self.candidates(person, cluster).filter(is_about).flat_map(Rule::claims).map(String::as_str).collect()
    }
}

fn outcomes(
    rule: &Rule,
    person: &Person<'_>,
    cluster: &ClusterName,
    request: &Attributes<'_>,
    circumstances: &Circumstances<'_>,
    missing: impl Fn(&Grant) -> Option<&'static str>,
) -> Vec<Outcome> {
    if !rule.who.matches(person) {
        return vec![if rule.who.names(person) { Outcome::OtherClaims } else { Outcome::OtherPeople }];
    }
    if !any_matches(&rule.clusters, cluster.as_str()) {
        return vec![Outcome::OtherCluster];
    }
    let mismatch = |grant: &Grant| grant.mismatch(request);
    let may: Vec<_> = rule.may.iter().map(|grant| mismatch(grant).or_else(|| missing(grant))).collect();
    let deny: Vec<_> = rule.deny.iter().map(mismatch).collect();
    if may.is_empty() && deny.is_empty() {
        return vec![Outcome::MapsGroups];
    }
    let (is_allowed, is_denied) = (may.contains(&None), deny.contains(&None));
    if !is_allowed && !is_denied {
        return vec![Outcome::OtherRequests(may.into_iter().chain(deny).flatten().collect())];
    }
    let problem = match rule.when.as_ref().map(|condition| condition.holds(circumstances, request)) {
        Some(Ok(false)) => return vec![Outcome::ConditionFalse],
        Some(Err(problem)) => Some(problem.to_string()),
        Some(Ok(true)) | None => None,
    };
    if is_denied && !rule.audit_only {
        return vec![Outcome::Denies(problem)];
    }
    let allowing = is_allowed.then(|| match &problem {
        Some(problem) => Outcome::ConditionFailed(problem.clone()),
        None if rule.demand.is_met(circumstances.claims, circumstances.now) => Outcome::Allows,
        None => Outcome::Demands(rule.demand.command()),
    });
    allowing.into_iter().chain(is_denied.then_some(Outcome::WouldDeny(problem))).collect()
}
