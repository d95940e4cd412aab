#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;
use crate::request::Target;
use crate::time::Timestamp;
use crate::token::SessionClaims;

/// 2027-01-15, a Friday, 08:00 UTC.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn holds(condition: &Condition) -> Result<bool, ExecutionError> {
    let claims: SessionClaims = serde_json::from_value(json!({
        "iss": "i", "sub": "corp:bob", "aud": "prod", "exp": 0, "nbf": 0, "iat": 0, "jti": "j", "sid": "s-1",
        "session_exp": 0, "auth_time": 1_799_999_000, "provider": "corp", "user": "bob", "email": "bob@example.com",
        "groups": [], "acr": "phr", "amr": ["pwd", "otp"],
        "claims": {"dept": ["sre", "dev"], "level": 3, "none": null, "address": {"country": "DE"}},
    }))
    .unwrap();
    let groups = ["team-a".to_owned(), "ops".to_owned()];
    let circumstances = Circumstances { claims: &claims, groups: &groups, source: "10.1.2.3", now: NOW };
    let target = Target::parse("/api/v1/namespaces/team-a/pods/p/exec").unwrap();
    condition.holds(&circumstances, &Attributes::of("GET", &target).unwrap())
}

/// The condition as the filter has it: from a bundle.
fn bundled(text: &str) -> Condition {
    let condition = Condition::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
    serde_json::from_str(&serde_json::to_string(&condition).unwrap()).unwrap()
}

#[test]
fn conditions_about_everything_there_is() {
    for (text, expected) in [
        ("true", true),
        ("person.user == 'bob' && person.email.endsWith('@example.com')", true),
        ("'ops' in person.groups", true),
        ("person.groups.exists(group, request.namespace == group)", true),
        ("person.groups.all(group, group.startsWith('team-'))", false),
        ("person.groups.filter(group, group.startsWith('team-')).size() == 1", true),
        ("'sre' in person.claims.dept", true),
        ("person.claims.level >= 3 && person.claims[\"level\"] < 4", true),
        ("has(person.claims.level) && !has(person.claims.none) && !has(person.claims.other)", true),
        ("person.claims.address.country == 'DE'", true),
        ("'none' in person.claims", false),
        ("session.acr == 'phr' && 'otp' in session.amr && session.provider == 'corp'", true),
        ("now - session.authTime < duration('1h')", true),
        ("now - session.authTime < duration('10m')", false),
        ("request.verb == 'create' && request.resource == 'pods' && request.subresource == 'exec'", true),
        (
            "request.apiGroup == '' && request.apiVersion == 'v1' && request.name == 'p' && request.isResourceRequest",
            true,
        ),
        ("request.path.startsWith('/api/')", true),
        ("cidr('10.0.0.0/8').containsIP(source.address)", true),
        ("cidr('10.1.2.4/32').containsIP(source.address)", false),
        ("cidr('fd00::/8').containsIP(source.address)", false),
        ("cidr('0.0.0.0/0').containsIP('::ffff:1.2.3.4')", true),
        ("now == timestamp('2027-01-15T08:00:00Z') && now == timestamp('2027-01-15T10:00:00+02:00')", true),
        ("now.getHours() == 8 && now.getMinutes() == 0 && now.getDayOfWeek() == 5", true),
        ("now.getFullYear() == 2027 && now.getMonth() == 0 && now.getDate() == 15", true),
        ("now.getHours('-09:00') == 23 && now.getDate('-09:00') == 14", true),
        ("timestamp('2024-02-29T00:00:00Z').getMonth() == 1", true),
        ("person.user in ['ann', 'bob'] ? request.name.size() == 1 : false", true),
    ] {
        assert_eq!(holds(&bundled(text)), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_an_error_and_no_panic() {
    for text in [
        "person.claims.other == 'x'",
        "person.claims.level == 1 || person.claims.dept[7] == 'x'",
        "person.claims.level / 0 == 1",
        "person.claims.level % 0 == 1",
        "person.claims.level * 9223372036854775807 > 0",
        "-(person.claims.level - 9223372036854775807 - 5) > 0",
        "cidr(person.claims.dept[0]).containsIP(source.address)",
        "(now * 1000000).getHours() == person.claims.level",
        "person.claims.level",
        "person.claims.dept < 3",
    ] {
        assert!(holds(&bundled(text)).is_err(), "{text}");
    }
}

#[test]
fn mistakes_are_named_with_their_remedy() {
    let nested = format!("{}true{}", "(true && ".repeat(40), ")".repeat(40));
    let long = "x".repeat(MAX_TEXT + 1);
    for (text, problem) in [
        ("person.nmae == 'x'", "knows no person.nmae"),
        ("user == 'x'", "knows no user"),
        ("person == 'x'", "knows no person"),
        ("1 +", "is not CEL"),
        ("", "is not CEL"),
        ("person.user", "cannot be evaluated"),
        ("person.user + 1 == 'x'", "cannot be evaluated"),
        ("person.user.matches('a+')", "no such function"),
        ("person.claims.dept.containz('x')", "calls .containz with 1 argument(s)"),
        ("request.verb == 'delete' && request.name.startsWith()", "calls .startsWith with 0"),
        ("request.verb == 'delete' ? lower(request.name) == 'x' : true", "calls lower with 1"),
        ("person.groups.map(group, person.groups).size() == 1", "for each item of another list"),
        ("person.groups.all(group, group in person.groups)", "for each item of another list"),
        ("now < timestamp('tomorrow')", "is not a time"),
        ("now < timestamp('2026-02-30T00:00:00Z')", "is not a time"),
        ("now - 5 < duration('5 minutes')", "is not a duration"),
        ("cidr('10.0.0.0/33').containsIP(source.address)", "is not a network"),
        ("now.getHours('Europe/Berlin') == 3", "is not an offset"),
        ("size(person.claims) == 0", "person.claims as a whole"),
        ("person.claims[request.verb] == 'x'", "person.claims as a whole"),
        ("person.groups.all(a, person.groups.all(b, a == b))", "a loop"),
        ("b'x' == b'x'", "bytes"),
        (&nested, "within each other"),
        (&format!("person.claims{} == 'x'", ".a".repeat(60)), "within each other"),
        (&long, "longer"),
    ] {
        let (found, remedy) = Condition::parse(text).expect_err(text);
        assert!(found.contains(problem), "{text}: {found}");
        assert!(!remedy.is_empty(), "{text}");
    }
}

#[test]
fn what_conditions_ask_for_is_known() {
    let condition =
        bundled("has(person.claims.a) || person.claims['b'] == 1 || 'c' in person.claims || person.claims.d.e");
    assert_eq!(condition.claims().iter().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert!(!condition.asks_for_source());
    assert!(bundled("source.address != ''").asks_for_source());
    let named = bundled("'ops' in person.groups || ['dev', 'qa'].all(team, team == 'x' || 'dev' in person.groups)");
    assert_eq!(named.groups().unwrap().iter().collect::<Vec<_>>(), ["dev", "ops"]);
    for any in
        ["['dev', 'qa'].exists(team, team in person.groups)", "size(person.groups) == 1", "person.groups[0] == 'a'"]
    {
        assert_eq!(bundled(any).groups(), None, "{any}");
    }
}

#[test]
fn a_hostile_tree_is_refused_or_fails() {
    let deep = (0..100).fold(json!("null"), |tree, _| json!({"list": [tree]}));
    let gathered = json!({"ident": "all"});
    let doubling = json!({"loop": {
        "over": {"list": vec![json!({"int": 1}); 60]}, "item": "one", "result": "all", "first": {"list": [{"int": 1}]},
        "while": {"bool": true}, "step": {"call": {"name": "_+_", "with": [gathered, gathered]}}, "last": gathered,
    }});
    let wide = json!({"list": vec![json!({"bool": true}); MAX_NODES + 1]});
    for tree in [
        deep,
        wide,
        json!("other"),
        json!({"ident": "secret"}),
        json!({"call": {"name": "f", "more": 1}}),
        json!({"loop": {"over": "null"}}),
        doubling,
        json!({"call": {"name": "_&&_"}}),
        json!({"call": {"name": "_[_]", "with": [{"int": 1}]}}),
        json!({"call": {"name": "_?_:_", "with": [{"bool": true}, {"bool": true}]}}),
        json!({"call": {"name": "optional.of", "with": [{"int": 1}]}}),
        json!({"call": {"name": "getHours"}}),
    ] {
        let condition = serde_json::from_value::<Condition>(json!({"text": "x", "tree": tree}));
        assert!(condition.is_err(), "{condition:?}");
    }
    for tree in [
        json!({"call": {"name": "getHours", "on": {"text": "x"}, "with": [{"int": 1}]}}),
        json!({"map": [[{"list": []}, "null"]]}),
        json!({"int": 5}),
    ] {
        let condition: Condition = serde_json::from_value(json!({"text": "x", "tree": tree})).unwrap();
        assert!(holds(&condition).is_err(), "{condition:?}");
    }
}
