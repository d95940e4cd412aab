#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::HashSet;

use serde_json::json;

use super::*;

fn rules(names: impl Iterator<Item = String>) -> Vec<Rule> {
    let rule = |name| json!({"name": name, "who": {"users": ["u"]}, "clusters": ["*"], "groups": {"extra": ["x"]}});
    names.map(|name| serde_json::from_value(rule(name)).unwrap()).collect()
}

#[test]
fn an_edit_changes_few_parts() {
    let all = || (0..5000).map(|number| format!("rule {number}"));
    let before: HashSet<String> = split(&rules(all())).unwrap().into_iter().collect();
    assert!(before.len() > 80, "{}", before.len());
    let inserted = all().take(2500).chain(["one more".to_owned()]).chain(all().skip(2500));
    let removed = all().filter(|name| name != "rule 1234");
    let changed = |mut rules: Vec<Rule>| {
        rules[4000].groups.extra = vec!["y".to_owned()];
        rules
    };
    for edited in [rules(inserted), rules(removed), changed(rules(all()))] {
        let after = split(&edited).unwrap();
        let new = after.iter().filter(|part| !before.contains(*part)).count();
        assert!((1..=2).contains(&new), "{new} of {} parts are new", after.len());
        let read: Vec<Rule> = after.iter().flat_map(|part| serde_json::from_str::<Vec<Rule>>(part).unwrap()).collect();
        assert_eq!(read, edited, "no rule is lost, and their order stays");
    }
}

#[test]
fn documents_travel_as_lines() {
    let documents = Documents { policy: Some("p"), parts: vec!["[]", "[{}]"], live: Some("l"), changes: Some("c") };
    let text = documents.to_string();
    assert_eq!(text, "policy p\npart []\npart [{}]\nlive l\nchanges c\n");
    assert_eq!(Documents::parse(&text), Ok(documents));
    assert_eq!(Documents::parse(""), Ok(Documents::default()));
    for hostile in ["policy", "other x", "policy a\npolicy b\n", "\n", "{}"] {
        assert_eq!(Documents::parse(hostile), Err(InvalidBundle::Malformed), "{hostile:?}");
    }
}

#[test]
fn tags() {
    let tag = Tag {
        policy: "ab".to_owned(),
        live: Version { epoch: 1, counter: 2 },
        changes: Version { epoch: 1, counter: 30 },
    };
    assert_eq!(tag.to_string(), "ab/1.2/1.30");
    assert_eq!("ab/1.2/1.30".parse(), Ok(tag));
    for hostile in ["", "ab", "ab/1.2", "ab/1.2/x", "ab/1.2/1.3/4", "ab/-1.2/1.3"] {
        assert_eq!(hostile.parse::<Tag>(), Err(()), "{hostile:?}");
    }
}
