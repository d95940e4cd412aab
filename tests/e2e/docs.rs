//! What the documentation says of the tests.

use std::fs;

use kubegate_tests::paths;
use libtest_mimic::{Failed, Trial};

/// `names` are those of the end-to-end tests.
pub(crate) fn trials(names: Vec<String>) -> Vec<Trial> {
    vec![Trial::test("docs::every_threat_names_tests_that_exist", move || {
        every_threat(&names);
        Ok::<_, Failed>(())
    })]
}

fn every_threat(names: &[String]) {
    let text = fs::read_to_string(paths::root().join("docs/threat-model.md")).unwrap();
    let rows =
        text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| -") && !line.starts_with("| threat"));
    let mut threats = 0;
    for row in rows {
        let cell = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        let tests: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "a threat without a test: {row}");
        for test in tests {
            assert!(exists(test, names), "the threat model names {test:?}, which there is not");
        }
        threats += 1;
    }
    assert!(threats > 30, "{threats} threats");
}

fn exists(test: &str, names: &[String]) -> bool {
    if let Some(recipe) = test.strip_prefix("./just ") {
        let recipes = fs::read_to_string(paths::root().join("justfile")).unwrap();
        return recipes.lines().any(|line| line.split([':', ' ']).next() == Some(recipe));
    }
    match test.split_once(".rs::") {
        Some((file, name)) => {
            let source = fs::read_to_string(paths::root().join(format!("{file}.rs"))).unwrap_or_default();
            source.contains(&format!("fn {name}("))
        }
        None => names.iter().any(|known| known == test),
    }
}
