//! YAML documents read by hand-written readers that report every mistake at once, each where it stands.
//!
//! ```
//! use kubegate_core::document::{self, Node};
//!
//! fn read(root: &Node<'_>) -> Option<(String, u16)> {
//!     let fields = root.fields(&["host", "port"])?;
//!     let host = fields.require("host").and_then(|node| node.text().map(str::to_owned));
//!     let port = fields.require("port").and_then(|node| node.integer(1..=65535));
//!     Some((host?, u16::try_from(port?).ok()?))
//! }
//!
//! let problems = document::read("server.yaml", "host: [a]\nprot: 80\n", read).unwrap_err();
//! assert_eq!(
//!     problems.to_string(),
//!     "server.yaml:2:1: prot: is not a field here (did you mean port?)\n\
//!      server.yaml:1:7: host: must be text, not a list (write one value)\n\
//!      server.yaml:1:1: port: is missing (add it)\n"
//! );
//! ```

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use saphyr::{LoadableYamlNode as _, MarkedYaml, Marker, Scalar, YamlData};
use serde::Serialize;

use crate::time::{parse_duration, show_duration};

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document cannot be used.
    Error,
    /// It can be used, but something in it does nothing, or not what was meant.
    Warning,
}

/// Something wrong in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How much it matters.
    pub severity: Severity,
    /// The file, as the reader was told.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The field, such as `rules[3].may[0].verbs`; empty for the document itself.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { severity, file, line, column, path, message, remedy } = self;
        let warning = if *severity == Severity::Warning { "warning: " } else { "" };
        let path = if path.is_empty() { "the document" } else { path };
        write!(f, "{file}:{line}:{column}: {warning}{path}: {message} ({remedy})")
    }
}

/// Everything that is wrong in a document that cannot be used, in the order in which it was found; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// These and then those of another document.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|problem| writeln!(f, "{problem}"))
    }
}

impl std::error::Error for Problems {}

/// Reads `text` as one YAML document with `reader`; `file` is the name that problems carry.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read<T>(file: &str, text: &str, reader: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, Problems> {
    check(file, text, reader).map(|(value, _)| value)
}

/// The same, with the warnings about a document that can be used.
///
/// # Errors
/// Everything that is wrong with it, when it cannot.
pub fn check<T>(
    file: &str,
    text: &str,
    reader: impl FnOnce(&Node<'_>) -> Option<T>,
) -> Result<(T, Vec<Problem>), Problems> {
    let whole = |line, column, message: String, remedy: &str| {
        Problems::from(Problem {
            severity: Severity::Error,
            file: file.to_owned(),
            line,
            column,
            path: String::new(),
            message,
            remedy: remedy.to_owned(),
        })
    };
    let documents = MarkedYaml::load_from_str(text).map_err(|error| {
        let column = error.marker().col().saturating_add(1);
        whole(error.marker().line(), column, format!("is not valid YAML: {}", error.info()), "correct the syntax")
    })?;
    let [root] = documents.as_slice() else {
        let found = documents.len();
        return Err(whole(1, 1, format!("holds {found} YAML documents, not one"), "put exactly one into the file"));
    };
    let sink = Sink { found: RefCell::new(Vec::new()) };
    let value = reader(&Node { yaml: root, sink: &sink });
    let problems = located(file, root, sink.found.into_inner());
    let usable = problems.iter().all(|problem| problem.severity == Severity::Warning);
    match value {
        Some(value) if usable => Ok((value, problems)),
        None if usable => Err(whole(1, 1, "cannot be used".to_owned(), "compare it with the reference")),
        _ => Err(Problems(problems)),
    }
}

/// Where problems are put.
struct Sink {
    found: RefCell<Vec<Found>>,
}

/// A problem whose path is not yet known: most documents have none, and paths of all their values would cost more than
/// to read them.
struct Found {
    severity: Severity,
    /// Where it stands.
    start: Marker,
    /// The value whose path is meant, and a field of it.
    of: (Address, Option<String>),
    message: String,
    remedy: String,
}

/// Which of a document's values.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Address(usize);

impl From<&MarkedYaml<'_>> for Address {
    fn from(yaml: &MarkedYaml<'_>) -> Self {
        Self(std::ptr::from_ref(yaml).addr())
    }
}

/// The problems with their paths.
fn located(file: &str, root: &MarkedYaml<'_>, found: Vec<Found>) -> Vec<Problem> {
    let mut paths: HashMap<Address, String> = found.iter().map(|found| (found.of.0, String::new())).collect();
    if !found.is_empty() {
        find_paths(root, "", &mut paths);
    }
    let problem = |found: Found| {
        let (of, field) = found.of;
        let path = paths.get(&of).map(String::as_str).unwrap_or_default();
        Problem {
            severity: found.severity,
            file: file.to_owned(),
            line: found.start.line(),
            column: found.start.col().saturating_add(1),
            path: field.map_or_else(|| path.to_owned(), |field| join(path, &field)),
            message: found.message,
            remedy: found.remedy,
        }
    };
    found.into_iter().map(problem).collect()
}

/// Fills in the paths of those values that `paths` has; `path` is that of `yaml`.
fn find_paths(yaml: &MarkedYaml<'_>, path: &str, paths: &mut HashMap<Address, String>) {
    if let Some(wanted) = paths.get_mut(&Address::from(yaml)) {
        path.clone_into(wanted);
    }
    match &yaml.data {
        YamlData::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                find_paths(item, &format!("{path}[{index}]"), paths);
            }
        }
        YamlData::Mapping(fields) => {
            for (key, value) in fields {
                find_paths(value, &scalar_text(key).map_or_else(|| path.to_owned(), |name| join(path, name)), paths);
            }
        }
        _ => {}
    }
}

/// A value in a document, which knows where it stands.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    yaml: &'a MarkedYaml<'a>,
    sink: &'a Sink,
}

impl<'a> Node<'a> {
    /// Reports that this value is wrong.
    pub fn report(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Error, self.yaml, None, message.into(), remedy.into());
    }

    /// Reports that this value, though valid, does nothing or is not what was meant.
    pub fn warn(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Warning, self.yaml, None, message.into(), remedy.into());
    }

    /// Puts down a problem at `at`, which is about this value or a field of it.
    fn push(&self, severity: Severity, at: &MarkedYaml<'_>, field: Option<&str>, message: String, remedy: String) {
        let of = (Address::from(self.yaml), field.map(str::to_owned));
        self.sink.found.borrow_mut().push(Found { severity, start: at.span.start, of, message, remedy });
    }

    /// Whether anything was reported to be wrong so far, anywhere in the document.
    #[must_use]
    pub fn has_mistakes(&self) -> bool {
        self.sink.found.borrow().iter().any(|found| found.severity == Severity::Error)
    }

    /// The line on which it begins, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.yaml.span.start.line()
    }

    /// The text, when it is one; nothing is reported when it is not.
    #[must_use]
    pub fn as_text(&self) -> Option<&'a str> {
        scalar_text(self.yaml)
    }

    /// Any value, as JSON.
    #[must_use]
    pub fn value(&self) -> Option<serde_json::Value> {
        match &self.yaml.data {
            YamlData::Sequence(_) => {
                let items: Vec<_> = self.items()?.iter().map(Self::value).collect();
                items.into_iter().collect()
            }
            YamlData::Mapping(_) => {
                let fields: Vec<_> =
                    self.mapping()?.all().map(|(name, node)| Some((name.to_owned(), node.value()?))).collect();
                fields.into_iter().collect()
            }
            _ => self.scalar(),
        }
    }

    /// The fields of a mapping, of which only those `known` may stand there.
    #[must_use]
    pub fn fields(&self, known: &[&str]) -> Option<Fields<'a>> {
        let fields = self.mapping()?;
        for (key, _) in self.entries() {
            if let Some(name) = scalar_text(key)
                && !known.contains(&name)
            {
                let remedy = match nearest(name, known) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("known here: {}", known.join(", ")),
                };
                self.push(Severity::Error, key, Some(name), "is not a field here".to_owned(), remedy);
            }
        }
        Some(fields)
    }

    /// The fields of a mapping whose keys are free.
    #[must_use]
    pub fn mapping(&self) -> Option<Fields<'a>> {
        if !matches!(self.yaml.data, YamlData::Mapping(_)) {
            self.report(format!("must be a mapping, not {}", self.kind()), "write \"key: value\" lines below it");
            return None;
        }
        for (key, _) in self.entries() {
            if scalar_text(key).is_none() {
                self.push(
                    Severity::Error,
                    key,
                    None,
                    "has a key that is not text".to_owned(),
                    "quote the key".to_owned(),
                );
            }
        }
        Some(Fields(*self))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        if let YamlData::Value(Scalar::String(text)) = &self.yaml.data {
            return Some(text);
        }
        let remedy = if matches!(self.yaml.data, YamlData::Value(_)) { "put it in quotes" } else { "write one value" };
        self.report(format!("must be text, not {}", self.kind()), remedy);
        None
    }

    /// Text that is not empty.
    #[must_use]
    pub fn non_empty_text(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.report("is empty", "write a value or leave the field out");
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        if let YamlData::Value(Scalar::Boolean(value)) = &self.yaml.data {
            return Some(*value);
        }
        self.report(format!("must be true or false, not {}", self.kind()), "write true or false");
        None
    }

    /// A whole number within `range`.
    #[must_use]
    pub fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        match &self.yaml.data {
            YamlData::Value(Scalar::Integer(value)) if range.contains(value) => Some(*value),
            YamlData::Value(Scalar::Integer(value)) => {
                let remedy = format!("choose one from {} to {}", range.start(), range.end());
                self.report(format!("{value} is out of range"), remedy);
                None
            }
            _ => {
                self.report(format!("must be a whole number, not {}", self.kind()), "write digits only");
                None
            }
        }
    }

    /// A duration such as `90s`, `10m`, `12h` or `1h30m`, within `range`.
    #[must_use]
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.text()?;
        match parse_duration(text) {
            Some(duration) if range.contains(&duration) => Some(duration),
            Some(_) => {
                let remedy =
                    format!("choose one from {} to {}", show_duration(*range.start()), show_duration(*range.end()));
                self.report(format!("{text:?} is out of range"), remedy);
                None
            }
            None => {
                self.report(format!("{text:?} is not a duration"), "write it like 90s, 10m, 12h or 1h30m");
                None
            }
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Self>> {
        let YamlData::Sequence(items) = &self.yaml.data else {
            self.report(format!("must be a list, not {}", self.kind()), "write it as [a, b] or as \"- a\" lines");
            return None;
        };
        Some(items.iter().map(|yaml| Self { yaml, sink: self.sink }).collect())
    }

    /// The items of a list of texts.
    #[must_use]
    pub fn texts(&self) -> Option<Vec<&'a str>> {
        let items = self.items()?;
        let texts: Vec<_> = items.iter().filter_map(Self::text).collect();
        (texts.len() == items.len()).then_some(texts)
    }

    /// A plain value as JSON: text, number, boolean.
    #[must_use]
    pub fn scalar(&self) -> Option<serde_json::Value> {
        match &self.yaml.data {
            YamlData::Value(Scalar::String(text)) => Some(text.as_ref().into()),
            YamlData::Value(Scalar::Integer(number)) => Some((*number).into()),
            YamlData::Value(Scalar::Boolean(value)) => Some((*value).into()),
            YamlData::Value(Scalar::FloatingPoint(number)) => Some(number.into_inner().into()),
            _ => {
                self.report(format!("must be text, a number, true or false, not {}", self.kind()), "write one value");
                None
            }
        }
    }

    fn is_null(&self) -> bool {
        matches!(self.yaml.data, YamlData::Value(Scalar::Null))
    }

    fn entries(&self) -> impl Iterator<Item = (&'a MarkedYaml<'a>, &'a MarkedYaml<'a>)> + use<'a> {
        let mapping = match &self.yaml.data {
            YamlData::Mapping(mapping) => Some(mapping),
            _ => None,
        };
        mapping.into_iter().flatten()
    }

    fn kind(&self) -> &'static str {
        match &self.yaml.data {
            YamlData::Value(Scalar::Null) => "empty",
            YamlData::Value(Scalar::Boolean(_)) => "true or false",
            YamlData::Value(Scalar::Integer(_) | Scalar::FloatingPoint(_)) => "a number",
            YamlData::Value(Scalar::String(_)) => "text",
            YamlData::Sequence(_) => "a list",
            YamlData::Mapping(_) => "a mapping",
            _ => "a tagged value",
        }
    }
}

/// The fields of a mapping.
#[derive(Clone, Copy)]
pub struct Fields<'a>(Node<'a>);

impl<'a> Fields<'a> {
    /// A field; `None` when it is absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let (_, yaml) = self.0.entries().find(|(key, _)| scalar_text(key) == Some(name))?;
        Some(self.field(yaml)).filter(|node| !node.is_null())
    }

    /// A field that must be there.
    #[must_use]
    pub fn require(&self, name: &str) -> Option<Node<'a>> {
        let node = self.get(name);
        if node.is_none() {
            self.0.push(Severity::Error, self.0.yaml, Some(name), "is missing".to_owned(), "add it".to_owned());
        }
        node
    }

    /// All fields by name, in the order of the document.
    pub fn all(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> + '_ {
        self.0.entries().filter_map(|(key, yaml)| Some((scalar_text(key)?, self.field(yaml))))
    }

    fn field(&self, yaml: &'a MarkedYaml<'a>) -> Node<'a> {
        Node { yaml, sink: self.0.sink }
    }

    /// The mapping itself, to report something about it.
    #[must_use]
    pub fn node(&self) -> &Node<'a> {
        &self.0
    }
}

fn scalar_text<'a>(yaml: &'a MarkedYaml<'a>) -> Option<&'a str> {
    match &yaml.data {
        YamlData::Value(Scalar::String(text)) => Some(text),
        _ => None,
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The known name that differs least, if by at most two letters.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let name = name.to_lowercase();
    let distance = |other: &&'k str| (edit_distance(&name, &other.to_lowercase()), *other);
    let (distance, other) = known.iter().map(distance).min_by_key(|(distance, _)| *distance)?;
    (distance <= 2).then_some(other)
}

/// Damerau's distance with adjacent swaps (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i.saturating_add(1)];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let mut best = at(&previous, j).saturating_add(usize::from(x != y));
            best = best.min(at(&previous, j.saturating_add(1)).saturating_add(1)).min(at(&row, j).saturating_add(1));
            let swapped =
                i > 0 && j > 0 && a.get(i.saturating_sub(1)) == Some(y) && b.get(j.saturating_sub(1)) == Some(x);
            if swapped {
                best = best.min(at(&before, j.saturating_sub(1)).saturating_add(1));
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn broken_yaml_is_reported_where_it_breaks() {
        for text in ["a: [", "a: 1\na: 2\n", "", "---\na\n---\nb\n"] {
            assert!(read("f", text, |_| Some(())).is_err(), "{text:?}");
        }
        let problems = read("f", "a: b\nc: [", |_| Some(())).unwrap_err();
        assert!(problems.list()[0].line >= 2, "{problems}");
    }
}
