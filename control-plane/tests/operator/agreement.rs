//! Takes a reader and a schema through every field, to see whether they say the same.
//!
//! The schema is walked, and beside it a document that has every field. At each place the document is spoilt in every way
//! that matters, one at a time, and both judge it. The reader knows more (that a file exists, that two names differ), so
//! it may refuse what the schema takes. The other way round, the schema would underline what is good. And what the reader
//! says of the shape alone (unknown, missing, of the wrong type, out of range) the schema has to say, too.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use kubegate_core::document::Problem;
use serde_json::{Value, json};

use crate::format::Format;

/// What no format has as a field, nor nearly.
const UNKNOWN: &str = "zzzzzzzz";

/// One step from a value to one inside of it.
#[derive(Clone, Debug)]
enum Step {
    Field(String),
    Item(usize),
}

/// Where a value stands in the document.
type Place = Vec<Step>;

/// Goes through the whole format; `document` has every field.
pub(crate) fn check(format: &Format, document: &Value) {
    let walk = Walk { format, document, visited: RefCell::default() };
    walk.visit(&format.schema, &[Vec::new()]);
    for (name, property) in properties(&format.schema) {
        let visited = walk.visited.borrow().contains(&std::ptr::from_ref(property));
        assert!(visited, "the example with every field lacks a field {name}: {property}");
        // Editors show what a reference or an alternative explains in its stead.
        let explained = property["description"].as_str().is_some_and(|text| text.ends_with('.'));
        assert!(explained && property.get("anyOf").is_none(), "{name} is not explained: {property}");
    }
}

/// All fields in a schema, wherever they are.
pub(crate) fn properties(schema: &Value) -> Vec<(&String, &Value)> {
    let fields = |key: &str| schema.get(key).and_then(Value::as_object).into_iter().flatten();
    let below = ["items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key));
    let below = below.chain(["properties", "$defs"].into_iter().flat_map(fields).map(|(_, schema)| schema));
    fields("properties").chain(below.flat_map(properties)).collect()
}

struct Walk<'a> {
    format: &'a Format,
    document: &'a Value,
    /// The schemas of the fields that the document has.
    visited: RefCell<HashSet<*const Value>>,
}

impl Walk<'_> {
    /// Visits what `schema` is about, which is what stands at `places`.
    fn visit(&self, schema: &Value, places: &[Place]) {
        let schema = self.resolve(schema);
        let Some(place) = places.first() else {
            return;
        };
        for spoilt in values_for(schema) {
            self.judge(place, Some(spoilt));
        }
        if let Some(default) = schema.get("default") {
            let problems = self.judge(place, Some(default.clone()));
            let against = problems.iter().find(|problem| problem.path == path(place));
            assert!(against.is_none(), "the default is no good: {against:?}");
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for place in places {
                self.check_known(place, &properties.keys().cloned().collect());
            }
            for (name, property) in properties {
                let inside = |place: &Place| Some(extended(place, Step::Field(name.clone()))).filter(|it| self.has(it));
                let places: Vec<Place> = places.iter().filter_map(inside).collect();
                for place in &places {
                    self.judge(place, None);
                    self.visited.borrow_mut().insert(property);
                }
                self.visit(property, &places);
            }
        }
        if let Some(items) = schema.get("items") {
            let items_of = |place: &Place| match self.at(place) {
                Some(Value::Array(items)) => (0..items.len()).map(|item| extended(place, Step::Item(item))).collect(),
                _ => Vec::new(),
            };
            self.visit(items, &places.iter().flat_map(items_of).collect::<Vec<Place>>());
        }
        if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
            let values_of = |place: &Place| match self.at(place) {
                Some(Value::Object(fields)) => {
                    fields.keys().map(|name| extended(place, Step::Field(name.clone()))).collect()
                }
                _ => Vec::new(),
            };
            self.visit(values, &places.iter().flat_map(values_of).collect::<Vec<Place>>());
        }
    }

    fn resolve<'v>(&'v self, schema: &'v Value) -> &'v Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.format.schema.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// The fields that the reader knows at a place are these.
    fn check_known(&self, place: &Place, expected: &BTreeSet<String>) {
        let problems =
            self.format.problems(&self.with(&extended(place, Step::Field(UNKNOWN.to_owned())), Some(json!(1))));
        let remedy = problems.iter().find_map(|problem| problem.remedy.strip_prefix("known here: "));
        let remedy = remedy.unwrap_or_else(|| panic!("the reader knows {UNKNOWN} at {}: {problems:?}", path(place)));
        let known: BTreeSet<String> = remedy.split(", ").map(str::to_owned).collect();
        assert_eq!(&known, expected, "what the reader and what the schema know at {:?}", path(place));
    }

    /// Spoils what stands at a place, or takes it away, and compares what the two say. What the reader says comes back.
    fn judge(&self, place: &Place, spoilt: Option<Value>) -> Vec<Problem> {
        let shown = format!("{} = {}", path(place), spoilt.as_ref().unwrap_or(&Value::Null));
        let text = self.with(place, spoilt);
        let problems = self.format.problems(&text);
        let objection = self.format.objection(&serde_json::from_str(&text).unwrap());
        if let Some(objection) = &objection {
            assert!(!problems.is_empty(), "the schema refuses what the reader takes: {shown}: {objection}");
        } else {
            let of_shape = |message: &str| {
                message == "is missing" || message.starts_with("must be") || message.ends_with("out of range")
            };
            let overlooked = problems.iter().find(|problem| of_shape(&problem.message));
            assert!(overlooked.is_none(), "the schema overlooks at {shown}: {overlooked:?}");
        }
        problems
    }

    fn at(&self, place: &Place) -> Option<&Value> {
        place.iter().try_fold(self.document, |value, step| match step {
            Step::Field(name) => value.get(name),
            Step::Item(item) => value.get(item),
        })
    }

    fn has(&self, place: &Place) -> bool {
        self.at(place).is_some()
    }

    /// The document with another value at a place, or with none.
    fn with(&self, place: &Place, value: Option<Value>) -> String {
        let mut document = self.document.clone();
        let mut inside = &mut document;
        if let Some((last, before)) = place.split_last() {
            for step in before {
                inside = match step {
                    Step::Field(name) => &mut inside[name],
                    Step::Item(item) => &mut inside[*item],
                };
            }
            match (last, value) {
                (Step::Field(name), Some(value)) => inside[name] = value,
                (Step::Field(name), None) => drop(inside.as_object_mut().unwrap().remove(name)),
                (Step::Item(item), Some(value)) => inside[*item] = value,
                (Step::Item(_), None) => panic!("only fields are taken away"),
            }
        } else {
            document = value.unwrap();
        }
        serde_json::to_string(&document).unwrap()
    }
}

/// Values of every type, and those at the edges of what `schema` takes.
fn values_for(schema: &Value) -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(7),
        json!(2.5),
        json!("text"),
        json!(""),
        json!([]),
        json!(["text"]),
        json!([7]),
        json!({}),
        json!({"text": 7}),
    ];
    for (edge, beyond) in [("minimum", -1), ("maximum", 1)] {
        if let Some(edge) = schema.get(edge).and_then(Value::as_i64) {
            values.extend([json!(edge), json!(edge + beyond)]);
        }
    }
    let most = |edge: &str| schema.get(edge).and_then(Value::as_u64).and_then(|edge| usize::try_from(edge).ok());
    values.extend(most("maxLength").map(|length| json!("x".repeat(length + 1))));
    values.extend(most("maxItems").map(|number| json!(vec!["x"; number + 1])));
    values
}

fn extended(place: &Place, step: Step) -> Place {
    place.iter().cloned().chain([step]).collect()
}

fn path(place: &Place) -> String {
    let step = |step: &Step| match step {
        Step::Field(name) => format!(".{name}"),
        Step::Item(item) => format!("[{item}]"),
    };
    let path: String = place.iter().map(step).collect();
    path.trim_start_matches('.').to_owned()
}
