//! `kubegate policy test`: cases kept beside the policy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use kubegate_core::document::{self, Fields, Node};
use kubegate_core::time::{Timestamp, parse_rfc3339};
use serde::Serialize;
use serde_json::Value;

use super::PolicyError;
use super::trial::{self, Answer, Question, Somebody, Trial};
use crate::clock::UnixTime;
use crate::failure::{FAILED, Failure};
use crate::output;

/// What a case can expect.
const DECISIONS: [&str; 3] = ["allow", "deny", "step-up"];

/// Run the cases that are kept beside a policy
///
/// A file of cases says who asks what, and what the policy is expected to decide. Prints a report,
/// and exits with 1 when a case does not come out as expected, so that it can guard a repository.
#[derive(Debug, Args)]
#[command(after_help = "A file of cases:
  policy: policy.yaml           # beside this file
  people:
    bob: {user: bob@example.com, groups: [team-a]}
  cases:
    - name: team a reads its pods
      person: bob
      cluster: prod
      request: GET /api/v1/namespaces/team-a/pods
      expect: allow             # or deny, or step-up
      rule: team a reads        # optional: the rule that decides

A person may have groups, email, claims, provider, acr, amr and authAge (how long ago they signed
in). A case may have as: {user, groups, uid, extra} like kubectl --as, source (an IP address) and
time. Instead of a method and a path, request may be {verb, resource, …}:
      request: {verb: get, group: apps, resource: deployments, subresource: scale, namespace: x, name: web}

Examples:
  kubegate policy test policy.test.yaml
  kubegate policy test policy.test.yaml --policy new-policy.yaml --json")]
pub(super) struct Test {
    /// The file of cases
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Another policy than the one that the file names
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

struct File {
    policy: Option<PathBuf>,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    line: usize,
    somebody: Somebody,
    question: Question,
    expect: String,
    rule: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    file: String,
    policy: String,
    ok: bool,
    cases: Vec<Outcome>,
}

#[derive(Debug, Serialize)]
struct Outcome {
    name: String,
    line: usize,
    ok: bool,
    expected: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_rule: Option<String>,
    decision: String,
    rule: String,
    reason: String,
    message: String,
}

impl Test {
    /// Runs the cases and reports.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let now = Timestamp::from_seconds(UnixTime::now().0);
        let text = super::read_text(&self.file)?;
        let file = document::read(&self.file.display().to_string(), &text, |root| read_file(root, now))
            .map_err(|problems| PolicyError::InvalidCases { problems })?;
        let beside = |path: &PathBuf| self.file.parent().unwrap_or(Path::new("")).join(path);
        let path = self.policy.clone().or_else(|| file.policy.as_ref().map(beside)).ok_or(PolicyError::NoPolicy)?;
        let policy = super::read(&path)?.map_err(|problems| PolicyError::Invalid { problems })?;
        let mut trial = Trial::new(&policy)?;
        let cases: Result<Vec<_>, _> = file.cases.into_iter().map(|case| case.run(&mut trial)).collect();
        let cases = cases?;
        let (file, policy) = (self.file.display().to_string(), path.display().to_string());
        let report = Report { file, policy, ok: cases.iter().all(|case| case.ok), cases };
        if self.json { output::json(&report) } else { output::result(&report.shown()) }.map_err(Failure::Output)?;
        Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}

impl Case {
    fn run(self, trial: &mut Trial) -> Result<Outcome, PolicyError> {
        let answer = trial.ask(&self.somebody, &self.question)?;
        let decision = decision(&answer).to_owned();
        let ok = decision == self.expect && self.rule.as_ref().is_none_or(|rule| *rule == answer.rule);
        let Answer { rule, reason, message, .. } = answer;
        let Self { name, line, expect: expected, rule: expected_rule, .. } = self;
        Ok(Outcome { name, line, ok, expected, expected_rule, decision, rule, reason, message })
    }
}

/// In the words of cases.
fn decision(answer: &Answer) -> &str {
    match answer.reason.as_str() {
        "step-up" => "step-up",
        _ if answer.is_allowed() => "allow",
        _ if answer.decision == "deny" => "deny",
        _ => &answer.decision,
    }
}

impl Report {
    fn shown(&self) -> String {
        let mut text: String = self.cases.iter().map(|case| case.shown(&self.file)).collect();
        let passed = self.cases.iter().filter(|case| case.ok).count();
        text.push_str(&format!("{passed} of {} cases pass\n", self.cases.len()));
        text
    }
}

impl Outcome {
    fn shown(&self, file: &str) -> String {
        if self.ok {
            return format!("ok    {}\n", self.name);
        }
        let by = |rule: &str| if rule.is_empty() { String::new() } else { format!(" by the rule {rule:?}") };
        let expected = by(self.expected_rule.as_deref().unwrap_or_default());
        let mut text = format!(
            "FAIL  {}  ({file}:{})\n      expected {}{expected}, got {}{} ({})\n",
            self.name,
            self.line,
            self.expected,
            self.decision,
            by(&self.rule),
            self.reason
        );
        if !self.message.is_empty() {
            text.push_str(&format!("      told: {}\n", self.message));
        }
        text
    }
}

fn read_file(root: &Node<'_>, now: Timestamp) -> Option<File> {
    let fields = root.fields(&["policy", "people", "cases"])?;
    let policy = fields.get("policy").and_then(|node| node.non_empty_text().map(PathBuf::from));
    let mut people = BTreeMap::new();
    if let Some(node) = fields.get("people") {
        for (name, node) in node.mapping()?.all() {
            if let Some(person) = read_person(&node, now) {
                people.insert(name.to_owned(), person);
            }
        }
    }
    let items = fields.require("cases")?.items()?;
    if items.is_empty() {
        fields.require("cases")?.report("has no case", "add one");
    }
    let cases: Vec<_> = items.iter().map(|node| read_case(node, &people, now)).collect();
    Some(File { policy, cases: cases.into_iter().collect::<Option<_>>()? })
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

fn read_case(node: &Node<'_>, people: &BTreeMap<String, Somebody>, now: Timestamp) -> Option<Case> {
    let fields = node.fields(&["name", "person", "cluster", "request", "as", "source", "time", "expect", "rule"])?;
    let name = fields.require("name").and_then(|node| node.non_empty_text().map(str::to_owned));
    let cluster = fields.require("cluster").and_then(|node| node.non_empty_text().map(str::to_owned));
    let person = fields.require("person").and_then(|node| find_person(&node, people, now));
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
        None => now,
    };
    let assumed = match fields.get("as") {
        Some(node) => read_assumed(&node)?,
        None => Vec::new(),
    };
    let text = |name| fields.get(name).and_then(|node| node.non_empty_text().map(str::to_owned));
    let source = text("source").unwrap_or_else(|| "192.0.2.1".to_owned());
    let mut somebody = person?;
    // How long ago somebody signed in counts from when they ask.
    somebody.auth_time = time.before(now.since(somebody.auth_time));
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

/// One of `people` by name, or a person on the spot.
fn find_person(node: &Node<'_>, people: &BTreeMap<String, Somebody>, now: Timestamp) -> Option<Somebody> {
    let Some(name) = node.as_text() else {
        return read_person(node, now);
    };
    let found = people.get(name);
    if found.is_none() {
        let known: Vec<&str> = people.keys().map(String::as_str).collect();
        node.report(format!("{name:?} is none of the people"), format!("known: {}", known.join(", ")));
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

/// `GET /api/v1/pods`, or a mapping of RBAC's words.
fn read_request(node: &Node<'_>) -> Option<(String, String)> {
    if let Some(text) = node.as_text() {
        let split = text.split_once(' ').filter(|(_, url)| url.starts_with('/'));
        if split.is_none() {
            node.report(format!("{text:?} is not a method and a path"), "write it like GET /api/v1/pods");
        }
        return split.map(|(method, url)| (method.to_owned(), url.to_owned()));
    }
    let fields = node.fields(&["verb", "group", "version", "resource", "subresource", "namespace", "name", "path"])?;
    let verb = fields.require("verb")?;
    let (method, query) = method_of(&verb)?;
    if let Some(path) = fields.get("path") {
        return Some((method.to_owned(), path.non_empty_text()?.to_owned()));
    }
    Some((method.to_owned(), format!("{}{query}", resource_path(&fields)?)))
}

fn resource_path(fields: &Fields<'_>) -> Option<String> {
    let part = |name| match fields.get(name) {
        Some(node) => node.non_empty_text().map(str::to_owned),
        None => Some(String::new()),
    };
    let (group, version, namespace) = (part("group")?, part("version")?, part("namespace")?);
    let version = if version.is_empty() { "v1" } else { &version };
    let mut path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    if !namespace.is_empty() {
        path.push_str(&format!("/namespaces/{namespace}"));
    }
    path.push_str(&format!("/{}", fields.require("resource")?.non_empty_text()?));
    let (name, subresource) = (part("name")?, part("subresource")?);
    if name.is_empty() && !subresource.is_empty() {
        fields.node().report("has a subresource of no name", "add name");
        return None;
    }
    for part in [name, subresource].iter().filter(|part| !part.is_empty()) {
        path.push_str(&format!("/{part}"));
    }
    Some(path)
}

/// The method, and the query, with which kubectl asks for a verb.
fn method_of(node: &Node<'_>) -> Option<(&'static str, &'static str)> {
    let verb = node.text()?;
    let method = match verb {
        "get" | "list" => ("GET", ""),
        "watch" => ("GET", "?watch=true"),
        "create" => ("POST", ""),
        "update" => ("PUT", ""),
        "patch" => ("PATCH", ""),
        "delete" | "deletecollection" => ("DELETE", ""),
        _ => {
            let known = "get, list, watch, create, update, patch, delete, deletecollection";
            node.report(format!("{verb:?} is not a verb of a request"), format!("use one of {known}"));
            return None;
        }
    };
    Some(method)
}
