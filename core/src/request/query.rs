//! The query of a list request, as Go's `url.ParseQuery` and Kubernetes' `ListOptions` decode it.

use super::InvalidRequest;
use super::target::escape;

/// What the attributes need of Kubernetes' `ListOptions`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListOptions {
    /// Whether it is a watch.
    pub(super) watch: bool,
    /// The one name that the field selector asks for.
    pub(super) name: Option<String>,
}

impl ListOptions {
    /// Decodes the query. As the API server, it falls back to `watch` alone when any option is malformed. There case
    /// folds in two ways (`ſ` is an `s` in one of them), so only ASCII is certain.
    pub(super) fn parse(query: &str) -> Result<Self, InvalidRequest> {
        if query.is_empty() {
            return Ok(Self::default());
        }
        let first = |wanted: &str| pairs(query).find(|(key, _)| key == wanted).map(|(_, value)| value);
        let watch = first("watch");
        if watch.as_ref().is_some_and(|value| !value.is_ascii()) {
            return Err(InvalidRequest::Watch);
        }
        let watch = watch.is_some_and(|value| !value.eq_ignore_ascii_case("false") && value != "0");
        let is_number = |option| first(option).is_none_or(|value| value.parse::<i64>().is_ok());
        let name = first("fieldSelector").filter(|_| is_number("limit") && is_number("timeoutSeconds"));
        Ok(Self { watch, name: name.and_then(|selector| name_in(&selector)) })
    }
}

/// The pairs of a query. Go drops those with a semicolon or a bad escape, and so do we.
fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')).filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((unescape(key)?, unescape(value)?))
    })
}

/// Go's `url.QueryUnescape`; bytes that are not UTF-8 become U+FFFD, which no option's meaning depends on.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => escape(&mut rest)?,
            b'+' => b' ',
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
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
