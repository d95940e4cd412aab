//! Policy files, as people write them.
//!
//! [`parse`] reads a file into valid rules or into all its mistakes, each with line, column, field and remedy. The
//! format is described in `docs/policy.md`.

mod clusters;
mod rules;

use std::path::Path;
use std::sync::Arc;

use crate::document::{self, Fields, Node, Problems};
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::rule::{Cluster, Rule};

pub use rules::read_who;

/// The longest policy file, in bytes.
pub const MAX_FILE: usize = 32 << 20;

/// A policy as authored: valid, and not compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthoredPolicy {
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

impl AuthoredPolicy {
    /// Compiles it.
    ///
    /// # Errors
    /// Never, in effect: [`parse`] has found what the compiler refuses.
    pub fn compile(&self) -> Result<Policy, crate::policy::InvalidPolicy> {
        Policy::compile(self.clusters.clone(), self.rules.iter().cloned().map(Arc::new).collect())
    }
}

/// Reads a policy. `file` is the name that problems carry; `load` fetches a file that the policy refers to (a
/// certificate authority), by its path relative to the policy file.
///
/// # Errors
/// Every mistake in it.
pub fn parse(
    file: &str,
    text: &str,
    load: &dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
) -> Result<AuthoredPolicy, Problems> {
    document::read(file, text, |root| {
        let fields = root.fields(&["clusters", "rules"])?;
        let clusters = fields.require("clusters").and_then(|node| clusters::read(&node, load));
        let names: Option<Vec<&str>> =
            clusters.as_ref().map(|clusters| clusters.iter().map(|cluster| cluster.name.as_str()).collect());
        let rules = fields.require("rules").and_then(|node| rules::read(&node, names.as_deref()));
        Some(AuthoredPolicy { clusters: clusters?, rules: rules? })
    })
}

/// Reads a list of globs.
fn patterns(fields: &Fields<'_>, name: &str) -> Option<Vec<Pattern>> {
    let node = fields.get(name)?;
    let patterns: Vec<Pattern> = node.texts()?.into_iter().map(Pattern::from).collect();
    if patterns.is_empty() {
        node.report("is an empty list, which matches nothing", "name at least one, or leave the field out");
    }
    Some(patterns)
}

/// Every item read, or `None` when any failed; all are tried, so that all mistakes are found.
fn each<'n, T>(node: &Node<'n>, read: impl Fn(&Node<'n>) -> Option<T>) -> Option<Vec<T>> {
    let items = node.items()?;
    let read: Vec<Option<T>> = items.iter().map(read).collect();
    read.into_iter().collect()
}

/// Reports every item whose key stands twice.
fn report_twice<'n>(items: impl Iterator<Item = (String, Node<'n>)>, what: &str) {
    let mut seen = std::collections::HashMap::new();
    for (key, node) in items {
        if let Some(first) = seen.insert(key.clone(), node.path().to_owned()) {
            node.report(format!("{what} {key:?} stands already at {first}"), "give each its own");
        }
    }
}

#[cfg(test)]
mod tests;
