//! One kubegate at a time refreshes or signs in to a control plane; the others wait for its result.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::{CacheError, Store, at, directory};
use crate::clock::UnixTime;
use crate::output::say;

const POLL: Duration = Duration::from_millis(40);
const SAY_AFTER: Duration = Duration::from_secs(2);

/// Held until dropped; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
    /// When this one began to wait, if somebody else held it.
    pub(crate) waiting_since: Option<UnixTime>,
}

impl Store {
    /// Takes the lock, for which it waits at most `patience`.
    pub(crate) fn lock(&self, patience: Duration) -> Result<Lock, CacheError> {
        let path = self.file("lock");
        let file = directory::create_own(&path)?;
        let began = Instant::now();
        let (mut said, mut waiting_since) = (false, None);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file, waiting_since }),
                Err(TryLockError::WouldBlock) => waiting_since = waiting_since.or_else(|| Some(UnixTime::now())),
                Err(TryLockError::Error(error)) => return Err(at("lock", &path)(error)),
            }
            let waited = began.elapsed();
            if waited >= patience {
                return Err(CacheError::Locked { server: self.server.clone(), waited_seconds: waited.as_secs() });
            }
            if !said && waited >= SAY_AFTER {
                say("kubegate: waiting for another kubegate to finish signing in …");
                said = true;
            }
            thread::sleep(POLL);
        }
    }
}
