//! The query of a list request, as Go's `url.ParseQuery` and Kubernetes' `ListOptions` decode it.

use super::InvalidRequest;
use super::label_selector::is_label_selector;
use super::target::escape;

/// The most parameters of a list's query. Go reads none of them when there are more than 10,000, or than another limit
/// that a process is started with (`GODEBUG=urlmaxqueryparams`).
pub(super) const MAX_PARAMETERS: usize = 1000;

/// What the attributes need of Kubernetes' `ListOptions`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListOptions {
    /// Whether it is a watch.
    pub(super) watch: bool,
    /// The one name that the field selector asks for.
    pub(super) name: Option<String>,
}

impl ListOptions {
    /// Decodes the query. As the API server, it falls back to `watch` alone when a number or the field selector is
    /// malformed.
    ///
    /// # Errors
    /// When it is not certain what the API server makes of it.
    pub(super) fn parse(query: &str) -> Result<Self, InvalidRequest> {
        if query.is_empty() {
            return Ok(Self::default());
        }
        if query.bytes().filter(|byte| *byte == b'&').count() >= MAX_PARAMETERS {
            return Err(InvalidRequest::Parameters);
        }
        // Until Go 1.17 it stood between parameters, since then Go drops what it stands in.
        if query.contains(';') {
            return Err(InvalidRequest::Semicolon);
        }
        let first = |wanted: &str| pairs(query).find(|(key, _)| key == wanted.as_bytes()).map(|(_, value)| value);
        let watch = match first("watch") {
            None => false,
            // Case folds in two ways there (`ſ` is an `s` in one of them).
            Some(value) if !value.is_ascii() => return Err(InvalidRequest::Watch),
            Some(value) => !value.eq_ignore_ascii_case(b"false") && value != b"0",
        };
        let Some(selector) = first("fieldSelector") else {
            return Ok(Self { watch, name: None });
        };
        let selector = String::from_utf8(selector).map_err(|_| InvalidRequest::FieldSelector)?;
        let is_number = |option| first(option).is_none_or(|value| is_text(&value, |text| text.parse::<i64>().is_ok()));
        let name = name_in(&selector).filter(|_| is_number("limit") && is_number("timeoutSeconds"));
        if name.is_some() && first("labelSelector").is_some_and(|value| !is_text(&value, is_label_selector)) {
            return Err(InvalidRequest::LabelSelector);
        }
        Ok(Self { watch, name })
    }
}

/// The pairs of a query. Go drops those with a bad escape, and so do we.
fn pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((unescape(key)?, unescape(value)?))
    })
}

fn is_text(bytes: &[u8], is: impl Fn(&str) -> bool) -> bool {
    str::from_utf8(bytes).is_ok_and(is)
}

/// Go's `url.QueryUnescape`.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => escape(&mut rest)?,
            b'+' => b' ',
            other => other,
        });
    }
    Some(bytes)
}

/// The exact `metadata.name` that a field selector asks for (`k8s.io/apimachinery/pkg/fields.ParseSelector` and
/// `RequiresExactMatch`), if it could be one segment of a path.
fn name_in(selector: &str) -> Option<String> {
    let mut terms = split_terms(selector);
    terms.sort_unstable();
    let mut name = None;
    for term in terms.into_iter().filter(|term| !term.is_empty()) {
        let (field, equal, value) = split_term(term)?;
        let value = unescape_value(value)?;
        if equal && field == "metadata.name" && name.is_none() {
            name = Some(value);
        }
    }
    name.filter(|name| name != "." && name != ".." && !name.contains(['/', '%']))
}

/// Splits at commas that no backslash escapes.
fn split_terms(selector: &str) -> Vec<&str> {
    let mut escaped = false;
    selector
        .split(|character| {
            let splits = character == ',' && !escaped;
            escaped = character == '\\' && !escaped;
            splits
        })
        .collect()
}

/// Field, whether equality is asked for, and value.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at = term.find(['=', '!']).and_then(|first| {
        // A lone `!` is part of the field's name.
        term.char_indices()
            .skip_while(|(index, _)| *index < first)
            .find(|(index, _)| term.get(*index..).is_some_and(|rest| rest.starts_with("!=") || rest.starts_with('=')))
    });
    let (field, rest) = term.split_at_checked(at?.0)?;
    for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some(value) = rest.strip_prefix(operator) {
            return Some((field, equal, value));
        }
    }
    None
}

/// Takes the backslashes away; a lone special character or an unknown escape is an error.
fn unescape_value(value: &str) -> Option<String> {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().filter(|next| matches!(next, '\\' | ',' | '='))?),
            ',' | '=' => return None,
            other => text.push(other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn field_selectors() {
        for (selector, expected) in [
            ("metadata.name=a", Some("a")),
            ("metadata.name==a", Some("a")),
            ("metadata.name!=a", None),
            ("metadata.name=b,metadata.name=a", Some("a")),
            ("x!y=z,metadata.name=a", Some("a")),
            (r"metadata.name=a\,b", Some("a,b")),
            (r"metadata.name=a\x", None),
            ("metadata.name=a=b", None),
            ("metadata.name=..", None),
            ("metadata.name=a,,", Some("a")),
            ("nonsense,metadata.name=a", None),
        ] {
            assert_eq!(name_in(selector).as_deref(), expected, "{selector}");
        }
    }
}
