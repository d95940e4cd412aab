//! Somebody with 2,000 groups at the external provider: those that the policy needs reach the API server, and a token that
//! would still be too large is told, never cut off.

use kubegate_core::token::{MAX_GROUPS, MAX_TOKEN};
use kubegate_tests::idp::PREFIX;
use kubegate_tests::world::World;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::suite::{Suite, TEAM, Who, claims};

/// How many groups they have.
const MANY: usize = 2000;

/// How many of them the policy passes on, for one of the two people.
const PASSED: usize = 100;

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("groups::two_thousand_are_no_obstacle", two_thousand),
        suite.test("groups::what_is_too_much_is_told_and_never_cut_off", too_many),
    ]
}

/// What the external provider says of their groups.
pub(crate) fn two_thousand_groups() -> Value {
    (0..MANY).map(|number| format!("department-{number:04}-of-the-example-company")).collect()
}

fn two_thousand(suite: &Suite, world: &World) {
    let metadata = json!({"name": "department-0042", "namespace": TEAM});
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
    });
    world.api.admin.apply(&role.to_string()).unwrap();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "department-0042"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group",
            "name": format!("{PREFIX}department-0042-of-the-example-company")}],
    });
    world.api.admin.apply(&binding.to_string()).unwrap();
    let grace = suite.person(world, Who::Grace);
    // Our rule is about the last of her groups, the API server's about another.
    let pods = grace.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap();
    assert!(pods.stdout.contains("hello"), "{pods}");
    let seen =
        grace.kubectl.run(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"]).unwrap().ok().unwrap();
    let seen: Vec<String> = serde_json::from_str(&seen).unwrap();
    let passed = seen.iter().filter(|group| group.starts_with(&format!("{PREFIX}department-00"))).count();
    assert_eq!((passed, seen.len()), (PASSED, PASSED + 1), "and system:authenticated: {seen:?}");

    let token = grace.token().unwrap();
    let carried = claims(&token);
    assert!(token.len() <= MAX_TOKEN, "{} characters", token.len());
    assert!(carried.groups_policy.is_some(), "the policy chose among them");
    let all: usize = two_thousand_groups().as_array().unwrap().iter().map(|group| group.as_str().unwrap().len()).sum();
    assert!(all > 10 * MAX_GROUPS && carried.groups.len() == PASSED + 1, "{}", carried.groups.len());
    let whoami = grace.kubegate(&["whoami", "-o", "json"]).unwrap();
    let whoami: Value = serde_json::from_slice(&whoami.stdout).unwrap_or_else(|error| panic!("{error}: {whoami:?}"));
    assert_eq!(whoami["groups"].as_array().map(Vec::len), Some(MANY), "the session has them all");
}

fn too_many(suite: &Suite, world: &World) {
    let heidi = suite.person(world, Who::Heidi);
    let refused = heidi.kubectl.run(&["get", "configmaps", "-n", "workshop"]).unwrap();
    assert!(!refused.succeeded(), "{refused}");
    for words in ["your groups make the token", "more than can be sent", "groups.pass in the policy"] {
        assert!(refused.stderr.contains(words), "{words}: {refused}");
    }
    let arrived = world.api.audit_events(|event| event.to_string().contains("heidi@company.example")).unwrap();
    assert!(arrived.is_empty(), "nothing goes on with fewer groups: {arrived:?}");
}
