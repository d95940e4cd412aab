//! Watches the policy file.
//!
//! The folder is watched rather than the file, because editors and ConfigMaps put a new file (or
//! link) in the old one's place. Where the system cannot tell of changes, the file is read every
//! two seconds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc, watch};

use super::source::{self, Authored};
use crate::telemetry::Metrics;

/// How the policy file stands to the policy in force.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What is wrong with the file, when it is not the policy in force.
    pub problem: Option<String>,
}

/// How long changes may follow each other before the file is read.
const SETTLE: Duration = Duration::from_millis(50);

/// How often the file is read when nothing tells of changes.
const POLL: Duration = Duration::from_secs(2);

/// Reads the policy file whenever it may have changed, and sends what it says when that is something
/// new. A file that is no good is logged, counted and noted in `status`; the policy in force stays.
/// Ends when nobody listens.
pub async fn watch(
    path: PathBuf,
    mut last: Authored,
    policies: mpsc::Sender<Authored>,
    status: watch::Sender<Status>,
    metrics: Arc<Metrics>,
) {
    let changed = Arc::new(Notify::new());
    let _watcher = watch_folder(&path, Arc::clone(&changed));
    let mut seen = fingerprint(&path).await;
    loop {
        let told = tokio::select! {
            () = changed.notified() => true,
            () = tokio::time::sleep(POLL) => false,
            () = policies.closed() => return,
        };
        if told {
            tokio::time::sleep(SETTLE).await;
        }
        let now = fingerprint(&path).await;
        if !told && now == seen {
            continue;
        }
        seen = now;
        match source::load(&path).await {
            Ok(authored) => {
                metrics.policy_valid.set(1);
                if status.send_replace(Status::default()).problem.is_some() {
                    tracing::info!(path = %path.display(), "the policy file is good again");
                }
                if authored != last {
                    last = authored.clone();
                    if policies.send(authored).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => refuse(&path, &error.to_string(), &status, &metrics),
        }
    }
}

fn refuse(path: &Path, problem: &str, status: &watch::Sender<Status>, metrics: &Metrics) {
    metrics.policy_valid.set(0);
    let new = status.send_if_modified(|status| {
        let new = status.problem.as_deref() != Some(problem);
        status.problem = Some(problem.to_owned());
        new
    });
    if new {
        metrics.policy_load_failures.inc();
        tracing::error!(path = %path.display(), "the new policy file is refused, the one before stays in force\n{problem}");
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
            |error| tracing::warn!(%error, "the policy's folder cannot be watched; it is read every two seconds"),
        )
        .ok()
}

/// The hash of the file's content; `None` when it cannot be read.
async fn fingerprint(path: &Path) -> Option<[u8; 32]> {
    let content = tokio::fs::read(path).await.ok()?;
    Some(Sha256::digest(&content).into())
}
