//! Why each rule that could concern a person did or did not decide a request.

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
    /// It denies it.
    Denies,
    /// It would deny it, were it not only on trial.
    WouldDeny,
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
    /// order of the policy file.
    #[must_use]
    pub fn explain<'p>(
        &'p self,
        person: &Person<'_>,
        cluster: &ClusterName,
        request: &Attributes<'_>,
        circumstances: &Circumstances<'_>,
    ) -> Vec<Finding<'p>> {
        let candidates = Access { rules: self.index.candidates(person), groups: Vec::new() };
        let explain = |rule: &'p Rule| Finding {
            rule: &rule.name,
            outcome: outcome(rule, person, cluster, request, circumstances),
        };
        self.rules_of(&candidates).map(explain).collect()
    }
}

fn outcome(
    rule: &Rule,
    person: &Person<'_>,
    cluster: &ClusterName,
    request: &Attributes<'_>,
    circumstances: &Circumstances<'_>,
) -> Outcome {
    if !rule.who.matches(person) {
        return if rule.who.names(person) { Outcome::OtherClaims } else { Outcome::OtherPeople };
    }
    if !any_matches(&rule.clusters, cluster.as_str()) {
        return Outcome::OtherCluster;
    }
    let mismatches = |grants: &[Grant]| grants.iter().map(|grant| grant.mismatch(request)).collect::<Vec<_>>();
    let (may, deny) = (mismatches(&rule.may), mismatches(&rule.deny));
    if may.is_empty() && deny.is_empty() {
        return Outcome::MapsGroups;
    }
    let (is_allowed, is_denied) = (may.contains(&None), deny.contains(&None));
    if !is_allowed && !is_denied {
        return Outcome::OtherRequests(may.into_iter().chain(deny).flatten().collect());
    }
    let condition = rule.when.as_ref().map(|condition| condition.holds(circumstances, request));
    match (condition, is_denied) {
        (Some(Ok(false)), _) => Outcome::ConditionFalse,
        (Some(Err(problem)), false) => Outcome::ConditionFailed(problem.to_string()),
        (_, true) if rule.audit_only => Outcome::WouldDeny,
        (_, true) => Outcome::Denies,
        (_, false) if rule.demand.is_met(circumstances.claims, circumstances.now) => Outcome::Allows,
        (_, false) => Outcome::Demands(rule.demand.command()),
    }
}
