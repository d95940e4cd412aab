//! YAML as JSON values, so that a deployment's own files can be changed in a test.

use anyhow::{Context, Result, bail};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Number, Value};

/// The one document in `text`.
pub fn parse(text: &str) -> Result<Value> {
    let documents = Yaml::load_from_str(text)?;
    value(documents.first().context("no YAML document")?)
}

fn value(node: &Yaml<'_>) -> Result<Value> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Number::from_f64(value.0).map_or(Value::Null, Value::Number),
        Yaml::Value(Scalar::String(text)) => Value::from(text.as_ref()),
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_>>()?),
        Yaml::Mapping(fields) => {
            let mut object = Map::new();
            for (key, field) in fields {
                object.insert(key.as_str().context("a key that is no text")?.to_owned(), value(field)?);
            }
            Value::Object(object)
        }
        other => bail!("what is {other:?} in JSON?"),
    })
}
