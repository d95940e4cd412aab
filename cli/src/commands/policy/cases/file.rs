//! A file of cases.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubegate_core::document::Node;
use kubegate_core::time::{Timestamp, parse_rfc3339};
use serde_json::Value;

use super::request::read_request;
use crate::commands::policy::PolicyError;
use crate::commands::policy::trial::{self, Question, Somebody, Trial};

/// What a case can expect.
const DECISIONS: [&str; 3] = ["allow", "deny", "step-up"];

/// A file of cases, with the policy that they are about.
pub(super) struct File {
    pub(super) policy: PathBuf,
    pub(super) trial: Trial,
    pub(super) cases: Vec<Case>,
}

/// Who asks what, and what is expected.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) somebody: Somebody,
    pub(super) question: Question,
    pub(super) expect: String,
    pub(super) rule: Option<String>,
}

/// What cases refer to.
struct Known<'k> {
    people: BTreeMap<String, Somebody>,
    /// The policy, when there is one.
    trial: Option<&'k Trial>,
    now: Timestamp,
}

impl File {
    /// Reads the file; `load` gets the policy that it names. The inner error is about that policy.
    pub(super) fn read(
        root: &Node<'_>,
        now: Timestamp,
        load: impl FnOnce(Option<&Path>) -> Option<Result<(PathBuf, Trial), PolicyError>>,
    ) -> Option<Result<Self, PolicyError>> {
        let fields = root.fields(&["policy", "people", "cases"])?;
        let policy = match load(fields.get("policy").and_then(|node| node.non_empty_text()).map(Path::new)) {
            Some(Ok(policy)) => Some(policy),
            Some(Err(error)) => return Some(Err(error)),
            None => {
                root.report("names no policy", "write \"policy: FILE\" into it, or give --policy");
                None
            }
        };
        let mut people = BTreeMap::new();
        if let Some(node) = fields.get("people") {
            for (name, node) in node.mapping()?.all() {
                if let Some(person) = read_person(&node, now) {
                    people.insert(name.to_owned(), person);
                }
            }
        }
        let known = Known { people, trial: policy.as_ref().map(|(_, trial)| trial), now };
        let cases = read_cases(&fields.require("cases")?, &known)?;
        let (policy, trial) = policy?;
        Some(Ok(Self { policy, trial, cases }))
    }
}

fn read_cases(node: &Node<'_>, known: &Known<'_>) -> Option<Vec<Case>> {
    let items = node.items()?;
    if items.is_empty() {
        node.report("has no case", "add one");
    }
    let mut names = BTreeSet::new();
    let mut read = |item: &Node<'_>| {
        if let Some(name) = item.mapping()?.get("name")
            && let Some(text) = name.as_text()
            && !names.insert(text.to_owned())
        {
            name.report("another case has this name", "name each differently");
        }
        read_case(item, known)
    };
    let cases: Vec<_> = items.iter().map(&mut read).collect();
    cases.into_iter().collect()
}

fn read_person(node: &Node<'_>, now: Timestamp) -> Option<Somebody> {
    let fields = node.fields(&["user", "groups", "email", "claims", "provider", "acr", "amr", "authAge"])?;
    let text = |name| fields.get(name).and_then(|node| node.non_empty_text().map(str::to_owned));
    let texts = |name| match fields.get(name) {
        Some(node) => node.texts().map(|texts| texts.into_iter().map(str::to_owned).collect()),
        None => Some(Vec::new()),
    };
    let age = match fields.get("authAge") {
        Some(node) => node.duration(Duration::ZERO..=Duration::from_secs(366 * 86_400))?,
        None => Duration::ZERO,
    };
    Some(Somebody {
        user: fields.require("user")?.non_empty_text()?.to_owned(),
        groups: texts("groups")?,
        email: text("email"),
        claims: match fields.get("claims") {
            Some(node) => read_claims(&node)?,
            None => BTreeMap::new(),
        },
        provider: text("provider").unwrap_or_else(|| "test".to_owned()),
        acr: text("acr"),
        amr: texts("amr")?,
        auth_time: now.before(age),
    })
}

fn read_claims(node: &Node<'_>) -> Option<BTreeMap<String, Value>> {
    let fields = node.mapping()?;
    let claims: Vec<_> = fields.all().map(|(name, node)| Some((name.to_owned(), node.value()?))).collect();
    claims.into_iter().collect()
}

fn read_case(node: &Node<'_>, known: &Known<'_>) -> Option<Case> {
    let fields = node.fields(&["name", "person", "cluster", "request", "as", "source", "time", "expect", "rule"])?;
    let name = fields.require("name").and_then(|node| node.non_empty_text().map(str::to_owned));
    let cluster = fields.require("cluster").and_then(|node| read_cluster(&node, known));
    let person = fields.require("person").and_then(|node| find_person(&node, known));
    let request = fields.require("request").and_then(|node| read_request(&node));
    let expect = fields.require("expect").and_then(|node| {
        let expect = node.text()?;
        if !DECISIONS.contains(&expect) {
            node.report(format!("{expect:?} is no decision"), format!("write one of {}", DECISIONS.join(", ")));
            return None;
        }
        Some(expect.to_owned())
    });
    let time = match fields.get("time") {
        Some(node) => read_time(&node)?,
        None => known.now,
    };
    let assumed = match fields.get("as") {
        Some(node) => read_assumed(&node)?,
        None => Vec::new(),
    };
    let text = |name| fields.get(name).and_then(|node| node.non_empty_text().map(str::to_owned));
    let source = match fields.get("source") {
        Some(node) => read_source(&node)?,
        None => "192.0.2.1".to_owned(),
    };
    let mut somebody = person?;
    // How long ago somebody signed in counts from when they ask.
    somebody.auth_time = time.before(known.now.since(somebody.auth_time));
    let (method, url) = request?;
    Some(Case {
        name: name?,
        line: node.line(),
        somebody,
        question: Question { cluster: cluster?, method, url, assumed, source, now: time },
        expect: expect?,
        rule: text("rule"),
    })
}

fn read_time(node: &Node<'_>) -> Option<Timestamp> {
    let text = node.text()?;
    let time = parse_rfc3339(text);
    if time.is_none() {
        node.report(format!("{text:?} is not a time"), "write it like \"2026-01-31T08:00:00Z\"");
    }
    time
}

fn read_source(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.parse::<IpAddr>().is_err() {
        node.report(format!("{text:?} is not an IP address"), "write it like 10.1.2.3");
        return None;
    }
    Some(text.to_owned())
}

/// One of the policy's clusters.
fn read_cluster(node: &Node<'_>, known: &Known<'_>) -> Option<String> {
    let name = node.non_empty_text()?;
    if let Some(trial) = known.trial
        && !trial.clusters().any(|cluster| cluster == name)
    {
        let clusters: Vec<&str> = trial.clusters().collect();
        node.report(format!("the policy has no cluster {name:?}"), format!("it has: {}", clusters.join(", ")));
    }
    Some(name.to_owned())
}

/// One of the people by name, or a person on the spot.
fn find_person(node: &Node<'_>, known: &Known<'_>) -> Option<Somebody> {
    let Some(name) = node.as_text() else {
        return read_person(node, known.now);
    };
    let found = known.people.get(name);
    if found.is_none() {
        let names: Vec<&str> = known.people.keys().map(String::as_str).collect();
        node.report(format!("{name:?} is none of the people"), format!("known: {}", names.join(", ")));
    }
    found.cloned()
}

fn read_assumed(node: &Node<'_>) -> Option<Vec<(String, String)>> {
    let fields = node.fields(&["user", "groups", "uid", "extra"])?;
    let text = |name| fields.get(name).and_then(|node| node.non_empty_text().map(str::to_owned));
    let groups = match fields.get("groups") {
        Some(node) => node.texts()?.into_iter().map(str::to_owned).collect(),
        None => Vec::new(),
    };
    let mut extras = Vec::new();
    if let Some(node) = fields.get("extra") {
        for (key, node) in node.mapping()?.all() {
            extras.push((key.to_owned(), node.text()?.to_owned()));
        }
    }
    Some(trial::assumed(text("user").as_deref(), &groups, text("uid").as_deref(), &extras))
}
