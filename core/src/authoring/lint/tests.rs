#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::authoring::check;
use crate::condition::{Circumstances, Condition};
use crate::document::Severity;
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::request::Attributes;
use crate::rule::{Demand, GroupMapping, Person, Who};
use crate::time::Timestamp;
use crate::token::SessionClaims;

const CLUSTERS: &str = "clusters: [{name: prod, hosts: [prod.example.com], server: \"https://prod.example.com:6443\"}, \
                        {name: dev, hosts: [dev.example.com], server: \"https://dev.example.com\"}]\n";

/// The warnings about a policy, each as `path: message`.
fn warnings(text: &str) -> Vec<String> {
    let checked = check("policy.yaml", text, &|_| Err(std::io::Error::other("no file")))
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert!(checked.warnings.iter().all(|warning| warning.severity == Severity::Warning));
    checked.warnings.iter().map(|warning| format!("{}: {}", warning.path, warning.message)).collect()
}

fn warnings_about_rules(rules: &[&str]) -> Vec<String> {
    let may = "may: [{verbs: [get], nonResourceURLs: [/metrics]}]";
    let everywhere = format!("{{name: everywhere, who: {{users: [nobody]}}, clusters: [\"*\"], {may}}}");
    let rules: Vec<&str> = rules.iter().copied().chain([everywhere.as_str()]).collect();
    warnings(&format!("{CLUSTERS}rules:\n- {}\n", rules.join("\n- ")))
}

const PODS: &str = "[{verbs: [get, list], apiGroups: [\"\"], resources: [pods, pods/log], namespaces: [a]}]";

#[test]
fn a_rule_that_is_wholly_denied_allows_nothing() {
    let allow = format!("{{name: a, who: {{groups: [team-a]}}, clusters: [prod], may: {PODS}}}");
    let deny = |who: &str, clusters: &str, grant: &str| {
        format!("{{name: wall, who: {who}, clusters: {clusters}, deny: [{grant}]}}")
    };
    let everything = "{verbs: [\"*\"], apiGroups: [\"*\"], resources: [\"*\"]}";
    for (who, clusters, grant, idle) in [
        ("{users: [\"*\"]}", "[\"*\"]", everything, true),
        ("{groups: [team-*]}", "[prod, dev]", everything, true),
        ("{groups: [team-a], users: [bob]}", "[prod]", everything, true),
        (
            "{groups: [team-a]}",
            "[prod]",
            "{verbs: [get, l*], apiGroups: [\"\"], resources: [pods, pods/*], namespaces: [a, b]}",
            true,
        ),
        ("{groups: [team-b]}", "[prod]", everything, false),
        ("{groups: [team-a], claims: {x: [1]}}", "[prod]", everything, false),
        ("{users: [\"*\"]}", "[dev]", everything, false),
        ("{users: [\"*\"]}", "[prod]", "{verbs: [get], apiGroups: [\"*\"], resources: [\"*\"]}", false),
        ("{users: [\"*\"]}", "[prod]", "{verbs: [get, list], apiGroups: [\"\"], resources: [pods]}", false),
        (
            "{users: [\"*\"]}",
            "[prod]",
            "{verbs: [\"*\"], apiGroups: [\"\"], resources: [\"*\"], names: [\"*\"]}",
            false,
        ),
        ("{users: [\"*\"]}", "[prod]", "{verbs: [\"*\"], nonResourceURLs: [\"*\"]}", false),
    ] {
        // Which of the two comes first does not matter.
        for (rules, path) in [
            ([deny(who, clusters, grant), allow.clone()], "rules[1]"),
            ([allow.clone(), deny(who, clusters, grant)], "rules[0]"),
        ] {
            let found = warnings_about_rules(&[&rules[0], &rules[1]]);
            let message = "allows nothing: the rule \"wall\" denies all of it to everybody whom the rule concerns";
            let expected = if idle { vec![format!("{path}: {message}")] } else { Vec::new() };
            assert_eq!(found, expected, "{who} {clusters} {grant}");
        }
    }
    let on_trial = deny("{users: [\"*\"]}", "[\"*\"]", everything).replace("}]}", "}], auditOnly: true}");
    assert_eq!(warnings_about_rules(&[&allow, &on_trial]), [""; 0], "what is only on trial denies nothing");

    let wall = deny("{users: [\"*\"]}", "[\"*\"]", everything);
    let maps = allow.replace("may:", "groups: {extra: [x]}, may:");
    let found = warnings_about_rules(&[&maps, &wall]);
    assert!(
        found.len() == 1 && found[0].starts_with("rules[0].may: allows nothing"),
        "it still maps groups: {found:?}"
    );
}

#[test]
fn a_rule_that_says_nothing_new_decides_nothing() {
    let first =
        format!("{{name: first, who: {{groups: [team-a], domains: [example.com]}}, clusters: [\"*\"], may: {PODS}}}");
    for (rule, idle) in [
        (format!("{{who: {{groups: [team-a]}}, clusters: [prod], may: {PODS}}}"), true),
        (format!("{{who: {{emails: [bob@example.com]}}, clusters: [prod], may: {PODS}}}"), true),
        (format!("{{who: {{groups: [team-a], claims: {{x: [1]}}}}, clusters: [prod], may: {PODS}}}"), true),
        (format!("{{who: {{claims: {{x: [1]}}}}, clusters: [prod], may: {PODS}}}"), false),
        (format!("{{who: {{groups: [team-a], users: [eve]}}, clusters: [prod], may: {PODS}}}"), false),
        (format!("{{who: {{emails: [\"*@example.*\"]}}, clusters: [prod], may: {PODS}}}"), false),
        (format!("{{who: {{groups: [team-a]}}, clusters: [prod], may: {PODS}, groups: {{extra: [x]}}}}"), false),
        (format!("{{who: {{groups: [team-a]}}, clusters: [prod], deny: {PODS}, auditOnly: true}}"), false),
        (
            format!("{{who: {{groups: [team-a]}}, clusters: [prod], may: {}}}", PODS.replace(", namespaces: [a]", "")),
            false,
        ),
        (
            format!(
                "{{who: {{groups: [team-a]}}, clusters: [prod], may: {}}}",
                PODS.replace("[pods, ", "[deployments, ")
            ),
            false,
        ),
    ] {
        let rule = rule.replacen('{', "{name: second, ", 1);
        let expected =
            if idle { vec!["rules[1]: decides nothing: the rule \"first\" decides all of it before"] } else { vec![] };
        assert_eq!(warnings_about_rules(&[&first, &rule]), expected, "{rule}");
        if idle {
            assert_eq!(
                warnings_about_rules(&[&rule, &first]),
                [""; 0],
                "the first to say it is the one that is recorded: {rule}"
            );
        }
    }
    let all = format!(
        "{{name: all, who: {{users: [\"*\"]}}, clusters: [\"*\"], may: [{}]}}",
        "{verbs: [\"*\"], apiGroups: [\"*\"], resources: [\"*\"]}"
    );
    for (resource, names, idle) in
        [("groups", "[system:masters]", false), ("serviceaccounts", "[x]", false), ("groups", "[x]", true)]
    {
        let rule = format!(
            "{{name: as, who: {{users: [bob]}}, clusters: [prod], may: [{{verbs: [impersonate], apiGroups: [\"\"], resources: [{resource}], names: {names}}}]}}"
        );
        let found = warnings_about_rules(&[&all, &rule]);
        assert_eq!(!found.is_empty(), idle, "what no wildcard grants has to be named in full: {resource} {names}");
    }
}

#[test]
fn several_rules_together_leave_nothing() {
    let who = "who: {users: [bob]}, clusters: [prod]";
    let grant = |verb: &str| format!("{{verbs: [{verb}], apiGroups: [\"\"], resources: [pods]}}");
    let rules = [
        format!("{{name: a, {who}, may: [{}]}}", grant("get")),
        format!("{{name: b, {who}, deny: [{}]}}", grant("list")),
        format!("{{name: c, {who}, may: [{}, {}], deny: [{}]}}", grant("get"), grant("list"), grant("list")),
    ];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    assert_eq!(
        warnings_about_rules(&rules),
        ["rules[2]: decides nothing: the rules \"a\" and \"b\" decide all of it before"]
    );
}

#[test]
fn clusters_that_nobody_reaches() {
    let text = "
clusters:
  - {name: prod, hosts: [prod.example.com], server: \"https://k8s.example.com:6443/prod\"}
  - {name: dev, hosts: [dev.example.com], server: \"https://prod.example.com\"}
  - {name: lab, hosts: [Lab.example.com], server: \"https://LAB.example.com\"}
  - {name: walled, hosts: [walled.example.com], server: \"https://walled.example.com\"}
rules:
  - {name: r, who: {users: [bob]}, clusters: [prod, d*], may: [{verbs: [get], nonResourceURLs: [/metrics]}]}
  - {name: wall, who: {users: [\"*\"]}, clusters: [walled], deny: [{verbs: [\"*\"], nonResourceURLs: [\"*\"]}]}
  - {name: seen, who: {users: [\"*\"]}, clusters: [walled], groups: {extra: [x]}}
";
    assert_eq!(
        warnings(text),
        [
            "clusters[0].server: its host \"k8s.example.com\" is none of the cluster's hosts, so kubeconfigs lead to no cluster",
            "clusters[1].server: its host \"prod.example.com\" is none of the cluster's hosts, so kubeconfigs lead to the cluster \"prod\"",
            "clusters[2]: no rule allows anything on this cluster, so nobody may use it",
            "clusters[3]: no rule allows anything on this cluster, so nobody may use it",
        ]
    );
}

#[test]
fn a_rule_under_a_condition_makes_no_other_idle() {
    let rule = |name: &str, more: &str| {
        format!("{{name: {name}, who: {{users: [bob]}}, clusters: [prod], may: {PODS}{more}}}")
    };
    let deny = |name: &str, more: &str| rule(name, more).replace("may:", "deny:");
    for condition in ["when: 'request.name == \"x\"'", "authMaxAge: 5m", "acr: [mfa]"] {
        let condition = format!(", {condition}");
        assert_eq!(warnings_about_rules(&[&rule("a", &condition), &rule("b", "")]), [""; 0], "{condition}");
        let found = warnings_about_rules(&[&rule("a", ""), &rule("b", &condition)]);
        assert!(found.len() == 1 && found[0].starts_with("rules[1]: decides nothing"), "{condition}: {found:?}");
    }
    let condition = ", when: 'request.name == \"x\"'";
    assert_eq!(warnings_about_rules(&[&deny("a", condition), &rule("b", "")]), [""; 0]);
    assert_eq!(warnings_about_rules(&[&deny("a", ""), &rule("b", condition)]).len(), 1);
}

#[test]
fn groups_that_no_rule_uses() {
    let text = format!(
        "{CLUSTERS}groups: [team-a, team-b, sre, auditors, interns, leads]\nrules:\n  - {{name: r, who: {{groups: \
         [team-*]}}, clusters: [\"*\"], groups: {{pass: [sre]}}}}\n  - {{name: s, who: {{users: [bob]}}, clusters: [\"*\"], \
         may: {PODS}, when: '\"leads\" in person.groups'}}\n"
    );
    assert_eq!(
        warnings(&text),
        ["groups[3]: no rule uses the group \"auditors\"", "groups[4]: no rule uses the group \"interns\""]
    );
}

/// A reproducible stream of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Up to three of them, seldom none.
    fn some(&mut self, from: &[&str]) -> Vec<Pattern> {
        let number = self.pick(&[1, 1, 1, 2, 2, 3]);
        (0..number).map(|_| Pattern::from(self.pick(from))).collect()
    }

    fn maybe(&mut self, from: &[&str]) -> Vec<Pattern> {
        if self.below(2) == 0 { Vec::new() } else { self.some(from) }
    }

    fn who(&mut self) -> Who {
        let mut who = Who::default();
        match self.below(6) {
            0 | 1 => who.groups = self.some(&["g1", "g2", "g*", "*"]),
            2 => who.users = self.some(&["u1", "u2", "u*", "*"]),
            3 => who.emails = self.some(&["a@x.org", "b@x.org", "*@x.org", "a@x*", "*"]),
            4 => who.domains = self.some(&["x.org", "y.org", "x*", "*.org"]),
            _ => {}
        }
        if self.below(4) == 0 {
            who.groups.extend(self.some(&["g1", "g2"]));
        }
        if self.below(3) == 0 || who.names_nobody() {
            who.claims.insert("level".to_owned(), self.pick(&[vec![json!(1)], vec![json!(1), json!(2)]]));
        }
        who
    }

    fn grants(&mut self) -> Vec<Grant> {
        (0..self.pick(&[0, 1, 1, 2])).map(|_| self.grant()).collect()
    }

    fn grant(&mut self) -> Grant {
        let verbs = self.some(&["get", "list", "create", "*", "l*"]);
        if self.below(5) == 0 {
            let non_resource_urls = self.some(&["/a", "/a/b", "/a*", "*"]);
            return Grant { verbs, non_resource_urls, ..Grant::default() };
        }
        Grant {
            verbs,
            api_groups: self.some(&["", "apps", "*"]),
            resources: self.some(&["pods", "pods/log", "pods/*", "*/log", "p*", "*", "**"]),
            namespaces: self.maybe(&["a", "b", "*"]),
            names: self.maybe(&["x", "y", "*"]),
            non_resource_urls: Vec::new(),
        }
    }

    fn rule(&mut self, number: usize) -> Rule {
        let groups = if self.below(5) == 0 {
            GroupMapping { extra: vec!["extra".to_owned()], ..GroupMapping::default() }
        } else {
            GroupMapping::default()
        };
        Rule {
            name: format!("r{number}").into(),
            who: self.who(),
            clusters: self.some(&["prod", "dev", "*", "p*"]),
            may: self.grants(),
            deny: if self.below(3) == 0 { self.grants() } else { Vec::new() },
            when: (self.below(8) == 0).then(|| Condition::parse("session.acr == \"strong\"").unwrap()),
            demand: Demand {
                acr: if self.below(8) == 0 { vec!["strong".to_owned()] } else { Vec::new() },
                ..Demand::default()
            },
            audit_only: self.below(4) == 0,
            groups,
        }
    }

    fn request(&mut self) -> Attributes<'static> {
        let is_resource_request = self.below(5) > 0;
        let mut attributes = Attributes {
            verb: Cow::Borrowed(self.pick(&["get", "list", "create", "delete"])),
            api_group: "",
            api_version: "v1",
            resource: "",
            subresource: "",
            namespace: "",
            name: Cow::Borrowed(""),
            is_resource_request,
            path: Cow::Borrowed(self.pick(&["/a", "/a/b", "/b"])),
        };
        if is_resource_request {
            attributes.api_group = self.pick(&["", "apps", "other"]);
            attributes.resource = self.pick(&["pods", "nodes"]);
            attributes.subresource = self.pick(&["", "log", "exec"]);
            attributes.namespace = self.pick(&["", "a", "b"]);
            attributes.name = Cow::Borrowed(self.pick(&["", "x", "y"]));
        }
        attributes
    }
}

fn clusters() -> Vec<Cluster> {
    let cluster = |name: &str| Cluster {
        name: name.into(),
        hosts: vec![format!("{name}.example.com")],
        server: format!("https://{name}.example.com"),
        certificate_authority_data: None,
    };
    vec![cluster("prod"), cluster("dev")]
}

/// The rules without what the findings say is in vain.
fn without_idle(rules: &[Rule], findings: &[(usize, Finding<'_>)]) -> Vec<Rule> {
    let mut left = rules.to_vec();
    for (position, finding) in findings.iter().rev() {
        if matches!(finding, Finding::Denied { all: false, .. }) {
            left[*position].may.clear();
        } else {
            left.remove(*position);
        }
    }
    left
}

/// What somebody is told, in words that do not depend on a rule's position.
fn told(
    policy: &Policy,
    person: &Person<'_>,
    cluster: &str,
    request: &Attributes<'_>,
    session: &SessionClaims,
) -> (Vec<String>, String) {
    let access = policy.access(person, &cluster.into());
    let circumstances =
        Circumstances { claims: session, groups: person.groups, source: "10.1.2.3", now: Timestamp::default() };
    let verdict = format!("{:?}", policy.decide(&access, request, &circumstances));
    (access.groups, verdict)
}

fn session(acr: &str) -> SessionClaims {
    serde_json::from_value(json!({
        "iss": "i", "sub": "corp:u", "aud": "prod", "exp": 0, "nbf": 0, "iat": 0, "jti": "j", "sid": "s",
        "session_exp": 0, "auth_time": 0, "provider": "corp", "user": "u", "groups": [], "claims": {}, "acr": acr,
        "amr": [],
    }))
    .unwrap()
}

#[test]
fn what_is_called_idle_changes_no_decision_when_it_goes() {
    let mut dice = Dice(7);
    let (mut repeated, mut denied) = (0, 0);
    for round in 0..150 {
        let rules: Vec<Rule> = (0..20).map(|number| dice.rule(number)).collect();
        let reach = coverage::reach(&clusters(), &rules);
        let findings = idle(&rules, &reach);
        denied += findings.iter().filter(|(_, finding)| matches!(finding, Finding::Denied { .. })).count();
        repeated += findings.iter().filter(|(_, finding)| matches!(finding, Finding::Repeated { .. })).count();
        if findings.is_empty() {
            continue;
        }
        let compiled =
            |rules: &[Rule]| Policy::compile(clusters(), rules.iter().cloned().map(Arc::new).collect()).unwrap();
        let (with, without) = (compiled(&rules), compiled(&without_idle(&rules, &findings)));
        for _ in 0..300 {
            let groups: Vec<String> =
                dice.pick(&[vec![], vec!["g1"], vec!["g2", "g1"]]).into_iter().map(str::to_owned).collect();
            let claims: BTreeMap<String, Value> = dice
                .pick(&[None, Some(json!(1)), Some(json!([2, 3]))])
                .map(|value| ("level".to_owned(), value))
                .into_iter()
                .collect();
            let person = Person {
                user: dice.pick(&["u1", "u2", "eve"]),
                email: dice.pick(&[None, Some("a@x.org"), Some("b@y.org"), Some("a@x.org@y.org")]),
                groups: &groups,
                claims: &claims,
            };
            let (cluster, request) = (dice.pick(&["prod", "dev"]), dice.request());
            let session = session(dice.pick(&["weak", "strong"]));
            assert_eq!(
                told(&with, &person, cluster, &request, &session),
                told(&without, &person, cluster, &request, &session),
                "round {round}: {person:?} on {cluster}: {request:?}\n{findings:?}\n{}",
                serde_json::to_string_pretty(&rules).unwrap()
            );
        }
    }
    assert!(repeated > 30 && denied > 30, "enough to judge by: {repeated} repeated, {denied} denied");
}

#[test]
fn the_index_has_everything_that_covers_an_entry() {
    let mut dice = Dice(3);
    let mut found = 0;
    for _ in 0..100 {
        let rules: Vec<Rule> = (0..30).map(|number| dice.rule(number)).collect();
        let reach = coverage::reach(&clusters(), &rules);
        let entries: Vec<Entry<'_>> = rules
            .iter()
            .zip(&reach)
            .enumerate()
            .flat_map(|(position, (rule, clusters))| {
                rule.may.iter().map(move |grant| Entry { position, who: &rule.who, clusters, grant })
            })
            .collect();
        let index = Index::of(entries.iter().copied());
        for (entry, end) in entries.iter().flat_map(|entry| [(entry, entry.position), (entry, usize::MAX)]) {
            let covers = |other: &&Entry<'_>| other.position < end && other.covers(entry);
            // Any of them will do.
            let expected = entries.iter().filter(covers).map(|other| other.position).collect::<BTreeSet<_>>();
            let position = index.find(entry, end, Entry::covers);
            assert_eq!(position.is_some(), !expected.is_empty());
            assert!(position.is_none_or(|position| expected.contains(&position)));
            found += usize::from(end < usize::MAX && position.is_some());
        }
    }
    assert!(found > 50, "enough to judge by: {found}");
}

#[test]
fn an_address_is_in_a_domain_only_when_all_that_match_it_are() {
    let who = |emails: &[&str], domains: &[&str]| {
        let patterns = |texts: &[&str]| texts.iter().copied().map(Pattern::from).collect();
        Who { emails: patterns(emails), domains: patterns(domains), ..Who::default() }
    };
    for (wide, narrow, expected) in [
        (who(&[], &["example.*"]), who(&["*@example.com"], &[]), true),
        (who(&[], &["example.com"]), who(&["bob@example.com", "eve@example.com"], &[]), true),
        (who(&["*@example.*"], &[]), who(&[], &["example.com", "example.*"]), true),
        (who(&[], &["example.*"]), who(&["bob@example.*"], &[]), false), // bob@example.com@elsewhere.org
        (who(&[], &["example.com"]), who(&["*example.com"], &[]), false),
        (who(&["bob@example.com"], &[]), who(&[], &["example.com"]), false),
    ] {
        assert_eq!(coverage::covers_who(&wide, &narrow), expected, "{wide:?} {narrow:?}");
    }
}

#[test]
fn an_entry_is_compared_with_few_others() {
    let rule = |number: usize| Rule {
        name: format!("r{number}").into(),
        who: Who { groups: vec![Pattern::from(format!("team-{}", number % 50))], ..Who::default() },
        clusters: vec![Pattern::from("*")],
        may: vec![Grant {
            verbs: vec![Pattern::from("get")],
            api_groups: vec![Pattern::from("")],
            resources: vec![Pattern::from("pods")],
            namespaces: vec![Pattern::from(format!("ns-{}", number / 50))],
            ..Grant::default()
        }],
        deny: Vec::new(),
        when: None,
        demand: Demand::default(),
        audit_only: false,
        groups: GroupMapping::default(),
    };
    let rules: Vec<Rule> = (0..2000).map(rule).collect();
    let reach = coverage::reach(&clusters(), &rules);
    let index = indexed(&rules, &reach, |rule| &rule.may, |_| true);
    let asked = std::cell::Cell::new(0);
    for (position, (rule, clusters)) in rules.iter().zip(&reach).enumerate() {
        let entry = Entry { position, who: &rule.who, clusters, grant: &rule.may[0] };
        let nothing = index.find(&entry, usize::MAX, |_, _| {
            asked.set(asked.get() + 1);
            false
        });
        assert_eq!(nothing, None);
    }
    assert!(asked.get() <= 2000 * 40, "40 rules name each team, 50 each namespace: {} comparisons", asked.get());
}
