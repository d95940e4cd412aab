//! What people do all day: get, list, create, apply, delete; and the RBAC behind it.

use kubegate_tests::world::World;
use libtest_mimic::Trial;

use crate::suite::{Suite, TEAM, Who};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("objects::get_list_create_apply_delete", everyday_commands),
        suite.test("objects::group_of_the_idp_decides_in_rbac", group_of_the_idp_decides),
        suite.test("objects::person_without_groups", person_without_groups),
        suite.test("objects::refusals_are_readable", refusals_are_readable),
    ]
}

fn everyday_commands(suite: &Suite, world: &World) {
    let alice = suite.person(world, Who::Admin).kubectl;
    let run = |args: &[&str]| alice.run(args).unwrap().ok().unwrap();
    assert!(run(&["get", "namespaces"]).contains("kube-system"));
    run(&["create", "configmap", "everyday", "-n", TEAM, "--from-literal=a=1"]);
    let manifest = |value: u8, name: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: {TEAM}}}, data: {{a: '{value}'}}}}"
        )
    };
    let apply = |args: &[&str], text: &str| alice.run_with_input(args, text).unwrap().ok().unwrap();
    apply(&["apply", "-f", "-"], &manifest(1, "client-side"));
    assert!(apply(&["apply", "-f", "-"], &manifest(2, "client-side")).contains("configured"));
    apply(&["apply", "--server-side", "-f", "-"], &manifest(1, "server-side"));
    assert!(apply(&["apply", "--server-side", "-f", "-"], &manifest(2, "server-side")).contains("applied"));
    let value = run(&["get", "configmap", "server-side", "-n", TEAM, "-o", "jsonpath={.data.a}"]);
    assert_eq!(value, "2", "the second server-side apply changed the value");
    run(&["delete", "configmap", "everyday", "client-side", "server-side", "-n", TEAM]);
    let gone = alice.run(&["get", "configmap", "everyday", "-n", TEAM]).unwrap();
    assert!(gone.stderr.contains("NotFound"), "a deleted object is gone: {gone}");
}

fn group_of_the_idp_decides(suite: &Suite, world: &World) {
    let dora = suite.person(world, Who::Dora).kubectl;
    dora.run(&["create", "configmap", "of-dora", "-n", "workshop"]).unwrap().ok().unwrap();
    let secrets = dora.run(&["get", "secrets", "-n", "workshop"]).unwrap();
    assert!(!secrets.succeeded(), "the policy lets it through, RBAC does not: {secrets}");
    assert!(secrets.stderr.contains("cannot list resource \"secrets\""), "RBAC's own words: {secrets}");
    let erin = suite.person(world, Who::Erin).kubectl;
    let refused = erin.run(&["create", "configmap", "of-erin", "-n", "workshop"]).unwrap();
    assert!(refused.stderr.contains("cannot create resource"), "without the group RBAC refuses: {refused}");
}

fn person_without_groups(suite: &Suite, world: &World) {
    let erin = suite.person(world, Who::Erin).kubectl;
    let groups = erin.run(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"]).unwrap().ok().unwrap();
    assert_eq!(groups, r#"["system:authenticated"]"#, "no empty group, and nothing of the service account's");
}

fn refusals_are_readable(suite: &Suite, world: &World) {
    let bob = suite.person(world, Who::Reader).kubectl;
    assert!(bob.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap().contains("hello"));
    let refused = bob.run(&["get", "pods", "-n", "kube-system"]).unwrap();
    assert!(!refused.succeeded(), "another namespace is refused: {refused}");
    for word in ["Forbidden", "bob@example.com", "pods", "kube-system"] {
        assert!(refused.stderr.contains(word), "the refusal names {word}: {refused}");
    }
}
