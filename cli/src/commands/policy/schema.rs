//! `kubegate policy schema`

use std::process::ExitCode;

use clap::Args;
use kubegate_core::authoring::schema;

use crate::failure::Failure;
use crate::output;

/// Print the JSON Schema of policy files, for editors
///
/// An editor that knows it completes fields, explains them and underlines mistakes. Most take it from
/// a comment at the top of the policy file:
///
///     # yaml-language-server: $schema=policy.schema.json
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  kubegate policy schema > policy.schema.json"
)]
pub(super) struct Schema {}

impl Schema {
    /// Prints it.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        output::json(&schema::policy()).map_err(Failure::Output)?;
        Ok(ExitCode::SUCCESS)
    }
}
