//! Watches the policy file.
//!
//! The folder is watched rather than the file, because editors and ConfigMaps put a new file (or
//! link) in the old one's place. Where the system cannot tell of changes, the file is looked
//! at every two seconds. It is read when it, or a file that it refers to, is another than before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kubegate_core::time::Timestamp;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, mpsc};

use super::source::{self, Authored, Files, LoadError};
use super::standing::{Refused, Standing};
use crate::clock::Clock;

/// How long changes may follow each other before the file is read.
const SETTLE: Duration = Duration::from_millis(50);

/// How often the file is looked at when nothing tells of changes.
const POLL: Duration = Duration::from_secs(2);

/// How long a new policy is in force before it is looked at for what it says in vain, which is not to hold gateways up.
const CHECK_AFTER: Duration = Duration::from_secs(3);

/// Reads the policy file whenever it may have changed, and sends what it says when that is something
/// new. A file that is no good is logged, counted and told to `standing`; the policy in force stays.
/// Ends when nobody listens.
pub async fn watch(
    path: PathBuf,
    mut last: Authored,
    policies: mpsc::Sender<Authored>,
    standing: Standing,
    clock: Clock,
) {
    let changed = Arc::new(Notify::new());
    let _watcher = watch_folder(&path, Arc::clone(&changed));
    // Whatever has come since the first policy was read.
    let mut files = Files::default();
    loop {
        tokio::select! {
            () = changed.notified() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(POLL) => {}
            () = policies.closed() => return,
        }
        // Others write into the same folder, too.
        if files.are_unchanged() {
            continue;
        }
        let policy;
        (policy, files) = source::load(&path).await;
        match policy {
            Ok(policy) => {
                let new = policy != last;
                if standing.read_file(new) {
                    tracing::info!(path = %path.display(), "the policy file is good again");
                }
                if new {
                    last = policy.clone();
                    if policies.send(policy).await.is_err() {
                        return;
                    }
                    let path = path.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(CHECK_AFTER).await;
                        source::check(&path).await;
                    });
                }
            }
            Err(error) => refuse(&path, &error, clock.now(), &standing),
        }
    }
}

fn refuse(path: &Path, error: &LoadError, at: Timestamp, standing: &Standing) {
    if standing.refuse_file(Refused::new(error, at)) {
        tracing::error!(path = %path.display(), "the new policy file is refused, the one before stays in force\n{error}");
    }
}

fn watch_folder(path: &Path, changed: Arc<Notify>) -> Option<RecommendedWatcher> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let told = move |event: notify::Result<notify::Event>| {
        // Reading the file is an event too, and would go round in circles.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            changed.notify_one();
        }
    };
    let watcher = notify::recommended_watcher(told).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watcher
        .inspect_err(
            |error| tracing::warn!(%error, "the policy's folder cannot be watched; it is looked at every two seconds"),
        )
        .ok()
}
