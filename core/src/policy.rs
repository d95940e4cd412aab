//! The compiled policy: whom each rule concerns is found once per session token; each request then asks only those.
//!
//! The cost of a decision therefore does not grow with the number of rules that concern other people.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::condition::{Circumstances, Condition};
use crate::id::{ClusterName, RuleName};
use crate::identity_name::{self, RESERVED_PREFIX};
use crate::pattern::{Pattern, any_matches};
use crate::request::Attributes;
use crate::rule::{Cluster, Demand, Grant, Person, Rule, Who, domain};

mod explain;

pub use explain::{Finding, Outcome};

/// A policy, ready to decide.
pub struct Policy {
    clusters: Vec<Cluster>,
    hosts: HashMap<String, usize>,
    rules: Vec<Arc<Rule>>,
    index: Index,
    claim_keys: BTreeSet<String>,
    asks_for_source: bool,
}

/// Why a policy contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// Two clusters have the same name.
    #[error("two clusters are named {0:?}")]
    DuplicateCluster(ClusterName),
    /// Two clusters have the same host.
    #[error("two clusters have the host {0:?}")]
    DuplicateHost(String),
    /// Two rules have the same name.
    #[error("two rules are named {0:?}")]
    DuplicateRule(RuleName),
}

/// What a person has on one cluster: found once, asked at every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    rules: Vec<usize>,
    /// The groups that the API server sees, sorted, without Kubernetes' own additions.
    pub groups: Vec<String>,
}

impl Access {
    /// Whether any rule concerns the person on the cluster.
    #[must_use]
    pub fn is_concerned(&self) -> bool {
        !self.rules.is_empty()
    }

    /// The memory that it takes, in bytes, by estimate.
    pub(crate) fn weight(&self) -> usize {
        let groups = self.groups.iter().map(|group| group.len().saturating_add(24));
        groups.fold(self.rules.len().saturating_mul(size_of::<usize>()), usize::saturating_add)
    }
}

/// What the policy says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// What allows it; nothing, when it is denied or no rule allows it.
    pub allowance: Option<Allowance<'a>>,
    /// The rule that denies it.
    pub denied_by: Option<&'a RuleName>,
    /// The rule that would deny it, were it not only on trial.
    pub would_deny: Option<&'a RuleName>,
    /// The rule that would allow it after a fresher or stronger sign-in, when nothing else allows or denies it.
    pub demands: Option<(&'a RuleName, &'a Demand)>,
}

/// Why a request is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance<'a> {
    /// A rule allows it.
    Rule(&'a RuleName),
    /// It is API discovery, open to everybody who is signed in.
    Discovery,
    /// It is a question about oneself, open to everybody who is signed in.
    AboutOneself,
}

impl Policy {
    /// Compiles a policy.
    ///
    /// # Errors
    /// When names or hosts stand twice.
    pub fn compile(clusters: Vec<Cluster>, rules: Vec<Arc<Rule>>) -> Result<Self, InvalidPolicy> {
        let mut names = BTreeSet::new();
        let mut hosts = HashMap::new();
        for (position, cluster) in clusters.iter().enumerate() {
            if !names.insert(&cluster.name) {
                return Err(InvalidPolicy::DuplicateCluster(cluster.name.clone()));
            }
            for host in &cluster.hosts {
                if hosts.insert(host.to_ascii_lowercase(), position).is_some() {
                    return Err(InvalidPolicy::DuplicateHost(host.clone()));
                }
            }
        }
        let mut names = BTreeSet::new();
        if let Some(rule) = rules.iter().find(|rule| !names.insert(&rule.name)) {
            return Err(InvalidPolicy::DuplicateRule(rule.name.clone()));
        }
        let index = Index::of(&rules);
        let claim_keys = rules.iter().flat_map(|rule| rule.claims()).cloned().collect();
        let asks_for_source = rules.iter().any(|rule| rule.asks_for_source());
        Ok(Self { clusters, hosts, rules, index, claim_keys, asks_for_source })
    }

    /// The clusters.
    #[must_use]
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// The cluster of that name.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.name.as_str() == name)
    }

    /// The cluster that a request's `:authority` names; the port does not count.
    #[must_use]
    pub fn cluster_by_authority(&self, authority: &str) -> Option<&Cluster> {
        let host = host_of(authority);
        let position = match self.hosts.get(host) {
            Some(position) => position,
            None => self.hosts.get(&host.to_ascii_lowercase())?,
        };
        self.clusters.get(*position)
    }

    /// The claims that rules ask for; session tokens must carry them.
    #[must_use]
    pub fn claim_keys(&self) -> &BTreeSet<String> {
        &self.claim_keys
    }

    /// Whether any condition asks where requests come from.
    #[must_use]
    pub fn asks_for_source(&self) -> bool {
        self.asks_for_source
    }

    /// The claims that those rules ask for which may concern a person on a cluster.
    #[must_use]
    pub fn claims_asked_of<'p>(&'p self, person: &Person<'_>, cluster: &ClusterName) -> BTreeSet<&'p str> {
        self.candidates(person, cluster).flat_map(Rule::claims).map(String::as_str).collect()
    }

    /// The rules that concern a person on a cluster, if the person's claims are right.
    fn candidates<'p>(&'p self, person: &Person<'_>, cluster: &ClusterName) -> impl Iterator<Item = &'p Rule> {
        let rules = self.index.candidates(person).into_iter().filter_map(|position| self.rules.get(position));
        rules.map(Arc::as_ref).filter(|rule| any_matches(&rule.clusters, cluster.as_str()) && rule.who.names(person))
    }

    /// Those of a person's groups that rules for a cluster name, in `who` or in a condition, or pass on: what a token
    /// carries when it cannot carry all. The groups of rules that do not concern the person count too, because an
    /// elevation may change that.
    #[must_use]
    pub fn relevant_groups(&self, person: &Person<'_>, cluster: &ClusterName) -> Vec<String> {
        let access = self.access(person, cluster);
        let concerned = || self.rules_of(&access);
        let passes_all = access.is_concerned()
            && concerned().all(|rule| rule.groups.pass.is_none() && rule.groups.prefix.is_empty());
        let here = || self.rules.iter().filter(|rule| any_matches(&rule.clusters, cluster.as_str()));
        let asks_for_any = |rule: &Rule| {
            let in_condition = rule.when.as_ref().is_some_and(|condition| condition.groups().is_none());
            in_condition && (!rule.who.groups.is_empty() || rule.who.names(person))
        };
        let prefixes_all = |rule: &Rule| rule.groups.pass.is_none() && !rule.groups.prefix.is_empty();
        if passes_all || concerned().any(prefixes_all) || here().any(|rule| asks_for_any(rule)) {
            return person.groups.to_vec();
        }
        let in_conditions = |rule: &'_ Arc<Rule>| rule.when.as_ref()?.groups().cloned();
        let asked: BTreeSet<String> = here().filter_map(in_conditions).flatten().collect();
        let patterns: HashSet<&Pattern> =
            here().flat_map(|rule| rule.who.groups.iter().chain(rule.groups.pass.iter().flatten())).collect();
        let named: HashSet<&str> = patterns.iter().filter_map(|pattern| pattern.literal()).collect();
        let globs: Vec<&Pattern> = patterns.into_iter().filter(|pattern| pattern.literal().is_none()).collect();
        let is_relevant = |group: &&String| {
            asked.contains(*group) || named.contains(group.as_str()) || globs.iter().any(|glob| glob.matches(group))
        };
        person.groups.iter().filter(is_relevant).cloned().collect()
    }

    /// What a person has on a cluster.
    #[must_use]
    pub fn access(&self, person: &Person<'_>, cluster: &ClusterName) -> Access {
        let concerns = |position: &usize| {
            self.rules
                .get(*position)
                .is_some_and(|rule| any_matches(&rule.clusters, cluster.as_str()) && rule.who.matches(person))
        };
        let rules: Vec<usize> = self.index.candidates(person).into_iter().filter(concerns).collect();
        let groups = self.groups_on(person, &rules);
        Access { rules, groups }
    }

    /// Decides a request: a rule that denies it wins over all that allow it; what no rule allows is not allowed, but for
    /// discovery and questions about oneself.
    #[must_use]
    pub fn decide(&self, access: &Access, request: &Attributes<'_>, circumstances: &Circumstances<'_>) -> Verdict<'_> {
        let denies = |on_trial| {
            let mut rules = self.rules_of(access).filter(move |rule| rule.audit_only == on_trial);
            rules.find(|rule| rule.denies(request, circumstances)).map(|rule| &rule.name)
        };
        let mut verdict =
            Verdict { denied_by: denies(false), would_deny: denies(true), allowance: None, demands: None };
        if verdict.denied_by.is_none() {
            match (self.allowing(access, request, circumstances, |_| true), open_to_everybody(request)) {
                (Ok(allowance), _) | (Err(_), Some(allowance)) => verdict.allowance = Some(allowance),
                (Err(demand), None) => verdict.demands = demand,
            }
        }
        verdict
    }

    /// The first rule, in the order of the policy file, that allows the request by an entry that `accepts` takes.
    ///
    /// # Errors
    /// When there is none: the first that would allow it after a fresher or stronger sign-in.
    pub(crate) fn allowing<'p>(
        &'p self,
        access: &Access,
        request: &Attributes<'_>,
        circumstances: &Circumstances<'_>,
        accepts: impl Fn(&Grant) -> bool,
    ) -> Result<Allowance<'p>, Option<(&'p RuleName, &'p Demand)>> {
        let mut demand = None;
        for rule in self.rules_of(access) {
            let is_about = rule.may.iter().any(|grant| grant.matches(request) && accepts(grant));
            if !is_about || !rule.applies(request, circumstances) {
                continue;
            }
            if rule.demand.is_met(circumstances.claims, circumstances.now) {
                return Ok(Allowance::Rule(&rule.name));
            }
            demand = demand.or(Some((&rule.name, &rule.demand)));
        }
        Err(demand)
    }

    /// The rules that concern the person, in the order of the policy file.
    pub(crate) fn rules_of<'p>(&'p self, access: &Access) -> impl Iterator<Item = &'p Rule> {
        access.rules.iter().filter_map(|position| self.rules.get(*position)).map(Arc::as_ref)
    }

    fn groups_on(&self, person: &Person<'_>, rules: &[usize]) -> Vec<String> {
        let mappings = || rules.iter().filter_map(|position| self.rules.get(*position)).map(|rule| &rule.groups);
        let extra = mappings().flat_map(|mapping| &mapping.extra);
        // A signed name is no better than another when a header cannot carry it.
        let mut groups: BTreeSet<String> = extra.filter(|group| identity_name::check(group).is_ok()).cloned().collect();
        let mut restricted = false;
        for mapping in mappings().filter(|mapping| mapping.pass.is_some() || !mapping.prefix.is_empty()) {
            restricted = true;
            let any = [Pattern::from("*")];
            let pass = mapping.pass.as_deref().unwrap_or(&any);
            groups.extend(person.groups.iter().filter_map(|group| passed_on(group, pass, &mapping.prefix)));
        }
        if !restricted {
            groups.extend(person.groups.iter().filter(|group| !identity_name::is_reserved(group)).cloned());
        }
        // The API server must never take somebody for both.
        groups.remove("system:unauthenticated");
        groups.into_iter().collect()
    }
}

impl Rule {
    /// The claims that it asks for.
    fn claims(&self) -> impl Iterator<Item = &String> {
        self.who.claims.keys().chain(self.when.iter().flat_map(Condition::claims))
    }

    /// Whether it asks where requests come from.
    pub(crate) fn asks_for_source(&self) -> bool {
        self.when.as_ref().is_some_and(Condition::asks_for_source)
    }

    /// Whether it says the same of a session's request at any time and from anywhere.
    pub(crate) fn is_constant(&self) -> bool {
        let asks = |condition: &Condition| condition.asks_for_time() || condition.asks_for_source();
        self.demand.auth_max_age.is_none() && !self.when.as_ref().is_some_and(asks)
    }

    /// Whether its condition holds. One that cannot be evaluated opens nothing.
    fn applies(&self, request: &Attributes<'_>, circumstances: &Circumstances<'_>) -> bool {
        self.when.as_ref().is_none_or(|condition| condition.holds(circumstances, request) == Ok(true))
    }

    /// Whether it denies the request. A condition that cannot be evaluated denies.
    fn denies(&self, request: &Attributes<'_>, circumstances: &Circumstances<'_>) -> bool {
        self.deny.iter().any(|grant| grant.matches(request))
            && self.when.as_ref().is_none_or(|condition| condition.holds(circumstances, request) != Ok(false))
    }
}

/// What opens a request to everybody who is signed in.
fn open_to_everybody(request: &Attributes<'_>) -> Option<Allowance<'static>> {
    if request.verb == "get" && request.is_discovery_path() {
        return Some(Allowance::Discovery);
    }
    request.is_question_about_oneself().then_some(Allowance::AboutOneself)
}

/// The name under which a group is passed on, if it is. What begins with `system:` must be named in full, and no
/// prefix may make such a name.
fn passed_on(group: &str, pass: &[Pattern], prefix: &str) -> Option<String> {
    let passed = if identity_name::is_reserved(group) {
        pass.iter().any(|pattern| pattern.literal() == Some(group))
    } else {
        any_matches(pass, group)
    };
    let name = format!("{prefix}{group}");
    let made_up = !prefix.is_empty() && name.starts_with(RESERVED_PREFIX);
    (passed && !made_up && identity_name::check(&name).is_ok()).then_some(name)
}

/// `host` of `host:port`, `[v6]` of `[v6]:port`.
pub(crate) fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.is_empty() => {
            if host.contains(':') && !host.ends_with(']') { authority } else { host }
        }
        _ => authority,
    }
}

/// Rules by the exact users, e-mails, domains and groups that they name; those that use globs, or name nobody, are
/// looked at for everybody.
#[derive(Default)]
struct Index {
    users: HashMap<String, Vec<usize>>,
    emails: HashMap<String, Vec<usize>>,
    domains: HashMap<String, Vec<usize>>,
    groups: HashMap<String, Vec<usize>>,
    everybody: Vec<usize>,
}

impl Index {
    fn of(rules: &[Arc<Rule>]) -> Self {
        let mut index = Self::default();
        for (position, rule) in rules.iter().enumerate() {
            index.add(position, &rule.who);
        }
        index
    }

    fn add(&mut self, position: usize, who: &Who) {
        let named = [
            (&who.users, &mut self.users),
            (&who.emails, &mut self.emails),
            (&who.domains, &mut self.domains),
            (&who.groups, &mut self.groups),
        ];
        let mut for_everybody = who.names_nobody();
        for (patterns, names) in named {
            for pattern in patterns {
                match pattern.literal() {
                    Some(name) => names.entry(name.to_owned()).or_default().push(position),
                    None => for_everybody = true,
                }
            }
        }
        if for_everybody {
            self.everybody.push(position);
        }
    }

    /// The rules that may concern a person, in order, each once.
    fn candidates(&self, person: &Person<'_>) -> Vec<usize> {
        let email = person.email.map(str::to_ascii_lowercase);
        let email = email.as_deref();
        let found = [
            self.users.get(person.user),
            email.and_then(|email| self.emails.get(email)),
            email.and_then(domain).and_then(|domain| self.domains.get(domain)),
        ];
        let by_group = person.groups.iter().filter_map(|group| self.groups.get(group.as_str()));
        let mut rules: Vec<usize> = found.into_iter().flatten().chain(by_group).flatten().copied().collect();
        rules.extend_from_slice(&self.everybody);
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

#[cfg(test)]
mod tests;
