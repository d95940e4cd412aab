//! The counters' values, and how they are shown.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::amounts;
use super::instrument::{CALL, ENTRY, INTO, LAST_ENTRY, OUT};
use super::publish::PREFIX;
use crate::stats::rounded;

/// Values by the names of the counters.
pub(super) struct Counts(BTreeMap<String, f64>);

impl Counts {
    /// Those in Envoy's statistics.
    pub(super) fn parse(statistics: &str) -> Result<Self> {
        let counters = statistics.lines().filter_map(|line| line.strip_prefix(PREFIX)?.rsplit_once(' '));
        let entry =
            |(name, value): (&str, &str)| Ok((name.split('{').next().unwrap_or(name).to_owned(), value.parse()?));
        Ok(Self(counters.map(entry).collect::<Result<_>>()?))
    }

    /// How many requests are over.
    pub(super) fn ended(&self) -> f64 {
        self.value(&format!("{ENTRY}{LAST_ENTRY}"))
    }

    /// What each of `requests` requests has added since `before`.
    pub(super) fn since(&self, before: &Self, requests: usize) -> Self {
        let each = |(name, value): (&String, &f64)| (name.clone(), (value - before.value(name)) / requests as f64);
        Self(self.0.iter().map(each).collect())
    }

    /// Fails when a host call has been made of which it is not known what it copies.
    pub(super) fn check(&self) -> Result<()> {
        for (call, count) in self.of(CALL) {
            ensure!(count == 0.0 || amounts::copied(call).is_some(), "what {call} copies is not written down");
        }
        Ok(())
    }

    /// For scripts.
    pub(super) fn json(&self) -> Value {
        self.0
            .iter()
            .filter(|(_, value)| **value > 0.0)
            .map(|(name, value)| (name.clone(), rounded(*value, 2)))
            .collect()
    }

    fn value(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Those whose names begin with `prefix`, by what follows it.
    fn of<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, *value)))
    }

    fn total(&self, prefix: &str) -> f64 {
        self.of(prefix).map(|(_, value)| value).sum()
    }
}

/// The rows of a table: what is counted, with a value from each of `counts`.
pub(super) fn rows(counts: &[Counts]) -> Vec<Vec<String>> {
    let row = |title: String, value: &dyn Fn(&Counts) -> f64| {
        [title].into_iter().chain(counts.iter().map(|counts| shown(value(counts)))).collect::<Vec<String>>()
    };
    let mut rows = Vec::new();
    for (title, prefix) in [("entries from Envoy into the filter", ENTRY), ("host calls", CALL)] {
        rows.push(row(format!("**{title}**"), &|counts| counts.total(prefix)));
        for name in names(counts, prefix) {
            rows.push(row(format!("`{name}`"), &|counts| counts.value(&format!("{prefix}{name}"))));
        }
    }
    let titles = [
        (INTO, "bytes copied into the filter"),
        (OUT, "bytes copied out of it"),
        ("allocations", "allocations"),
        ("reallocations", "reallocations"),
        ("frees", "frees"),
        ("bytes_asked_for", "bytes allocated"),
    ];
    rows.extend(titles.map(|(name, title)| row(format!("**{title}**"), &|counts| counts.value(name))));
    rows
}

/// What follows `prefix` in the names of counters that have counted something, most first.
fn names(counts: &[Counts], prefix: &str) -> Vec<String> {
    let sum = |name: &str| counts.iter().map(|counts| counts.value(&format!("{prefix}{name}"))).sum::<f64>();
    let names = counts.first().into_iter().flat_map(|counts| counts.of(prefix)).map(|(name, _)| name.to_owned());
    let mut names: Vec<String> = names.filter(|name| sum(name) > 0.0).collect();
    names.sort_by(|one, other| sum(other).total_cmp(&sum(one)));
    names
}

fn shown(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
