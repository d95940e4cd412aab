//! Watches the policy file.
//!
//! The folder is watched rather than the file, because editors and ConfigMaps put a new file (or
//! link) in the old one's place. Where the system cannot tell of changes, the file is looked
//! at every two seconds. It is read when it, or a file that it refers to, is another than before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kubegate_core::document::Problem;
use kubegate_core::time::Timestamp;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, mpsc, watch};

use super::source::{self, Authored, Files, LoadError};
use crate::clock::Clock;
use crate::telemetry::Metrics;

/// How the policy file stands to the policy in force.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The file as it is now, when it is not the policy in force.
    pub refused: Option<Refused>,
}

/// A policy file that was refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// When it was found to be so.
    pub at: Timestamp,
    /// What is wrong with it, all of it.
    pub message: String,
    /// Each mistake, when the file could be read.
    pub problems: Vec<Problem>,
}

impl Refused {
    /// One that was refused for `error`.
    #[must_use]
    pub fn new(error: &LoadError, at: Timestamp) -> Self {
        let problems = if let LoadError::Problems(problems) = error { problems.list().to_vec() } else { Vec::new() };
        Self { at, message: error.to_string(), problems }
    }
}

/// How long changes may follow each other before the file is read.
const SETTLE: Duration = Duration::from_millis(50);

/// How often the file is looked at when nothing tells of changes.
const POLL: Duration = Duration::from_secs(2);

/// How long a new policy is in force before it is looked at for what it says in vain, which is not to hold gateways up.
const CHECK_AFTER: Duration = Duration::from_secs(3);

/// Reads the policy file whenever it may have changed, and sends what it says when that is something
/// new. A file that is no good is logged, counted and noted in `status`; the policy in force stays.
/// Ends when nobody listens.
pub async fn watch(
    path: PathBuf,
    mut last: Authored,
    policies: mpsc::Sender<Authored>,
    status: watch::Sender<Status>,
    clock: Clock,
    metrics: Arc<Metrics>,
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
                metrics.policy_valid.set(1);
                if status.send_replace(Status::default()).refused.is_some() {
                    tracing::info!(path = %path.display(), "the policy file is good again");
                }
                if policy != last {
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
            Err(error) => refuse(&path, &error, clock.now(), &status, &metrics),
        }
    }
}

fn refuse(path: &Path, error: &LoadError, at: Timestamp, status: &watch::Sender<Status>, metrics: &Metrics) {
    metrics.policy_valid.set(0);
    let refused = Refused::new(error, at);
    let new = status.send_if_modified(|status| {
        let new = status.refused.as_ref().is_none_or(|before| before.message != refused.message);
        if new {
            status.refused = Some(refused);
        }
        new
    });
    if new {
        metrics.policy_load_failures.inc();
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
