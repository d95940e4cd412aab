//! Which kubeconfig, and its replacement as a whole.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::KubeconfigError;

/// A kubeconfig is never longer.
const MAX_LENGTH: u64 = 16 << 20;
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// A kubeconfig that nobody else changes until this is dropped. The lock is kubectl's own.
#[derive(Debug)]
pub(crate) struct KubeconfigFile {
    /// As the person named it.
    path: PathBuf,
    /// Where it really is, behind symbolic links.
    target: PathBuf,
    lock: PathBuf,
}

impl KubeconfigFile {
    /// The file named, else the first of `$KUBECONFIG`, else `~/.kube/config`.
    pub(crate) fn open(named: Option<&Path>) -> Result<Self, KubeconfigError> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => usual_path().ok_or(KubeconfigError::NoPath)?,
        };
        let target = resolve(&path).map_err(at("find", &path))?;
        if let Some(directory) = target.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            make_private(directory).map_err(at("make", directory))?;
        }
        let mut lock = target.clone().into_os_string();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        take(&lock)?;
        Ok(Self { path, target, lock })
    }

    /// Its name for messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Its text; empty when there is none yet.
    pub(crate) fn read(&self) -> Result<String, KubeconfigError> {
        let length = fs::metadata(&self.target).map_or(0, |metadata| metadata.len());
        if length > MAX_LENGTH {
            return Err(KubeconfigError::NotKubeconfig { origin: self.name(), problem: "it is longer than 16 MB" });
        }
        match fs::read_to_string(&self.target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            other => other.map_err(at("read", &self.path)),
        }
    }

    /// Replaces it, readable by this user alone.
    pub(crate) fn write(&self, text: &str) -> Result<(), KubeconfigError> {
        let write = || -> io::Result<()> {
            let directory = self.target.parent().unwrap_or(Path::new("."));
            let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
            let mut file = tempfile::Builder::new().prefix(".kubegate-").tempfile_in(directory)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.target).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(at("write", &self.path))
    }
}

impl Drop for KubeconfigFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock);
    }
}

fn usual_path() -> Option<PathBuf> {
    let listed = env::var_os("KUBECONFIG").unwrap_or_default();
    let first = env::split_paths(&listed).find(|path| !path.as_os_str().is_empty());
    let home = || env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).filter(|home| !home.is_empty());
    first.or_else(|| home().map(|home| PathBuf::from(home).join(".kube/config")))
}

/// Follows symbolic links, also to a file that is not there yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..16 {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Takes the lock as client-go does: a file that must not exist yet.
fn take(lock: &Path) -> Result<(), KubeconfigError> {
    let began = Instant::now();
    loop {
        match OpenOptions::new().write(true).create_new(true).open(lock) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(at("lock", lock)(error)),
            Err(_) if began.elapsed() >= LOCK_PATIENCE => {
                return Err(KubeconfigError::Locked { path: lock.to_owned() });
            }
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

#[cfg(unix)]
fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn make_private(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KubeconfigError {
    let path = path.to_owned();
    move |source| KubeconfigError::Io { action, path, source }
}
