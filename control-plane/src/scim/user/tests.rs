use serde_json::json;

use super::*;
use crate::scim::patch::changes;

fn user() -> User {
    let body = json!({
        "userName": "alice@example.com", "active": true, "password": "secret", "title": "Engineer",
        "emails": [{"value": "alice@example.com", "type": "work", "primary": true}],
    });
    User::parse(&body, true).unwrap()
}

fn patched(operations: &Value) -> Result<User, Invalid> {
    let mut user = user();
    for change in changes(&json!({ "Operations": operations }))? {
        user.change(&change)?;
    }
    Ok(user)
}

#[test]
fn changes_in_every_form() {
    let inactive = User { active: false, ..user() };
    for operations in [
        json!([{"op": "replace", "value": {"active": false}}]),
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
        json!([{"op": "REPLACE", "path": "active", "value": false}]),
        json!([{"op": "Add", "path": "active", "value": "false"}]),
        json!([{"op": "replace", "path": "active", "value": [{"value": "False"}]}]),
        json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false}]),
        json!([{"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:active": "False"}}]),
        json!([{"OP": "replace", "PATH": "ACTIVE", "VALUE": false}]),
        json!([{"op": "remove", "path": "active"}]),
    ] {
        assert_eq!(patched(&operations), Ok(inactive.clone()), "{operations}");
    }
    for operations in [
        json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@example.com"}]),
        json!([{"op": "replace", "value": {"emails[type eq \"work\"].value": "new@example.com"}}]),
        json!([{"op": "replace", "value": {"emails": [{"value": "new@example.com", "type": "work", "primary": true}]}}]),
        json!([{"op": "replace", "path": "emails", "value": {"value": "new@example.com", "type": "work", "primary": "True"}}]),
        json!([{"op": "replace", "path": "emails[primary eq true].value", "value": "new@example.com"}]),
    ] {
        assert_eq!(patched(&operations).unwrap().email(), Some("new@example.com"), "{operations}");
    }
    let made =
        patched(&json!([{"op": "Add", "path": "emails[type eq \"other\"].value", "value": "o@example.com"}])).unwrap();
    assert_eq!((made.emails.len(), made.email()), (2, Some("alice@example.com")));
    let named = patched(&json!([
        {"op": "Add", "path": "name.givenName", "value": "Alice"},
        {"op": "Replace", "value": {"name.familyName": "Liddell", "displayName": "Alice Liddell"}},
    ]));
    let named = named.unwrap();
    assert_eq!((named.name.given_name.as_deref(), named.name.family_name.as_deref()), (Some("Alice"), Some("Liddell")));
    assert_eq!(named.display_name.as_deref(), Some("Alice Liddell"));
}

#[test]
fn what_is_not_kept_is_passed_over() {
    for operations in [
        json!([{"op": "Add", "path": "title", "value": "Boss"}]),
        json!([{"op": "Add", "path": "phoneNumbers[type eq \"work\"].value", "value": "+1"}]),
        json!([{"op": "Add", "path": "addresses[type eq \"work\"].postalCode", "value": "1"}]),
        json!([{"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x"}]),
        json!([{"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
                "value": [{"$ref": null, "value": "1"}]}]),
        json!([{"op": "replace", "value": {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"division": "x"}}}]),
        json!([{"op": "replace", "value": {"id": "other", "password": "secret", "schemas": []}}]),
    ] {
        assert_eq!(patched(&operations), Ok(user()), "{operations}");
    }
    assert!(!serde_json::to_string(&user()).unwrap().contains("secret"), "no password is kept");
}

#[test]
fn what_is_refused() {
    let kind = |operations: &Value| patched(operations).unwrap_err().kind.as_str();
    for (operations, expected) in [
        (json!([{"op": "move", "path": "active", "value": false}]), "invalidSyntax"),
        (json!([{"path": "active", "value": false}]), "invalidSyntax"),
        (json!([{"op": "replace", "value": "active"}]), "invalidSyntax"),
        (json!({"op": "replace"}), "invalidSyntax"),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "replace", "path": "emails.value", "value": "x@y"}]), "noTarget"),
        (json!([{"op": "replace", "path": 7, "value": 1}]), "invalidPath"),
        (json!([{"op": "replace", "path": "emails[type eq \"work\"", "value": 1}]), "invalidPath"),
        (json!([{"op": "replace", "path": "a b", "value": 1}]), "invalidPath"),
        (json!([{"op": "replace", "path": "emails[nick eq \"work\"].value", "value": "x"}]), "invalidFilter"),
        (json!([{"op": "replace", "path": "active", "value": "perhaps"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "active", "value": 0}]), "invalidValue"),
        (json!([{"op": "replace", "path": "active"}]), "invalidValue"),
        (json!([{"op": "remove", "path": "userName"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "userName", "value": {"a": 1}}]), "invalidValue"),
        (json!([{"op": "replace", "path": "userName", "value": "a\nb"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "userName", "value": "x".repeat(2000)}]), "invalidValue"),
        (json!([{"op": "replace", "path": "emails", "value": [7]}]), "invalidValue"),
        (
            json!([{"op": "replace", "path": "emails", "value": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}]),
            "invalidValue",
        ),
    ] {
        assert_eq!(kind(&operations), expected, "{operations}");
    }
    let many: Vec<Value> = (0..5001).map(|_| json!({"op": "replace", "path": "active", "value": true})).collect();
    assert_eq!(kind(&Value::Array(many)), "tooMany");
    let many: Vec<Value> = (0..21).map(|at| json!({"value": format!("{at}@x")})).collect();
    assert_eq!(kind(&json!([{"op": "add", "path": "emails", "value": many}])), "tooMany");
}

#[test]
fn which_address_links() {
    for (emails, links) in [
        (json!([]), None),
        (json!([{"value": "A@x"}]), Some("a@x")),
        (json!([{"value": "a@x"}, {"value": "b@x", "primary": true}]), Some("b@x")),
        (json!([{"value": "a@x", "type": "home"}, {"value": "b@x", "type": "Work"}]), Some("b@x")),
        (json!([{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "work"}]), None),
        (json!([{"value": "a@x"}, {"value": "b@x"}]), None),
    ] {
        let user = User::parse(&json!({"userName": "a", "emails": emails}), true).unwrap();
        assert_eq!(user.link(LinkAttribute::Emails).as_deref(), links, "{emails}");
    }
    // A letter that merely looks alike (U+212A, the Kelvin sign) is another.
    assert_ne!(key("\u{212a}ate"), key("kate"));
}
