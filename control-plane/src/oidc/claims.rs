//! Finding claims: by name, or by a path of names joined by dots.

use serde_json::{Map, Value};

/// What a path leads to: one value, or those of all items of a list on the way. `None` when it leads nowhere.
///
/// A name may have dots of its own: at each step the longest name that is there goes first.
pub(super) fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<Vec<&'a Value>> {
    if let Some(value) = claims.get(path) {
        return Some(vec![value]).filter(|_| !value.is_null());
    }
    let mut dots = path.rmatch_indices('.');
    dots.find_map(|(at, _)| inside(claims.get(path.get(..at)?)?, path.get(at + 1..)?))
}

fn inside<'a>(value: &'a Value, path: &str) -> Option<Vec<&'a Value>> {
    match value {
        Value::Object(claims) => find(claims, path),
        Value::Array(items) => Some(items.iter().filter_map(|item| inside(item, path)).flatten().collect()),
        _ => None,
    }
}

/// The one text that a path leads to; a list with a single text counts as that.
pub(super) fn text<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    let found = find(claims, path)?;
    let values: Vec<&Value> = found.into_iter().flat_map(flattened).collect();
    match values.as_slice() {
        [Value::String(text)] if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The items of a list, or the value itself.
pub(super) fn flattened(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        other => std::slice::from_ref(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_through_objects_lists_and_names_with_dots() {
        let claims = json!({
            "email": "a@x", "none": null,
            "realm_access": {"roles": ["x", "y"]},
            "https://example.com/claims": {"roles": ["z"], "v1.2": {"a.b": "deep"}},
            "a": {"b": "nested"}, "a.b": "literal",
            "memberships": [{"name": "m1", "in": {"id": 1}}, {"other": 2}, {"name": "m2"}],
            "nobody": [], "emails": ["one@x"], "many": ["1", "2"],
        });
        let claims = claims.as_object().unwrap();
        for (path, expected) in [
            ("email", Some(json!(["a@x"]))),
            ("none", None),
            ("email.x", None),
            ("realm_access.roles", Some(json!([["x", "y"]]))),
            ("realm_access.nothing", None),
            ("https://example.com/claims.roles", Some(json!([["z"]]))),
            ("https://example.com/claims.v1.2.a.b", Some(json!(["deep"]))),
            ("a.b", Some(json!(["literal"]))),
            ("memberships.name", Some(json!(["m1", "m2"]))),
            ("memberships.in.id", Some(json!([1]))),
            ("nobody.name", Some(json!([]))),
            (".", None),
            ("", None),
            ("\u{e9}.\u{e9}", None),
        ] {
            let found = find(claims, path).map(|found| json!(found));
            assert_eq!(found, expected, "{path}");
        }
        assert_eq!(text(claims, "emails"), Some("one@x"), "a list of one");
        assert_eq!(text(claims, "many"), None, "which of them?");
        assert_eq!(text(claims, "memberships.name"), None);
    }
}
