//! `kubegate policy`: look at a policy file before it is in force.

mod cases;
mod check;
mod diff;
mod explain;
mod schema;
mod trial;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use kubegate_core::authoring::{self, AuthoredPolicy, Load, MAX_FILE};
use kubegate_core::document::Problems;

use crate::failure::Failure;

/// Check a policy file, test it, or ask what it decides and what it would change
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate policy check policy.yaml
  kubegate policy explain --policy policy.yaml --user bob --groups team-a --cluster prod --url /api/v1/pods
  kubegate policy test policy.test.yaml
  kubegate policy diff policy.yaml new-policy.yaml --against audit.jsonl")]
pub(crate) struct Policy {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Check(check::Check),
    Explain(Box<explain::Explain>),
    Test(cases::Test),
    Diff(diff::Diff),
    Schema(schema::Schema),
}

/// Why a policy command has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Mistakes in the policy.
    #[error("the policy has mistakes:\n{problems}Mend them first; kubegate policy check lists them too")]
    Invalid {
        /// All of them.
        problems: Problems,
    },
    /// The recorded decisions cannot be read.
    #[error("cannot read the recorded decisions in {}", path.display())]
    UnreadableAudit {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Mistakes in a file of cases.
    #[error("the file of cases has mistakes:\n{problems}kubegate policy test --help shows how one looks")]
    InvalidCases {
        /// All of them.
        problems: Problems,
    },
    /// No such cluster in the policy.
    #[error("the policy has no cluster {name:?}. It has: {}", available.join(", "))]
    UnknownCluster {
        /// What was asked for.
        name: String,
        /// Those that there are.
        available: Vec<String>,
    },
    /// Something that cannot be tried out.
    #[error("cannot try the policy out: {problem}")]
    Trial {
        /// What went wrong.
        problem: String,
    },
}

impl Policy {
    /// Runs the command below.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        match &self.command {
            PolicyCommand::Check(command) => command.run(),
            PolicyCommand::Explain(command) => command.run(),
            PolicyCommand::Test(command) => command.run(),
            PolicyCommand::Diff(command) => command.run(),
            PolicyCommand::Schema(command) => command.run(),
        }
    }
}

/// Reads a policy file; the inner error is what is wrong in it.
fn read(path: &Path) -> Result<Result<AuthoredPolicy, Problems>, PolicyError> {
    read_with(path, authoring::parse)
}

/// Reads a policy file with a reader of the authoring module.
fn read_with<T>(
    path: &Path,
    reader: impl FnOnce(&str, &str, Load<'_>) -> Result<T, Problems>,
) -> Result<Result<T, Problems>, PolicyError> {
    let text = read_text(path)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let load = |file: &Path| read_bounded(&directory.join(file));
    Ok(reader(&path.display().to_string(), &text, &load))
}

fn read_text(path: &Path) -> Result<String, PolicyError> {
    let unreadable = |source| PolicyError::Unreadable { path: path.to_owned(), source };
    read_bounded(path).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other)).map_err(unreadable)
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(io::Error::other("the file is too long"));
    }
    Ok(bytes)
}
