//! The processor time that a process has taken, to the nanosecond, from the kernel's scheduler.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The processor time of all threads of the process `pid`, in user and kernel mode.
pub(crate) fn process(pid: u32) -> Result<Duration> {
    let folder = format!("/proc/{pid}/task");
    let mut total = Duration::ZERO;
    for entry in fs::read_dir(&folder).with_context(|| folder.clone())? {
        let path = entry?.path().join("schedstat");
        // A thread may end meanwhile.
        let Ok(statistics) = fs::read_to_string(&path) else { continue };
        let nanoseconds = statistics.split(' ').next().and_then(|number| number.parse().ok());
        total += Duration::from_nanos(nanoseconds.with_context(|| format!("{}: {statistics:?}", path.display()))?);
    }
    ensure!(!total.is_zero(), "{folder}: no schedstat (the kernel lacks CONFIG_SCHED_INFO)");
    Ok(total)
}
