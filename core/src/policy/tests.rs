#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::request::Target;
use crate::time::Timestamp;
use crate::token::SessionClaims;

fn policy(rules: serde_json::Value) -> Policy {
    let cluster = |name: &str, host: &str| Cluster {
        name: name.into(),
        hosts: vec![host.to_owned()],
        server: format!("https://{host}"),
        certificate_authority_data: None,
    };
    let clusters = vec![cluster("prod", "prod.example.com"), cluster("dev", "dev.example.com")];
    let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    Policy::compile(clusters, rules.into_iter().map(Arc::new).collect()).unwrap()
}

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

struct Somebody {
    user: &'static str,
    email: Option<&'static str>,
    groups: Vec<String>,
    claims: BTreeMap<String, serde_json::Value>,
}

impl Somebody {
    fn new(user: &'static str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Self { user, email: None, groups, claims: BTreeMap::new() }
    }

    fn person(&self) -> Person<'_> {
        Person { user: self.user, email: self.email, groups: &self.groups, claims: &self.claims }
    }

    fn session(&self) -> SessionClaims {
        serde_json::from_value(json!({
            "iss": "i", "sub": format!("corp:{}", self.user), "aud": "prod", "exp": 0, "nbf": 0, "iat": 0, "jti": "j",
            "sid": "s", "session_exp": 0, "auth_time": 999_000, "provider": "corp", "user": self.user,
            "email": self.email, "groups": self.groups, "claims": self.claims, "acr": "pwd", "amr": ["pwd", "otp"],
        }))
        .unwrap()
    }

    fn circumstances<'a>(&'a self, claims: &'a SessionClaims) -> Circumstances<'a> {
        Circumstances { claims, groups: &self.groups, source: "10.1.2.3", now: NOW }
    }

    fn may(&self, policy: &Policy, cluster: &str, method: &str, url: &str) -> Option<String> {
        let access = policy.access(&self.person(), &cluster.into());
        let target = Target::parse(url).unwrap();
        let attributes = Attributes::of(method, &target).unwrap();
        policy.decide(&access, &attributes, &self.circumstances(&self.session())).allowance.map(|allowance| {
            match allowance {
                Allowance::Rule(rule) => rule.to_string(),
                Allowance::Discovery => "(discovery)".to_owned(),
                Allowance::AboutOneself => "(oneself)".to_owned(),
            }
        })
    }

    fn groups_on(&self, policy: &Policy, cluster: &str) -> Vec<String> {
        policy.access(&self.person(), &cluster.into()).groups
    }
}

#[test]
fn rules_decide_in_the_vocabulary_of_rbac() {
    let policy = policy(json!([
        {"name": "admins", "who": {"groups": ["admins"]}, "clusters": ["*"], "may": [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, {"verbs": ["*"], "nonResourceURLs": ["*"]}]},
        {"name": "team", "who": {"groups": ["team-*"]}, "clusters": ["prod"], "may": [
            {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods", "pods/log"], "namespaces": ["team-a"]},
            {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "namespaces": ["team-a"], "names": ["settings"]},
            {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"], "namespaces": ["team-a"]},
            {"verbs": ["get"], "nonResourceURLs": ["/metrics/*"]}]},
    ]));
    let admin = Somebody::new("ann", &["admins"]);
    let bob = Somebody::new("bob", &["team-a"]);
    let eve = Somebody::new("eve", &[]);
    let ns = "/api/v1/namespaces/team-a";
    for (who, cluster, method, url, expected) in [
        (&admin, "dev", "DELETE", "/apis/apps/v1/namespaces/x/deployments/d", Some("admins")),
        (&admin, "dev", "GET", "/metrics", Some("admins")),
        (&bob, "prod", "GET", &format!("{ns}/pods"), Some("team")),
        (&bob, "prod", "GET", &format!("{ns}/pods?watch=1"), Some("team")),
        (&bob, "prod", "GET", &format!("{ns}/pods/p/log?follow=true"), Some("team")),
        (&bob, "prod", "GET", &format!("{ns}/pods/p/exec?command=sh"), Some("team")),
        (&bob, "prod", "POST", &format!("{ns}/pods/p/attach"), None),
        (&bob, "prod", "DELETE", &format!("{ns}/pods/p"), None),
        (&bob, "prod", "GET", "/api/v1/pods", None),
        (&bob, "prod", "GET", "/api/v1/namespaces/other/pods", None),
        (&bob, "dev", "GET", &format!("{ns}/pods"), None),
        (&bob, "prod", "GET", &format!("{ns}/configmaps/settings"), Some("team")),
        (&bob, "prod", "GET", &format!("{ns}/configmaps/other"), None),
        (&bob, "prod", "GET", &format!("{ns}/configmaps"), None),
        (&bob, "prod", "GET", "/metrics/cadvisor", Some("team")),
        (&bob, "prod", "GET", "/metrics", None),
        (&eve, "prod", "GET", "/api", Some("(discovery)")),
        (&eve, "prod", "GET", "/apis/apps/v1", Some("(discovery)")),
        (&eve, "prod", "GET", "/openapi/v3", Some("(discovery)")),
        (&eve, "prod", "GET", "/version", Some("(discovery)")),
        (&eve, "prod", "POST", "/version", None),
        (&eve, "prod", "GET", "/metrics", None),
        (&eve, "prod", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", Some("(oneself)")),
        (&eve, "prod", "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", Some("(oneself)")),
        (&eve, "prod", "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", None),
        (&eve, "prod", "GET", "/api/v1/pods", None),
    ] {
        assert_eq!(
            who.may(&policy, cluster, method, url).as_deref(),
            expected,
            "{} {cluster} {method} {url}",
            who.user
        );
    }
}

#[test]
fn what_a_rule_denies_no_other_allows() {
    let policy = policy(json!([
        {"name": "all", "who": {"users": ["*"]}, "clusters": ["*"], "may": [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]},
        {"name": "no secrets", "who": {"groups": ["interns"]}, "clusters": ["prod"], "deny": [
            {"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"]}, {"verbs": ["get"], "nonResourceURLs": ["/version"]}]},
        {"name": "trial", "who": {"groups": ["interns"]}, "clusters": ["*"], "audit_only": true, "deny": [
            {"verbs": ["list"], "apiGroups": [""], "resources": ["*"]}]},
    ]));
    let intern = Somebody::new("i", &["interns"]);
    let other = Somebody::new("o", &[]);
    for (who, cluster, url, expected) in [
        (&intern, "prod", "/api/v1/secrets", None),
        (&intern, "dev", "/api/v1/secrets", Some("all")),
        (&intern, "prod", "/api/v1/pods", Some("all")),
        (&intern, "prod", "/version", None),
        (&other, "prod", "/api/v1/secrets", Some("all")),
        (&other, "prod", "/version", Some("(discovery)")),
    ] {
        assert_eq!(who.may(&policy, cluster, "GET", url).as_deref(), expected, "{} {cluster} {url}", who.user);
    }
    let access = policy.access(&intern.person(), &"prod".into());
    let verdict = |url: &str| {
        let target = Target::parse(url).unwrap();
        let session = intern.session();
        let attributes = Attributes::of("GET", &target).unwrap();
        let verdict = policy.decide(&access, &attributes, &intern.circumstances(&session));
        (verdict.denied_by.map(RuleName::as_str), verdict.would_deny.map(RuleName::as_str))
    };
    assert_eq!(verdict("/api/v1/secrets"), (Some("no secrets"), Some("trial")));
    assert_eq!(verdict("/api/v1/pods"), (None, Some("trial")));
    assert_eq!(verdict("/api/v1/namespaces/x/pods/p"), (None, None));
}

#[test]
fn sign_ins_that_rules_demand() {
    let policy = policy(json!([
        {"name": "fresh", "who": {"users": ["u"]}, "clusters": ["prod"], "demand": {"auth_max_age": 600}, "may": [
            {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"]}]},
        {"name": "strong", "who": {"users": ["u"]}, "clusters": ["prod"], "demand": {"acr": ["phr", "phrh"]}, "may": [
            {"verbs": ["delete", "get"], "apiGroups": [""], "resources": ["pods"]}]},
        {"name": "any", "who": {"users": ["u"]}, "clusters": ["prod"], "may": [
            {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]},
    ]));
    let user = Somebody::new("u", &[]);
    let access = policy.access(&user.person(), &"prod".into());
    let decide = |method: &str, url: &str, session: SessionClaims| {
        let target = Target::parse(url).unwrap();
        let attributes = Attributes::of(method, &target).unwrap();
        let verdict = policy.decide(&access, &attributes, &user.circumstances(&session));
        (verdict.allowance.is_some(), verdict.demands.map(|(rule, demand)| (rule.to_string(), demand.command())))
    };
    let session = |auth_time, acr: &str| SessionClaims {
        auth_time: Timestamp::from_seconds(auth_time),
        acr: Some(acr.to_owned()),
        ..user.session()
    };
    let (pod, exec) = ("/api/v1/namespaces/x/pods/p", "/api/v1/namespaces/x/pods/p/exec");
    let wants = |rule: &str, command: &str| (false, Some((rule.to_owned(), command.to_owned())));
    assert_eq!(decide("GET", exec, session(999_000, "pwd")), wants("fresh", "kubegate login --max-age 10m"));
    assert_eq!(decide("GET", exec, session(999_400, "pwd")), (true, None));
    assert!(decide("GET", exec, session(999_340, "pwd")).0, "clocks differ a little");
    assert!(!decide("GET", exec, session(999_339, "pwd")).0);
    assert_eq!(decide("DELETE", pod, session(999_999, "pwd")), wants("strong", "kubegate login --acr phr,phrh"));
    assert_eq!(decide("DELETE", pod, session(0, "phrh")), (true, None));
    assert_eq!(decide("GET", pod, session(0, "pwd")), (true, None), "another rule allows it as it is");
    assert_eq!(decide("GET", "/api/v1/nodes", session(0, "pwd")), (false, None));
    assert_eq!(decide("GET", "/version", session(0, "pwd")), (true, None));
}

#[test]
fn every_candidate_is_explained() {
    let exec = json!([{"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"], "namespaces": ["a"]}]);
    let policy = policy(json!([
        {"name": "wins", "who": {"groups": ["g"]}, "clusters": ["*"], "may": exec},
        {"name": "elsewhere", "who": {"groups": ["g"]}, "clusters": ["dev"], "may": exec},
        {"name": "others", "who": {"users": ["v*"]}, "clusters": ["*"], "may": exec},
        {"name": "claims", "who": {"users": ["u"], "claims": {"dept": ["sre"]}}, "clusters": ["*"], "may": exec},
        {"name": "reads", "who": {"users": ["u"]}, "clusters": ["*"], "may": [
            {"verbs": ["get"], "apiGroups": [""], "resources": ["*"]},
            {"verbs": ["*"], "apiGroups": [""], "resources": ["*"], "namespaces": ["b"]}]},
        {"name": "groups", "who": {"users": ["u"]}, "clusters": ["*"], "groups": {"extra": ["x"]}},
        {"name": "trial", "who": {"users": ["u"]}, "clusters": ["*"], "audit_only": true, "deny": exec},
        {"name": "both", "who": {"users": ["u"]}, "clusters": ["*"], "audit_only": true, "may": exec, "deny": exec},
        {"name": "stronger", "who": {"users": ["u"]}, "clusters": ["*"], "demand": {"acr": ["phr"]}, "may": exec},
        {"name": "stranger", "who": {"users": ["w"]}, "clusters": ["*"], "may": exec},
    ]));
    let user = Somebody::new("u", &["g"]);
    let (session, target) = (user.session(), Target::parse("/api/v1/namespaces/a/pods/p/exec").unwrap());
    let attributes = Attributes::of("POST", &target).unwrap();
    let findings = policy.explain(&user.person(), &"prod".into(), &attributes, &user.circumstances(&session));
    let findings: Vec<_> = findings.into_iter().map(|finding| (finding.rule.as_str(), finding.outcome)).collect();
    let expected = [
        ("wins", Outcome::Allows),
        ("elsewhere", Outcome::OtherCluster),
        ("others", Outcome::OtherPeople),
        ("claims", Outcome::OtherClaims),
        ("reads", Outcome::OtherRequests(vec!["verbs", "namespaces"])),
        ("groups", Outcome::MapsGroups),
        ("trial", Outcome::WouldDeny(None)),
        ("both", Outcome::Allows),
        ("both", Outcome::WouldDeny(None)),
        ("stronger", Outcome::Demands("kubegate login --acr phr".to_owned())),
    ];
    assert_eq!(findings, expected);
}

#[test]
fn a_glob_stays_within_its_half_of_a_resource() {
    let rules = |resource: &str| {
        policy(json!([{"name": "r", "who": {"users": ["u"]}, "clusters": ["*"],
            "may": [{"verbs": ["*"], "apiGroups": ["*"], "resources": [resource]}]}]))
    };
    let user = Somebody::new("u", &[]);
    for (resource, url, expected) in [
        ("pod*", "/api/v1/namespaces/x/pods/p", true),
        ("pod*", "/api/v1/namespaces/x/pods/p/exec", false),
        ("pods/*", "/api/v1/namespaces/x/pods/p/exec", true),
        ("pods/*", "/api/v1/namespaces/x/pods/p", false),
        ("*/scale", "/apis/apps/v1/namespaces/x/deployments/d/scale", true),
        ("*/scale", "/apis/apps/v1/namespaces/x/deployments/d", false),
        ("*", "/apis/apps/v1/namespaces/x/deployments/d/scale", true),
    ] {
        assert_eq!(user.may(&rules(resource), "dev", "GET", url).is_some(), expected, "{resource} {url}");
    }
}

#[test]
fn who_names_people_and_claims_narrow_them() {
    let rules = |who: serde_json::Value| {
        policy(json!([{"name": "r", "who": who, "clusters": ["dev"], "groups": {"extra": ["x"]}}]))
    };
    let mut person = Somebody::new("u", &["g"]);
    person.email = Some("U@Example.com");
    person.claims.insert("dept".to_owned(), json!(["sre", "dev"]));
    person.claims.insert("level".to_owned(), json!(3));
    person.claims.insert("none".to_owned(), json!(null));
    for (who, expected) in [
        (json!({"users": ["u"]}), true),
        (json!({"users": ["*"]}), true),
        (json!({"users": ["v"]}), false),
        (json!({"users": ["v"], "groups": ["g"]}), true),
        (json!({"emails": ["u@example.com"]}), true),
        (json!({"domains": ["example.com"]}), true),
        (json!({"domains": ["*.com"]}), true),
        (json!({"domains": ["ample.com"]}), false),
        (json!({"claims": {"dept": ["sre"]}}), true),
        (json!({"claims": {"dept": ["ops"]}}), false),
        (json!({"claims": {"dept": ["sre"], "level": [3]}}), true),
        (json!({"claims": {"dept": ["sre"], "level": [4]}}), false),
        (json!({"claims": {"none": [null]}}), false),
        (json!({"users": ["v"], "claims": {"dept": ["sre"]}}), false),
        (json!({"users": ["u"], "claims": {"dept": ["sre"]}}), true),
    ] {
        let access = rules(who.clone()).access(&person.person(), &"dev".into());
        assert_eq!(access.is_concerned(), expected, "{who}");
    }
}

#[test]
fn groups_on_their_way_to_the_api_server() {
    let rules = |groups: serde_json::Value| {
        policy(json!([{"name": "r", "who": {"users": ["u"]}, "clusters": ["dev"], "groups": groups}]))
    };
    let person = Somebody::new("u", &["dev-a", "ops", "system:masters", "system:unauthenticated"]);
    for (groups, expected) in [
        (json!({}), vec!["dev-a", "ops"]),
        (json!({"extra": ["x", "a,system:masters", "a\nb", ""]}), vec!["dev-a", "ops", "x"]),
        (json!({"pass": ["dev-*"]}), vec!["dev-a"]),
        (json!({"pass": ["*"]}), vec!["dev-a", "ops"]),
        (json!({"pass": []}), vec![]),
        (json!({"pass": ["system:*"]}), vec![]),
        (json!({"pass": ["system:masters"]}), vec!["system:masters"]),
        (json!({"pass": ["system:unauthenticated"]}), vec![]),
        (json!({"prefix": "idp:"}), vec!["idp:dev-a", "idp:ops"]),
        (json!({"pass": ["ops"], "prefix": "idp:", "extra": ["system:masters"]}), vec!["idp:ops", "system:masters"]),
    ] {
        assert_eq!(person.groups_on(&rules(groups.clone()), "dev"), expected, "{groups}");
    }
    let sly = Somebody::new("u", &["stem:masters"]);
    assert_eq!(sly.groups_on(&rules(json!({"prefix": "sy"})), "dev"), [] as [&str; 0]);
}

#[test]
fn tokens_that_overflow_carry_the_relevant_groups() {
    let policy = policy(json!([
        {"name": "named", "who": {"groups": ["a-*"]}, "clusters": ["dev"], "groups": {"pass": ["b"]}},
        {"name": "other", "who": {"groups": ["c"]}, "clusters": ["prod"]},
    ]));
    let person = Somebody::new("u", &["a-1", "b", "c", "d"]);
    assert_eq!(policy.relevant_groups(&person.person(), &"dev".into()), ["a-1", "b"]);
    assert_eq!(policy.relevant_groups(&person.person(), &"prod".into()), ["a-1", "b", "c", "d"]);
}

#[cfg(feature = "authoring")]
#[test]
fn tokens_that_overflow_carry_the_groups_that_conditions_ask_for() {
    let relevant = |who: serde_json::Value, condition: &str| {
        let mut rules: Vec<Rule> = serde_json::from_value(json!([
            {"name": "named", "who": {"groups": ["a-*"]}, "clusters": ["dev"], "groups": {"pass": ["b"]}},
            {"name": "asking", "who": who, "clusters": ["dev"],
                "deny": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]},
        ]))
        .unwrap();
        rules[1].when = Some(Condition::parse(condition).unwrap());
        let policy = Policy::compile(Vec::new(), rules.into_iter().map(Arc::new).collect()).unwrap();
        policy.relevant_groups(&Somebody::new("u", &["a-1", "b", "c", "d"]).person(), &"dev".into()).join(" ")
    };
    assert_eq!(relevant(json!({"users": ["*"]}), "'c' in person.groups"), "a-1 b c");
    assert_eq!(relevant(json!({"users": ["*"]}), "person.groups.exists(g, g.startsWith('c'))"), "a-1 b c d");
    assert_eq!(relevant(json!({"users": ["other"]}), "size(person.groups) > 3"), "a-1 b", "it is about somebody else");
    let elevated = relevant(json!({"groups": ["breakglass"]}), "size(person.groups) > 3");
    assert_eq!(elevated, "a-1 b c d", "an elevation may make it concern the person");
}

#[test]
fn hosts_do_not_depend_on_port_or_case() {
    let policy = policy(json!([]));
    for (authority, expected) in [
        ("prod.example.com", Some("prod")),
        ("PROD.example.com:6443", Some("prod")),
        ("prod.example.com.", None),
        ("prod.example.com:x", None),
        ("prod.example.com@evil", None),
        ("", None),
        (":443", None),
    ] {
        let found = policy.cluster_by_authority(authority).map(|cluster| cluster.name.as_str());
        assert_eq!(found, expected, "{authority}");
    }
    assert_eq!(host_of("[::1]:443"), "[::1]");
    assert_eq!(host_of("::1"), "::1");
}
