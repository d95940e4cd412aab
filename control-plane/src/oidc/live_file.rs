//! A group file that is read anew when it changes; one with mistakes leaves the one before in force.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::group_file::{GroupFile, GroupFileError};

/// A file written so shortly before it was read may be written again without looking different.
const SETTLED: Duration = Duration::from_secs(2);

/// The group file of a provider.
pub(super) struct LiveGroupFile {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    stamp: Option<Stamp>,
    good: Arc<GroupFile>,
    problem: Option<String>,
}

/// By what a changed file is known.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    /// Whether it had not been touched for a while when it was read.
    settled: bool,
}

impl LiveGroupFile {
    /// The file at `path`, which has to be good.
    pub(super) fn open(path: PathBuf) -> Result<Self, GroupFileError> {
        let stamp = stamp(&path);
        let good = Arc::new(GroupFile::load(&path)?);
        Ok(Self { path, state: Mutex::new(State { stamp, good, problem: None }) })
    }

    /// What the file says now, or said when it was good last.
    pub(super) fn current(&self) -> Arc<GroupFile> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.path);
        let known = state.stamp.filter(|stamp| stamp.settled);
        if known.is_none() || known != now {
            self.renew(&mut state);
            state.stamp = now;
        }
        Arc::clone(&state.good)
    }

    /// What is wrong with the file as it is now.
    pub(super) fn problem(&self) -> Option<String> {
        self.current();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }

    fn renew(&self, state: &mut State) {
        match GroupFile::load(&self.path) {
            Ok(file) => {
                if state.problem.take().is_some() {
                    tracing::info!(file = %self.path.display(), "the group file is good again");
                }
                if *state.good != file {
                    state.good = Arc::new(file);
                    tracing::info!(file = %self.path.display(), "the group file has changed");
                }
            }
            Err(error) => {
                let problem = error.to_string();
                if state.problem.as_ref() != Some(&problem) {
                    tracing::error!(file = %self.path.display(), problem, "the group file is refused; the one before stays in force");
                }
                state.problem = Some(problem);
            }
        }
    }
}

fn stamp(path: &std::path::Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    let settled = modified.elapsed().is_ok_and(|age| age > SETTLED);
    Some(Stamp { modified, length: metadata.len(), settled })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_counts_at_once_and_a_broken_one_never() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("groups.yaml");
        let write = |groups: &str| std::fs::write(&path, format!("people: [{{user: a, groups: {groups}}}]")).unwrap();
        let of_a = |file: &LiveGroupFile| file.current().groups_of("a", None, "");
        write("[x]");
        let file = LiveGroupFile::open(path.clone()).unwrap();
        assert_eq!(of_a(&file), ["x"]);
        write("[y]");
        assert_eq!(of_a(&file), ["y"], "of the same length, within the same tick");
        write("['a,b']");
        assert_eq!(of_a(&file), ["y"], "the one before");
        assert!(file.problem().unwrap().contains("comma"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(of_a(&file), ["y"], "the one before");
        assert!(file.problem().unwrap().contains("cannot be read"));
        write("[z]");
        assert_eq!((of_a(&file), file.problem()), (vec!["z".to_owned()], None));
        let old = std::fs::metadata(&path).unwrap().modified().unwrap() - Duration::from_secs(60);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        assert_eq!(of_a(&file), ["z"]);
        write("[w]");
        assert_eq!(of_a(&file), ["w"], "after it had settled");
    }
}
