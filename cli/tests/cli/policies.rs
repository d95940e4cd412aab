//! Explaining a policy, testing it, and comparing it with another.

use std::fs;

use serde_json::{Value, json};

use crate::world::{Ended, World};

const POLICY: &str = "\
clusters:
  - name: prod
    hosts: [prod.k8s.example.com]
    server: https://prod.k8s.example.com
rules:
  - name: reads
    who: {groups: [team-a]}
    clusters: [prod]
    may:
      - {verbs: [get, list, watch], apiGroups: [\"\"], resources: [pods], namespaces: [team-a]}
  - name: shells
    who: {groups: [team-a]}
    clusters: [prod]
    authMaxAge: 15m
    acr: [phr]
    may:
      - {verbs: [create], apiGroups: [\"\"], resources: [pods/exec], namespaces: [team-a]}
  - name: office hours
    who: {users: [bob]}
    clusters: [prod]
    when: now.getHours() < 18 && cidr('10.0.0.0/8').containsIP(source.address)
    may:
      - {verbs: [delete], apiGroups: [\"\"], resources: [pods]}
  - name: secrets
    who: {users: [\"*\"]}
    clusters: [prod]
    deny:
      - {verbs: [\"*\"], apiGroups: [\"\"], resources: [secrets]}
";

const CASES: &str = "\
policy: policy.yaml
people:
  bob: {user: bob, groups: [team-a], acr: phr, authAge: 5m}
  eve: {user: eve}
cases:
  - {name: reads, person: bob, cluster: prod, request: GET /api/v1/namespaces/team-a/pods, expect: allow, rule: reads}
  - {name: elsewhere, person: bob, cluster: prod, request: {verb: list, resource: pods, namespace: x}, expect: deny}
  - {name: shell, person: bob, cluster: prod, expect: allow,
     request: {verb: create, resource: pods, namespace: team-a, name: p, subresource: exec}}
  - name: old sign-in
    person: {user: bob, groups: [team-a], acr: phr, authAge: 1h}
    cluster: prod
    request: POST /api/v1/namespaces/team-a/pods/p/exec
    expect: step-up
  - {name: by day, person: bob, cluster: prod, request: {verb: delete, resource: pods, namespace: x, name: p},
     time: \"2026-01-31T12:00:00Z\", source: 10.1.1.1, expect: allow, rule: office hours}
  - {name: by night, person: bob, cluster: prod, request: {verb: delete, resource: pods, namespace: x, name: p},
     time: \"2026-01-31T20:00:00Z\", source: 10.1.1.1, expect: deny}
  - {name: strangers, person: eve, cluster: prod, request: GET /api/v1/secrets, expect: deny, rule: secrets}
";

fn world(policy: &str, cases: &str) -> (World, String, String) {
    let world = World::new();
    let at = |name: &str| world.home.path().join(name).to_str().unwrap().to_owned();
    let (policy_file, cases_file) = (at("policy.yaml"), at("policy.test.yaml"));
    fs::write(&policy_file, policy).unwrap();
    fs::write(&cases_file, cases).unwrap();
    (world, policy_file, cases_file)
}

#[test]
fn explains_why_each_other_rule_did_not_match() {
    let (world, policy, _) = world(POLICY, CASES);
    let asked = ["policy", "explain", "--policy", &policy, "--cluster", "prod", "--user", "bob", "--groups", "team-a"];
    let exec =
        ["--method", "POST", "--url", "/api/v1/namespaces/team-a/pods/p/exec", "--auth-age", "1h", "--acr", "phr"];
    let shown = world.run(&[&asked[..], &exec].concat()).ok().stdout;
    for expected in [
        "Reason       step-up",
        "run: kubegate login --acr phr --max-age 15m",
        "reads         is about other requests; what does not fit in each entry: verbs",
        "shells        would allow it after: kubegate login --acr phr --max-age 15m",
        "office hours  is about other requests",
        "secrets       is about other requests",
    ] {
        assert!(shown.contains(expected), "{expected:?} is not in:\n{shown}");
    }
    let delete = ["--method", "DELETE", "--url", "/api/v1/namespaces/x/pods/p", "--json"];
    let at = |time: &str, source: &str| -> Value {
        let args = [&asked[..], &delete, &["--time", time, "--source", source]].concat();
        serde_json::from_str(&world.run(&args).ok().stdout).unwrap()
    };
    let outcome = |answer: &Value| {
        answer["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "office hours").unwrap()["outcome"]
            .clone()
    };
    let day = at("2026-01-31T12:00:00Z", "10.1.1.1");
    assert_eq!((&day["decision"], outcome(&day)), (&json!("allow"), json!("allows")));
    let night = at("2026-01-31T20:00:00Z", "10.1.1.1");
    assert_eq!((&night["decision"], outcome(&night)), (&json!("deny"), json!("condition-false")));
    let nowhere = at("2026-01-31T12:00:00Z", "no address");
    assert_eq!((&nowhere["decision"], outcome(&nowhere)), (&json!("deny"), json!("condition-failed")));
}

/// What `policy explain` says of bob's request for a pod, in text and as JSON.
fn explained(world: &World, policy: &str, more: &[&str]) -> (String, Value) {
    let asked = ["policy", "explain", "--policy", policy, "--cluster", "prod", "--user", "bob", "--groups", "team-a"];
    let asked = [&asked[..], &["--url", "/api/v1/namespaces/team-a/pods/p"], more].concat();
    let json = world.run(&[&asked[..], &["--json"]].concat()).ok().stdout;
    (world.run(&asked).ok().stdout, serde_json::from_str(&json).unwrap())
}

#[test]
fn a_rule_on_trial_says_what_it_allows_and_what_it_would_deny() {
    let rules = "  - name: trial
    who: {users: [bob]}
    clusters: [prod]
    may: [{verbs: [get], apiGroups: [\"\"], resources: [pods]}]
    deny: [{verbs: [get], apiGroups: [\"\"], resources: [pods]}]
    auditOnly: true
";
    let (world, policy, _) = world(&format!("{}{rules}", &POLICY[..POLICY.find("  - name: reads").unwrap()]), CASES);
    let (shown, answer) = explained(&world, &policy, &[]);
    assert_eq!((&answer["decision"], &answer["wouldDeny"]), (&json!("allow"), &json!("trial")));
    let outcomes: Vec<_> = answer["rules"].as_array().unwrap().iter().map(|rule| &rule["outcome"]).collect();
    assert_eq!(outcomes, ["allows", "would-deny"]);
    assert!(shown.contains("  trial  allows it\n  trial  would deny it, but is only on trial"), "{shown}");
}

#[test]
fn a_denial_by_a_condition_that_cannot_be_evaluated_says_so() {
    let rules = "  - name: wall
    who: {users: [bob]}
    clusters: [prod]
    when: person.claims.department == 'ops'
    deny: [{verbs: [\"*\"], apiGroups: [\"\"], resources: [pods]}]
";
    let (world, policy, _) = world(&format!("{POLICY}{rules}"), CASES);
    let (shown, answer) = explained(&world, &policy, &[]);
    assert_eq!((&answer["decision"], &answer["rule"]), (&json!("deny"), &json!("wall")));
    let expected = "wall          denies it, because its condition (when) cannot be evaluated: ";
    assert!(shown.contains(expected) && shown.contains("department"), "{shown}");
    let (shown, _) = explained(&world, &policy, &["--claim", "department=ops"]);
    assert!(shown.contains("wall          denies it\n"), "{shown}");
}

#[test]
fn impersonation_is_explained_for_each_thing_asked_for() {
    let rules = "  - name: everything
    who: {users: [bob]}
    clusters: [prod]
    may: [{verbs: [\"*\"], apiGroups: [\"*\"], resources: [\"*\"]}]
  - name: guests
    who: {users: [bob]}
    clusters: [prod]
    may: [{verbs: [impersonate], apiGroups: [\"\"], resources: [users], names: [guest-*]}]
    deny: [{verbs: [impersonate], apiGroups: [authentication.k8s.io], resources: [uids]}]
";
    let (world, policy, _) = world(&format!("{POLICY}{rules}"), CASES);
    let asked = ["--as", "guest-1", "--as-group", "system:masters", "--as-uid", "7"];
    let (shown, answer) = explained(&world, &policy, &asked);
    assert_eq!(answer["reason"], json!("impersonation-not-granted"));
    let outcome = |of: usize, rule: &str| {
        let rules = answer["impersonation"][of]["rules"].as_array().unwrap();
        rules.iter().find(|found| found["rule"] == rule).unwrap()["outcome"].clone()
    };
    assert_eq!(answer["impersonation"][1]["what"], json!("the group \"system:masters\""));
    assert_eq!((outcome(0, "everything"), outcome(0, "guests")), (json!("allows"), json!("allows")));
    assert_eq!(outcome(1, "everything"), json!("other-requests"), "no wildcard hands out what is Kubernetes' own");
    assert_eq!((outcome(2, "everything"), outcome(2, "guests")), (json!("allows"), json!("denies")));
    for expected in [
        "\nThe same rules about impersonating the user \"guest-1\":\n",
        "everything    is about other requests; what does not fit in each entry: names (not in full)",
    ] {
        assert!(shown.contains(expected), "{expected:?} is not in:\n{shown}");
    }
    assert_eq!(explained(&world, &policy, &[]).1["impersonation"], json!([]));
}

#[test]
fn runs_the_cases_beside_a_policy() {
    let (world, policy, cases) = world(POLICY, CASES);
    let passed = world.run(&["policy", "test", &cases]).ok().stdout;
    assert!(passed.ends_with("7 of 7 cases pass\n"), "{passed}");

    fs::write(
        &policy,
        POLICY.replace("namespaces: [team-a]", "namespaces: [team-b]").replace("name: secrets", "name: all secrets"),
    )
    .unwrap();
    let failed = world.run(&["policy", "test", &cases]);
    assert_eq!(failed.code, 1);
    for expected in [
        "FAIL  reads  (",
        "policy.test.yaml:6)",
        "expected allow by the rule \"reads\", got deny (no-rule)",
        "told: pods is forbidden",
        "expected deny by the rule \"secrets\", got deny by the rule \"all secrets\"",
        "3 of 7 cases pass",
    ] {
        assert!(failed.stdout.contains(expected), "{expected:?} is not in:\n{}", failed.stdout);
    }
    let report: Value = serde_json::from_str(&world.run(&["policy", "test", &cases, "--json"]).stdout).unwrap();
    assert_eq!((&report["ok"], &report["cases"][1]["ok"]), (&json!(false), &json!(true)));
}

#[test]
fn mistakes_in_cases_are_named() {
    let broken = "\
people: {bob: {usr: bob}}
cases:
  - {name: a, person: ann, cluster: prod, request: pods, expect: maybe}
  - {name: b, person: {user: x}, cluster: prod, request: {verb: use, resource: pods}, expect: allow, time: noon}
";
    let (world, _, cases) = world(POLICY, broken);
    let problems = [
        "policy.test.yaml:1:16: people.bob.usr: is not a field here (did you mean user?)",
        "cases[0].person: \"ann\" is none of the people",
        "cases[0].request: \"pods\" is not a method and a path",
        "cases[0].expect: \"maybe\" is no decision",
        "cases[1].request.verb: \"use\" is not a verb of a request",
        "cases[1].time: \"noon\" is not a time",
    ];
    world.run(&["policy", "test", &cases]).failed(1, &problems);
    fs::write(&cases, "cases: [{name: a, person: {user: x}, cluster: prod, request: GET /api, expect: allow}]\n")
        .unwrap();
    world.run(&["policy", "test", &cases]).failed(1, &["the document: names no policy"]);
}

/// A file with a case for each of `requests`.
fn cases_of(requests: &[&str], expect: &str) -> String {
    let case = |(number, request): (usize, &&str)| {
        format!(
            "  - {{name: c{number}, person: {{user: bob, groups: [team-a]}}, cluster: prod, request: {request}, {expect}}}\n"
        )
    };
    format!("policy: policy.yaml\ncases:\n{}", requests.iter().enumerate().map(case).collect::<String>())
}

#[test]
fn the_words_of_a_case_are_the_request_that_is_judged() {
    let rule = "  - name: one
    who: {groups: [team-a]}
    clusters: [prod]
    may:
      - {verbs: [list, watch], apiGroups: [\"\"], resources: [configmaps], names: [\"a;b\"]}
      - {verbs: [create], apiGroups: [\"\"], resources: [services/proxy], namespaces: [team-a], names: [web]}
      - {verbs: [get], apiGroups: [\"\"], resources: [namespaces], names: [x]}
      - {verbs: [get], nonResourceURLs: [/metrics]}
";
    let right = [
        "{verb: list, resource: configmaps, name: 'a;b'}",
        "{verb: watch, resource: configmaps, namespace: x, name: 'a;b'}",
        "{verb: create, resource: services/proxy, namespace: team-a, name: web}",
        "{verb: create, resource: services, subresource: proxy, namespace: team-a, name: web}",
        "{verb: get, resource: namespaces, name: x}",
        "{verb: get, path: /metrics}",
    ];
    let policy = format!("{POLICY}{rule}");
    let (world, _, cases) = world(&policy, &cases_of(&right, "expect: allow, rule: one"));
    assert!(world.run(&["policy", "test", &cases]).ok().stdout.ends_with("6 of 6 cases pass\n"));

    let wrong = [
        "{verb: get, resource: pods}",
        "{verb: delete, resource: pods, namespace: x}",
        "{verb: deletecollection, resource: pods, name: p}",
        "{verb: create, resource: pods/exec, namespace: x}",
        "{verb: get, resource: pods, name: p/exec}",
        "{verb: get, resource: pods/log, subresource: log, name: p}",
        "{verb: get, resource: namespaces, name: x, namespace: y}",
        "{verb: get, path: /metrics, resource: pods}",
        "{verb: get, path: /api/v1/pods}",
        "{verb: get, resource: pods, name: ..}",
        "get /metrics",
        "OPTIONS /api/v1/pods",
    ];
    fs::write(&cases, cases_of(&wrong, "expect: deny")).unwrap();
    let problems = [
        "policy.test.yaml:3:79: cases[0].request: would be GET /api/v1/pods, whose verb is \"list\" and not \"get\" (add name)",
        "cases[1].request: would be DELETE /api/v1/namespaces/x/pods, whose verb is \"deletecollection\"",
        "cases[2].request: would be DELETE /api/v1/pods/p, whose verb is \"delete\"",
        "cases[3].request: would be POST /api/v1/namespaces/x/pods/exec, whose subresource is \"\" and not \"exec\" (add name)",
        "cases[4].request: would be GET /api/v1/pods/p/exec, whose subresource is \"exec\"",
        "cases[5].request.resource: has a subresource, which is given beside it, too",
        "cases[6].request: would be GET /api/v1/namespaces/x, whose namespace is \"x\" and not \"y\"",
        "cases[7].request.resource: resource does not go with a path",
        "cases[8].request.path: is of the resource API",
        "cases[9].request: would be GET /api/v1/pods/.., which cannot be read",
        "cases[10].request: \"get /metrics\" is not a method and a path",
        "cases[11].request: OPTIONS is no verb of the resource API",
    ];
    world.run(&["policy", "test", &cases]).failed(1, &problems);
}

#[test]
fn a_refusal_that_is_not_the_policys_is_no_deny() {
    let requests = ["GET /api/v1/namespaces/x/../pods", "GET /api/v1/pods"];
    let (world, _, cases) = world(POLICY, &cases_of(&requests, "expect: deny"));
    let failed = world.run(&["policy", "test", &cases]);
    assert_eq!(failed.code, 1);
    for expected in
        ["FAIL  c0  (", "expected deny, got refused (bad-path)", "told: kubegate refuses the request", "ok    c1"]
    {
        assert!(failed.stdout.contains(expected), "{expected:?} is not in:\n{}", failed.stdout);
    }
    fs::write(&cases, cases_of(&["GET /api"], "source: nowhere, expect: allow")).unwrap();
    world.run(&["policy", "test", &cases]).failed(1, &["cases[0].source: \"nowhere\" is not an IP address"]);
}

#[test]
fn cases_of_unknown_clusters_and_of_the_same_name_are_found() {
    let cases = cases_of(&["GET /api", "GET /api"], "expect: allow").replace("cluster: prod", "cluster: prd");
    let (world, _, cases) = world(POLICY, &cases.replace("name: c1", "name: c0"));
    let problems = [
        "policy.test.yaml:3:64: cases[0].cluster: the policy has no cluster \"prd\" (it has: prod)",
        "policy.test.yaml:4:12: cases[1].name: another case has this name",
        "cases[1].cluster: the policy has no cluster \"prd\"",
    ];
    world.run(&["policy", "test", &cases]).failed(1, &problems);
}

fn record(user: &str, groups: &[&str], verb: &str, method: &str, path: &str) -> Value {
    let person = json!({"provider": "corp", "groups": groups, "auth_time": 1_769_850_000});
    json!({
        "time": "2026-01-31T09:10:00.123Z", "decision": "allow", "reason": "rule", "cluster": "prod", "user": user,
        "person": person, "groups": groups.join(","), "verb": verb, "resource": "pods", "namespace": "team-a",
        "method": method, "path": path, "client": "10.0.0.1", "status": 200,
    })
}

/// As Envoy writes it: what the filter says is JSON in a text. What is no record stays as it is.
fn as_logged(line: &str) -> String {
    const OF_ENVOY: [&str; 6] = ["time", "method", "path", "client", "status", "user_agent"];
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else { return line.to_owned() };
    let (mut of_envoy, decided): (serde_json::Map<_, _>, serde_json::Map<_, _>) =
        fields.into_iter().partition(|(name, _)| OF_ENVOY.contains(&name.as_str()));
    of_envoy.insert("kubegate".to_owned(), Value::Object(decided).to_string().into());
    Value::Object(of_envoy).to_string()
}

/// The same record with other fields.
fn with(mut record: Value, fields: &Value) -> Value {
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    record
}

/// An old policy, a new one, and what was recorded, one line each.
struct Compared {
    world: World,
    old: String,
    new: String,
    audit: String,
}

impl Compared {
    fn new(old: &str, new: &str, lines: &[impl ToString]) -> Self {
        let (world, old, _) = world(old, CASES);
        let at = |name: &str| world.home.path().join(name).to_str().unwrap().to_owned();
        let (new_file, audit) = (at("new.yaml"), at("audit.jsonl"));
        fs::write(&new_file, new).unwrap();
        let lines: Vec<_> = lines.iter().map(|line| as_logged(&line.to_string())).collect();
        fs::write(&audit, lines.join("\n")).unwrap();
        Self { world, old, new: new_file, audit }
    }

    fn diff(&self, more: &[&str]) -> Ended {
        self.world.run(&[&["policy", "diff", &self.old, &self.new, "--against", &self.audit], more].concat())
    }

    #[track_caller]
    fn shows(&self, expected: &[&str]) {
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = self.diff(&[]).ok().stdout;
        for expected in expected {
            assert!(squeezed(&shown).contains(&squeezed(expected)), "{expected:?} is not in:\n{shown}");
        }
    }

    fn report(&self) -> Value {
        serde_json::from_str(&self.diff(&["--json"]).ok().stdout).unwrap()
    }
}

const PODS: &str = "/api/v1/namespaces/team-a/pods";

#[test]
fn says_who_gains_and_who_loses() {
    let new = POLICY.replace("verbs: [get, list, watch]", "verbs: [get, list]").replace("users: [bob]", "users: [eve]");
    let lines = [
        record("bob", &["team-a"], "list", "GET", PODS).to_string(),
        record("bob", &["team-a"], "watch", "GET", PODS).to_string(),
        record("bob", &["team-a"], "watch", "GET", PODS).to_string(),
        record("eve", &[], "delete", "DELETE", &format!("{PODS}/p")).to_string(),
        json!({"decision": "unauthenticated", "reason": "no-token", "time": "2026-01-31T09:10:00Z"}).to_string(),
        "Envoy says something else".to_owned(),
        json!({"reason": "discovery", "user": "bob", "cluster": "prod", "time": "2026-01-31T09:10:00Z",
            "method": "GET", "path": "/"})
        .to_string(),
    ];
    let compared = Compared::new(POLICY, &new, &lines);
    compared.shows(&[
        "Would gain:\n  USER  CLUSTER  REQUEST                 TIMES  OLD               NEW\n  eve   prod     delete pods in team-a   1",
        "Would lose:\n  USER  CLUSTER  REQUEST                TIMES  OLD                NEW\n  bob   prod     watch pods in team-a   2",
        "allow by \"reads\"",
        "line 6 cannot be replayed",
        "line 7 cannot be replayed: kubegate: person: is missing",
        "4 recorded decisions about 2 people replayed, 0 that nobody can tell, \
         1 lines that are no decision of the policy skipped, 2 unreadable",
    ]);
    assert_eq!(compared.diff(&["--exit-code"]).code, 1);
    let report = compared.report();
    assert_eq!((&report["losses"][0]["requests"], &report["people"]), (&json!(2), &json!(2)));
    let same = Compared::new(POLICY, POLICY, &lines);
    assert!(same.diff(&["--exit-code"]).ok().stdout.starts_with("Nobody would gain or lose anything."));
}

#[test]
fn what_the_record_does_not_have_nobody_can_tell() {
    let new = POLICY
        .replacen("who: {groups: [team-a]}", "who: {groups: [team-a], claims: {department: [sre]}}", 1)
        .replace("cidr('10.0.0.0/8').containsIP(source.address)", "person.claims.level > 3");
    let list = || record("bob", &["team-a"], "list", "GET", PODS);
    let person = |more: Value| {
        let person = json!({"provider": "corp", "groups": ["team-a"], "auth_time": 1_769_850_000});
        json!({"person": with(person, &more)})
    };
    let lines = [
        list(),
        record("bob", &[], "delete", "DELETE", &format!("{PODS}/p")),
        record("eve", &[], "get", "GET", "/version"),
        with(list(), &person(json!({"claims": {"department": "sre"}}))),
        with(list(), &person(json!({"claims": {"department": null}}))),
        with(list(), &person(json!({"claims": {"department": "sre"}, "has_more_groups": true}))),
        with(list(), &person(json!({"claims": {"department": "sre"}, "assumes_more": true}))),
    ];
    let compared = Compared::new(POLICY, &new, &lines);
    compared.shows(&[
        "Would lose: USER CLUSTER REQUEST TIMES OLD NEW bob prod list pods in team-a 1 allow by \"reads\" deny (no-rule)",
        "Cannot tell, because the record does not have: WHAT TIMES \
         groups that the token was too full to carry 1 \
         the claim \"department\" 1 the claim \"level\" 1 the uid or the extras to assume 1",
        "3 recorded decisions about 2 people replayed, 4 that nobody can tell",
    ]);
    let report = compared.report();
    assert_eq!(report["cannotTell"][1], json!({"what": "the claim \"department\"", "requests": 1}));
}

#[test]
fn says_who_would_be_seen_in_other_groups() {
    let rule = "  - name: groups
    who: {users: [bob]}
    clusters: [prod]
    groups: {pass: [team-*], prefix: \"old:\"}
";
    let old = format!("{POLICY}{rule}");
    let new = old.replace("old:", "new:");
    let lines = [
        record("bob", &["team-a"], "list", "GET", PODS),
        record("eve", &["team-a"], "list", "GET", PODS),
        record("bob", &["team-a"], "delete", "DELETE", "/api/v1/secrets"),
    ];
    let compared = Compared::new(&old, &new, &lines);
    compared.shows(&["Other groups: USER CLUSTER TIMES GAINED LOST bob prod 1 new:team-a old:team-a"]);
    assert_eq!(
        compared.report()["groups"],
        json!([{"user": "bob", "cluster": "prod", "gained": ["new:team-a"], "lost": ["old:team-a"], "requests": 1}])
    );
    assert_eq!(compared.diff(&["--exit-code"]).code, 1);
}

#[test]
fn only_what_the_policy_decided_is_replayed_and_nothing_proves_nothing() {
    let list = || record("bob", &["team-a"], "list", "GET", PODS);
    let reasons = ["own-path", "session-revoked", "stale-live-set", "bad-path", "bad-headers"];
    let mut lines: Vec<String> =
        reasons.iter().map(|reason| with(list(), &json!({"reason": reason})).to_string()).collect();
    lines.push(with(list(), &json!({"person": {}})).to_string());
    lines.push(with(list(), &json!({"user_agent": "x".repeat(3 << 20)})).to_string());
    lines.push("no record".to_owned());
    let compared = Compared::new(POLICY, POLICY, &lines);
    compared.shows(&[
        "Nothing was replayed. line 6 cannot be replayed: kubegate: is not what gateways write: missing field",
        "line 7 cannot be replayed: is longer than 1048576 bytes line 8 cannot be replayed: expected",
        "0 recorded decisions about 0 people replayed, 0 that nobody can tell, \
         5 lines that are no decision of the policy skipped, 3 unreadable",
    ]);
    assert_eq!(compared.diff(&["--exit-code"]).code, 1);
}
