//! Reads the policy file.

use std::path::{Path, PathBuf};

use kubegate_core::authoring::{self, AuthoredPolicy, CheckedPolicy, MAX_FILE};
use kubegate_core::document::{Problem, Problems};

/// A policy as its file says it.
pub type Authored = AuthoredPolicy;

/// Why a policy file is refused.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source} (check the path and the rights of the user that runs the control plane)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is longer than any policy should be.
    #[error("{}: is longer than {MAX_FILE} bytes (split the rules over fewer people, or name groups instead of users)", .0.display())]
    TooLong(PathBuf),
    /// It has mistakes.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The reader gave up.
    #[error("{}: the reader gave up", .0.display())]
    Aborted(PathBuf),
}

/// Reads the policy file at `path`, and the files that it refers to.
///
/// # Errors
/// Everything that is wrong with it.
pub async fn load(path: &Path) -> Result<Authored, LoadError> {
    // A large policy takes a while.
    in_background(path, |path| read(path, authoring::parse)).await
}

/// The same, at once, with what it says in vain, which takes longer.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_now(path: &Path) -> Result<CheckedPolicy, LoadError> {
    read(path, authoring::check)
}

/// Logs what the policy file at `path` says in vain, if anything. Nobody waits for it.
pub(super) async fn check(path: &Path) {
    if let Ok(CheckedPolicy { warnings, .. }) = in_background(path, load_now).await {
        log_warnings(path, &warnings);
    }
}

/// Logs what a policy that is taken into force says in vain, if anything.
pub fn log_warnings(path: &Path, warnings: &[Problem]) {
    if !warnings.is_empty() {
        let lines: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        tracing::warn!(path = %path.display(), "the policy says something in vain\n{}", lines.join("\n"));
    }
}

async fn in_background<T: Send + 'static>(
    path: &Path,
    read: impl FnOnce(&Path) -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let (path, aborted) = (path.to_owned(), path.to_owned());
    tokio::task::spawn_blocking(move || read(&path)).await.unwrap_or(Err(LoadError::Aborted(aborted)))
}

fn read<T>(
    path: &Path,
    reader: impl FnOnce(&str, &str, authoring::Load<'_>) -> Result<T, Problems>,
) -> Result<T, LoadError> {
    let text = std::fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    if text.len() > MAX_FILE {
        return Err(LoadError::TooLong(path.to_owned()));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let beside = |name: &Path| std::fs::read(folder.join(name));
    Ok(reader(&path.display().to_string(), &text, &beside)?)
}
