//! Filters (RFC 7644 section 3.4.2.2): a bounded part of the language, on the attributes that we keep.
//!
//! A filter becomes a tree that is judged in memory; no text of it ever reaches SQL but as a bound value.

mod parse;

use serde_json::Value;

use super::error::Invalid;
use super::json;

/// The longest filter, in bytes.
pub const MAX_LENGTH: usize = 2048;

/// How deep brackets may go.
const MAX_DEPTH: usize = 16;

/// How many comparisons there may be.
const MAX_TERMS: usize = 64;

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// The attribute has a value.
    Present(Attribute),
    /// One of the attribute's values compares so.
    Compare(Attribute, Operator, Literal),
    /// One item of a list of objects is so (`emails[type eq "work"]`); with a comparison of one of its parts behind it
    /// (`emails[…].value eq "x"`), that too.
    Item(&'static str, Box<Filter>),
}

/// What an attribute is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// True or false.
    Bool(bool),
    /// Nothing.
    Null,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The same.
    Equal,
    /// Not the same.
    NotEqual,
    /// Holds it.
    Contains,
    /// Begins with it.
    StartsWith,
    /// Ends with it.
    EndsWith,
}

/// An attribute that can be asked for: its name, a part of it, and whether upper and lower case differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// The part of it.
    pub part: Option<&'static str>,
    exact: bool,
    /// How it is written: in lower case.
    written: &'static str,
}

/// The attributes of a kind of resource that can be asked for.
pub type Attributes = &'static [Attribute];

const fn attribute(written: &'static str, name: &'static str, part: Option<&'static str>, exact: bool) -> Attribute {
    Attribute { name, part, exact, written }
}

/// What users can be found by.
pub const USER: Attributes = &[
    attribute("id", "id", None, true),
    attribute("externalid", "externalId", None, true),
    attribute("username", "userName", None, false),
    attribute("displayname", "displayName", None, false),
    attribute("active", "active", None, false),
    attribute("name.formatted", "name", Some("formatted"), false),
    attribute("name.familyname", "name", Some("familyName"), false),
    attribute("name.givenname", "name", Some("givenName"), false),
    attribute("emails", "emails", Some("value"), false),
    attribute("emails.value", "emails", Some("value"), false),
    attribute("emails.type", "emails", Some("type"), false),
    attribute("emails.primary", "emails", Some("primary"), false),
];

/// What groups can be found by.
pub const GROUP: Attributes = &[
    attribute("id", "id", None, true),
    attribute("externalid", "externalId", None, true),
    attribute("displayname", "displayName", None, false),
    attribute("members", "members", Some("value"), true),
    attribute("members.value", "members", Some("value"), true),
];

/// The parts of an item of `emails`.
pub(super) const EMAIL: Attributes = &[
    attribute("value", "value", None, false),
    attribute("type", "type", None, false),
    attribute("primary", "primary", None, false),
    attribute("display", "display", None, false),
];

/// The parts of an item of `members`.
pub(super) const MEMBER: Attributes =
    &[attribute("value", "value", None, true), attribute("type", "type", None, false)];

impl Filter {
    /// Reads a filter on `attributes`.
    ///
    /// # Errors
    /// What is wrong with it, or is not offered.
    pub fn parse(text: &str, attributes: Attributes) -> Result<Self, Invalid> {
        parse::filter(text, attributes)
    }

    /// Whether `resource` is one of those.
    #[must_use]
    pub fn matches(&self, resource: &Value) -> bool {
        match self {
            Self::And(all) => all.iter().all(|filter| filter.matches(resource)),
            Self::Or(any) => any.iter().any(|filter| filter.matches(resource)),
            Self::Not(filter) => !filter.matches(resource),
            Self::Present(attribute) => attribute.values(resource).iter().any(|value| is_present(value)),
            Self::Compare(attribute, operator, literal) => attribute.compare(resource, *operator, literal),
            Self::Item(name, filter) => {
                json::get(resource, name).map(json::items).unwrap_or_default().iter().any(|item| filter.matches(item))
            }
        }
    }

    /// The text that an attribute has in everything that this filter finds.
    #[must_use]
    pub fn demanded(&self, name: &str) -> Option<&str> {
        match self {
            Self::And(all) => all.iter().find_map(|filter| filter.demanded(name)),
            Self::Compare(attribute, Operator::Equal, Literal::Text(text)) if attribute.name == name => Some(text),
            _ => None,
        }
    }

    /// Whether it asks for this attribute.
    #[must_use]
    pub fn asks_for(&self, name: &str) -> bool {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().any(|filter| filter.asks_for(name)),
            Self::Not(filter) => filter.asks_for(name),
            Self::Present(attribute) | Self::Compare(attribute, ..) => attribute.name == name,
            Self::Item(item, _) => *item == name,
        }
    }
}

impl Attribute {
    fn values<'a>(&self, resource: &'a Value) -> Vec<&'a Value> {
        let Some(value) = json::get(resource, self.name) else {
            return Vec::new();
        };
        match self.part {
            None => vec![value],
            Some(part) => json::items(value).iter().filter_map(|item| json::get(item, part)).collect(),
        }
    }

    fn compare(&self, resource: &Value, operator: Operator, literal: &Literal) -> bool {
        let values = self.values(resource);
        match (operator, literal) {
            (Operator::NotEqual, _) => !self.compare(resource, Operator::Equal, literal),
            (_, Literal::Null) => !values.into_iter().any(is_present),
            (_, Literal::Bool(wanted)) => values.iter().any(|value| value.as_bool() == Some(*wanted)),
            (_, Literal::Text(wanted)) => {
                let texts = values.into_iter().filter_map(Value::as_str);
                if self.exact {
                    return texts.into_iter().any(|text| operator.holds(text, wanted));
                }
                let wanted = wanted.to_ascii_lowercase();
                texts.into_iter().any(|text| operator.holds(&text.to_ascii_lowercase(), &wanted))
            }
        }
    }
}

impl Operator {
    fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Self::Equal => text == wanted,
            Self::NotEqual => text != wanted,
            Self::Contains => text.contains(wanted),
            Self::StartsWith => text.starts_with(wanted),
            Self::EndsWith => text.ends_with(wanted),
        }
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
