//! `./just demo --check`: both people sign in through the real login form and try what they may and may not.

use std::time::Duration;

use anyhow::Result;

use super::Demo;
use crate::kubectl::Outcome;
use crate::person::Person;

/// What should become of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It works, and its output has this in it.
    Allowed(&'static str),
    /// Kubegate's policy refuses it.
    RefusedByPolicy,
    /// The policy lets it through, and the cluster's RBAC refuses it.
    RefusedByCluster,
}

/// One command of one person.
#[derive(Debug, Clone)]
struct Case {
    person: &'static str,
    command: String,
    expected: Expected,
}

/// What came of it.
#[derive(Debug)]
struct Verdict {
    case: Case,
    got: String,
    good: bool,
}

/// Runs every case, prints the table, and tells whether all went as it should.
pub fn run(demo: &Demo, mut print: impl FnMut(&str)) -> Result<bool> {
    let admin = demo.person(&demo.admin)?;
    let reader = demo.person(&demo.reader)?;
    let mut verdicts = Vec::new();
    for case in cases(demo.world.names.team) {
        let person = if case.person == "admin" { &admin } else { &reader };
        verdicts.push(try_case(person, case)?);
    }
    print(&format!("{:<7} {:<58} {:<20} {:<20}", "who", "kubectl", "expected", "got"));
    for verdict in &verdicts {
        let mark = if verdict.good { "" } else { "  <-- WRONG" };
        let case = &verdict.case;
        print(&format!(
            "{:<7} {:<58} {:<20} {:<20}{mark}",
            case.person,
            case.command,
            case.expected.word(),
            verdict.got
        ));
    }
    let mut good = verdicts.iter().all(|verdict| verdict.good);
    for (name, person) in [("admin", &admin), ("reader", &reader)] {
        let sign_ins = person.sign_ins()?;
        print(&format!("{name}: signed in as {} with {} sign-in(s)", person.login.user, sign_ins.len()));
        if sign_ins.len() != 1 {
            print(&format!("  <-- WRONG: one sign-in should do, but: {sign_ins:?}"));
            good = false;
        }
    }
    let wrong = verdicts.iter().filter(|verdict| !verdict.good).count();
    print(&format!("{} as expected, {wrong} not", verdicts.len() - wrong));
    Ok(good)
}

impl Expected {
    fn word(self) -> &'static str {
        match self {
            Self::Allowed(_) => "allowed",
            Self::RefusedByPolicy => "refused by Kubegate",
            Self::RefusedByCluster => "refused by RBAC",
        }
    }
}

fn cases(team: &str) -> Vec<Case> {
    use Expected::{Allowed, RefusedByCluster, RefusedByPolicy};
    let case = |person, command: &str, expected| Case { person, command: command.replace("TEAM", team), expected };
    vec![
        case("admin", "auth whoami", Allowed("platform-admins")),
        case("admin", "get namespaces", Allowed("kube-system")),
        case("admin", "get pods --all-namespaces", Allowed("hello")),
        case("admin", "create configmap note -n TEAM --from-literal=a=b", Allowed("created")),
        case("admin", "delete configmap note -n TEAM", Allowed("deleted")),
        case("admin", "logs hello -n TEAM --tail=1", Allowed("hello ")),
        case("admin", "exec hello -n TEAM -- echo through-the-gateway", Allowed("through-the-gateway")),
        case("reader", "auth whoami", Allowed("team-a")),
        case("reader", "get pods -n TEAM", Allowed("hello")),
        case("reader", "logs hello -n TEAM --tail=1", Allowed("hello ")),
        case("reader", "exec hello -n TEAM -- echo no", RefusedByPolicy),
        case("reader", "get pods --all-namespaces", RefusedByPolicy),
        case("reader", "get pods -n kube-system", RefusedByPolicy),
        case("reader", "delete pod hello -n TEAM", RefusedByPolicy),
        case("reader", "get secrets -n TEAM", RefusedByCluster),
        case("reader", "get pods -n TEAM --as alice@example.com", RefusedByPolicy),
    ]
}

fn try_case(person: &Person, case: Case) -> Result<Verdict> {
    let arguments: Vec<&str> = case.command.split(' ').collect();
    let outcome = person.kubectl.clone().with_limit(Duration::from_secs(60)).run(&arguments)?;
    let (got, good) = judge(&outcome, case.expected);
    Ok(Verdict { case, got, good })
}

fn judge(outcome: &Outcome, expected: Expected) -> (String, bool) {
    let said = outcome.stderr.to_lowercase();
    let refused = said.contains("forbidden");
    let by_kubegate = said.contains("kubegate's policy") || said.contains("kubegate:");
    match (outcome.succeeded(), refused, by_kubegate) {
        (true, ..) => {
            let good = matches!(expected, Expected::Allowed(text) if outcome.stdout.contains(text));
            ("allowed".to_owned(), good)
        }
        (false, true, true) => (Expected::RefusedByPolicy.word().to_owned(), expected == Expected::RefusedByPolicy),
        (false, true, false) => (Expected::RefusedByCluster.word().to_owned(), expected == Expected::RefusedByCluster),
        (false, false, _) => (format!("failed: {}", outcome.stderr.trim()), false),
    }
}
