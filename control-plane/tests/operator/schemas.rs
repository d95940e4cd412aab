//! The JSON Schemas: as checked in, and in step with the readers.

use std::path::Path;

use crate::agreement;
use crate::format::{Format, documents, json};

fn formats() -> [Format; 2] {
    [Format::policy(), Format::configuration()]
}

#[test]
fn those_checked_in_are_of_today() {
    for Format { name, schema, .. } in formats() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schema/{name}.schema.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let same = serde_json::from_str(&text).is_ok_and(|checked_in: serde_json::Value| checked_in == schema);
        assert!(same, "docs/schema/{name}.schema.json is not what the types say; write it anew with `./just schemas`");
    }
}

#[test]
fn the_reference_has_every_field() {
    for Format { name, schema, reference, .. } in formats() {
        for (field, _) in agreement::properties(&schema) {
            let named = [format!("`{field}`"), format!(".{field}`"), format!("`{field}."), format!("`{field}[")];
            assert!(named.iter().any(|name| reference.contains(name)), "the reference of {name} lacks {field}");
        }
    }
}

#[test]
fn the_example_of_the_reference_is_good() {
    for format in formats() {
        let example = format.reference.split("```yaml\n").nth(1).and_then(|text| text.split("```").next()).unwrap();
        assert_eq!(format.objection(&json(example)), None, "{}", format.name);
    }
}

#[test]
fn schema_and_reader_agree_on_every_field() {
    for format in formats() {
        let document = json(format.every_field);
        assert_eq!(format.problems(format.every_field), [], "{}", format.name);
        assert_eq!(format.objection(&document), None, "{}", format.name);
        agreement::check(&format, &document);
    }
}

#[test]
fn schema_and_reader_agree_on_examples() {
    for format in formats() {
        for text in documents(format.good) {
            assert_eq!(format.problems(text), [], "{text}");
            assert_eq!(format.objection(&json(text)), None, "{text}");
        }
        for text in documents(format.bad) {
            let problems = format.problems(text);
            assert_eq!(problems.len(), 1, "one mistake in\n{text}\n{problems:?}");
            assert!(format.objection(&json(text)).is_some(), "the schema takes\n{text}");
        }
    }
}
