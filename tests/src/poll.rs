//! Waiting for something to become true, with a limit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const INTERVAL: Duration = Duration::from_millis(25);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends every wait of this process, the present and the future ones: somebody pressed Ctrl-C.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Lets waits wait again: what is left is to put things in order.
pub fn resume() {
    INTERRUPTED.store(false, Ordering::SeqCst);
}

/// Has [`interrupt`] been called?
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Asks `probe` until it answers `Ok`; its `Err` says what is still missing, and ends up in the error
/// when `limit` has passed.
pub fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> Result<T> {
    let began = Instant::now();
    loop {
        let state = match probe() {
            Ok(found) => return Ok(found),
            Err(state) => state,
        };
        if interrupted() {
            bail!("interrupted while waiting for {what}");
        }
        if began.elapsed() > limit {
            bail!("waited {limit:?} for {what}; last seen: {state}");
        }
        sleep(INTERVAL);
    }
}
