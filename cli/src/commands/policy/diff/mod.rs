//! `kubegate policy diff`: recorded decisions, replayed under two policies.

mod record;
mod report;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use self::record::{Record, Replayable};
use self::report::{Change, Regrouped, Report};
use super::PolicyError;
use super::trial::{Answer, Trial};
use crate::failure::{FAILED, Failure};
use crate::output;

/// The longest line of an audit file that is looked at, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// Say who would gain and who would lose what by a policy change
///
/// Replays the decisions that gateways have recorded under an old and a new policy, and lists where
/// the two differ: in what people may do, and in the groups under which the API server sees them.
/// The records are Envoy's access log as envoy-config/envoy.yaml writes it: one JSON object a line.
///
/// A record has the claims that the policy in force asked for, and no others. When one of the two
/// policies asks for another to decide a request, nobody can tell what becomes of it, and the report
/// says so. The same goes for people with more groups than their token could carry, and for
/// kubectl --as-uid and --as-user-extra.
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

    /// Exit with 1 when anybody would gain or lose anything, and when nothing could be replayed
    #[arg(long)]
    exit_code: bool,
}

impl Diff {
    /// Replays and reports.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let (mut old, mut new) = (Trial::load(&self.old)?, Trial::load(&self.new)?);
        let report = self.replay(&mut old, &mut new)?;
        if self.json { output::json(&report) } else { output::result(&report.shown()) }.map_err(Failure::Output)?;
        Ok(if self.exit_code && !report.is_unchanged() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
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
        for number in 1.. {
            let Some(line) = next_line(&mut input).map_err(unreadable)? else { break };
            let record = match Record::parse(&line) {
                Ok(Some(record)) => record,
                Ok(None) => continue,
                Err(problem) => {
                    report.unreadable(number, problem);
                    continue;
                }
            };
            if !record.is_of_the_policy() {
                report.skipped += 1;
                continue;
            }
            match record.replayable() {
                Ok(replayable) => report.compare(&record, &replayable, old, new)?,
                Err(problem) => report.unreadable(number, problem),
            }
        }
        Ok(report)
    }
}

impl Report {
    /// Replays a decision under both policies.
    fn compare(
        &mut self,
        record: &Record,
        replayable: &Replayable,
        old: &mut Trial,
        new: &mut Trial,
    ) -> Result<(), PolicyError> {
        if let Some(why) = replayable.unknown(old, new) {
            self.cannot_tell.add(why);
            return Ok(());
        }
        self.replayed += 1;
        self.people.insert(record.decided.user.clone());
        let (before, after) = (answer(old, replayable)?, answer(new, replayable)?);
        match (before.is_allowed(), after.is_allowed()) {
            (false, true) => self.gains.add(Change::of(record, &before, &after)),
            (true, false) => self.losses.add(Change::of(record, &before, &after)),
            (true, true) if before.groups != after.groups => self.groups.add(regrouped(record, before, after)),
            _ => {}
        }
        Ok(())
    }
}

/// A cluster that one of the two policies does not have allows nothing.
fn answer(trial: &mut Trial, Replayable { somebody, question, .. }: &Replayable) -> Result<Answer, PolicyError> {
    match trial.ask(somebody, question) {
        Err(PolicyError::UnknownCluster { .. }) => {
            Ok(Answer { decision: "deny".to_owned(), reason: "no-such-cluster".to_owned(), ..Answer::default() })
        }
        answer => answer,
    }
}

fn regrouped(record: &Record, before: Answer, after: Answer) -> Regrouped {
    let (before, after) = (BTreeSet::from_iter(before.groups), BTreeSet::from_iter(after.groups));
    Regrouped {
        user: record.decided.user.clone(),
        cluster: record.decided.cluster.clone(),
        gained: after.difference(&before).cloned().collect(),
        lost: before.difference(&after).cloned().collect(),
    }
}

/// The next line, of which no more than is looked at; what is longer than [`MAX_LINE`] is one byte longer here.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let length = input.by_ref().take(MAX_LINE.saturating_add(1)).read_until(b'\n', &mut line)?;
    if u64::try_from(length).unwrap_or(u64::MAX) > MAX_LINE && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok((length > 0).then_some(line))
}
