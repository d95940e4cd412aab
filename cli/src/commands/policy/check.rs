//! `kubegate policy check`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kubegate_core::document::{Problem, Problems};
use serde::Serialize;

use crate::failure::{FAILED, Failure};
use crate::output;

/// Find every mistake in a policy file
///
/// Prints one line for each: file, line, column, field, what is wrong, and the remedy. Exits with 1
/// when there is any, so that it can guard a repository.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate policy check policy.yaml
  kubegate policy check policy.yaml --json | jq '.problems[].message'")]
pub(super) struct Check {
    /// The policy file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    file: String,
    ok: bool,
    clusters: usize,
    rules: usize,
    problems: &'a [Problem],
}

impl Check {
    /// Reads the file and reports.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let policy = super::read(&self.file)?;
        let (clusters, rules) = policy.as_ref().map_or((0, 0), |policy| (policy.clusters.len(), policy.rules.len()));
        let problems = policy.as_ref().err().map(Problems::list).unwrap_or_default();
        let report =
            Report { file: self.file.display().to_string(), ok: problems.is_empty(), clusters, rules, problems };
        if self.json { output::json(&report) } else { output::result(&report.shown()) }.map_err(Failure::Output)?;
        Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}

impl Report<'_> {
    fn shown(&self) -> String {
        if self.ok {
            let (clusters, rules) = (counted(self.clusters, "cluster"), counted(self.rules, "rule"));
            return format!("{}: no mistakes in {clusters} and {rules}\n", self.file);
        }
        self.problems.iter().map(|problem| format!("{problem}\n")).collect()
    }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
