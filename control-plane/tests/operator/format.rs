//! The two formats that an operator writes, each with its reader and its schema.

use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use kubegate_control_plane::config::{Config, schema};
use kubegate_core::authoring;
use kubegate_core::document::{Problem, Problems};
use kubegate_core::jws::{PrivateJwk, SigningKey};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Number, Value};
use tempfile::TempDir;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// A format that an operator writes.
pub(crate) struct Format {
    /// The name that its files have.
    pub(crate) name: &'static str,
    /// Its schema.
    pub(crate) schema: Value,
    /// Its reference for people.
    pub(crate) reference: &'static str,
    /// A file that has every field.
    pub(crate) every_field: &'static str,
    /// Files that are good, and files with one mistake each; as the documents of one.
    pub(crate) good: &'static str,
    pub(crate) bad: &'static str,
    reader: fn(&str, &Path) -> Result<(), Problems>,
    schemas: Schemas,
    index: SchemaIndex,
    /// Where the files are that it refers to.
    folder: TempDir,
}

impl Format {
    pub(crate) fn policy() -> Self {
        Self::new(
            "policy",
            authoring::schema::policy(),
            include_str!("../../../docs/policy.md"),
            [
                include_str!("files/policy.every-field.yaml"),
                include_str!("files/policy.good.yaml"),
                include_str!("files/policy.bad.yaml"),
            ],
            |text, folder| authoring::parse("", text, &|name| std::fs::read(folder.join(name))).map(drop),
        )
    }

    pub(crate) fn configuration() -> Self {
        Self::new(
            "control-plane",
            schema::configuration(),
            include_str!("../../../docs/configuration.md"),
            [
                include_str!("files/control-plane.every-field.yaml"),
                include_str!("files/control-plane.good.yaml"),
                include_str!("files/control-plane.bad.yaml"),
            ],
            |text, folder| Config::parse("", text, folder, &|_| None).map(drop),
        )
    }

    fn new(
        name: &'static str,
        schema: Value,
        reference: &'static str,
        [every_field, good, bad]: [&'static str; 3],
        reader: fn(&str, &Path) -> Result<(), Problems>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = serde_json::to_string(&PrivateJwk::from(&SigningKey::from_seed([7; 32]))).unwrap();
        for (name, content) in [
            ("ca.pem", CERTIFICATE),
            ("bundle-key.json", key.as_str()),
            ("encryption-key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            ("credential", "kgg_0123456789012345678901234567890123456789012"),
            ("client-secret", "secret"),
            ("client-key.pem", include_str!("files/client-key.pem")),
            ("groups.yaml", "people: [{user: alice@example.com, groups: [developers]}]"),
        ] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("urn:kubegate:schema", schema.clone()).unwrap();
        let index = compiler.compile("urn:kubegate:schema", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { name, schema, reference, every_field, good, bad, reader, schemas, index, folder }
    }

    /// What the reader has against `text`.
    pub(crate) fn problems(&self, text: &str) -> Vec<Problem> {
        (self.reader)(text, self.folder.path()).err().map(|problems| problems.list().to_vec()).unwrap_or_default()
    }

    /// What the schema has against a document.
    pub(crate) fn objection(&self, document: &Value) -> Option<String> {
        self.schemas.validate(document, self.index).err().map(|error| error.to_string())
    }
}

/// The documents of a YAML file, as text.
pub(crate) fn documents(text: &str) -> impl Iterator<Item = &str> {
    text.split("---\n").filter(|document| !document.trim().is_empty())
}

/// A YAML document as JSON.
pub(crate) fn json(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    value(&documents[0])
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::Number(Number::from_f64(value.0).unwrap()),
        Yaml::Value(Scalar::String(text)) => Value::from(text.as_ref()),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(fields) => {
            fields.iter().map(|(key, field)| (key.as_str().unwrap().to_owned(), value(field))).collect()
        }
        other => panic!("what is {other:?} in JSON?"),
    }
}
