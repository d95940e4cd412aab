//! From the claims of a workload's token to a user name: which claims must say what, and what the name is made of.

use kubegate_core::identity_name;
use kubegate_core::pattern::{Pattern, any_matches};
use serde_json::{Map, Value};

use crate::person::{InvalidUser, check_user};

/// A claim, and the values of which it must have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMatch {
    /// The claim: its name, or a path of names joined by dots.
    pub claim: String,
    /// The values; `*` in one stands for any run of characters.
    pub values: Vec<Pattern>,
}

impl ClaimMatch {
    /// Whether the claim is there with one of the values. Of a list of texts one has to fit.
    #[must_use]
    pub fn matches(&self, claims: &Map<String, Value>) -> bool {
        let fits = |value: &Value| scalar(value).is_some_and(|text| any_matches(&self.values, &text));
        match find(claims, &self.claim) {
            Some(Value::Array(values)) => values.iter().any(fits),
            Some(value) => fits(value),
            None => false,
        }
    }
}

/// What a user name is made of: text, and claims in braces (`{namespace}/{name}`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Claim(String),
}

/// A text that is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A brace without its fellow, or nothing in between.
    #[error("has a brace without its fellow, or nothing between the two")]
    Brace,
    /// Two claims with nothing in between: two pairs of values could make the same name.
    #[error("has two claims with no text in between, so two pairs of values could make the same name")]
    Adjacent,
    /// No name can come of it.
    #[error("cannot make a name")]
    Name,
}

/// A name cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unnamable {
    /// The claim is missing, or neither text nor number.
    #[error("its claim {0:?} is missing, or is neither text nor a number")]
    Claim(String),
    /// The value holds the text that comes after it, so two pairs of values could make the same name.
    #[error("the value of its claim {claim:?} holds {text:?}, which is what ends it in the user name")]
    Ambiguous {
        /// The claim.
        claim: String,
        /// The text after it.
        text: String,
    },
    /// The value, or the whole name, cannot be used.
    #[error("{what} {why}")]
    Name {
        /// Which.
        what: String,
        /// Why not.
        why: InvalidUser,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (before, after) = rest.split_once('{').unwrap_or((rest, ""));
            if before.contains('}') {
                return Err(InvalidTemplate::Brace);
            }
            if !before.is_empty() {
                identity_name::check(before.trim_matches(' ')).map_err(|_| InvalidTemplate::Name)?;
                pieces.push(Piece::Text(before.to_owned()));
            }
            if before.len() == rest.len() {
                break;
            }
            let (claim, after) = after.split_once('}').ok_or(InvalidTemplate::Brace)?;
            if claim.is_empty() || claim.contains('{') {
                return Err(InvalidTemplate::Brace);
            }
            if matches!(pieces.last(), Some(Piece::Claim(_))) {
                return Err(InvalidTemplate::Adjacent);
            }
            pieces.push(Piece::Claim(claim.to_owned()));
            rest = after;
        }
        if pieces.is_empty() { Err(InvalidTemplate::Name) } else { Ok(Self(pieces)) }
    }

    /// The name that `claims` make. No two different sets of values make the same.
    ///
    /// # Errors
    /// Why there is none.
    pub fn fill(&self, prefix: &str, claims: &Map<String, Value>) -> Result<String, Unnamable> {
        let mut name = String::new();
        for (position, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Claim(claim) => {
                    let value = value(claims, claim)?;
                    if let Some(Piece::Text(text)) = self.0.get(position.saturating_add(1))
                        && value.contains(text.as_str())
                    {
                        return Err(Unnamable::Ambiguous { claim: claim.clone(), text: text.clone() });
                    }
                    name.push_str(&value);
                }
            }
        }
        let user = format!("{prefix}{name}");
        // The name alone must not be reserved either: a prefix is no reason to let a workload look like the system.
        check_user(&name)
            .and_then(|()| check_user(&user))
            .map_err(|why| Unnamable::Name { what: format!("the user name {user:?}"), why })?;
        Ok(user)
    }
}

fn value(claims: &Map<String, Value>, claim: &str) -> Result<String, Unnamable> {
    let value = find(claims, claim).filter(|value| value.is_string() || value.is_number()).and_then(scalar);
    let value = value.ok_or_else(|| Unnamable::Claim(claim.to_owned()))?;
    let name = |why| Unnamable::Name { what: format!("the value of its claim {claim:?}"), why };
    check_user(&value).map_err(name)?;
    Ok(value)
}

/// A plain value as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A claim by its name, or by a path of names joined by dots. A name may hold dots itself, as `kubernetes.io` does; where
/// more than one claim could be meant, none is.
pub(super) fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut found = Vec::new();
    collect(claims, path, MAX_DEPTH, &mut found);
    match found.as_slice() {
        [only] => Some(only).filter(|value| !value.is_null()).copied(),
        _ => None,
    }
}

/// How deep a path reaches.
const MAX_DEPTH: usize = 8;

fn collect<'a>(claims: &'a Map<String, Value>, path: &str, depth: usize, found: &mut Vec<&'a Value>) {
    found.extend(claims.get(path));
    let Some(depth) = depth.checked_sub(1) else { return };
    for (dot, _) in path.match_indices('.') {
        let (name, rest) = (path.get(..dot).unwrap_or_default(), path.get(dot + 1..).unwrap_or_default());
        if let Some(Value::Object(inner)) = claims.get(name) {
            collect(inner, rest, depth, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn claims_are_found_by_paths_with_dots_in_names() {
        let claims = claims(&json!({
            "kubernetes.io": {"namespace": "ci", "serviceaccount": {"name": "builder"}},
            "a": {"b.c": 1}, "a.b": {"c": 2}, "none": null,
        }));
        assert_eq!(find(&claims, "kubernetes.io.namespace"), Some(&json!("ci")));
        assert_eq!(find(&claims, "kubernetes.io.serviceaccount.name"), Some(&json!("builder")));
        for path in ["a.b.c", "none", "kubernetes.io.pod", "kubernetes", "", "."] {
            assert_eq!(find(&claims, path), None, "{path}: missing, or two could be meant");
        }
    }

    #[test]
    fn a_claim_has_to_have_one_of_the_values() {
        let claims =
            claims(&json!({"ref": "refs/heads/main", "protected": true, "id": 7, "roles": ["a", "b"], "o": {}}));
        for (claim, value, matches) in [
            ("ref", "refs/heads/main", true),
            ("ref", "refs/heads/*", true),
            ("ref", "refs/tags/*", false),
            ("ref", "REFS/heads/main", false),
            ("protected", "true", true),
            ("protected", "false", false),
            ("id", "7", true),
            ("roles", "b", true),
            ("roles", "c", false),
            ("o", "*", false),
            ("missing", "*", false),
        ] {
            let rule = ClaimMatch { claim: claim.to_owned(), values: vec![Pattern::from(value)] };
            assert_eq!(rule.matches(&claims), matches, "{claim} {value}");
        }
    }

    #[test]
    fn templates() {
        for (text, error) in [
            ("{a", InvalidTemplate::Brace),
            ("a}", InvalidTemplate::Brace),
            ("{}", InvalidTemplate::Brace),
            ("{a{b}}", InvalidTemplate::Brace),
            ("{a}{b}", InvalidTemplate::Adjacent),
            ("", InvalidTemplate::Name),
            ("a,b", InvalidTemplate::Name),
            ("a\n{b}", InvalidTemplate::Name),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text}");
        }
        let claims = claims(&json!({"ns": "ci", "sa": "builder", "id": 7, "evil": "system:masters", "comma": "a,b",
            "slash": "a/b", "list": ["a"], "blank": ""}));
        let fill = |text: &str| Template::parse(text).unwrap().fill("k:", &claims);
        assert_eq!(fill("{ns}/{sa}").as_deref(), Ok("k:ci/builder"));
        assert_eq!(fill("job-{id}").as_deref(), Ok("k:job-7"));
        assert_eq!(fill("deployer").as_deref(), Ok("k:deployer"));
        assert_eq!(fill("{ns}/{slash}").as_deref(), Ok("k:ci/a/b"), "the last one has no end to fake");
        for text in ["{slash}/{sa}", "{evil}", "x{evil}", "{comma}", "{list}", "{blank}", "{missing}", "system:{ns}"] {
            assert!(fill(text).is_err(), "{text}");
        }
    }
}
