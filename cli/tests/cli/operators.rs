//! Policy and keys, without any control plane.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::world::{Ended, World};

const POLICY: &str = "\
clusters:
  - name: prod
    hosts: [prod.k8s.example.com]
    server: https://prod.k8s.example.com
rules:
  - name: admins
    who: {groups: [platform-admins]}
    clusters: [\"*\"]
    may:
      - {verbs: [\"*\"], apiGroups: [\"*\"], resources: [\"*\"]}
      - {verbs: [\"*\"], nonResourceURLs: [\"*\"]}
  - name: team-a
    who: {users: [bob], groups: [\"team-a-*\"], claims: {department: [sre]}}
    clusters: [prod]
    may:
      - {verbs: [get, list, watch], apiGroups: [\"\"], resources: [pods, pods/log], namespaces: [team-a]}
      - {verbs: [impersonate], apiGroups: [\"\"], resources: [users], names: [jane]}
      - {verbs: [impersonate], apiGroups: [authentication.k8s.io], resources: [userextras/example.com/team]}
    groups: {pass: [\"team-*\"], prefix: \"idp:\", extra: [kubegate-users]}
";

fn policy(world: &World) -> PathBuf {
    let file = world.home.path().join("policy.yaml");
    fs::write(&file, POLICY).unwrap();
    file
}

fn explain(args: &[&str]) -> Value {
    let world = World::new();
    let file = policy(&world);
    let mut all = vec!["policy", "explain", "--json", "--cluster", "prod", "--policy", file.to_str().unwrap()];
    all.extend(args);
    serde_json::from_str(&world.run(&all).ok().stdout).unwrap()
}

const BOB: [&str; 6] = ["--user", "bob", "--groups", "team-a-dev,other", "--claim", "department=sre"];

fn explain_bob(args: &[&str]) -> Value {
    explain(&[&BOB, args].concat())
}

#[test]
fn explains_what_is_allowed() {
    let answer = explain_bob(&["--url", "/api/v1/namespaces/team-a/pods?watch=1"]);
    for (field, expected) in [
        ("verb", "watch"),
        ("apiGroup", ""),
        ("apiVersion", "v1"),
        ("resource", "pods"),
        ("subresource", ""),
        ("namespace", "team-a"),
        ("name", ""),
        ("path", "/api/v1/namespaces/team-a/pods"),
        ("decision", "allow"),
        ("rule", "team-a"),
        ("reason", "rule"),
        ("user", "bob"),
    ] {
        assert_eq!(answer[field], expected, "{field} in {answer}");
    }
    assert_eq!(answer["isResourceRequest"], true);
    let groups: Vec<&str> = answer["groups"].as_array().unwrap().iter().map(|group| group.as_str().unwrap()).collect();
    assert_eq!(groups, ["idp:team-a-dev", "kubegate-users", "system:authenticated"]);
}

#[test]
fn explains_what_is_not() {
    let answer = explain_bob(&["--method", "POST", "--url", "/apis/apps/v1/namespaces/team-a/deployments"]);
    assert_eq!(
        (&answer["decision"], &answer["reason"], &answer["rule"]),
        (&"deny".into(), &"no-rule".into(), &"".into())
    );
    assert_eq!(answer["status"], 403);
    assert!(answer["message"].as_str().unwrap().contains("cannot create resource"), "{answer}");
    let answer = explain(&["--user", "eve", "--url", "/api/v1/pods"]);
    assert_eq!(answer["reason"], "no-access");
    let answer = explain(&["--user", "eve", "--url", "/apis"]);
    assert_eq!((&answer["decision"], &answer["reason"]), (&"allow".into(), &"discovery".into()));
}

#[test]
fn explains_what_cannot_be_read_one_way() {
    for url in ["/api/v1/namespaces/a%2fb/pods", "/api//v1", "/api/v1/../x", "/api/v1/watch"] {
        let answer = explain_bob(&["--url", url]);
        assert_eq!((&answer["decision"], &answer["status"]), (&"deny".into(), &400.into()), "{answer}");
        assert_eq!(answer["reason"], "bad-path");
        assert!(!answer["message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn explains_impersonation() {
    let pods = ["--url", "/api/v1/namespaces/team-a/pods"];
    let granted = explain_bob(&[&pods[..], &["--as", "jane", "--as-user-extra", "example.com/team=x"]].concat());
    assert_eq!((&granted["decision"], &granted["user"]), (&"allow".into(), &"jane".into()), "{granted}");
    let refused = explain_bob(&[&pods[..], &["--as", "jane", "--as-group", "system:masters"]].concat());
    assert_eq!(refused["reason"], "impersonation-not-granted");
    let nonsense = explain_bob(&[&pods[..], &["--as-group", "x"]].concat());
    assert_eq!((&nonsense["decision"], &nonsense["status"]), (&"deny".into(), &400.into()));
}

#[test]
fn explains_for_people_and_for_scripts() {
    let world = World::new();
    let file = policy(&world);
    let args = [
        "policy",
        "explain",
        "--policy",
        file.to_str().unwrap(),
        "--cluster",
        "prod",
        "--user",
        "eve",
        "--url",
        "/api/v1/nodes",
    ];
    let shown = world.run(&args).ok().stdout;
    assert!(shown.contains("Decision     deny"), "{shown}");
    assert_eq!(world.run(&[&args[..], &["--exit-code"]].concat()).code, 1);
    assert_eq!(world.run(&[&args[..], &["--exit-code", "--groups", "platform-admins"]].concat()).code, 0);
    let mut other = args;
    other[5] = "nowhere";
    world.run(&other).failed(1, &["no cluster \"nowhere\"", "prod"]);
}

#[test]
fn checks_a_policy() {
    let world = World::new();
    let file = policy(&world);
    let check = ["policy", "check", file.to_str().unwrap()];
    assert!(world.run(&check).ok().stdout.ends_with("no mistakes in 1 cluster and 2 rules\n"));

    fs::write(&file, POLICY.replace("who: {groups", "whom: {groups").replace("clusters: [prod]", "clusters: [pord]"))
        .unwrap();
    let ended = world.run(&check);
    assert_eq!(ended.code, 1);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines.len() >= 2, "all mistakes at once: {ended:?}");
    assert!(lines.iter().all(|line| line.starts_with(&format!("{}:", file.display()))), "{ended:?}");
    let json = world.run(&[&check[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["ok"], false);
    assert!(json["problems"][0]["remedy"].is_string(), "{json}");
    assert_eq!(json["problems"][0]["severity"], "error");
    world.run(&["policy", "check", "/nowhere.yaml"]).failed(1, &["cannot read"]);
}

#[test]
fn warnings_about_a_policy_count_only_when_asked_for() {
    let world = World::new();
    let file = policy(&world);
    let check = ["policy", "check", file.to_str().unwrap()];
    world.run(&[&check[..], &["--strict"]].concat()).ok();

    fs::write(&file, format!("groups: [platform-admins, sre]\n{POLICY}")).unwrap();
    let shown = world.run(&check).ok().stdout;
    let expected = format!(
        "{0}:1:27: warning: groups[1]: no rule uses the group \"sre\" (name it in a rule, or remove it from groups)\n\
         {0}: no mistakes in 1 cluster and 2 rules, and 1 warning\n",
        file.display()
    );
    assert_eq!(shown, expected);
    assert_eq!(world.run(&[&check[..], &["--strict"]].concat()).code, 1);
    for (strict, code) in [(None, 0), (Some("--strict"), 1)] {
        let args: Vec<&str> = check.into_iter().chain(["--json"]).chain(strict).collect();
        let ended = world.run(&args);
        let json: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!((ended.code, &json["ok"]), (code, &Value::from(code == 0)), "{json}");
        assert_eq!(json["problems"][0]["severity"], "warning");
    }
}

#[test]
fn prints_the_schema_of_policies() {
    let schema: Value = serde_json::from_str(&World::new().run(&["policy", "schema"]).ok().stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["properties"]["rules"]["description"].is_string(), "{schema}");
}

#[test]
fn makes_a_bundle_key_once() {
    let world = World::new();
    let file = world.home.path().join("bundle-key.json");
    let init = ["keys", "init", "--out", file.to_str().unwrap()];
    let made = world.run(&init).ok();
    let public: Value = serde_json::from_str(&made.stdout).unwrap();
    assert!(public["kid"].is_string() && public["x"].is_string() && public.get("d").is_none(), "{public}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let private: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(!made.stderr.contains(private["d"].as_str().unwrap()));
    assert_eq!(world.run(&["keys", "show", file.to_str().unwrap()]).ok().stdout, made.stdout);
    world.run(&init).failed(1, &["exists", "move it away"]);
    fs::write(&file, made.stdout).unwrap();
    world.run(&["keys", "show", file.to_str().unwrap()]).failed(1, &["is not a key"]);
}

#[test]
fn teaches_itself() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(world.run(&["completion", shell]).ok().stdout.contains("kubeconfig"));
    }
    for command in ["login", "logout", "whoami", "clusters", "kubeconfig", "credential", "completion"] {
        assert!(world.run(&[command, "--help"]).ok().stdout.contains("Examples:"), "{command}");
    }
    for command in ["policy", "keys"] {
        assert!(world.run(&[command, "--help"]).ok().stdout.contains("Examples:"), "{command}");
    }
    for command in
        [["policy", "check"], ["policy", "explain"], ["policy", "schema"], ["keys", "init"], ["keys", "show"]]
    {
        assert!(world.run(&[command[0], command[1], "--help"]).ok().stdout.contains("Examples:"), "{command:?}");
    }
    assert!(world.run(&["--version"]).ok().stdout.starts_with("kubegate "));
    let nothing: Ended = world.run(&[]);
    assert_eq!(nothing.code, 2);
}
