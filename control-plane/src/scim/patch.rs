//! Changes to a resource (RFC 7644 section 3.5.2), in every form that providers send.
//!
//! - `op` in any case; `path` absent, with the attributes in `value`, whose names may themselves be paths.
//! - Names with the core schema's URN before them.
//! - Attributes that we do not keep are passed over, as whole resources are: providers send many.

use serde_json::{Map, Value};

use super::error::{Invalid, InvalidKind};
use super::filter::{Attributes, EMAIL, Filter, MEMBER};
use super::json;

/// What may stand before the name of an attribute.
pub(super) const CORE: [&str; 2] =
    ["urn:ietf:params:scim:schemas:core:2.0:user:", "urn:ietf:params:scim:schemas:core:2.0:group:"];

/// How many operations there may be in a request.
const MAX_OPERATIONS: usize = 5000;

/// The longest path, in bytes.
const MAX_PATH: usize = 2048;

/// One change of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What is done.
    pub op: Op,
    /// The attribute.
    pub path: Path,
    /// With what.
    pub value: Value,
}

/// What is done to an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A value is added, or set where there can be one alone.
    Add,
    /// The value is set.
    Replace,
    /// The value is taken away.
    Remove,
}

/// Which attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Its name, in lower case.
    pub name: String,
    /// Which of its items.
    pub filter: Option<Filter>,
    /// Which part of it, in lower case.
    pub part: Option<String>,
}

/// The changes that a request asks for, one after the other.
///
/// # Errors
/// What is wrong with the request.
pub fn changes(body: &Value) -> Result<Vec<Change>, Invalid> {
    let operations = json::get(body, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| syntax("Operations must be a list"))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(Invalid::new(InvalidKind::TooMany, format!("there are more than {MAX_OPERATIONS} operations")));
    }
    let mut changes = Vec::new();
    for operation in operations {
        read(operation, &mut changes)?;
    }
    Ok(changes)
}

fn read(operation: &Value, changes: &mut Vec<Change>) -> Result<(), Invalid> {
    let op = json::get(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let op = match op.to_ascii_lowercase().as_str() {
        "add" => Op::Add,
        "replace" => Op::Replace,
        "remove" => Op::Remove,
        _ => return Err(syntax("op must be add, replace or remove")),
    };
    let value = json::get(operation, "value").unwrap_or(&Value::Null);
    match json::get(operation, "path") {
        Some(Value::String(path)) => changes.push(Change { op, path: Path::parse(path)?, value: value.clone() }),
        Some(_) => return Err(Invalid::new(InvalidKind::Path, "path must be text")),
        None if op == Op::Remove => return Err(Invalid::new(InvalidKind::NoTarget, "remove needs a path")),
        None => {
            let attributes = value.as_object().ok_or_else(|| syntax("without path, value must be an object"))?;
            spread(op, attributes, changes)?;
        }
    }
    Ok(())
}

fn spread(op: Op, attributes: &Map<String, Value>, changes: &mut Vec<Change>) -> Result<(), Invalid> {
    for (name, value) in attributes {
        if name.eq_ignore_ascii_case("schemas") {
            continue;
        }
        changes.push(Change { op, path: Path::parse(name)?, value: value.clone() });
    }
    Ok(())
}

fn syntax(detail: &str) -> Invalid {
    Invalid::new(InvalidKind::Syntax, detail)
}

impl Path {
    /// Reads a path: `name`, `name.part`, `name[filter]`, `name[filter].part`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |what: &str| {
            let shown: String = text.chars().take(60).collect();
            Invalid::new(InvalidKind::Path, format!("the path {shown:?} {what}"))
        };
        if text.len() > MAX_PATH {
            return Err(invalid("is too long"));
        }
        let text = text.trim();
        let whole = text;
        let prefix = CORE.iter().find(|core| text.get(..core.len()).is_some_and(|at| at.eq_ignore_ascii_case(core)));
        let text = prefix.and_then(|core| text.get(core.len()..)).unwrap_or(text);
        if text.get(..4).is_some_and(|urn| urn.eq_ignore_ascii_case("urn:")) {
            // Of an extension: none of ours.
            return Ok(Self { name: whole.to_ascii_lowercase(), filter: None, part: None });
        }
        let (name, filter, rest) = match text.split_once('[') {
            None => {
                let (name, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
                (name, None, rest)
            }
            Some((name, rest)) => {
                let (filter, rest) = rest.rsplit_once(']').ok_or_else(|| invalid("lacks a ]"))?;
                (name, Some(filter), rest)
            }
        };
        let part = match rest {
            "" => None,
            rest => Some(rest.strip_prefix('.').filter(|part| is_name(part)).ok_or_else(|| invalid("cannot be read"))?),
        };
        if !is_name(name) {
            return Err(invalid("cannot be read"));
        }
        let name = name.to_ascii_lowercase();
        let filter = match (filter, parts_of(&name)) {
            (Some(filter), Some(parts)) => Some(Filter::parse(filter, parts)?),
            _ => None,
        };
        Ok(Self { name, filter, part: part.map(str::to_ascii_lowercase) })
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'$')
}

fn parts_of(name: &str) -> Option<Attributes> {
    match name {
        "emails" => Some(EMAIL),
        "members" => Some(MEMBER),
        _ => None,
    }
}
