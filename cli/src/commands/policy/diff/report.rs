//! What a policy change would do to people, counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::record::Record;
use crate::commands::policy::trial::Answer;
use crate::output::{printable, table};

/// What a policy change would do.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) replayed: usize,
    #[serde(serialize_with = "number")]
    pub(super) people: BTreeSet<String>,
    /// Lines that are no decision of the policy.
    pub(super) skipped: usize,
    pub(super) gains: Counts<Change>,
    pub(super) losses: Counts<Change>,
    /// Whom the API server would see in other groups, though they may do the same.
    pub(super) groups: Counts<Regrouped>,
    /// Decisions that cannot be made anew, by what is not in the record.
    pub(super) cannot_tell: Counts<Unknown>,
    /// Lines that cannot be read.
    unreadable: Vec<Unreadable>,
}

/// What somebody would gain or lose.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Change {
    user: String,
    cluster: String,
    verb: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(rename = "as", skip_serializing_if = "String::is_empty")]
    assumed: String,
    old: String,
    new: String,
}

/// In which other groups the API server would see somebody.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Regrouped {
    pub(super) user: String,
    pub(super) cluster: String,
    pub(super) gained: Vec<String>,
    pub(super) lost: Vec<String>,
}

/// What is not in a record.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Unknown {
    pub(super) what: String,
}

#[derive(Debug, Serialize)]
struct Unreadable {
    line: usize,
    problem: String,
}

/// How many requests there are of each.
#[derive(Debug)]
pub(super) struct Counts<T>(BTreeMap<T, usize>);

impl Report {
    /// Notes a line that cannot be read.
    pub(super) fn unreadable(&mut self, line: usize, problem: String) {
        self.unreadable.push(Unreadable { line, problem });
    }

    /// Whether something was replayed, and nothing of it would change.
    pub(super) fn is_unchanged(&self) -> bool {
        self.replayed > 0 && self.gains.is_empty() && self.losses.is_empty() && self.groups.is_empty()
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        let mut text = String::new();
        let changes = ["USER", "CLUSTER", "REQUEST", "TIMES", "OLD", "NEW"];
        let mut section = |title: &str, titles: &[&str], rows: Vec<Vec<String>>| {
            if !rows.is_empty() {
                let titles = titles.iter().map(|title| (*title).to_owned()).collect();
                let rows = std::iter::once(titles).chain(rows).map(|row: Vec<String>| {
                    let indented = |(column, cell): (usize, &String)| match column {
                        0 => format!("  {}", printable(cell)),
                        _ => printable(cell),
                    };
                    row.iter().enumerate().map(indented).collect::<Vec<_>>()
                });
                text.push_str(&format!("{title}\n{}\n", table(&rows.collect::<Vec<_>>())));
            }
        };
        section("Would gain:", &changes, self.gains.rows(Change::row));
        section("Would lose:", &changes, self.losses.rows(Change::row));
        section("Other groups:", &["USER", "CLUSTER", "TIMES", "GAINED", "LOST"], self.groups.rows(Regrouped::row));
        section(
            "Cannot tell, because the record does not have:",
            &["WHAT", "TIMES"],
            self.cannot_tell.rows(|Unknown { what }, requests| vec![what.clone(), requests.to_string()]),
        );
        if self.replayed == 0 {
            text.push_str("Nothing was replayed.\n");
        } else if self.is_unchanged() {
            text.push_str("Nobody would gain or lose anything.\n");
        }
        for Unreadable { line, problem } in self.unreadable.iter().take(10) {
            text.push_str(&format!("line {line} cannot be replayed: {}\n", printable(problem)));
        }
        let Self { replayed, people, skipped, cannot_tell, unreadable, .. } = self;
        let (people, unknown, unreadable) = (people.len(), cannot_tell.total(), unreadable.len());
        text.push_str(&format!(
            "{replayed} recorded decisions about {people} people replayed, {unknown} that nobody can tell, {skipped} \
             lines that are no decision of the policy skipped, {unreadable} unreadable\n"
        ));
        text
    }
}

impl Change {
    /// The request of a record, with what two policies say of it.
    pub(super) fn of(record: &Record, before: &Answer, after: &Answer) -> Self {
        let said = |answer: &Answer| match answer.rule.as_str() {
            "" => format!("{} ({})", answer.decision, answer.reason),
            rule => format!("{} by {rule:?}", answer.decision),
        };
        Self {
            user: record.decided.user.clone(),
            cluster: record.decided.cluster.clone(),
            verb: record.decided.verb.clone(),
            resource: record.decided.resource.clone(),
            namespace: record.decided.namespace.clone(),
            path: if record.decided.resource.is_empty() { record.path.clone() } else { String::new() },
            assumed: record.decided.assumed_user.clone(),
            old: said(before),
            new: said(after),
        }
    }

    fn row(&self, requests: usize) -> Vec<String> {
        let Self { user, cluster, verb, resource, namespace, path, assumed, old, new } = self;
        let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
        let assumed = if assumed.is_empty() { String::new() } else { format!(" as {assumed}") };
        let request = format!("{verb} {resource}{path}{place}{assumed}");
        vec![user.clone(), cluster.clone(), request, requests.to_string(), old.clone(), new.clone()]
    }
}

impl Regrouped {
    fn row(&self, requests: usize) -> Vec<String> {
        let Self { user, cluster, gained, lost } = self;
        vec![user.clone(), cluster.clone(), requests.to_string(), gained.join(", "), lost.join(", ")]
    }
}

impl<T: Ord> Counts<T> {
    /// One more of these.
    pub(super) fn add(&mut self, what: T) {
        *self.0.entry(what).or_insert(0) += 1;
    }
}

impl<T> Counts<T> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn total(&self) -> usize {
        self.0.values().sum()
    }

    fn rows(&self, row: impl Fn(&T, usize) -> Vec<String>) -> Vec<Vec<String>> {
        self.0.iter().map(|(what, requests)| row(what, *requests)).collect()
    }
}

impl<T> Default for Counts<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Serialize> Serialize for Counts<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Counted<'a, T> {
            #[serde(flatten)]
            what: &'a T,
            requests: usize,
        }
        serializer.collect_seq(self.0.iter().map(|(what, requests)| Counted { what, requests: *requests }))
    }
}

fn number<S: Serializer>(people: &BTreeSet<String>, serializer: S) -> Result<S::Ok, S::Error> {
    people.len().serialize(serializer)
}
