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
