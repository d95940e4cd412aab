//! Policy files, as people write them.
//!
//! [`parse`] reads a file into valid rules or into all its mistakes, each with line, column, field and remedy;
//! [`check`] also finds what is valid and does nothing. The format is described in `docs/policy.md`.

mod clusters;
mod groups;
mod lint;
mod rules;
#[cfg(feature = "schema")]
pub mod schema;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::document::{self, Fields, Node, Problem, Problems};
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::rule::{Cluster, Rule};
use groups::Catalogue;

pub use rules::read_who;

/// The longest policy file, in bytes.
pub const MAX_FILE: usize = 32 << 20;

/// Fetches a file that the policy refers to (a certificate authority), by its path relative to the policy file.
pub type Load<'l> = &'l dyn Fn(&Path) -> std::io::Result<Vec<u8>>;

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

    /// How much there is in it, as in `2 clusters and 1 rule`.
    #[must_use]
    pub fn extent(&self) -> String {
        let counted = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        format!("{} and {}", counted(self.clusters.len(), "cluster"), counted(self.rules.len(), "rule"))
    }
}

/// A policy, and what in it does nothing or not what was meant.
#[derive(Clone, Debug)]
pub struct CheckedPolicy {
    /// The policy.
    pub policy: AuthoredPolicy,
    /// Rules that decide nothing, clusters that nobody reaches or may use, groups that no rule uses.
    pub warnings: Vec<Problem>,
}

/// Reads a policy. `file` is the name that problems carry.
///
/// # Errors
/// Every mistake in it.
pub fn parse(file: &str, text: &str, load: Load<'_>) -> Result<AuthoredPolicy, Problems> {
    document::read(file, text, |root| read(root, load).map(|(policy, _)| policy))
}

/// Reads a policy and looks for what does nothing in it, which takes longer than to [`parse`] it.
///
/// # Errors
/// Every mistake in it.
pub fn check(file: &str, text: &str, load: Load<'_>) -> Result<CheckedPolicy, Problems> {
    let (policy, warnings) = document::check(file, text, |root| {
        let (policy, catalogue) = read(root, load)?;
        // What is read wrongly would be judged wrongly.
        if !root.has_mistakes() {
            lint::warn(&root.mapping()?, &policy, catalogue.as_ref());
        }
        Some(policy)
    })?;
    Ok(CheckedPolicy { policy, warnings })
}

fn read<'n>(root: &Node<'n>, load: Load<'_>) -> Option<(AuthoredPolicy, Option<Catalogue<'n>>)> {
    let fields = root.fields(&["clusters", "groups", "rules"])?;
    let clusters = fields.require("clusters").and_then(|node| clusters::read(&node, load));
    let catalogue = fields.get("groups").and_then(|node| Catalogue::read(&node));
    let names: Option<Vec<&str>> =
        clusters.as_ref().map(|clusters| clusters.iter().map(|cluster| cluster.name.as_str()).collect());
    let known = rules::Known { clusters: names.as_deref(), groups: catalogue.as_ref() };
    let rules = fields.require("rules").and_then(|node| rules::read(&node, &known));
    Some((AuthoredPolicy { clusters: clusters?, rules: rules? }, catalogue))
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

/// What may stand only once in the file, and where it does.
struct Once {
    what: &'static str,
    /// The line of each.
    seen: RefCell<HashMap<String, usize>>,
}

impl Once {
    fn new(what: &'static str) -> Self {
        Self { what, seen: RefCell::default() }
    }

    /// Reports `node` when `key` has been here before.
    fn check(&self, key: &str, node: &Node<'_>) {
        if let Some(first) = self.seen.borrow_mut().insert(key.to_owned(), node.line()) {
            node.report(format!("{} {key:?} stands already in line {first}", self.what), "give each its own");
        }
    }
}

#[cfg(test)]
mod tests;
