//! A policy file: read, compiled, sent through its bundle form, and asked; each answer is compared with what going
//! through all rules one by one gives.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use kubegate_core::authoring::{self, AuthoredPolicy};
use kubegate_core::bundle::split;
use kubegate_core::condition::Circumstances;
use kubegate_core::document::Problem;
use kubegate_core::pattern::any_matches;
use kubegate_core::policy::{Allowance, Outcome, Policy, Verdict};
use kubegate_core::request::{Attributes, Target};
use kubegate_core::rule::Rule;
use kubegate_core::token::SessionClaims;
use kubegate_fuzz::{NOW, REQUESTS, claims};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let load = |_: &std::path::Path| Err(std::io::Error::other("no file"));
    let policy = match authoring::check("policy.yaml", text, &load) {
        Ok(checked) => {
            assert!(checked.warnings.iter().all(is_told), "{:?}", checked.warnings);
            checked.policy
        }
        Err(problems) => {
            assert!(!problems.list().is_empty() && problems.list().iter().all(is_told), "{problems:?}");
            return;
        }
    };
    let sent = through_the_bundle(&policy);
    let compiled = policy.compile().expect("what was read compiles");
    for cluster in &policy.clusters {
        for who in people(cluster.name.as_str()) {
            check(&policy, &compiled, &sent, &who);
        }
    }
});

/// Whether somebody who reads it finds the place, and knows what to do.
fn is_told(problem: &Problem) -> bool {
    problem.line > 0 && problem.column > 0 && !problem.message.is_empty() && !problem.remedy.is_empty()
}

/// The policy as a filter gets it.
fn through_the_bundle(policy: &AuthoredPolicy) -> Policy {
    let parts = split(&policy.rules).unwrap();
    let rules: Vec<Rule> =
        parts.iter().flat_map(|part| serde_json::from_str::<Vec<Rule>>(part).expect("a part is read")).collect();
    assert_eq!(rules, policy.rules);
    Policy::compile(policy.clusters.clone(), rules.into_iter().map(Arc::new).collect()).unwrap()
}

/// Somebody whom rules name, somebody whom they name otherwise, and somebody whom only globs reach.
fn people(cluster: &str) -> [SessionClaims; 3] {
    let bob: SessionClaims = serde_json::from_value(claims()).unwrap();
    let ann = SessionClaims {
        user: "ann".to_owned(),
        email: Some("Ann@Example.com".to_owned()),
        groups: vec!["admins".to_owned(), "team-a".to_owned()],
        ..bob.clone()
    };
    let nobody =
        SessionClaims { user: "?".to_owned(), email: None, groups: Vec::new(), claims: BTreeMap::new(), ..bob.clone() };
    [bob, ann, nobody].map(|claims| SessionClaims { aud: cluster.into(), ..claims })
}

fn check(policy: &AuthoredPolicy, compiled: &Policy, sent: &Policy, who: &SessionClaims) {
    let person = who.person();
    let access = compiled.access(&person, &who.aud);
    assert_eq!(access, sent.access(&person, &who.aud), "the filter sees the same");
    assert!(!access.groups.contains(&"system:unauthenticated".to_owned()));
    let concerned =
        policy.rules.iter().filter(|rule| any_matches(&rule.clusters, who.aud.as_str()) && rule.who.matches(&person));
    let concerned: Vec<&Rule> = concerned.collect();
    assert_eq!(access.is_concerned(), !concerned.is_empty());
    let circumstances = Circumstances { claims: who, groups: &who.groups, source: "192.0.2.1", now: NOW };
    for (method, url) in REQUESTS {
        let target = Target::parse(url).unwrap();
        let request = Attributes::of(method, &target).unwrap();
        let verdict = compiled.decide(&access, &request, &circumstances);
        assert_eq!(verdict, sent.decide(&access, &request, &circumstances), "the filter decides the same");
        assert_eq!(verdict, one_by_one(&concerned, &request, &circumstances), "{} {method} {url}", who.user);
        check_claims_asked(compiled, who, &request, verdict);
        let findings = compiled.explain(&person, &who.aud, &request, &circumstances);
        let is_explained =
            |rule, by: fn(&Outcome) -> bool| findings.iter().any(|found| found.rule == rule && by(&found.outcome));
        let denies = |outcome: &Outcome| matches!(outcome, Outcome::Denies(_));
        let would_deny = |outcome: &Outcome| matches!(outcome, Outcome::WouldDeny(_));
        assert!(verdict.denied_by.is_none_or(|rule| is_explained(rule, denies)), "{findings:?}");
        assert!(verdict.would_deny.is_none_or(|rule| is_explained(rule, would_deny)), "{findings:?}");
        if let Some(Allowance::Rule(rule)) = verdict.allowance {
            assert!(is_explained(rule, |outcome| *outcome == Outcome::Allows), "{findings:?}");
        }
    }
}

/// Claims that are not asked for change nothing.
fn check_claims_asked(compiled: &Policy, who: &SessionClaims, request: &Attributes<'_>, verdict: Verdict<'_>) {
    let asked = compiled.claims_asked(&who.person(), &who.aud, request);
    let mut without = who.clone();
    without.claims.retain(|claim, _| asked.contains(claim.as_str()));
    let access = compiled.access(&without.person(), &who.aud);
    let circumstances = Circumstances { claims: &without, groups: &who.groups, source: "192.0.2.1", now: NOW };
    assert_eq!(verdict, compiled.decide(&access, request, &circumstances), "{asked:?}");
    assert_eq!(access.groups, compiled.access(&who.person(), &who.aud).groups, "{asked:?}");
}

/// What the rules that concern somebody say, as `docs/policy.md` has it.
fn one_by_one<'p>(rules: &[&'p Rule], request: &Attributes<'_>, circumstances: &Circumstances<'_>) -> Verdict<'p> {
    let holds = |rule: &Rule| rule.when.as_ref().map(|condition| condition.holds(circumstances, request));
    let denies =
        |rule: &&&Rule| rule.deny.iter().any(|grant| grant.matches(request)) && !matches!(holds(rule), Some(Ok(false)));
    let allows = |rule: &&&Rule| {
        rule.may.iter().any(|grant| grant.matches(request)) && matches!(holds(rule), None | Some(Ok(true)))
    };
    let is_met = |rule: &&&Rule| rule.demand.is_met(circumstances.claims, circumstances.now);
    let denied_by = rules.iter().filter(denies).find(|rule| !rule.audit_only).map(|rule| &rule.name);
    let would_deny = rules.iter().filter(denies).find(|rule| rule.audit_only).map(|rule| &rule.name);
    let by_rule = rules.iter().filter(allows).find(is_met).map(|rule| Allowance::Rule(&rule.name));
    let discovery = (request.verb == "get" && request.is_discovery_path()).then_some(Allowance::Discovery);
    let about_oneself = request.is_question_about_oneself().then_some(Allowance::AboutOneself);
    let allowance = by_rule.or(discovery).or(about_oneself).filter(|_| denied_by.is_none());
    let demands = rules.iter().find(allows).map(|rule| (&rule.name, &rule.demand));
    Verdict {
        denied_by,
        would_deny,
        allowance,
        demands: demands.filter(|_| denied_by.is_none() && allowance.is_none()),
    }
}
