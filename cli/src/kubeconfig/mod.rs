//! Adds Kubegate's entries to a kubeconfig in place, keeping everything else in it.
//!
//! ```text
//! entry   what is to be there: a cluster, a user, a context
//! model   the file as data, and the data that it should become
//! edit    the same change on the text, line by line, so that comments and order stay
//! file    which file, its lock, and its atomic replacement
//! ```
//!
//! The edited text counts only when it parses to exactly the data wanted; else (JSON, flow style)
//! the file is written anew from the data, which keeps every field but no comment.

mod edit;
mod entry;
mod file;
mod model;

pub(crate) use entry::{Entry, Helper, helper_command};
pub(crate) use file::KubeconfigFile;

use std::io;
use std::path::PathBuf;

use saphyr::{LoadableYamlNode, Yaml};

/// Why a kubeconfig was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KubeconfigError {
    /// No file named, and no home to look in.
    #[error("do not know which kubeconfig to use: neither KUBECONFIG nor HOME is set. Give --kubeconfig FILE")]
    NoPath,
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// kubectl, or something else, is writing it.
    #[error(
        "{} exists, so something else is changing the kubeconfig. If no kubectl is running, remove that file",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// Not YAML.
    #[error(
        "{origin}:{line}:{column}: this kubeconfig is not valid YAML. Mend it, or give another file with --kubeconfig"
    )]
    NotYaml {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// Why.
        #[source]
        source: saphyr::ScanError,
    },
    /// YAML, but no kubeconfig.
    #[error("{origin} is no kubeconfig: {problem}. Mend it, or give another file with --kubeconfig")]
    NotKubeconfig {
        /// The file.
        origin: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The name is taken by something that is not ours.
    #[error(
        "{origin} has a {kind} {name:?} already, which is not for this cluster. \
         Choose another name with --context NAME, or remove it first: kubectl config {remove} {name}"
    )]
    Taken {
        /// The file.
        origin: String,
        /// What has that name.
        kind: &'static str,
        /// The name.
        name: String,
        /// kubectl's command to remove one.
        remove: &'static str,
    },
    /// The file cannot be written so that it means what it should.
    #[error("{origin} cannot be changed without losing something. Use --stdout and merge its output by hand")]
    CannotWrite {
        /// The file.
        origin: String,
    },
}

/// What becomes of a kubeconfig.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// All is there already.
    Nothing,
    /// This is the new text.
    Edited(String),
    /// This is the new text, without the old one's comments and layout.
    Rewritten(String),
}

/// Adds `entries` to the kubeconfig `text` of the file `origin`.
pub(crate) fn apply(text: &str, origin: &str, entries: &[Entry], set_current: bool) -> Result<Change, KubeconfigError> {
    let before = model::parse(text, origin)?;
    let mut wanted = before.clone();
    let mut edited = edit::Text::new(text);
    for entry in entries {
        model::check_free(&before, entry, origin)?;
        for part in entry.parts() {
            let Some(change) = model::merge(&mut wanted, &part) else { continue };
            edited.put(part.list, change.index, &change.item);
        }
    }
    let current = entries.first().map(|entry| entry.context.as_str());
    if let Some(context) = current.filter(|_| set_current)
        && model::set_current(&mut wanted, context)
    {
        edited.set_current(context);
    }
    if wanted == before && !text.trim().is_empty() {
        return Ok(Change::Nothing);
    }
    if model::complete(&mut wanted) {
        edited.complete();
    }
    let edited = edited.finish();
    if means(&edited, &wanted) {
        return Ok(Change::Edited(edited));
    }
    let rewritten = edit::rewrite(&wanted);
    if means(&rewritten, &wanted) {
        return Ok(Change::Rewritten(rewritten));
    }
    Err(KubeconfigError::CannotWrite { origin: origin.to_owned() })
}

/// Whether the kubeconfig `text` names a current context.
pub(crate) fn has_current_context(text: &str) -> bool {
    model::parse(text, "").is_ok_and(|config| model::current(&config).is_some())
}

fn means(text: &str, wanted: &Yaml<'_>) -> bool {
    matches!(Yaml::load_from_str(text).as_deref(), Ok([only]) if model::same(only, wanted))
}

#[cfg(test)]
mod tests;
