use serde_json::json;

use super::*;
use crate::scim::patch::changes;

fn patched(operations: &Value) -> Result<Group, Invalid> {
    let body = json!({"displayName": "Team", "members": [{"value": "a", "display": "A", "$ref": "x"}, {"value": "b"}]});
    let mut group = Group::parse(&body).unwrap();
    group.change(&changes(&json!({ "Operations": operations }))?)?;
    Ok(group)
}

#[test]
fn members_come_and_go_in_every_form() {
    for (operations, members) in [
        (json!([{"op": "add", "path": "members", "value": [{"value": "c", "display": "C"}]}]), vec!["a", "b", "c"]),
        (json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "c"}]}]), vec!["a", "b", "c"]),
        (json!([{"op": "add", "path": "members", "value": {"value": "c"}}]), vec!["a", "b", "c"]),
        (json!([{"op": "add", "value": {"members": [{"value": "c"}]}}]), vec!["a", "b", "c"]),
        (json!([{"op": "add", "path": "members", "value": ["c"]}]), vec!["a", "b", "c"]),
        (json!([{"op": "add", "path": "members", "value": [{"value": "a"}]}]), vec!["a", "b"]),
        (json!([{"op": "remove", "path": "members[value eq \"a\"]"}]), vec!["b"]),
        (json!([{"op": "remove", "path": "members[value eq \"a\" or value eq \"b\"]"}]), vec![]),
        (json!([{"op": "remove", "path": "members[value eq \"z\"]"}]), vec!["a", "b"]),
        (json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "a"}]}]), vec!["b"]),
        (json!([{"op": "remove", "path": "members"}]), vec![]),
        (json!([{"op": "replace", "path": "members", "value": [{"value": "c"}]}]), vec!["c"]),
        (json!([{"op": "replace", "value": {"members": []}}]), vec![]),
        (
            json!([{"op": "remove", "path": "members[value eq \"a\"]"}, {"op": "add", "path": "members", "value": [{"value": "c"}]}]),
            vec!["b", "c"],
        ),
    ] {
        let group = patched(&operations).unwrap_or_else(|error| panic!("{operations}: {error}"));
        assert_eq!(group.members.iter().collect::<Vec<_>>(), members, "{operations}");
    }
    let renamed = patched(&json!([{"op": "replace", "value": {"id": "x", "displayName": "New"}}])).unwrap();
    assert_eq!((renamed.display_name.as_str(), renamed.members.len()), ("New", 2), "as Okta renames");
}

#[test]
fn what_is_refused() {
    for operations in [
        json!([{"op": "replace", "path": "members[value eq \"a\"].display", "value": "x"}]),
        json!([{"op": "add", "path": "members", "value": [{"display": "x"}]}]),
        json!([{"op": "add", "path": "members", "value": [[1]]}]),
        json!([{"op": "remove", "path": "displayName"}]),
        json!([{"op": "remove", "path": "members[display eq \"a\"]"}]),
    ] {
        assert!(patched(&operations).is_err(), "{operations}");
    }
    let many: Vec<Value> = (0..MAX_MEMBERS).map(|at| json!({ "value": at.to_string() })).collect();
    assert!(patched(&json!([{"op": "add", "path": "members", "value": many}])).is_err(), "too many members");
}
