//! The processor time that a process has taken, to the nanosecond, from the kernel's scheduler.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A thread.
pub(crate) struct Thread {
    /// Its id.
    pub(crate) id: u32,
    /// The processor time that it has taken, in user and kernel mode.
    pub(crate) time: Duration,
}

/// The threads of the process `pid`.
pub(crate) fn threads(pid: u32) -> Result<Vec<Thread>> {
    let folder = format!("/proc/{pid}/task");
    let mut threads = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.clone())? {
        let entry = entry?;
        let path = entry.path().join("schedstat");
        // A thread may end meanwhile.
        let Ok(statistics) = fs::read_to_string(&path) else { continue };
        let nanoseconds = statistics.split(' ').next().and_then(|number| number.parse().ok());
        let nanoseconds = nanoseconds.with_context(|| format!("{}: {statistics:?}", path.display()))?;
        let id = entry.file_name().to_string_lossy().parse()?;
        threads.push(Thread { id, time: Duration::from_nanos(nanoseconds) });
    }
    ensure!(!threads.is_empty(), "{folder}: no schedstat (the kernel lacks CONFIG_SCHED_INFO)");
    Ok(threads)
}

/// The processor time of all threads of the process `pid`.
pub(crate) fn process(pid: u32) -> Result<Duration> {
    Ok(threads(pid)?.iter().map(|thread| thread.time).sum())
}
