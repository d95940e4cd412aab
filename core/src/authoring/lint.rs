//! What a valid policy says in vain: rules that decide nothing, clusters that nobody reaches or may use, groups that no
//! rule uses.
//!
//! A rule decides nothing when another decides first whatever it could: all that it allows is denied, or each of its
//! entries stands already in a rule before it. [`coverage`] says when one entry is surely within another, and [`index`]
//! finds those that are worth asking. Both may miss something, but never call a rule idle that is not.

mod coverage;
mod index;

use std::collections::BTreeSet;

use self::coverage::Clusters;
use self::index::{Entry, Index};
use super::AuthoredPolicy;
use super::groups::Catalogue;
use crate::document::{Fields, Node};
use crate::id::RuleName;
use crate::policy::host_of;
use crate::rule::{Cluster, Grant, Rule};

/// Warns of everything that `policy`, which has been read from `fields` without a mistake, says in vain.
pub(super) fn warn(fields: &Fields<'_>, policy: &AuthoredPolicy, catalogue: Option<&Catalogue<'_>>) {
    let reach = coverage::reach(&policy.clusters, &policy.rules);
    let allowing: Vec<&Clusters> = policy
        .rules
        .iter()
        .zip(&reach)
        .filter(|(rule, _)| !rule.may.is_empty())
        .map(|(_, clusters)| clusters)
        .collect();
    warn_of_clusters(&items(fields, "clusters"), &policy.clusters, &allowing);
    if let (Some(catalogue), Some(node)) = (catalogue, fields.get("groups")) {
        catalogue.warn_of_unused(&node, &policy.rules);
    }
    let rules = items(fields, "rules");
    for (position, finding) in idle(&policy.rules, &reach) {
        if let Some(rule) = rules.get(position) {
            finding.warn(rule);
        }
    }
}

fn items<'n>(fields: &Fields<'n>, name: &str) -> Vec<Node<'n>> {
    fields.get(name).and_then(|node| node.items()).unwrap_or_default()
}

/// `allowing` is on which clusters each rule is that allows anything.
fn warn_of_clusters(nodes: &[Node<'_>], clusters: &[Cluster], allowing: &[&Clusters]) {
    for (position, (node, cluster)) in nodes.iter().zip(clusters).enumerate() {
        let server = cluster.server.trim_start_matches("https://");
        let host = host_of(server.split('/').next().unwrap_or_default()).to_ascii_lowercase();
        if !cluster.hosts.contains(&host) {
            let server = node.mapping().and_then(|fields| fields.get("server"));
            let other = clusters.iter().find(|other| other.hosts.contains(&host));
            let leads = other.map_or("no cluster".to_owned(), |other| format!("the cluster {:?}", other.name.as_str()));
            server.as_ref().unwrap_or(node).warn(
                format!("its host {host:?} is none of the cluster's hosts, so kubeconfigs lead to {leads}"),
                "add it to hosts, or name one of them here",
            );
        }
        if !allowing.iter().any(|clusters| clusters.has(position)) {
            let remedy = "name it in a rule with may, or remove it";
            node.warn("no rule allows anything on this cluster, so nobody may use it", remedy);
        }
    }
}

/// In which way a rule decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Finding<'p> {
    /// All that it allows is denied by these rules; `all` when it does nothing else.
    Denied { by: BTreeSet<&'p RuleName>, all: bool },
    /// These rules decide before it whatever it could.
    Repeated { by: BTreeSet<&'p RuleName> },
}

impl Finding<'_> {
    fn warn(&self, rule: &Node<'_>) {
        match self {
            Self::Denied { by, all } => {
                let may = rule.mapping().and_then(|fields| fields.get("may"));
                let node = if *all { rule } else { may.as_ref().unwrap_or(rule) };
                node.warn(
                    format!(
                        "allows nothing: {} all of it to everybody whom the rule concerns",
                        named(by, "denies", "deny")
                    ),
                    "remove it, or narrow what is denied",
                );
            }
            Self::Repeated { by } => rule.warn(
                format!("decides nothing: {} all of it before", named(by, "decides", "decide")),
                "remove it, or make it say something else",
            ),
        }
    }
}

/// As in `the rules "a" and "b" deny`.
fn named(rules: &BTreeSet<&RuleName>, one: &str, several: &str) -> String {
    const SHOWN: usize = 3;
    let mut names: Vec<String> = rules.iter().take(SHOWN).map(|rule| format!("{:?}", rule.as_str())).collect();
    match rules.len() {
        1 => format!("the rule {} {one}", names.concat()),
        number if number > SHOWN => {
            format!("the rules {} and {} more {several}", names.join(", "), number.saturating_sub(SHOWN))
        }
        _ => {
            let last = names.pop().unwrap_or_default();
            format!("the rules {} and {last} {several}", names.join(", "))
        }
    }
}

/// The rules that decide nothing, by their position.
fn idle<'p>(rules: &'p [Rule], reach: &'p [Clusters]) -> Vec<(usize, Finding<'p>)> {
    let judge = Judge {
        rules,
        allowing: indexed(rules, reach, |rule| &rule.may, |_| true),
        denying: indexed(rules, reach, |rule| &rule.deny, |rule| !rule.audit_only),
        on_trial: indexed(rules, reach, |rule| &rule.deny, |rule| rule.audit_only),
    };
    let scopes = rules.iter().zip(reach).enumerate();
    scopes.filter_map(|(at, (rule, clusters))| Some((at, judge.finding(at, rule, clusters)?))).collect()
}

/// The entries that surely decide what they are about: those of rules without conditions.
fn indexed<'p>(
    rules: &'p [Rule],
    reach: &'p [Clusters],
    grants: fn(&Rule) -> &[Grant],
    wanted: fn(&Rule) -> bool,
) -> Index<'p> {
    let rules = rules.iter().zip(reach).enumerate();
    let rules = rules.filter(|(_, (rule, _))| is_unconditional(rule) && wanted(rule));
    Index::of(rules.flat_map(|(position, (rule, clusters))| {
        grants(rule).iter().map(move |grant| Entry { position, who: &rule.who, clusters, grant })
    }))
}

struct Judge<'p> {
    rules: &'p [Rule],
    allowing: Index<'p>,
    denying: Index<'p>,
    on_trial: Index<'p>,
}

impl<'p> Judge<'p> {
    fn finding(&self, position: usize, rule: &'p Rule, clusters: &'p Clusters) -> Option<Finding<'p>> {
        let entry = |grant| Entry { position, who: &rule.who, clusters, grant };
        let denies = |grant| self.rule(self.denying.find(&entry(grant), usize::MAX, Entry::covers));
        let allows = |grant| self.rule(self.allowing.find(&entry(grant), position, Entry::allows_all_of));
        let same_kind = if rule.audit_only { &self.on_trial } else { &self.denying };
        let denies_first = |grant| self.rule(same_kind.find(&entry(grant), position, Entry::covers));

        let denied: Option<BTreeSet<&RuleName>> = rule.may.iter().map(denies).collect();
        let repeated: Option<BTreeSet<&RuleName>> = rule.deny.iter().map(denies_first).collect();
        if let Some(by) = denied.filter(|by| !by.is_empty()) {
            return Some(Finding::Denied { by, all: rule.groups.is_empty() && repeated.is_some() });
        }
        if !rule.groups.is_empty() {
            return None;
        }
        let mut by = repeated?;
        for grant in &rule.may {
            by.insert(allows(grant).or_else(|| denies(grant))?);
        }
        (!by.is_empty()).then_some(Finding::Repeated { by })
    }

    fn rule(&self, position: Option<usize>) -> Option<&'p RuleName> {
        self.rules.get(position?).map(|rule| &rule.name)
    }
}

/// Whether what the rule says holds for everybody whom it concerns, in any session and at any time.
fn is_unconditional(rule: &Rule) -> bool {
    // Every field is looked at, so that a further one has to be judged here.
    let Rule { name: _, who: _, clusters: _, may: _, deny: _, when, demand, audit_only: _, groups: _ } = rule;
    when.is_none() && demand.is_none()
}

#[cfg(test)]
mod tests;
