//! Where the cache is, and that nobody else has a hand in it.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{CacheError, at};

/// `$XDG_CACHE_HOME/kubegate`, else `~/.cache/kubegate` (on Windows `%LOCALAPPDATA%\kubegate`).
pub(crate) fn path() -> Result<PathBuf, CacheError> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| if cfg!(windows) { absolute("LOCALAPPDATA") } else { None })
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("kubegate"))
        .ok_or(CacheError::NoHome)
}

/// Makes the directory when it is missing, and refuses one that others can write to.
pub(crate) fn prepare(directory: &Path) -> Result<(), CacheError> {
    make(directory).map_err(at("make", directory))?;
    let metadata = fs::symlink_metadata(directory).map_err(at("look at", directory))?;
    let refuse = |problem| Err(CacheError::Unsafe { path: directory.to_owned(), problem });
    if metadata.is_symlink() {
        return refuse("a symbolic link");
    }
    if !metadata.is_dir() {
        return refuse("no directory");
    }
    owner::check(directory, &metadata, 0o022)?;
    owner::tighten(directory, &metadata, 0o700).map_err(at("change the mode of", directory))
}

/// Opens a file of ours for reading; `None` when there is none. A link, or another user's file, is refused.
pub(crate) fn open_own(path: &Path) -> Result<Option<File>, CacheError> {
    open_checked(path, OpenOptions::new().read(true))
}

/// Opens a file of ours for locking and makes it when it is missing.
pub(crate) fn create_own(path: &Path) -> Result<File, CacheError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    let file = open_checked(path, &mut options)?;
    file.ok_or_else(|| at("make", path)(io::ErrorKind::NotFound.into()))
}

/// Makes a rename in `directory` last through a power cut.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn open_checked(path: &Path, options: &mut OpenOptions) -> Result<Option<File>, CacheError> {
    owner::secure(options);
    let refuse = |problem| Err(CacheError::Unsafe { path: path.to_owned(), problem });
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) => {
            return refuse("a symbolic link");
        }
        Err(error) => return Err(at("open", path)(error)),
    };
    let metadata = file.metadata().map_err(at("look at", path))?;
    if !metadata.is_file() {
        return refuse("no regular file");
    }
    owner::check(path, &metadata, 0o022)?;
    owner::tighten(path, &metadata, 0o600).map_err(at("change the mode of", path))?;
    Ok(Some(file))
}

#[cfg(unix)]
fn make(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn make(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// Owner and mode, as Unix has them.
#[cfg(unix)]
mod owner {
    use std::fs::{self, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    use super::CacheError;

    pub(super) fn check(path: &Path, metadata: &Metadata, forbidden: u32) -> Result<(), CacheError> {
        let refuse = |problem| Err(CacheError::Unsafe { path: path.to_owned(), problem });
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return refuse("another user's");
        }
        if metadata.mode() & forbidden != 0 {
            return refuse("writable by others");
        }
        Ok(())
    }

    pub(super) fn tighten(path: &Path, metadata: &Metadata, mode: u32) -> io::Result<()> {
        if metadata.mode() & 0o777 & !mode == 0 {
            return Ok(());
        }
        fs::set_permissions(path, Permissions::from_mode(mode))
    }

    pub(super) fn secure(options: &mut OpenOptions) {
        let no_follow = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(no_follow.bits().cast_signed());
    }
}

/// Elsewhere the directory below the user's profile has the system's own protection.
#[cfg(not(unix))]
mod owner {
    use std::fs::{Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    use super::CacheError;

    pub(super) fn check(_: &Path, _: &Metadata, _: u32) -> Result<(), CacheError> {
        Ok(())
    }

    pub(super) fn tighten(_: &Path, _: &Metadata, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn secure(_: &mut OpenOptions) {}
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn makes_and_tightens_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("a/kubegate");
        prepare(&directory).unwrap();
        assert_eq!(mode(&directory), 0o700);
        set_mode(&directory, 0o755);
        prepare(&directory).unwrap();
        assert_eq!(mode(&directory), 0o700);
    }

    #[test]
    fn refuses_what_others_can_change() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        fs::create_dir(&real).unwrap();
        symlink(&real, &link).unwrap();
        assert!(prepare(&link).unwrap_err().to_string().contains("symbolic link"));
        set_mode(&real, 0o770);
        assert!(prepare(&real).unwrap_err().to_string().contains("writable by others"));
    }

    #[test]
    fn opens_only_own_regular_files() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("file"), home.path().join("link"));
        assert!(open_own(&file).unwrap().is_none());
        fs::write(&file, "x").unwrap();
        set_mode(&file, 0o644);
        assert!(open_own(&file).unwrap().is_some());
        assert_eq!(mode(&file), 0o600);
        symlink(&file, &link).unwrap();
        assert!(open_own(&link).unwrap_err().to_string().contains("symbolic link"));
        assert!(open_own(home.path()).unwrap_err().to_string().contains("no regular file"));
    }
}
