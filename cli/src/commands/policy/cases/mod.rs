//! `kubegate policy test`: cases kept beside the policy.

mod file;
mod request;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use kubegate_core::document;
use kubegate_core::gateway::{DENIED, STEP_UP};
use kubegate_core::time::Timestamp;
use serde::Serialize;

use self::file::{Case, File};
use super::PolicyError;
use super::trial::{Answer, Trial};
use crate::clock::UnixTime;
use crate::failure::{FAILED, Failure};
use crate::output;

/// Run the cases that are kept beside a policy
///
/// A file of cases says who asks what, and what the policy is expected to decide. Prints a report,
/// and exits with 1 when a case does not come out as expected, so that it can guard a repository.
///
/// What is refused before the policy is asked, such as a path that cannot be read, is no deny.
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
time. Instead of a method and a path, request may be {verb, resource, …}, or {verb, path} outside of
the resource API; such words are a mistake when the API server would read them as another request:
      request: {verb: get, group: apps, resource: deployments/scale, namespace: x, name: web}
      request: {verb: get, path: /metrics}

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
        let load = |named: Option<&Path>| self.load(named);
        let file = document::read(&self.file.display().to_string(), &text, |root| File::read(root, now, load))
            .map_err(|problems| PolicyError::InvalidCases { problems })?;
        let File { policy: path, mut trial, cases } = file?;
        let cases: Result<Vec<_>, _> = cases.into_iter().map(|case| case.run(&mut trial)).collect();
        let cases = cases?;
        let (file, policy) = (self.file.display().to_string(), path.display().to_string());
        let report = Report { file, policy, ok: cases.iter().all(|case| case.ok), cases };
        if self.json { output::json(&report) } else { output::result(&report.shown()) }.map_err(Failure::Output)?;
        Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }

    /// The policy of the command line, or else the one that the file names; nothing, when neither does.
    fn load(&self, named: Option<&Path>) -> Option<Result<(PathBuf, Trial), PolicyError>> {
        let beside = |path| self.file.parent().unwrap_or(Path::new("")).join(path);
        let path = self.policy.clone().or_else(|| named.map(beside))?;
        Some(Trial::load(&path).map(|trial| (path, trial)))
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

/// In the words of cases. What the policy was not asked about is none of its decisions.
fn decision(answer: &Answer) -> &str {
    match answer.reason.as_str() {
        STEP_UP => "step-up",
        _ if answer.is_allowed() => "allow",
        reason if DENIED.contains(&reason) => "deny",
        _ => "refused",
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
