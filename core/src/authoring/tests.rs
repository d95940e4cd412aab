#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::condition::Condition;

const GOOD: &str = r#"
clusters:
  - name: prod
    hosts: [Prod.k8s.example.com]
    server: https://prod.k8s.example.com/
rules:
  - name: admins
    who: {groups: [platform-admins]}
    clusters: ["*"]
    may:
      - {verbs: ["*"], apiGroups: ["*"], resources: ["*"]}
      - {verbs: [get], nonResourceURLs: [/metrics, /logs/*]}
  - name: team-a
    who: {users: [bob], domains: [Example.com], claims: {department: [sre], level: [3]}}
    clusters: [prod]
    groups: {pass: ["team-*"], prefix: "idp:", extra: [kubegate-users]}
  - name: no shells in production
    who: {users: ["*"]}
    clusters: [prod]
    deny:
      - {verbs: [create], apiGroups: [""], resources: [pods/exec, pods/attach]}
    auditOnly: true
  - name: shells after a fresh and strong sign-in by day
    who: {groups: [team-a]}
    clusters: [prod]
    when: now.getHours() < 18
    authMaxAge: 15m
    acr: [phr, "urn:mace:incommon:iap:silver"]
    may:
      - {verbs: [create], apiGroups: [""], resources: [pods/exec]}
"#;

fn read(text: &str) -> Result<AuthoredPolicy, Problems> {
    parse("policy.yaml", text, &|_| Err(std::io::Error::other("no file")))
}

#[test]
fn a_good_policy_is_read() {
    let policy = read(GOOD).unwrap();
    assert_eq!(policy.clusters[0].hosts, ["prod.k8s.example.com"]);
    assert_eq!(policy.clusters[0].server, "https://prod.k8s.example.com");
    assert_eq!(policy.rules.len(), 4);
    assert_eq!(policy.rules[3].demand.auth_max_age, Some(900));
    assert_eq!(policy.rules[3].demand.acr.len(), 2);
    assert_eq!(policy.rules[3].when.as_ref().map(Condition::text), Some("now.getHours() < 18"));
    assert!(policy.rules[2].audit_only && policy.rules[2].deny.len() == 1);
    assert_eq!(policy.rules[1].who.domains, [Pattern::from("example.com")]);
    assert_eq!(policy.rules[1].groups.prefix, "idp:");
    policy.compile().unwrap();
}

#[test]
fn a_policy_survives_its_bundle_form() {
    let policy = read(GOOD).unwrap();
    let text = serde_json::to_string(&policy.rules).unwrap();
    let rules: Vec<Rule> = serde_json::from_str(&text).unwrap();
    assert_eq!(rules, policy.rules);
}

#[test]
fn every_mistake_is_reported_at_once_where_it_stands() {
    let text = r#"
clusters:
  - name: Prod
    hosts: ["https://x", ok]
    server: http://x
  - name: dev
    hosts: [OK]
    server: https://dev
    certificateAuthority: missing.pem
rules:
  - name: a
    who: {}
    clusters: [dev]
  - name: a
    who: {users: [], grups: [x]}
    clusters: [staging]
    may:
      - {verbs: [gte], apiGroups: [""], resources: [pods]}
      - {verbs: [get], resources: [pods]}
      - {verbs: [get], nonResourceURLs: [metrics], namespaces: [x]}
      - {apiGroups: [""], resources: [pods]}
      - {verbs: [get, bind], apiGroups: [""], resources: [pods/exec, pods/attach]}
    auditOnly: yes
    groups: {prefix: "system:", extra: ["a,b", 7]}
"#;
    let problems = read(text).unwrap_err();
    let found: Vec<(usize, &str)> =
        problems.list().iter().map(|problem| (problem.line, problem.path.as_str())).collect();
    for expected in [
        (3, "clusters[0].name"),
        (4, "clusters[0].hosts[0]"),
        (5, "clusters[0].server"),
        (7, "clusters[1].hosts[0]"),
        (9, "clusters[1].certificateAuthority"),
        (12, "rules[0].who"),
        (11, "rules[0]"),
        (14, "rules[1]"),
        (15, "rules[1].who.users"),
        (15, "rules[1].who.grups"),
        (18, "rules[1].may[0].verbs"),
        (19, "rules[1].may[1].apiGroups"),
        (20, "rules[1].may[2].nonResourceURLs"),
        (20, "rules[1].may[2].namespaces"),
        (21, "rules[1].may[3].verbs"),
        (22, "rules[1].may[4].verbs"),
        (23, "rules[1].auditOnly"),
        (24, "rules[1].groups.prefix"),
        (24, "rules[1].groups.extra[0]"),
        (24, "rules[1].groups.extra[1]"),
    ] {
        assert!(found.contains(&expected), "{expected:?} is not among\n{problems}");
    }
    for expected in ["did you mean groups?", "\"bind\" is not a verb", "judged as create"] {
        assert!(problems.to_string().contains(expected), "{expected} is not in\n{problems}");
    }
}

#[test]
fn unknown_clusters_are_reported() {
    let problems = read(&GOOD.replace("clusters: [prod]", "clusters: [prd]")).unwrap_err();
    assert!(problems.to_string().contains("\"prd\" is none of the policy's clusters (name one of prod)"), "{problems}");
}

#[test]
fn conditions_and_demands_are_about_what_a_rule_allows() {
    let rule =
        |fields: &str| format!("{}  - {{name: x, who: {{users: [u]}}, clusters: [prod], {fields}}}\n", &GOOD[1..]);
    let may = "may: [{verbs: [get], apiGroups: [\"\"], resources: [pods]}]";
    for (fields, expected) in [
        (format!("{may}, when: \"person.usr == 'x'\""), "when: knows no person.usr"),
        (format!("{may}, when: \"1 +\""), "when: is not CEL"),
        (format!("{may}, when: true, groups: {{extra: [x]}}"), "groups: stands beside when"),
        ("groups: {extra: [x]}, when: \"true\"".to_owned(), "when: stands without may and deny"),
        ("groups: {extra: [x]}, acr: [phr]".to_owned(), "acr: stands without may"),
        (format!("{may}, authMaxAge: 0s"), "authMaxAge: \"0s\" is out of range"),
        (format!("{may}, auth_max_age: 5m"), "did you mean authMaxAge?"),
        (format!("{may}, acr: [\"x; rm -rf /\"]"), "is no authentication context class"),
    ] {
        let problems = read(&rule(&fields)).expect_err(&fields).to_string();
        assert!(problems.contains(expected), "{fields}:\n{problems}");
    }
}

#[test]
fn groups_outside_of_the_catalogue_are_reported() {
    let text = format!("groups: [platform-admins, ops, ops, \"team-*\", \"a,b\"]\n{GOOD}");
    let problems = read(&text).unwrap_err().to_string();
    for expected in
        ["1:32: groups[2]: the group \"ops\" stands already", "1:37: groups[3]: has a '*'", "groups[4]: the group"]
    {
        assert!(problems.contains(expected), "{expected} is not in\n{problems}");
    }
    let text = text
        .replace("ops, \"team-*\", \"a,b\"", "team-a")
        .replace("groups: [platform-admins]", "groups: [x, \"team-*\", platfrom-admins]");
    let text = text.replace("pass: [", "pass: [other, ops, ");
    let problems = read(&text).unwrap_err();
    let found: Vec<String> = problems.list().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "policy.yaml:9:20: rules[0].who.groups[0]: \"x\" is none of the policy's groups (add it to groups, if the \
             identity provider has it)",
            "policy.yaml:9:33: rules[0].who.groups[2]: \"platfrom-admins\" is none of the policy's groups (did you mean \
             platform-admins?)",
            "policy.yaml:17:21: rules[1].groups.pass[0]: \"other\" is none of the policy's groups (add it to groups, if the \
             identity provider has it)",
        ]
    );
}

#[test]
fn a_mistake_is_reported_once() {
    let problems = read("clusters: [5]\nrules: [6, {name: [x]}]\n").unwrap_err();
    let mut found: Vec<String> = problems.list().iter().map(ToString::to_string).collect();
    let all = found.len();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), all, "{problems}");
}

#[test]
fn warnings_do_not_stop_a_policy_and_wait_until_it_is_read_rightly() {
    let check = |text: &str| check("policy.yaml", text, &|_| Err(std::io::Error::other("no file")));
    let text = GOOD.replace("server: https://prod", "server: https://other");
    let checked = check(&text).unwrap();
    assert_eq!(checked.policy, read(&text).unwrap());
    let shown: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].starts_with("policy.yaml:5:13: warning: clusters[0].server: its host"), "{shown:?}");
    let problems = check(&text.replace("auditOnly", "auditonly")).unwrap_err();
    assert!(!problems.to_string().contains("warning"), "{problems}");
}

#[test]
fn extents_are_in_good_english() {
    let mut policy = read(GOOD).unwrap();
    assert_eq!(policy.extent(), "1 cluster and 4 rules");
    policy.rules.truncate(1);
    policy.clusters.push(policy.clusters[0].clone());
    assert_eq!(policy.extent(), "2 clusters and 1 rule");
}
