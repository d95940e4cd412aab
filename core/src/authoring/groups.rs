//! The `groups` of a policy file: the catalogue of the groups that the identity providers have and the policy uses.

use std::cell::Cell;
use std::collections::HashSet;

use super::{Once, each};
use crate::document::{Node, nearest};
use crate::identity_name;
use crate::pattern::Pattern;
use crate::rule::Rule;

/// How many misspelt groups are compared with the whole catalogue.
const SUGGESTIONS: usize = 100;

/// The groups that rules may name.
pub(super) struct Catalogue<'n> {
    names: Vec<&'n str>,
    known: HashSet<&'n str>,
    suggestions: Cell<usize>,
}

impl<'n> Catalogue<'n> {
    pub(super) fn read(node: &Node<'n>) -> Option<Self> {
        let once = Once::new("the group");
        let names = each(node, |node| {
            let name = read_name(node)?;
            once.check(name, node);
            Some(name)
        })?;
        let known = names.iter().copied().collect();
        Some(Self { names, known, suggestions: Cell::new(SUGGESTIONS) })
    }

    /// Reports each of the `patterns`, which `node` lists, that names a group in full and not one of these.
    pub(super) fn check(&self, patterns: &[Pattern], node: &Node<'_>) {
        let unknown = |pattern: &Pattern| pattern.literal().is_some_and(|name| !self.known.contains(name));
        if !patterns.iter().any(unknown) {
            return;
        }
        for (pattern, node) in patterns.iter().zip(node.items().unwrap_or_default()) {
            if unknown(pattern) {
                node.report(
                    format!("{:?} is none of the policy's groups", pattern.as_str()),
                    self.remedy(pattern.as_str()),
                );
            }
        }
    }

    fn remedy(&self, name: &str) -> String {
        let left = self.suggestions.get();
        self.suggestions.set(left.saturating_sub(1));
        let near = if left > 0 { nearest(name, &self.names) } else { None };
        match near {
            Some(near) => format!("did you mean {near}?"),
            None => "add it to groups, if the identity provider has it".to_owned(),
        }
    }

    /// Warns of each group, at its place in the list `node`, that no rule uses.
    pub(super) fn warn_of_unused(&self, node: &Node<'_>, rules: &[Rule]) {
        let passed = |rule: &'_ Rule| rule.groups.pass.clone().unwrap_or_default();
        let used: HashSet<Pattern> =
            rules.iter().flat_map(|rule| rule.who.groups.iter().cloned().chain(passed(rule))).collect();
        let globs: Vec<&Pattern> = used.iter().filter(|pattern| pattern.literal().is_none()).collect();
        let conditions: Vec<&str> = rules
            .iter()
            .filter_map(|rule| Some(rule.when.as_ref()?.text()).filter(|text| text.contains("groups")))
            .collect();
        for (name, node) in self.names.iter().zip(node.items().unwrap_or_default()) {
            let is_used = used.contains(&Pattern::from(*name))
                || globs.iter().any(|glob| glob.matches(name))
                || conditions.iter().any(|condition| condition.contains(name));
            if !is_used {
                node.warn(format!("no rule uses the group {name:?}"), "name it in a rule, or remove it from groups");
            }
        }
    }
}

fn read_name<'n>(node: &Node<'n>) -> Option<&'n str> {
    let name = node.text()?;
    if let Err(problem) = identity_name::check(name) {
        node.report(format!("the group {name:?} {problem}"), "use visible ASCII without commas");
        return None;
    }
    if name.contains('*') {
        node.report("has a '*'", "name each group in full; rules may use '*'");
        return None;
    }
    Some(name)
}
