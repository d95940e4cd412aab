//! `kubectl --as`: refused without a rule, and with one it works.

use kubegate_tests::world::World;
use libtest_mimic::Trial;

use crate::suite::{Suite, TEAM, Who};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("impersonation::refused_without_a_rule", refused),
        suite.test("impersonation::works_with_a_rule", granted),
    ]
}

fn refused(suite: &Suite, world: &World) {
    let alice = suite.person(world, Who::Admin).kubectl;
    let answer = alice.run(&["get", "pods", "-n", TEAM, "--as", "bob@example.com"]).unwrap();
    assert!(!answer.succeeded(), "no rule lets alice impersonate: {answer}");
    for word in ["Forbidden", "impersonate", "bob@example.com"] {
        assert!(answer.stderr.contains(word), "the refusal names {word}: {answer}");
    }
}

fn granted(suite: &Suite, world: &World) {
    let carol = suite.person(world, Who::Support).kubectl;
    let as_bob = ["--as", "bob@example.com", "--as-group", "team-a"];
    let run = |args: &[&str]| carol.run(&[args, as_bob.as_slice()].concat()).unwrap();
    assert!(run(&["get", "pods", "-n", TEAM]).ok().unwrap().contains("hello"));
    let who = run(&["auth", "whoami", "-o", "jsonpath={.status.userInfo}"]).ok().unwrap();
    assert!(who.contains("bob@example.com") && who.contains("carol@example.com"), "both are known: {who}");
    assert!(!who.contains("platform-admins"), "bob's groups, not carol's: {who}");
    let beyond = run(&["get", "secrets", "-n", TEAM]);
    assert!(!beyond.succeeded(), "the API server judges bob: {beyond}");
    let other = carol.run(&["get", "pods", "-n", TEAM, "--as", "root"]).unwrap();
    assert!(other.stderr.contains("Forbidden"), "only whom the rule names: {other}");
}
