//! `kubegate policy diff`: recorded decisions, replayed under two policies.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use kubegate_core::time::{Timestamp, parse_rfc3339};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PolicyError;
use super::trial::{self, Answer, Question, Somebody, Trial};
use crate::failure::{FAILED, Failure};
use crate::output::{self, printable, table};

/// The longest line of an audit file that is looked at, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// Say who would gain and who would lose what by a policy change
///
/// Replays the decisions that gateways have recorded under an old and a new policy, and lists where
/// the two differ. The records are Envoy's access log as envoy-config/envoy.yaml writes it: one JSON
/// object a line.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate policy diff policy.yaml new-policy.yaml --against audit.jsonl
  kubectl logs -n envoy deploy/envoy | kubegate policy diff policy.yaml new-policy.yaml --against -
  git show HEAD:policy.yaml > old.yaml; kubegate policy diff old.yaml policy.yaml --against audit.jsonl --exit-code

The path in the access log has no query, so the name that a field selector asked for is taken from
the record itself; the time, the address and the sign-in are those of the record.")]
pub(super) struct Diff {
    /// The policy in force
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The policy to be
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// The recorded decisions, one JSON object a line; - reads them from standard input
    #[arg(long, value_name = "FILE")]
    against: PathBuf,

    /// Print the differences as JSON
    #[arg(long)]
    json: bool,

    /// Exit with 1 when anybody would gain or lose anything
    #[arg(long)]
    exit_code: bool,
}

/// A recorded decision, as far as it is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    time: String,
    cluster: String,
    user: String,
    /// JSON within JSON: Envoy writes what the filter says as text.
    person: String,
    groups: String,
    assumed_user: String,
    verb: String,
    resource: String,
    namespace: String,
    name: String,
    method: String,
    path: String,
    client: String,
}

/// The person in a record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Person {
    provider: String,
    groups: Vec<String>,
    auth_time: Timestamp,
    email: Option<String>,
    acr: Option<String>,
    amr: Vec<String>,
    claims: BTreeMap<String, Value>,
}

/// What somebody would gain or lose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Change {
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

#[derive(Debug, Serialize)]
struct Counted {
    #[serde(flatten)]
    change: Change,
    requests: usize,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    replayed: usize,
    people: usize,
    /// Lines that are no decision about somebody: refused without a session, or our own pages.
    skipped: usize,
    gains: Vec<Counted>,
    losses: Vec<Counted>,
    /// Lines that cannot be read.
    unreadable: Vec<Unreadable>,
}

#[derive(Debug, Serialize)]
struct Unreadable {
    line: usize,
    problem: String,
}

impl Diff {
    /// Replays and reports.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let load = |path: &Path| -> Result<Trial, PolicyError> {
            let policy = super::read(path)?.map_err(|problems| PolicyError::Invalid { problems })?;
            Trial::new(&policy)
        };
        let (mut old, mut new) = (load(&self.old)?, load(&self.new)?);
        let report = self.replay(&mut old, &mut new)?;
        let changes = !report.gains.is_empty() || !report.losses.is_empty();
        if self.json { output::json(&report) } else { output::result(&report.shown()) }.map_err(Failure::Output)?;
        Ok(if self.exit_code && changes { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
    }

    fn replay(&self, old: &mut Trial, new: &mut Trial) -> Result<Report, PolicyError> {
        let unreadable = |source| PolicyError::UnreadableAudit { path: self.against.clone(), source };
        let input: Box<dyn Read> = if self.against == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(&self.against).map_err(unreadable)?)
        };
        let mut input = BufReader::new(input);
        let mut report = Report::default();
        let mut people = std::collections::BTreeSet::new();
        let (mut gains, mut losses) = (BTreeMap::new(), BTreeMap::new());
        for number in 1.. {
            let mut line = Vec::new();
            let length = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
            if length == 0 {
                break;
            }
            let problem = |problem: String| Unreadable { line: number, problem };
            let record = match serde_json::from_slice::<Record>(&line) {
                Ok(record) => record,
                Err(_) if line.trim_ascii().is_empty() => continue,
                Err(error) => {
                    report.unreadable.push(problem(error.to_string()));
                    continue;
                }
            };
            if record.user.is_empty() || record.cluster.is_empty() {
                report.skipped += 1;
                continue;
            }
            let (somebody, question) = match record.replayable() {
                Ok(replayable) => replayable,
                Err(why) => {
                    report.unreadable.push(problem(why));
                    continue;
                }
            };
            report.replayed += 1;
            people.insert(somebody.user.clone());
            let (before, after) = (answer(old, &somebody, &question)?, answer(new, &somebody, &question)?);
            let changes = match (before.is_allowed(), after.is_allowed()) {
                (false, true) => &mut gains,
                (true, false) => &mut losses,
                _ => continue,
            };
            *changes.entry(record.change(&before, &after)).or_insert(0_usize) += 1;
        }
        let counted = |changes: BTreeMap<Change, usize>| {
            changes.into_iter().map(|(change, requests)| Counted { change, requests }).collect()
        };
        (report.people, report.gains, report.losses) = (people.len(), counted(gains), counted(losses));
        Ok(report)
    }
}

/// A cluster that one of the two policies does not have allows nothing.
fn answer(trial: &mut Trial, somebody: &Somebody, question: &Question) -> Result<Answer, PolicyError> {
    match trial.ask(somebody, question) {
        Err(PolicyError::UnknownCluster { .. }) => {
            Ok(Answer { decision: "deny".to_owned(), reason: "no-such-cluster".to_owned(), ..Answer::default() })
        }
        answer => answer,
    }
}

impl Record {
    fn replayable(&self) -> Result<(Somebody, Question), String> {
        let now =
            parse_rfc3339(&whole_seconds(&self.time)).ok_or_else(|| format!("time: {:?} is not a time", self.time))?;
        let person: Person = serde_json::from_str(&self.person).map_err(
            |_| "person: is missing or no JSON; the access log must have the filter state wasm.kubegate.log.person",
        )?;
        if self.method.is_empty() || self.path.is_empty() {
            return Err("method or path: is missing".to_owned());
        }
        let Person { provider, groups, auth_time, email, acr, amr, claims } = person;
        let somebody = Somebody { user: self.user.clone(), groups, email, claims, provider, acr, amr, auth_time };
        let groups: Vec<String> = self.groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect();
        let assumed = match self.assumed_user.as_str() {
            "" => Vec::new(),
            user => trial::assumed(Some(user), &groups, None, &[]),
        };
        let question = Question {
            cluster: self.cluster.clone(),
            method: self.method.clone(),
            url: self.url(),
            assumed,
            source: self.client.clone(),
            now,
        };
        Ok((somebody, question))
    }

    /// Path and query with which the API server reads the recorded verb and name.
    fn url(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let mut query = Vec::new();
        if self.verb == "watch" {
            query.push("watch=true".to_owned());
        }
        if matches!(self.verb.as_str(), "list" | "watch") && !self.name.is_empty() {
            query.push(format!("fieldSelector=metadata.name%3D{}", self.name));
        }
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }

    fn change(&self, before: &Answer, after: &Answer) -> Change {
        let said = |answer: &Answer| match answer.rule.as_str() {
            "" => format!("{} ({})", answer.decision, answer.reason),
            rule => format!("{} by {rule:?}", answer.decision),
        };
        Change {
            user: self.user.clone(),
            cluster: self.cluster.clone(),
            verb: self.verb.clone(),
            resource: self.resource.clone(),
            namespace: self.namespace.clone(),
            path: if self.resource.is_empty() { self.path.clone() } else { String::new() },
            assumed: self.assumed_user.clone(),
            old: said(before),
            new: said(after),
        }
    }
}

/// Envoy writes milliseconds.
fn whole_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, fraction)) => {
            let zone = fraction.trim_start_matches(|character: char| character.is_ascii_digit());
            format!("{seconds}{zone}")
        }
        None => time.to_owned(),
    }
}

impl Report {
    fn shown(&self) -> String {
        let mut text = String::new();
        for (title, changes) in [("Would gain:", &self.gains), ("Would lose:", &self.losses)] {
            if changes.is_empty() {
                continue;
            }
            let titles = ["  USER", "CLUSTER", "REQUEST", "TIMES", "OLD", "NEW"].map(str::to_owned).to_vec();
            let rows: Vec<_> = std::iter::once(titles).chain(changes.iter().map(Counted::row)).collect();
            text.push_str(&format!("{title}\n{}\n", table(&rows)));
        }
        if self.gains.is_empty() && self.losses.is_empty() {
            text.push_str("Nobody would gain or lose anything.\n");
        }
        for Unreadable { line, problem } in self.unreadable.iter().take(10) {
            text.push_str(&format!("line {line} cannot be replayed: {}\n", printable(problem)));
        }
        let Self { replayed, people, skipped, unreadable, .. } = self;
        let unreadable = unreadable.len();
        text.push_str(&format!(
            "{replayed} recorded decisions about {people} people replayed, {skipped} lines without a person skipped, \
             {unreadable} unreadable\n"
        ));
        text
    }
}

impl Counted {
    fn row(&self) -> Vec<String> {
        let Change { user, cluster, verb, resource, namespace, path, assumed, old, new } = &self.change;
        let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
        let assumed = if assumed.is_empty() { String::new() } else { format!(" as {assumed}") };
        let request = format!("{verb} {resource}{path}{place}{assumed}");
        let cells = [&format!("  {user}"), cluster, &request, &self.requests.to_string(), old, new];
        cells.iter().map(|cell| printable(cell)).collect()
    }
}
