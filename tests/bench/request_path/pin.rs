//! Which processor what runs on.

use anyhow::Result;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::cpu;

/// Two processors: one for what is measured, the other for what asks and answers.
#[derive(Clone, Copy)]
pub(super) struct Processors {
    measured: CpuSet,
    around: CpuSet,
}

impl Processors {
    /// The first two that this process may use; none where there are no two.
    pub(super) fn find() -> Result<Option<Self>> {
        let usable = sched_getaffinity(None)?;
        let mut numbers = (0..CpuSet::MAX_CPU).filter(|&number| usable.is_set(number)).map(|number| {
            let mut one = CpuSet::new();
            one.set(number);
            one
        });
        Ok(numbers.next().zip(numbers.next()).map(|(measured, around)| Self { measured, around }))
    }

    /// Keeps this process, and what it starts, to the processor around what is measured.
    pub(super) fn bind_self(&self) -> Result<()> {
        Ok(sched_setaffinity(None, &self.around)?)
    }

    /// Keeps all threads of the process `pid` to the processor of what is measured.
    pub(super) fn bind_measured(&self, pid: u32) -> Result<()> {
        for thread in cpu::threads(pid)? {
            sched_setaffinity(Pid::from_raw(i32::try_from(thread.id)?), &self.measured)?;
        }
        Ok(())
    }
}
