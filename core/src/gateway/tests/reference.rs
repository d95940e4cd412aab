//! The policy engine beside a plain one: policies, people and requests that nobody thought of, and what
//! `docs/policy.md` says of each.

mod generate;
mod plain;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::authoring::{self, AuthoredPolicy};
use crate::condition::Circumstances;
use crate::gateway::assume::may_assume;
use crate::policy::{Allowance, Policy};
use crate::request::{Attributes, Target};
use generate::{Case, NOW, Question};
use plain::{Assumption, Said};

/// How many policies are tried, each by four questions; `PROPTEST_CASES` may say more.
const CASES: u32 = 2_500;

#[test]
fn every_decision_is_the_one_that_the_documentation_describes() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let seen = RefCell::new(BTreeMap::new());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&generate::case(), |case| {
        let policy = read(&case);
        let policy = policy.compile().expect("what was read compiles");
        for question in &case.questions {
            let said = ask(&policy, question);
            let expected = plain::decide(&case.policy, question);
            prop_assert_eq!(&said, &expected, "{:?}", question);
            for kind in kinds(&said) {
                *seen.borrow_mut().entry(kind).or_insert(0_u64) += 1;
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    check_shares(&seen.borrow(), u64::from(cases) * generate::QUESTIONS as u64);
}

fn read(case: &Case) -> AuthoredPolicy {
    let load = |_: &std::path::Path| Err(std::io::Error::other("no file"));
    authoring::parse("policy.yaml", &case.policy.to_string(), &load).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What the engine says.
fn ask(policy: &Policy, question: &Question) -> Said {
    let claims = question.person.claims();
    let access = policy.access(&claims.person(), &claims.aud);
    let circumstances =
        Circumstances { claims: &claims, groups: &claims.groups, source: question.person.source, now: NOW };
    let target = Target::parse(&question.asked.url).expect("a path");
    let request = Attributes::of(question.asked.method, &target).expect("a request");
    let verdict = policy.decide(&access, &request, &circumstances);
    let assumption =
        question.assumed.as_ref().map(|assumed| match may_assume(policy, &access, &circumstances, assumed) {
            Ok(would_deny) => Assumption::Granted { would_deny: would_deny.map(ToString::to_string) },
            Err(lacking) => Assumption::Refused { demands: lacking.demands.map(|(rule, _)| rule.to_string()) },
        });
    Said {
        denied_by: verdict.denied_by.map(ToString::to_string),
        would_deny: verdict.would_deny.map(ToString::to_string),
        allowed_by: verdict.allowance.map(|allowance| match allowance {
            Allowance::Rule(rule) => rule.to_string(),
            Allowance::Discovery => plain::DISCOVERY.to_owned(),
            Allowance::AboutOneself => plain::ABOUT_ONESELF.to_owned(),
        }),
        demanded_by: verdict.demands.map(|(rule, _)| rule.to_string()),
        groups: access.groups,
        assumption,
    }
}

/// What came up, by name.
fn kinds(said: &Said) -> impl Iterator<Item = &'static str> {
    let allowed = said.allowed_by.as_deref();
    [
        (said.denied_by.is_some(), "denied"),
        (said.would_deny.is_some(), "would be denied"),
        (allowed.is_some_and(|by| by.starts_with("rule")), "allowed by a rule"),
        (allowed == Some(plain::DISCOVERY), "discovery"),
        (allowed == Some(plain::ABOUT_ONESELF), "about oneself"),
        (said.demanded_by.is_some(), "step-up"),
        (said.denied_by.is_none() && allowed.is_none() && said.demanded_by.is_none(), "no rule"),
        (!said.groups.is_empty(), "groups"),
        (matches!(said.assumption, Some(Assumption::Granted { .. })), "assumed"),
        (matches!(said.assumption, Some(Assumption::Refused { demands: None })), "not assumed"),
        (matches!(said.assumption, Some(Assumption::Refused { demands: Some(_) })), "assumed after a step-up"),
    ]
    .into_iter()
    .filter_map(|(is_so, kind)| is_so.then_some(kind))
}

/// Everything comes up often enough for a difference to show.
fn check_shares(seen: &BTreeMap<&str, u64>, total: u64) {
    for (kind, one_in) in [
        ("denied", 15),
        ("would be denied", 15),
        ("allowed by a rule", 5),
        ("discovery", 70),
        ("about oneself", 20),
        ("step-up", 50),
        ("no rule", 3),
        ("groups", 2),
        ("assumed", 50),
        ("not assumed", 4),
        ("assumed after a step-up", 300),
    ] {
        let found = seen.get(kind).copied().unwrap_or_default();
        assert!(found * one_in >= total, "{kind:?} came up {found} times in {total}: {seen:?}");
    }
}
