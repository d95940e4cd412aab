//! Finds, among all entries of a policy's rules, those that may cover a given one.
//!
//! What covers an entry covers each thing that the entry names: a group, a namespace, a resource. So it is enough to
//! look at the entries that name one of these, the one that fewest name, and at those that name it by a glob or not at
//! all. Cost then grows with the number of rules, and not with its square, unless all of them are alike.

use std::collections::HashMap;

use super::coverage::{Clusters, covers_grant, covers_who, literal_domain, names_everybody, names_in_full};
use crate::pattern::Pattern;
use crate::rule::{Grant, Who};

/// How many entries one is compared with at most.
const LIMIT: usize = 1000;

/// One entry of a rule: what it is about, for whom and where.
#[derive(Clone, Copy)]
pub(super) struct Entry<'p> {
    /// The rule's position.
    pub(super) position: usize,
    pub(super) who: &'p Who,
    pub(super) clusters: &'p Clusters,
    pub(super) grant: &'p Grant,
}

impl Entry<'_> {
    /// Whether it is about everything that `other` is about.
    pub(super) fn covers(&self, other: &Entry<'_>) -> bool {
        covers_grant(self.grant, other.grant)
            && self.clusters.have_all(other.clusters)
            && covers_who(self.who, other.who)
    }

    /// Whether it allows everything that `other` would allow.
    pub(super) fn allows_all_of(&self, other: &Entry<'_>) -> bool {
        self.covers(other) && names_in_full(self.grant, other.grant)
    }
}

/// Entries by what they name.
pub(super) struct Index<'p> {
    entries: Vec<Entry<'p>>,
    who: Postings<'p>,
    lists: [Postings<'p>; 5],
}

/// A list of a grant.
struct List {
    of: fn(&Grant) -> &[Pattern],
    /// Whether a grant without it is about everything.
    empty_is_all: bool,
}

const LISTS: [List; 5] = [
    List { of: |grant| &grant.api_groups, empty_is_all: false },
    List { of: |grant| &grant.resources, empty_is_all: false },
    List { of: |grant| &grant.namespaces, empty_is_all: true },
    List { of: |grant| &grant.names, empty_is_all: true },
    List { of: |grant| &grant.non_resource_urls, empty_is_all: false },
];

impl<'p> Index<'p> {
    pub(super) fn of(entries: impl Iterator<Item = Entry<'p>>) -> Self {
        let mut index = Self { entries: entries.collect(), who: Postings::default(), lists: Default::default() };
        for (number, entry) in index.entries.iter().enumerate() {
            if names_everybody(entry.who) {
                index.who.everything.push(number);
            }
            for (kind, pattern) in ways_in(entry.who) {
                index.who.insert(kind, pattern, number);
            }
            for (list, postings) in LISTS.iter().zip(&mut index.lists) {
                let patterns = (list.of)(entry.grant);
                if patterns.is_empty() && list.empty_is_all {
                    postings.everything.push(number);
                }
                for pattern in patterns {
                    postings.insert(Kind::Text, pattern, number);
                }
            }
        }
        index
    }

    /// The position of a rule before `end` with an entry that stands to `entry` as asked, if it covers it at least.
    pub(super) fn find(
        &self,
        entry: &Entry<'p>,
        end: usize,
        asked: impl Fn(&Entry<'p>, &Entry<'p>) -> bool,
    ) -> Option<usize> {
        let is_before = |number: &usize| self.entries.get(*number).is_some_and(|entry| entry.position < end);
        let candidates = self.candidates(entry).into_iter().flat_map(|part| part.iter().take_while(|it| is_before(it)));
        let mut entries = candidates.take(LIMIT).filter_map(|number| self.entries.get(*number));
        entries.find(|candidate| asked(candidate, entry)).map(|candidate| candidate.position)
    }

    /// The shortest selection that has every entry which covers `entry`.
    fn candidates(&self, entry: &Entry<'p>) -> Vec<&[usize]> {
        let by_who = ways_in(entry.who).map(|(kind, pattern)| self.who.with(kind, pattern));
        let by_list = LISTS.iter().zip(&self.lists).flat_map(|(list, postings)| {
            let patterns = (list.of)(entry.grant);
            let all = (patterns.is_empty() && list.empty_is_all).then(|| vec![postings.everything.as_slice()]);
            all.into_iter().chain(patterns.iter().map(|pattern| postings.with(Kind::Text, pattern)))
        });
        let everybody = entry.who.names_nobody().then(|| vec![self.who.everything.as_slice()]);
        let length = |selection: &Vec<&[usize]>| selection.iter().map(|part| part.len()).sum::<usize>();
        everybody.into_iter().chain(by_who).chain(by_list).min_by_key(length).unwrap_or_default()
    }
}

/// What kind of name something is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Text,
    User,
    Email,
    Domain,
    Group,
}

fn ways_in(who: &Who) -> impl Iterator<Item = (Kind, &Pattern)> {
    let lists = [(Kind::User, &who.users), (Kind::Email, &who.emails), (Kind::Domain, &who.domains)];
    let lists = lists.into_iter().chain([(Kind::Group, &who.groups)]);
    lists.flat_map(|(kind, patterns)| patterns.iter().map(move |pattern| (kind, pattern)))
}

/// Entries by the names in one of their lists.
#[derive(Default)]
struct Postings<'p> {
    /// Those that are about everything.
    everything: Vec<usize>,
    /// Those that have a glob.
    globs: Vec<usize>,
    named: HashMap<(Kind, &'p str), Vec<usize>>,
}

impl<'p> Postings<'p> {
    fn insert(&mut self, kind: Kind, pattern: &'p Pattern, number: usize) {
        match pattern.literal() {
            Some(name) => self.named.entry((kind, name)).or_default().push(number),
            None if self.globs.last() == Some(&number) => {}
            None => self.globs.push(number),
        }
    }

    /// Those that may cover `pattern`.
    fn with(&self, kind: Kind, pattern: &'p Pattern) -> Vec<&[usize]> {
        let same = pattern.literal().map(|name| (kind, name));
        // An address may be named by its domain.
        let domain = if kind == Kind::Email { literal_domain(pattern) } else { None };
        let named = same.into_iter().chain(domain.map(|domain| (Kind::Domain, domain)));
        let named = named.filter_map(|key| self.named.get(&key)).map(Vec::as_slice);
        [self.everything.as_slice(), self.globs.as_slice()].into_iter().chain(named).collect()
    }
}
