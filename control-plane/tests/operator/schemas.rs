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
