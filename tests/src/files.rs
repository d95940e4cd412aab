//! Writing files the way the servers that read them need it.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::paths;

/// Writes a file that only its owner can read.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())?;
    Ok(file.write_all(content)?)
}

/// Replaces a file at once, so that a reader sees the old content or the new, never a part.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
    let fresh = path.with_file_name(format!(".{}.new", name.display()));
    write_private(&fresh, content)?;
    fs::rename(&fresh, path).with_context(|| path.display().to_string())
}

/// An empty directory: what an earlier run left in it is removed.
pub fn empty_dir(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| path.display().to_string())?;
    }
    fs::create_dir_all(path).with_context(|| path.display().to_string())
}

const MARK: &str = ".made-by-kubegate-tests";

/// An empty directory for a run: what an earlier run left in it is removed, and nobody else's files ever.
pub fn run_dir(path: &Path) -> Result<()> {
    let has_content = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    let ours = path.starts_with(paths::root().join("target")) || path.join(MARK).exists();
    if has_content && !ours {
        bail!("{} has files in it that no run of ours made; give an empty or a new folder", path.display());
    }
    empty_dir(path)?;
    Ok(fs::write(path.join(MARK), "")?)
}

/// Keeps others from using what `path` stands for, until the answer is dropped; fails at once when somebody does.
pub fn lock(path: &Path, whose: &str) -> Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let lock = File::create(path).with_context(|| path.display().to_string())?;
    lock.try_lock().with_context(|| format!("{whose} ({} is locked)", path.display()))?;
    Ok(lock)
}
