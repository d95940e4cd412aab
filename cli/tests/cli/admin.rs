//! What administrators type.

use serde_json::{Value, json};

use crate::world::World;

fn world(api: &[(&'static str, u16, Value)]) -> World {
    let world = World::new();
    world.run(&["login"]).ok();
    let answers = api.iter().map(|(request, status, body)| (*request, (*status, body.clone())));
    world.fake.state().api = answers.collect();
    world
}

fn elevation(live: bool) -> Value {
    json!({
        "id": "e_1", "person": "corp:7", "user": "bob@example.com", "cluster": "prod", "groups": ["dba", "ops"],
        "reason": "INC-1", "granted_by": "alice", "granted_at": "2027-01-15T08:00:00Z", "until": "2027-01-15T09:00:00Z",
        "live": live,
    })
}

#[test]
fn elevates_and_lists_and_ends() {
    let list = json!({"elevations": [elevation(true), elevation(false)]});
    let world = world(&[
        ("POST /api/v1/elevations", 201, elevation(true)),
        ("GET /api/v1/elevations", 200, list.clone()),
        ("DELETE /api/v1/elevations/e_1", 200, elevation(false)),
    ]);
    let elevate =
        ["admin", "elevate", "bob@example.com", "--cluster=prod", "--groups=ops,dba", "--for=1h", "--reason=INC-1"];
    let shown = world.run(&elevate).ok().stdout;
    for expected in ["Elevation  e_1", "bob@example.com (corp:7)", "dba, ops", "Until      2027-01-15T09:00:00Z"] {
        assert!(shown.contains(expected), "{expected} in\n{shown}");
    }
    let sent = json!({"person": "bob@example.com", "cluster": "prod", "groups": ["ops", "dba"], "duration": 3600, "reason": "INC-1"});
    assert_eq!(world.fake.state().sent, sent);

    let shown = world.run(&["admin", "elevations"]).ok().stdout;
    assert!(shown.starts_with("ID   PERSON") && shown.contains("ended 2027-01-15T09:00:00Z"), "{shown}");
    let json: Value = serde_json::from_str(&world.run(&["admin", "elevations", "--json"]).ok().stdout).unwrap();
    assert_eq!(json, list, "as the control plane says it");
    assert!(world.run(&["admin", "end-elevation", "e_1"]).ok().stdout.contains("Ended      2027"));
    assert_eq!(world.fake.count("DELETE /api/v1/elevations/e_1"), 1);
    let mut late = elevation(false);
    late["was_ended"] = json!(true);
    world.fake.state().api.insert("DELETE /api/v1/elevations/e_1", (200, late));
    assert!(world.run(&["admin", "end-elevation", "e_1"]).ok().stderr.contains("it had ended before"));
}

#[test]
fn whoever_is_elevated_sees_it() {
    let mut ended = elevation(false);
    ended["ended_by"] = json!("carol");
    let whoami = json!({"user": "bob", "elevations": [elevation(true), elevation(false), ended]});
    let world = world(&[("GET /api/v1/whoami", 200, whoami)]);
    let shown = world.run(&["whoami"]).ok().stdout;
    for expected in [
        "Elevation  dba, ops on prod until 2027-01-15T09:00:00Z (INC-1; e_1)",
        "Elevation  dba, ops on prod ended at 2027-01-15T09:00:00Z",
        "Elevation  dba, ops on prod was ended by carol at",
    ] {
        assert!(shown.contains(expected), "{expected} in\n{shown}");
    }
    let json: Value = serde_json::from_str(&world.run(&["whoami", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["elevations"][0], elevation(true));
}

#[test]
fn shuts_people_out_and_lets_them_in() {
    let disabled = json!({"people": [{
        "person": "corp:7", "user": "bob", "reason": "laptop stolen", "disabled_by": "alice", "disabled_at": "2027-01-15T08:00:00Z",
    }]});
    let world = world(&[
        ("POST /api/v1/people/disable", 200, json!({"person": "corp:7", "user": null, "sessions": 2})),
        ("POST /api/v1/people/enable", 200, json!({"person": "corp:7", "user": "bob", "was_disabled": false})),
        ("GET /api/v1/people/disabled", 200, disabled),
        ("POST /api/v1/revocations", 200, json!({"sessions": 3, "person": "corp:7", "user": "bob"})),
    ]);
    let done = world.run(&["admin", "disable", "corp:7", "--reason", "laptop stolen"]).ok();
    assert_eq!(done.stdout, "disabled corp:7; ended sessions: 2\n");
    assert!(done.stderr.contains("nobody of this id has signed in lately"), "{done:?}");
    assert_eq!(world.fake.state().sent, json!({"person": "corp:7", "reason": "laptop stolen"}));
    let late = json!({"person": "corp:7", "user": "bob", "sessions": 0, "was_disabled": true});
    world.fake.state().api.insert("POST /api/v1/people/disable", (200, late));
    let late = world.run(&["admin", "disable", "bob", "--reason", "left"]).ok();
    assert!(late.stderr.contains("disabled already; the reason given first stays"), "{late:?}");
    let done = world.run(&["admin", "enable", "bob", "--reason", "found"]).ok();
    assert_eq!(done.stdout, "enabled bob (corp:7)\n");
    assert!(done.stderr.contains("was not disabled"), "{done:?}");
    let shown = world.run(&["admin", "disabled"]).ok().stdout;
    assert!(shown.contains("bob (corp:7)") && shown.contains("laptop stolen"), "{shown}");
    assert_eq!(world.run(&["admin", "revoke", "--person", "bob"]).ok().stdout, "ended sessions of bob (corp:7): 3\n");
    assert_eq!(world.fake.state().sent, json!({"person": "bob"}));
    world.fake.state().api.insert("POST /api/v1/revocations", (200, json!({"sessions": 0})));
    let none = world.run(&["admin", "revoke", "--session", "s-9"]).ok();
    assert!(none.stderr.contains("no such session"), "{none:?}");
    assert_eq!(world.fake.state().sent, json!({"session": "s-9"}));
}

#[test]
fn says_what_the_control_plane_refuses() {
    let problem = |status: u16, detail: &str| (status, json!({"status": status, "title": "t", "detail": detail}));
    let world = world(&[]);
    let revoke = ["admin", "revoke", "--person", "carol"];
    for (status, detail) in [
        (403, "only administrators may do this"),
        (404, "person: nobody who has signed in lately"),
        (409, "person: \"carol\" may mean corp:1, corp:2"),
        (400, "duration: 1s is not between"),
    ] {
        world.fake.state().api.insert("POST /api/v1/revocations", problem(status, detail));
        let refused = world.run(&revoke).failed(1, &["refuses", detail]);
        assert!(!refused.stderr.contains("--server"), "it is no wrong address: {refused:?}");
    }
    world.fake.state().api.insert("POST /api/v1/revocations", problem(503, "try again in a moment"));
    world.run(&revoke).failed(4, &["cannot serve right now"]);
    world.run(&["admin", "revoke"]).failed(2, &["--session"]);
    world.run(&["admin", "revoke", "--session", "a", "--person", "b"]).failed(2, &["cannot be used"]);
}

#[test]
fn shows_how_all_stands() {
    let problem = json!({
        "file": "policy.yaml", "line": 7, "column": 5, "path": "rules[0].whom", "message": "is not a field here",
        "remedy": "did you mean who?",
    });
    let mut answer = json!({
        "version": "0.1.0",
        "started": "2027-01-15T07:00:00Z",
        "policy": {"version": "7.3", "since": "2027-01-15T08:00:00Z", "clusters": 2, "rules": 9},
        "file": "refused",
        "refused": {"at": "2027-01-15T08:01:00Z", "message": "policy.yaml:7:5: rules[0].whom: is not a field here (did you mean who?)\n", "problems": [problem]},
        "failing": null,
        "live_set": {"version": "7.90", "signed_at": "2027-01-15T08:02:00Z", "revocations": 3, "elevations": 1},
        "gateways": [
            {"name": "edge", "waiting": 2, "last_poll": "2027-01-15T08:02:00Z", "holds": "newest", "others": []},
            {"name": "lab", "waiting": 0, "last_poll": null, "holds": "newer", "others": []},
            {"name": "two", "waiting": 1, "last_poll": "2027-01-15T08:02:00Z", "holds": "older", "others": ["newest"]},
            {"name": "gone", "waiting": 0, "last_poll": "2027-01-12T08:02:00Z", "holds": "silent", "others": []},
            {"name": "new", "waiting": 0, "last_poll": null, "holds": "silent", "others": []},
        ],
    });
    let world = world(&[("GET /api/v1/status", 200, answer.clone())]);
    let shown = world.run(&["admin", "status"]).ok().stdout;
    for expected in [
        "refused at 2027-01-15T08:01:00Z",
        "policy.yaml:7:5: rules[0].whom: is not a field here (did you mean who?)",
        "7.3 since 2027-01-15T08:00:00Z",
        "3 revocations, 1 elevations",
        "edge     2        2027-01-15T08:02:00Z  the newest",
        "new-epoch",
        "something older; another with its credential has the newest",
        "has not asked since 2027-01-12T08:02:00Z",
        "has not asked since the start at 2027-01-15T07:00:00Z",
    ] {
        assert!(shown.contains(expected), "{expected} in\n{shown}");
    }
    let json: Value = serde_json::from_str(&world.run(&["admin", "status", "--json"]).ok().stdout).unwrap();
    assert_eq!(json, answer);
    answer["refused"] = Value::Null;
    answer["file"] = json!("waiting");
    answer["failing"] = json!({"since": "2027-01-15T08:03:00Z", "message": "the store failed: the disk is full"});
    world.fake.state().api.insert("GET /api/v1/status", (200, answer));
    let shown = world.run(&["admin", "status"]).ok().stdout;
    assert!(!shown.contains("refused") && shown.contains("not in force yet"), "{shown}");
    assert!(shown.contains("since 2027-01-15T08:03:00Z") && shown.contains("the disk is full"), "{shown}");
}

#[test]
fn teaches_itself() {
    let world = World::new();
    let shown = world.run(&["admin", "--help"]).ok().stdout;
    assert!(shown.contains("Examples:") && shown.contains("PROVIDER:SUBJECT"), "{shown}");
    for command in [
        "elevate",
        "elevations",
        "end-elevation",
        "revoke",
        "disable",
        "enable",
        "disabled",
        "status",
        "service-accounts",
    ] {
        assert!(world.run(&["admin", command, "--help"]).ok().stdout.contains("Examples:"), "{command}");
    }
}

#[test]
fn keys_are_listed_and_replaced() {
    let world = World::new();
    world.run(&["login"]).ok();
    let key = |state: &str| serde_json::json!({"kid": "k-1", "state": state, "created_at": "2026-11-25T02:00:00Z"});
    world.fake.state().api.insert("GET /api/v1/keys", (200, serde_json::json!({"keys": [key("signing")]})));
    world.fake.state().api.insert("POST /api/v1/keys/rotations", (201, key("next")));
    let shown = world.run(&["admin", "keys"]).ok().stdout;
    assert!(shown.contains("k-1") && shown.contains("signing"), "{shown}");
    world.run(&["admin", "keys", "rotate", "--publish-for", "90s"]).ok();
    assert_eq!(world.fake.state().sent, serde_json::json!({"publishFor": 90, "purpose": "session"}));
    let urgent = world.run(&["admin", "keys", "rotate", "--now"]).ok();
    assert_eq!(world.fake.state().sent, serde_json::json!({"now": true, "purpose": "session"}));
    assert!(urgent.stderr.contains("every token that was signed before is refused"), "{urgent:?}");
    assert_eq!(world.run(&["admin", "keys", "rotate", "--now", "--publish-for", "1m"]).code, 2);
}

#[test]
fn issues_tokens_of_service_accounts_and_revokes_them() {
    let account = json!({
        "id": "s_1", "user": "sa:ci", "groups": ["ops", "dba"], "clusters": ["prod"], "issued_by": "alice",
        "issued_at": "2027-01-15T08:00:00Z", "expires_at": "2027-04-15T08:00:00Z",
    });
    let mut issued = account.clone();
    let token = format!("eyJ.{}.b", "a".repeat(2000));
    issued["tokens"] = json!([{"cluster": "prod", "token": token}]);
    let world = world(&[
        ("POST /api/v1/service-accounts", 201, issued.clone()),
        ("GET /api/v1/service-accounts", 200, json!({"service_accounts": [account]})),
        ("DELETE /api/v1/service-accounts/s_1", 200, json!({"id": "s_1", "user": "sa:ci"})),
    ]);
    let issue =
        ["admin", "service-accounts", "issue", "ci", "--cluster", "prod", "--groups", "ops,dba", "--for", "90d"];
    let done = world.run(&issue).ok();
    assert_eq!(done.stdout, format!("{token}\n"), "all of the token and nothing else, for a file");
    for expected in ["sa:ci", "s_1", "2027-04-15T08:00:00Z", "this once"] {
        assert!(done.stderr.contains(expected), "{expected}: {done:?}");
    }
    let sent = json!({"name": "ci", "clusters": ["prod"], "groups": ["ops", "dba"], "expires_in": 90 * 86400});
    assert_eq!(world.fake.state().sent, sent);
    issued["tokens"] = json!([{"cluster": "prod", "token": "eyJ.a.b"}, {"cluster": "lab", "token": "eyJ.c.d"}]);
    world.fake.state().api.insert("POST /api/v1/service-accounts", (201, issued));
    assert_eq!(world.run(&issue).ok().stdout, "prod eyJ.a.b\nlab eyJ.c.d\n");

    let shown = world.run(&["admin", "service-accounts", "list"]).ok().stdout;
    assert!(shown.starts_with("ID ") && shown.contains("sa:ci") && shown.contains("ops,dba"), "{shown}");
    let done = world.run(&["admin", "service-accounts", "revoke", "s_1"]).ok();
    assert_eq!(done.stdout, "revoked the token of sa:ci\n");
    world.fake.state().api.insert("GET /api/v1/service-accounts", (200, json!({"service_accounts": []})));
    assert!(world.run(&["admin", "service-accounts", "list"]).ok().stderr.contains("no service account has a token"));
    world.run(&["admin", "service-accounts", "issue", "ci", "--for", "1h"]).failed(2, &["--cluster"]);
}
