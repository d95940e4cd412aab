//! The memory of a process.

use std::fs;

use anyhow::{Context, Result};

/// The resident memory of the process `pid`, in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    Ok(kib.with_context(|| format!("{path} has no VmRSS"))? * 1024)
}
