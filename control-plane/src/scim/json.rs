//! JSON as SCIM has it: names of attributes know no upper and lower case (RFC 7643 section 2.1).

use serde_json::{Map, Value};

use super::error::Invalid;

/// The longest text of an attribute, in bytes.
pub(super) const LONGEST: usize = 1024;

/// An attribute of an object.
pub(super) fn get<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    find(object.as_object()?, name)
}

/// The same; `null` is as good as none.
pub(super) fn find<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found =
        object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v));
    found.filter(|value| !value.is_null())
}

/// The items of a list; a single value is a list of one.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        value => std::slice::from_ref(value),
    }
}

/// Text that is not too long; an empty one is none.
pub(super) fn text(name: &str, value: &Value) -> Result<Option<String>, Invalid> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        // Entra sends single values in lists now and then.
        Value::Array(items) if items.len() == 1 => match items.first() {
            Some(Value::String(text)) => text,
            Some(item @ Value::Object(_)) => return get(item, "value").map_or(Ok(None), |value| text(name, value)),
            _ => return Err(Invalid::value(format!("{name} must be text"))),
        },
        _ => return Err(Invalid::value(format!("{name} must be text"))),
    };
    if text.len() > LONGEST {
        return Err(Invalid::value(format!("{name} is longer than {LONGEST} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::value(format!("{name} holds a control character")));
    }
    Ok((!text.is_empty()).then(|| text.clone()))
}

/// True or false, also as text: Entra writes `"False"`.
pub(super) fn boolean(name: &str, value: &Value) -> Result<bool, Invalid> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Value::Array(items) if items.len() == 1 => match items.first() {
            Some(item @ Value::Object(_)) => boolean(name, get(item, "value").unwrap_or(&Value::Null)),
            Some(item @ (Value::Bool(_) | Value::String(_))) => boolean(name, item),
            _ => Err(Invalid::value(format!("{name} must be true or false"))),
        },
        _ => Err(Invalid::value(format!("{name} must be true or false"))),
    }
}
