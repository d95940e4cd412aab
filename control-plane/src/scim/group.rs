//! Groups (RFC 7643 section 4.2), and how they change.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::error::{Invalid, InvalidKind};
use super::json::{find, get, items, text};
use super::patch::{Change, Op};

/// The schema of a group.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// How many members a group may have.
pub const MAX_MEMBERS: usize = 20_000;

/// How often a request may have a member compared with a filter.
const MAX_COMPARISONS: usize = 1_000_000;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub display_name: String,
    /// The provider's own id of it.
    pub external_id: Option<String>,
    /// Our ids of the users and groups in it.
    pub members: BTreeSet<String>,
}

impl Group {
    /// Reads a whole group.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let object = body.as_object().ok_or_else(|| Invalid::new(InvalidKind::Syntax, "a group must be an object"))?;
        let optional = |name| find(object, name).map_or(Ok(None), |value| text(name, value));
        Ok(Self {
            display_name: optional("displayName")?.ok_or_else(|| Invalid::value("displayName is missing"))?,
            external_id: optional("externalId")?,
            members: find(object, "members").map_or(Ok(BTreeSet::new()), members)?,
        })
    }

    /// The group as the provider sees it, but for `meta` and members.
    #[must_use]
    pub fn shown(&self, id: &str) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("schemas".to_owned(), json!([SCHEMA]));
        object.insert("id".to_owned(), json!(id));
        if let Some(external_id) = &self.external_id {
            object.insert("externalId".to_owned(), json!(external_id));
        }
        object.insert("displayName".to_owned(), json!(self.display_name));
        object
    }

    /// Makes all changes, or says why one of them cannot be made.
    ///
    /// # Errors
    /// When a value is not one of its attribute's.
    pub fn change(&mut self, changes: &[Change]) -> Result<(), Invalid> {
        let mut comparisons = 0_usize;
        for change in changes {
            let Change { op, path, value } = change;
            let removed = *op == Op::Remove;
            match path.name.as_str() {
                "displayname" => {
                    let name = if removed { None } else { text("displayName", value)? };
                    self.display_name = name.ok_or_else(|| Invalid::value("displayName cannot be taken away"))?;
                }
                "externalid" => self.external_id = if removed { None } else { text("externalId", value)? },
                "members" => self.change_members(change, &mut comparisons)?,
                // None that we keep.
                _ => {}
            }
        }
        if self.members.len() > MAX_MEMBERS {
            return Err(too_many());
        }
        Ok(())
    }

    fn change_members(&mut self, change: &Change, comparisons: &mut usize) -> Result<(), Invalid> {
        let Change { op, path, value } = change;
        match (op, &path.filter) {
            (Op::Remove, Some(filter)) => {
                if let Some(member) = filter.demanded("value") {
                    self.members.remove(member);
                    return Ok(());
                }
                *comparisons = comparisons.saturating_add(self.members.len());
                if *comparisons > MAX_COMPARISONS {
                    return Err(Invalid::new(InvalidKind::TooMany, "there are too many filters for so many members"));
                }
                self.members.retain(|member| !filter.matches(&json!({ "value": member })));
            }
            (_, Some(_)) => {
                return Err(Invalid::new(InvalidKind::Path, "a member cannot be changed, only added or removed"));
            }
            (Op::Remove, None) if items(value).is_empty() => self.members.clear(),
            (Op::Remove, None) => {
                for member in members(value)? {
                    self.members.remove(&member);
                }
            }
            (Op::Add, None) => self.members.append(&mut members(value)?),
            (Op::Replace, None) => self.members = members(value)?,
        }
        Ok(())
    }
}

fn too_many() -> Invalid {
    Invalid::new(InvalidKind::TooMany, format!("a group has {MAX_MEMBERS} members at most"))
}

fn members(value: &Value) -> Result<BTreeSet<String>, Invalid> {
    let items = items(value);
    if items.len() > MAX_MEMBERS {
        return Err(too_many());
    }
    let member = |item: &Value| {
        let id = match item {
            Value::Object(_) => get(item, "value"),
            item => Some(item),
        };
        let id = id.map_or(Ok(None), |id| text("members", id))?;
        id.ok_or_else(|| Invalid::value("an item of members must have a value: the id of a user or group"))
    };
    items.iter().map(member).collect()
}

#[cfg(test)]
mod tests;
