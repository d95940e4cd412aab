//! A company that exists in every run in the same way: people, groups, namespaces, and a policy of any size about them.

use std::fmt::Write as _;

/// The cluster that is measured on.
pub(crate) const CLUSTER: &str = "prod-eu-00";

/// Its host.
pub(crate) const HOST: &str = "prod-eu-00.example.com";

/// How many people each rule names.
const PEOPLE_PER_RULE: usize = 5;

const CLUSTERS: usize = 20;

const DEPARTMENTS: [&str; 12] = [
    "payments",
    "search",
    "checkout",
    "identity",
    "logistics",
    "pricing",
    "catalogue",
    "support",
    "fraud",
    "mobile",
    "analytics",
    "storage",
];

const GIVEN_NAMES: [&str; 16] = [
    "amara", "bjorn", "chiara", "dmitri", "elif", "farid", "greta", "hiroshi", "ines", "jamal", "katya", "liam", "mei",
    "nadia", "oscar", "priya",
];

const FAMILY_NAMES: [&str; 16] = [
    "adeyemi", "berg", "castillo", "dubois", "eriksen", "fischer", "garcia", "haddad", "ivanova", "jensen", "kowalski",
    "lopez", "moretti", "nakamura", "okafor", "patel",
];

/// Somebody whom three rules of every company concern: the first, the middle and the last, by a group, by name and by
/// another group. The last one allows [`Subject::PATH`].
pub(crate) struct Subject;

impl Subject {
    /// The user name.
    pub(crate) const USER: &str = "mila.fischer@example.com";

    /// The groups; rules name two of them.
    pub(crate) const GROUPS: [&str; 5] =
        ["all-staff", "berlin-office", "checkout-oncall", "observability", "vpn-users"];

    /// What is asked for, as `kubectl get pods` does.
    pub(crate) const PATH: &str = "/api/v1/namespaces/checkout-00000-prod/pods?limit=500";

    /// The request's headers but for those that begin with a colon.
    pub(crate) fn headers(token: &str) -> [(&'static str, String); 5] {
        [
            ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json".to_owned()),
            ("accept-encoding", "gzip".to_owned()),
            ("authorization", format!("Bearer {token}")),
            ("kubectl-command", "kubectl get".to_owned()),
            ("user-agent", "kubectl/v1.37.2 (linux/amd64) kubernetes/0000000".to_owned()),
        ]
    }
}

/// A company by the number of its rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Company {
    rules: usize,
}

impl Company {
    /// With `rules` rules, three of them about [`Subject`].
    pub(crate) fn new(rules: usize) -> Self {
        Self { rules }
    }

    /// Its rules, one line each.
    pub(crate) fn rules(self) -> Vec<String> {
        (0..self.rules).map(|number| self.rule(number)).collect()
    }

    fn rule(self, number: usize) -> String {
        if number == 0 {
            return "name: observability reads metrics, who: {groups: [observability]}, clusters: [\"*\"], may: [{verbs: \
                    [get, list], apiGroups: [metrics.k8s.io], resources: [pods, nodes]}]"
                .to_owned();
        }
        if number == self.rules / 2 {
            return format!(
                "name: release notes, who: {{users: [{}]}}, clusters: [{CLUSTER}], may: [{{verbs: [get, patch], \
                 apiGroups: [\"\"], resources: [configmaps], namespaces: [release-notes]}}]",
                Subject::USER
            );
        }
        if number + 1 == self.rules {
            return format!(
                "name: checkout on call, who: {{groups: [checkout-oncall]}}, clusters: [{CLUSTER}], may: [{{verbs: [get, \
                 list, watch], apiGroups: [\"\", apps], resources: [pods, pods/log, deployments], namespaces: \
                 [checkout-00000-prod]}}]"
            );
        }
        team_rule(number)
    }
}

/// The policy file with these rules.
pub(crate) fn policy_file(rules: &[String]) -> String {
    let mut text = "clusters:\n".to_owned();
    for number in 0..CLUSTERS {
        let host = format!("prod-eu-{number:02}.example.com");
        let _ = writeln!(text, "  - {{name: prod-eu-{number:02}, hosts: [{host}], server: \"https://{host}\"}}");
    }
    text.push_str("rules:\n");
    for rule in rules {
        let _ = writeln!(text, "  - {{{rule}}}");
    }
    text
}

/// The rule of a team: its group and some people by name, in its own namespaces on one or two of the clusters.
fn team_rule(number: usize) -> String {
    let team = format!("{}-{number:05}", pick(&DEPARTMENTS, number));
    let people: Vec<String> = (0..PEOPLE_PER_RULE).map(|member| person(number * PEOPLE_PER_RULE + member)).collect();
    let people = people.join(", ");
    // One in a hundred is a glob, which has to be compared with everybody.
    let group = if number % 100 == 99 { format!("\"{team}-*\"") } else { format!("{team}-developers") };
    let who = format!("who: {{groups: [{group}], users: [{people}]}}");
    let clusters =
        format!("clusters: [prod-eu-{:02}, prod-eu-{:02}]", number % CLUSTERS, (number / CLUSTERS + 1) % CLUSTERS);
    let reads = format!(
        "{{verbs: [get, list, watch], apiGroups: [\"\", apps, batch], resources: [\"*\"], namespaces: [{team}-prod, \
         {team}-staging]}}"
    );
    match number % 10 {
        0..=4 => format!("name: {team} reads, {who}, {clusters}, may: [{reads}]"),
        5 => format!(
            "name: {team} reads from the office, {who}, {clusters}, when: \"source.address.startsWith('10.') || 'vpn-users' \
             in person.groups\", may: [{reads}]"
        ),
        6 | 7 => format!(
            "name: {team} debugs, {who}, {clusters}, authMaxAge: 8h, may: [{reads}, {{verbs: [create], apiGroups: [\"\"], resources: \
             [pods/exec, pods/portforward], namespaces: [{team}-staging]}}]"
        ),
        8 => format!(
            "name: {team} keeps off secrets, {who}, {clusters}, deny: [{{verbs: [\"*\"], apiGroups: [\"\"], resources: \
             [secrets], namespaces: [{team}-prod]}}]"
        ),
        _ => format!(
            "name: {team} deploys, {who}, {clusters}, may: [{reads}], groups: {{extra: [\"{team}-deployers\"]}}"
        ),
    }
}

/// One of the people that the company's rules name.
pub(crate) fn person(number: usize) -> String {
    let (given, family) = (pick(&GIVEN_NAMES, number), pick(&FAMILY_NAMES, number / GIVEN_NAMES.len()));
    format!("{given}.{family}.{number:05}@example.com")
}

fn pick<'a>(names: &[&'a str], number: usize) -> &'a str {
    names.get(number % names.len()).copied().unwrap_or_default()
}
