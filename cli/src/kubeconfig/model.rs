//! A kubeconfig as data: what is there, and what should be.

use saphyr::{LoadableYamlNode, Mapping, Scalar, Yaml};
use serde_json::Value;

use super::KubeconfigError;
use super::entry::{Entry, Part};

/// An item that changed.
#[derive(Debug)]
pub(super) struct Changed<'a> {
    /// Its place in the list; `None` when it is new, at the end.
    pub(super) index: Option<usize>,
    /// What it is now.
    pub(super) item: Yaml<'a>,
}

/// Reads a kubeconfig; an empty file is an empty one.
pub(super) fn parse<'a>(text: &'a str, origin: &str) -> Result<Yaml<'a>, KubeconfigError> {
    let problem = |problem| KubeconfigError::NotKubeconfig { origin: origin.to_owned(), problem };
    let documents = Yaml::load_from_str(text).map_err(|source| KubeconfigError::NotYaml {
        origin: origin.to_owned(),
        line: source.marker().line(),
        column: source.marker().col() + 1,
        source,
    })?;
    let mut documents = documents.into_iter();
    let first = documents.next().unwrap_or(Yaml::Mapping(Mapping::default()));
    if documents.next().is_some() {
        return Err(problem("it holds several YAML documents"));
    }
    if first.is_null() {
        return Ok(Yaml::Mapping(Mapping::default()));
    }
    if !first.is_mapping() {
        return Err(problem("it is no mapping"));
    }
    for list in ["clusters", "users", "contexts"] {
        let sound = first.as_mapping_get(list).is_none_or(|list| list.is_sequence() || list.is_null());
        if !sound {
            return Err(problem("clusters, users and contexts must be lists"));
        }
    }
    Ok(first)
}

/// Refuses when a name that `entry` needs belongs to something else.
pub(super) fn check_free(config: &Yaml<'_>, entry: &Entry, origin: &str) -> Result<(), KubeconfigError> {
    let taken = |kind, name: &str, remove| {
        Err(KubeconfigError::Taken { origin: origin.to_owned(), kind, name: name.to_owned(), remove })
    };
    if let Some((_, context)) = find(config, "contexts", &entry.context) {
        let user = context.as_mapping_get("context").and_then(|context| context.as_mapping_get("user"));
        if user.and_then(Yaml::as_str) != Some(entry.name.as_str()) {
            return taken("context", &entry.context, "delete-context");
        }
    }
    if let Some((_, user)) = find(config, "users", &entry.name) {
        let args = user
            .as_mapping_get("user")
            .and_then(|user| user.as_mapping_get("exec")?.as_mapping_get("args")?.as_sequence());
        let is_ours = |args: &Vec<Yaml<'_>>| {
            entry.identity_args().iter().all(|wanted| args.iter().any(|arg| arg.as_str() == Some(wanted)))
        };
        if !args.is_some_and(is_ours) {
            return taken("user", &entry.name, "delete-user");
        }
    } else if find(config, "clusters", &entry.name).is_some() {
        // Ours come in pairs: a cluster of that name without our user is somebody else's.
        return taken("cluster", &entry.name, "delete-cluster");
    }
    Ok(())
}

/// Makes `part` be there; `None` when it is already.
pub(super) fn merge<'a>(config: &mut Yaml<'a>, part: &Part) -> Option<Changed<'a>> {
    let found = find(config, part.list, &part.name).map(|(index, item)| (index, item.clone()));
    let (index, mut item) = match found {
        Some((index, item)) => (Some(index), item),
        None => (None, mapping([("name", text(&part.name))])),
    };
    let before = item.clone();
    let mut fields = item.as_mapping_get(part.field).cloned().unwrap_or(Yaml::BadValue);
    if !fields.is_mapping() {
        fields = Yaml::Mapping(Mapping::default());
    }
    overlay(&mut fields, &part.fields);
    for ours in part.ours {
        if part.fields.get(ours).is_none()
            && let Some(fields) = fields.as_mapping_mut()
        {
            fields.remove(&text(ours));
        }
    }
    set(&mut item, part.field, fields);
    if item == before {
        return None;
    }
    let list = list_of(config, part.list)?;
    match index.and_then(|index| list.get_mut(index)) {
        Some(place) => *place = item.clone(),
        None => list.push(item.clone()),
    }
    Some(Changed { index, item })
}

/// Names the current context; false when it is named already.
pub(super) fn set_current(config: &mut Yaml<'_>, context: &str) -> bool {
    if current(config) == Some(context) {
        return false;
    }
    set(config, "current-context", text(context));
    true
}

/// The current context, if one is named.
pub(super) fn current<'y>(config: &'y Yaml<'_>) -> Option<&'y str> {
    config.as_mapping_get("current-context").and_then(Yaml::as_str).filter(|name| !name.is_empty())
}

/// Adds what every kubeconfig begins with; false when it is there.
pub(super) fn complete(config: &mut Yaml<'_>) -> bool {
    if config.as_mapping_get("kind").is_some() || config.as_mapping_get("apiVersion").is_some() {
        return false;
    }
    for (name, value) in [("kind", "Config"), ("apiVersion", "v1")] {
        set(config, name, text(value));
        if let Some(fields) = config.as_mapping_mut() {
            fields.to_front(&text(name));
        }
    }
    true
}

/// Whether two documents mean the same; the order of a mapping's fields means nothing.
pub(super) fn same(a: &Yaml<'_>, b: &Yaml<'_>) -> bool {
    match (a, b) {
        (Yaml::Mapping(a), Yaml::Mapping(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.iter().any(|(other, b)| same(name, other) && same(a, b)))
        }
        (Yaml::Sequence(a), Yaml::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Yaml::Tagged(a_tag, a), Yaml::Tagged(b_tag, b)) => a_tag == b_tag && same(a, b),
        _ => a == b,
    }
}

fn find<'y, 'a>(config: &'y Yaml<'a>, list: &str, name: &str) -> Option<(usize, &'y Yaml<'a>)> {
    let items = config.as_mapping_get(list)?.as_sequence()?;
    items.iter().enumerate().find(|(_, item)| item.as_mapping_get("name").and_then(Yaml::as_str) == Some(name))
}

fn list_of<'y, 'a>(config: &'y mut Yaml<'a>, name: &str) -> Option<&'y mut Vec<Yaml<'a>>> {
    if !config.as_mapping_get(name).is_some_and(Yaml::is_sequence) {
        set(config, name, Yaml::Sequence(Vec::new()));
    }
    config.as_mapping_get_mut(name)?.as_sequence_mut()
}

/// Lays the wanted fields over those that are there; what else is there stays.
fn overlay(target: &mut Yaml<'_>, wanted: &Value) {
    let Value::Object(fields) = wanted else { return };
    for (name, value) in fields {
        let there = target.as_mapping_get_mut(name);
        match (there, value) {
            (Some(there), Value::Object(_)) if there.is_mapping() => overlay(there, value),
            _ => set(target, name, from_json(value)),
        }
    }
}

/// Sets a field where it stands, or at the end.
fn set<'a>(target: &mut Yaml<'a>, name: &str, value: Yaml<'a>) {
    if let Some(place) = target.as_mapping_get_mut(name) {
        *place = value;
    } else if let Some(fields) = target.as_mapping_mut() {
        fields.insert(text(name), value);
    }
}

fn from_json<'a>(value: &Value) -> Yaml<'a> {
    match value {
        Value::Null => Yaml::Value(Scalar::Null),
        Value::Bool(value) => Yaml::Value(Scalar::Boolean(*value)),
        Value::Number(number) => Yaml::Value(Scalar::Integer(number.as_i64().unwrap_or_default())),
        Value::String(value) => text(value),
        Value::Array(items) => Yaml::Sequence(items.iter().map(from_json).collect()),
        Value::Object(fields) => {
            Yaml::Mapping(fields.iter().map(|(name, value)| (text(name), from_json(value))).collect())
        }
    }
}

fn text<'a>(value: &str) -> Yaml<'a> {
    Yaml::Value(Scalar::String(value.to_owned().into()))
}

fn mapping<'a, const N: usize>(fields: [(&str, Yaml<'a>); N]) -> Yaml<'a> {
    Yaml::Mapping(fields.into_iter().map(|(name, value)| (text(name), value)).collect())
}
