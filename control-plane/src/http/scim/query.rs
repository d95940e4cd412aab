//! What the query of a request asks for.

use serde_json::{Map, Value};

use super::super::extract::Parameters;
use crate::scim::filter::{Attributes, Filter};
use crate::scim::{Invalid, InvalidKind, MOST_LISTED, Question};

/// How many attributes may be named.
const MAX_NAMES: usize = 100;

/// How many resources a page has when nothing is said.
const USUAL: usize = 100;

/// What the query of a request asks for.
pub(super) struct Query {
    parameters: Parameters,
}

/// Which attributes are asked for (RFC 7644 section 3.9).
pub(super) struct Selection {
    only: Option<Vec<String>>,
    without: Vec<String>,
}

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Invalid> {
        let parameters = Parameters::parse(query.unwrap_or_default())
            .map_err(|repeated| Invalid::new(InvalidKind::Value, format!("{} is given twice", repeated.0)))?;
        Ok(Self { parameters })
    }

    pub(super) fn selection(&self) -> Result<Selection, Invalid> {
        Ok(Selection {
            only: self.parameters.get("attributes").map(names).transpose()?,
            without: self.parameters.get("excludedAttributes").map(names).transpose()?.unwrap_or_default(),
        })
    }

    /// Whether attributes are named: then an answer has to show them.
    pub(super) fn asks_for_attributes(&self) -> bool {
        self.parameters.get("attributes").is_some()
    }

    /// Which resources; the first has the number 1.
    pub(super) fn question(&self, attributes: Attributes, members: bool) -> Result<Question, Invalid> {
        let filter = self.parameters.get("filter").map(|text| Filter::parse(text, attributes)).transpose()?;
        // What is less than 1 counts as 1, and less than 0 as 0 (section 3.4.2.4).
        let start = self.number("startIndex")?.unwrap_or(1).max(1);
        let count = self.number("count")?.map_or(USUAL, |count| usize::try_from(count).unwrap_or(0));
        let skip = usize::try_from(start).unwrap_or(usize::MAX).saturating_sub(1).min(1_000_000_000);
        Ok(Question { filter, skip, count: count.min(MOST_LISTED), members })
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Invalid> {
        let number = self.parameters.get(name).map(str::parse).transpose();
        number.map_err(|_| Invalid::new(InvalidKind::Value, format!("{name} must be a whole number")))
    }
}

impl Selection {
    /// Whether an attribute is asked for.
    pub(super) fn has(&self, name: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|known| known == &name.to_ascii_lowercase());
        match &self.only {
            Some(only) => named(only),
            None => !named(&self.without),
        }
    }

    /// A resource with no more than is asked for; its id and schemas it always has.
    pub(super) fn of(&self, mut resource: Map<String, Value>) -> Value {
        resource.retain(|name, _| name == "id" || name == "schemas" || self.has(name));
        Value::Object(resource)
    }
}

/// Names of attributes, in lower case; of a part of one, the whole.
fn names(text: &str) -> Result<Vec<String>, Invalid> {
    let mut names = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if names.len() >= MAX_NAMES {
            return Err(Invalid::new(InvalidKind::TooMany, format!("more than {MAX_NAMES} attributes are named")));
        }
        let lower = name.to_ascii_lowercase();
        let plain = lower.strip_prefix("urn:").and_then(|urn| urn.rsplit_once(':')).map_or(&*lower, |(_, name)| name);
        names.push(plain.split_once('.').map_or(plain, |(whole, _)| whole).to_owned());
    }
    Ok(names)
}
