//! `kubegate policy check`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kubegate_core::authoring::{self, CheckedPolicy};
use kubegate_core::document::{Problem, Problems};
use serde::Serialize;

use crate::failure::{FAILED, Failure};
use crate::output;

/// Find every mistake in a policy file, and what does nothing in it
///
/// Prints one line for each: file, line, column, field, what is wrong, and the remedy. A mistake keeps
/// the policy from taking force. A warning does not: a rule that decides nothing because others
/// decide first, a cluster that no host leads to or on which no rule allows anything, a group that no
/// rule uses.
///
/// Exits with 1 when there is a mistake, so that it can guard a repository; with --strict also when
/// there is a warning.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate policy check policy.yaml
  kubegate policy check policy.yaml --strict
  kubegate policy check policy.yaml --json | jq '.problems[] | select(.severity == \"error\").message'")]
pub(super) struct Check {
    /// The policy file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Exit with 1 for warnings, too
    #[arg(long)]
    strict: bool,

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
        let checked = super::read_with(&self.file, authoring::check)?;
        let report = Report::of(self.file.display().to_string(), &checked, self.strict);
        let written = if self.json { output::json(&report) } else { output::result(&shown(&report.file, &checked)) };
        written.map_err(Failure::Output)?;
        Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}

impl<'a> Report<'a> {
    fn of(file: String, checked: &'a Result<CheckedPolicy, Problems>, strict: bool) -> Self {
        match checked {
            Ok(CheckedPolicy { policy, warnings }) => Self {
                file,
                ok: warnings.is_empty() || !strict,
                clusters: policy.clusters.len(),
                rules: policy.rules.len(),
                problems: warnings,
            },
            Err(problems) => Self { file, ok: false, clusters: 0, rules: 0, problems: problems.list() },
        }
    }
}

fn shown(file: &str, checked: &Result<CheckedPolicy, Problems>) -> String {
    match checked {
        Ok(CheckedPolicy { policy, warnings }) => {
            let lines: String = warnings.iter().map(|warning| format!("{warning}\n")).collect();
            let and = match warnings.len() {
                0 => String::new(),
                1 => ", and 1 warning".to_owned(),
                number => format!(", and {number} warnings"),
            };
            format!("{lines}{file}: no mistakes in {}{and}\n", policy.extent())
        }
        Err(problems) => problems.to_string(),
    }
}
