//! Reads the policy file.

use std::cell::RefCell;
use std::os::unix::fs::MetadataExt as _;
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

/// The files that a policy was read from, as they were just before.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<(PathBuf, Option<Stamp>)>);

impl Files {
    /// Whether each of them is still the same file with the same content. No content is read for it.
    pub(super) fn are_unchanged(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(path, stamp)| *stamp == Stamp::of(path))
    }

    fn note(&mut self, path: &Path) {
        self.0.push((path.to_owned(), Stamp::of(path)));
    }
}

/// What changes when another file stands at a path, or its content changes.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// `None` when there is no file.
    fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self {
            file: (file.dev(), file.ino()),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

/// Reads the policy file at `path`, and the files that it refers to; all of them are returned even when it is no good.
pub(super) async fn load(path: &Path) -> (Result<Authored, LoadError>, Files) {
    // A large policy takes a while.
    in_background(path, |path| read(path, authoring::parse))
        .await
        .unwrap_or_else(|| (Err(LoadError::Aborted(path.to_owned())), Files::default()))
}

/// The same, at once, with what it says in vain, which takes longer.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_now(path: &Path) -> Result<CheckedPolicy, LoadError> {
    read(path, authoring::check).0
}

/// Logs what the policy file at `path` says in vain, if anything. Nobody waits for it.
pub(super) async fn check(path: &Path) {
    if let Some(Ok(CheckedPolicy { warnings, .. })) = in_background(path, load_now).await {
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

async fn in_background<T: Send + 'static>(path: &Path, read: impl FnOnce(&Path) -> T + Send + 'static) -> Option<T> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || read(&path)).await.ok()
}

pub(super) fn read<T>(
    path: &Path,
    reader: impl FnOnce(&str, &str, authoring::Load<'_>) -> Result<T, Problems>,
) -> (Result<T, LoadError>, Files) {
    let files = RefCell::<Files>::default();
    let load = |path: &Path| {
        files.borrow_mut().note(path);
        std::fs::read(path)
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let policy = read_text(path, &load).and_then(|text| {
        let beside = |name: &Path| load(&folder.join(name));
        Ok(reader(&path.display().to_string(), &text, &beside)?)
    });
    (policy, files.into_inner())
}

fn read_text(path: &Path, load: authoring::Load<'_>) -> Result<String, LoadError> {
    let text = load(path).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8"))
    });
    let text = text.map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    if text.len() > MAX_FILE { Err(LoadError::TooLong(path.to_owned())) } else { Ok(text) }
}
