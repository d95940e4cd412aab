//! Users: what we keep of them (RFC 7643 section 4.1), and how they change.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::{Invalid, InvalidKind};
use super::json::{boolean, find, get, items, text};
use super::patch::{Change, Op, Path};
use crate::config::LinkAttribute;

/// The schema of a user.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// How many addresses a user may have.
const MAX_EMAILS: usize = 20;

/// A user: the part of it that is of use here. Everything else that is sent, a password above all, is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user name at the provider.
    pub user_name: String,
    /// The provider's own id of the user.
    pub external_id: Option<String>,
    /// What people call the user.
    pub display_name: Option<String>,
    /// Whether the user may sign in.
    pub active: bool,
    /// The name in parts.
    pub name: Name,
    /// Addresses.
    pub emails: Vec<Email>,
}

/// A name in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Name {
    /// All of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
}

/// An address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address.
    pub value: String,
    /// What it is for, such as `work`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the one to use.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub primary: bool,
}

impl User {
    /// Reads a whole user. When it does not say whether it is active, it is as `active` says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &Value, active: bool) -> Result<Self, Invalid> {
        let object = body.as_object().ok_or_else(|| Invalid::new(InvalidKind::Syntax, "a user must be an object"))?;
        let optional = |name| find(object, name).map_or(Ok(None), |value| text(name, value));
        Ok(Self {
            user_name: optional("userName")?.ok_or_else(|| Invalid::value("userName is missing"))?,
            external_id: optional("externalId")?,
            display_name: optional("displayName")?,
            active: find(object, "active").map_or(Ok(active), |value| boolean("active", value))?,
            name: find(object, "name").map_or(Ok(Name::default()), Name::parse)?,
            emails: find(object, "emails").map_or(Ok(Vec::new()), emails)?,
        })
    }

    /// The user as the provider sees it, but for `meta`.
    #[must_use]
    pub fn shown(&self, id: &str) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("schemas".to_owned(), json!([SCHEMA]));
        object.insert("id".to_owned(), json!(id));
        let mut put = |name: &str, value: Option<Value>| value.map(|value| object.insert(name.to_owned(), value));
        put("externalId", self.external_id.as_ref().map(|id| json!(id)));
        put("userName", Some(json!(self.user_name)));
        put("displayName", self.display_name.as_ref().map(|name| json!(name)));
        put("name", (self.name != Name::default()).then(|| json!(self.name)));
        put("emails", (!self.emails.is_empty()).then(|| json!(self.emails)));
        put("active", Some(json!(self.active)));
        object
    }

    /// Changes one attribute.
    ///
    /// # Errors
    /// When the value is not one of the attribute's.
    pub fn change(&mut self, change: &Change) -> Result<(), Invalid> {
        let Change { op, path, value } = change;
        let removed = *op == Op::Remove;
        let new = |name| if removed { Ok(None) } else { text(name, value) };
        match (path.name.as_str(), path.part.as_deref()) {
            ("username", None) => {
                self.user_name = new("userName")?.ok_or_else(|| Invalid::value("userName cannot be taken away"))?;
            }
            ("externalid", None) => self.external_id = new("externalId")?,
            ("displayname", None) => self.display_name = new("displayName")?,
            // Who is not said to be active is not.
            ("active", None) => self.active = !removed && boolean("active", value)?,
            ("name", None) if removed || value.is_null() => self.name = Name::default(),
            ("name", None) => {
                let object = value.as_object().ok_or_else(|| Invalid::value("name must be an object"))?;
                for (part, value) in object {
                    self.name.set(&part.to_ascii_lowercase(), text("name", value)?);
                }
            }
            ("name", Some(part)) => self.name.set(part, new("name")?),
            ("emails", part) => self.change_emails(*op, path, part, value)?,
            // None that we keep.
            _ => {}
        }
        Ok(())
    }

    fn change_emails(&mut self, op: Op, path: &Path, part: Option<&str>, value: &Value) -> Result<(), Invalid> {
        let Some(filter) = &path.filter else {
            match (op, part) {
                (Op::Remove, None) if items(value).is_empty() => self.emails.clear(),
                (Op::Remove, None) => {
                    let gone = emails(value)?;
                    self.emails.retain(|email| !gone.iter().any(|gone| gone.value == email.value));
                }
                (Op::Replace, None) => self.emails = emails(value)?,
                (Op::Add, None) => {
                    for email in emails(value)? {
                        self.put_email(email);
                    }
                }
                (_, Some(_)) => {
                    let detail = "say which of the emails is meant, as in emails[type eq \"work\"].value";
                    return Err(Invalid::new(InvalidKind::NoTarget, detail));
                }
            }
            return one_primary(&mut self.emails).and(Ok(()));
        };
        let found: Vec<usize> = self
            .emails
            .iter()
            .enumerate()
            .filter(|(_, email)| filter.matches(&json!(email)))
            .map(|(at, _)| at)
            .collect();
        if op == Op::Remove {
            if part.is_none_or(|part| part == "value") {
                self.emails.retain(|email| !filter.matches(&json!(email)));
            }
            return Ok(());
        }
        // Providers set what is not there yet, and mean: make it.
        let found = match found.as_slice() {
            [] => {
                let primary = filter.asks_for("primary");
                let kind = filter.demanded("type").map(str::to_owned);
                self.emails.push(Email { kind, primary, ..Email::default() });
                vec![self.emails.len().saturating_sub(1)]
            }
            found => found.to_vec(),
        };
        for at in found {
            if let Some(email) = self.emails.get_mut(at) {
                match part {
                    None => *email = Email { kind: email.kind.clone(), ..Email::parse(value)? },
                    Some(part) => email.set(part, value)?,
                }
            }
        }
        self.emails.retain(|email| !email.value.is_empty());
        one_primary(&mut self.emails)
    }

    fn put_email(&mut self, email: Email) {
        if email.primary {
            self.emails.iter_mut().for_each(|known| known.primary = false);
        }
        match self.emails.iter_mut().find(|known| known.value == email.value && known.kind == email.kind) {
            Some(known) => *known = email,
            None => self.emails.push(email),
        }
    }

    /// The address that may link: the primary one, else the only one, else the only one for work.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        let only = |emails: Vec<&Email>| match emails.as_slice() {
            [email] => Some(email.value.clone()),
            _ => None,
        };
        let of_work = |email: &&Email| email.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
        let value = only(self.emails.iter().filter(|email| email.primary).collect())
            .or_else(|| only(self.emails.iter().collect()))
            .or_else(|| only(self.emails.iter().filter(of_work).collect()))?;
        self.emails.iter().map(|email| email.value.as_str()).find(|known| *known == value)
    }

    /// What the user's sign-ins are found by.
    #[must_use]
    pub fn link(&self, attribute: LinkAttribute) -> Option<String> {
        match attribute {
            LinkAttribute::ExternalId => self.external_id.clone(),
            LinkAttribute::UserName => Some(key(&self.user_name)),
            LinkAttribute::Emails => self.email().map(key),
        }
    }
}

/// A text of which upper and lower case are the same. ASCII alone: a letter that merely looks alike is another.
#[must_use]
pub fn key(text: &str) -> String {
    text.to_ascii_lowercase()
}

impl Name {
    fn parse(value: &Value) -> Result<Self, Invalid> {
        let mut name = Self::default();
        for (part, value) in value.as_object().ok_or_else(|| Invalid::value("name must be an object"))? {
            name.set(&part.to_ascii_lowercase(), text("name", value)?);
        }
        Ok(name)
    }

    fn set(&mut self, part: &str, value: Option<String>) {
        match part {
            "formatted" => self.formatted = value,
            "familyname" => self.family_name = value,
            "givenname" => self.given_name = value,
            _ => {}
        }
    }
}

impl Email {
    fn parse(value: &Value) -> Result<Self, Invalid> {
        if let Value::String(_) = value {
            let value = text("emails", value)?.unwrap_or_default();
            return Ok(Self { value, ..Self::default() });
        }
        if !value.is_object() {
            return Err(Invalid::value("an item of emails must be an object"));
        }
        let part = |name| get(value, name).map_or(Ok(None), |value| text("emails", value));
        Ok(Self {
            value: part("value")?.unwrap_or_default(),
            kind: part("type")?,
            primary: get(value, "primary").map_or(Ok(false), |value| boolean("emails.primary", value))?,
        })
    }

    fn set(&mut self, part: &str, value: &Value) -> Result<(), Invalid> {
        match part {
            "value" => self.value = text("emails.value", value)?.unwrap_or_default(),
            "type" => self.kind = text("emails.type", value)?,
            "primary" => self.primary = boolean("emails.primary", value)?,
            _ => {}
        }
        Ok(())
    }
}

fn emails(value: &Value) -> Result<Vec<Email>, Invalid> {
    let mut emails = items(value).iter().map(Email::parse).collect::<Result<Vec<_>, _>>()?;
    emails.retain(|email| !email.value.is_empty());
    one_primary(&mut emails)?;
    Ok(emails)
}

/// At most one is primary (RFC 7643 section 2.4), and there are not too many.
fn one_primary(emails: &mut [Email]) -> Result<(), Invalid> {
    if emails.len() > MAX_EMAILS {
        return Err(Invalid::new(InvalidKind::TooMany, format!("there are more than {MAX_EMAILS} emails")));
    }
    if emails.iter().filter(|email| email.primary).count() > 1 {
        return Err(Invalid::value("more than one of the emails is primary"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
