use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use kubegate_core::bundle::Version;
use kubegate_core::jws::SigningKey;
use kubegate_core::time::Timestamp;

use super::{Authored, Parts, Publisher, Status, load};
use crate::clock::Clock;
use crate::seal::Sealer;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::token::TokenKeys;

fn text(verb: &str) -> String {
    format!(
        "clusters: [{{name: prod, hosts: [prod.example.com], server: \"https://prod.example.com\"}}]\n\
         rules: [{{name: r, who: {{groups: [g]}}, clusters: [prod], may: [{{verbs: [{verb}], apiGroups: [\"\"], resources: \
         [pods]}}]}}]\n"
    )
}

struct Watched {
    policies: mpsc::Receiver<Authored>,
    status: watch::Receiver<Status>,
    metrics: Arc<Metrics>,
}

async fn watched(path: &Path) -> Watched {
    let first = load(path).await.unwrap();
    let (sender, policies) = mpsc::channel(1);
    let (status_sender, status) = watch::channel(Status::default());
    let metrics = Arc::new(Metrics::default());
    tokio::spawn(super::watch(path.to_owned(), first, sender, status_sender, Arc::clone(&metrics)));
    tokio::time::sleep(Duration::from_millis(100)).await;
    Watched { policies, status, metrics }
}

impl Watched {
    /// The verb of the policy that comes next, which has to come within a second.
    async fn next(&mut self) -> String {
        let began = Instant::now();
        let policy =
            tokio::time::timeout(Duration::from_secs(5), self.policies.recv()).await.expect("a policy").unwrap();
        assert!(began.elapsed() < Duration::from_millis(800), "it took {:?}", began.elapsed());
        policy.rules[0].may[0].verbs[0].to_string()
    }
}

#[tokio::test]
async fn a_file_that_is_written_replaced_or_linked_anew_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.yaml");
    std::fs::write(&path, text("get")).unwrap();
    let mut watched = watched(&path).await;

    std::fs::write(&path, text("list")).unwrap();
    assert_eq!(watched.next().await, "list", "written in place");

    std::fs::write(dir.path().join("new"), text("watch")).unwrap();
    std::fs::rename(dir.path().join("new"), &path).unwrap();
    assert_eq!(watched.next().await, "watch", "replaced by rename, as editors do");
}

#[tokio::test]
async fn a_config_map_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let version = |name: &str, verb: &str| {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("policy.yaml"), text(verb)).unwrap();
        std::os::unix::fs::symlink(name, dir.path().join("..tmp")).unwrap();
        std::fs::rename(dir.path().join("..tmp"), dir.path().join("..data")).unwrap();
    };
    version("..1", "get");
    let path = dir.path().join("policy.yaml");
    std::os::unix::fs::symlink("..data/policy.yaml", &path).unwrap();
    let mut watched = watched(&path).await;
    version("..2", "list");
    assert_eq!(watched.next().await, "list");
}

#[tokio::test]
async fn a_file_that_is_no_good_is_refused_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.yaml");
    std::fs::write(&path, text("get")).unwrap();
    let mut watched = watched(&path).await;

    std::fs::write(&path, text("get").replace("groups: [g]", "gruops: [g]")).unwrap();
    let told = watched.status.wait_for(|status| status.problem.is_some());
    let problem =
        tokio::time::timeout(Duration::from_secs(5), told).await.expect("told").unwrap().problem.clone().unwrap();
    assert!(problem.contains("policy.yaml:2:") && problem.contains("did you mean groups?"), "{problem}");
    let metrics = watched.metrics.text().unwrap();
    assert!(metrics.contains("kubegate_policy_load_failures_total 1"), "{metrics}");
    assert!(metrics.contains("kubegate_policy_valid 0"), "{metrics}");
    assert!(watched.policies.try_recv().is_err(), "the one before stays");

    std::fs::write(&path, text("delete")).unwrap();
    assert_eq!(watched.next().await, "delete");
    assert!(watched.status.borrow().problem.is_none());
}

#[tokio::test]
async fn a_version_is_of_one_document_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.yaml");
    std::fs::write(&path, text("get")).unwrap();
    let authored = load(&path).await.unwrap();
    let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
    let now = Timestamp::from_seconds(1_800_000_000);
    let keys = TokenKeys::open(store.clone(), Sealer::new(&[1; 32]), Duration::from_secs(3600), now).await.unwrap();
    let keys = Arc::new(keys);
    let start = async |seed: u8| -> (Version, String) {
        let parts = Parts {
            issuer: "https://kubegate.example.com".into(),
            epoch: 1,
            key: SigningKey::from_seed([seed; 32]),
            store: store.clone(),
            token_keys: Arc::clone(&keys),
            clock: Clock::manual(now),
            metrics: Arc::default(),
        };
        let (_, bundle) = Publisher::start(parts, authored.clone()).await.unwrap();
        let in_force = Arc::clone(&bundle.borrow().in_force);
        (in_force.version, in_force.hash.clone())
    };
    let first = start(1).await;
    assert_eq!(start(1).await, first, "the same document after a restart");
    let switched = start(2).await;
    assert_ne!(switched.1, first.1, "another bundle key signs another document");
    assert!(switched.0 > first.0, "so gateways must see a newer version: {switched:?}");
}
