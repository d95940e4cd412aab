use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use kubegate_core::bundle::{Tag, open_changes, open_live};
use kubegate_core::id::{PersonId, SessionId};
use kubegate_core::jws::{Keys, SigningKey};
use kubegate_core::time::Timestamp;

use super::{Authored, Bundle, File, PublishError, Publisher, Signer, Standing, Status, begin_epoch, load_now};
use crate::clock::Clock;
use crate::seal::Sealer;
use crate::store::Store;
use crate::store::elevation::{self, Elevation};
use crate::store::revocation::{self, Revocation, Subject};
use crate::telemetry::Metrics;
use crate::token::{Schedule, TokenKeys};

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
    let first = load_now(path).unwrap().policy;
    let (sender, policies) = mpsc::channel(1);
    let metrics = Arc::new(Metrics::default());
    let (standing, status) = Standing::new(Arc::clone(&metrics));
    tokio::spawn(super::watch(path.to_owned(), first, sender, standing, Clock::manual(NOW)));
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
async fn a_certificate_authority_that_is_replaced_is_read() {
    const PEM: &str = "-----BEGIN CERTIFICATE-----\nMTIz\n-----END CERTIFICATE-----\n";
    let dir = tempfile::tempdir().unwrap();
    let (path, authority) = (dir.path().join("policy.yaml"), dir.path().join("ca.pem"));
    std::fs::write(&authority, PEM).unwrap();
    let server = "server: \"https://prod.example.com\"";
    std::fs::write(&path, text("get").replace(server, &format!("{server}, certificateAuthority: ca.pem"))).unwrap();
    let mut watched = watched(&path).await;

    std::fs::write(&authority, PEM.replace("MTIz", "NDU2")).unwrap();
    assert_eq!(watched.next().await, "get");
}

#[test]
fn only_what_a_policy_was_read_from_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.yaml");
    std::fs::write(&path, text("get")).unwrap();
    let (policy, files) = super::source::read(&path, kubegate_core::authoring::parse);
    assert!(policy.is_ok());
    std::fs::write(dir.path().join("kubegate.db"), "something else").unwrap();
    assert!(files.are_unchanged());
    std::fs::write(&path, text("patch")).unwrap();
    assert!(!files.are_unchanged());

    std::fs::remove_file(&path).unwrap();
    let (policy, files) = super::source::read(&path, kubegate_core::authoring::parse);
    assert!(policy.is_err() && files.are_unchanged(), "a file that is missing is not missed twice");
    std::fs::write(&path, text("get")).unwrap();
    assert!(!files.are_unchanged());
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
    let told = watched.status.wait_for(|status| status.refused().is_some());
    let refused =
        tokio::time::timeout(Duration::from_secs(5), told).await.expect("told").unwrap().refused().cloned().unwrap();
    let message = &refused.message;
    assert!(message.contains("policy.yaml:2:") && message.contains("did you mean groups?"), "{message}");
    assert_eq!((refused.at, refused.problems[0].line, &*refused.problems[0].path), (NOW, 2, "rules[0].who.gruops"));
    let metrics = watched.metrics.text().unwrap();
    assert!(metrics.contains("kubegate_policy_load_failures_total 1"), "{metrics}");
    assert!(metrics.contains("kubegate_policy_valid 0"), "{metrics}");
    assert!(watched.policies.try_recv().is_err(), "the one before stays");

    std::fs::write(&path, text("delete")).unwrap();
    assert_eq!(watched.next().await, "delete");
    assert_eq!(watched.status.borrow().file(), File::Waiting, "nobody has put it into force");
    let metrics = watched.metrics.text().unwrap();
    assert!(metrics.contains("kubegate_policy_valid 0"), "{metrics}");
}

/// A policy that gateways cannot take: the certificate authority, of a mebibyte, comes to each of its clusters.
fn long(dir: &Path, verb: &str) -> String {
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", "MTIz".repeat(1 << 18));
    std::fs::write(dir.join("ca.pem"), pem).unwrap();
    let clusters: Vec<String> = (0..15)
        .map(|number| {
            let host = format!("c{number}.example.com");
            format!("{{name: c{number}, hosts: [{host}], server: \"https://{host}\", certificateAuthority: ca.pem}}")
        })
        .collect();
    text(verb).replace("clusters: [{", &format!("clusters: [{}, {{", clusters.join(", ")))
}

#[tokio::test]
async fn a_policy_that_gateways_cannot_take_is_refused() {
    let publishing = Publishing::new().await;
    let path = publishing.dir.path().join("policy.yaml");
    let (publisher, bundle) = publishing.start(1).await;
    let in_force = || (bundle.borrow().in_force.version, bundle.borrow().in_force.hash.clone());
    let before = in_force();
    let (sender, policies) = mpsc::channel(1);
    let mut status = publishing.standing.1.clone();
    let standing = publishing.standing.0.clone();
    tokio::spawn(super::watch(path.clone(), publishing.authored.clone(), sender, standing, Clock::manual(NOW)));
    tokio::spawn(publisher.run(policies, Arc::default()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut is = async |what: fn(&Status) -> bool| {
        let told = tokio::time::timeout(Duration::from_secs(30), status.wait_for(what));
        told.await.expect("told").unwrap().clone()
    };
    let is_long = |status: &Status| status.refused().is_some_and(|refused| refused.message.contains("MiB"));

    let long = long(publishing.dir.path(), "get");
    std::fs::write(&path, &long).unwrap();
    let refused = is(is_long).await;
    let message = &refused.refused().unwrap().message;
    assert!(message.contains("27 MiB") && message.contains("no more than 24 MiB"), "{message}");
    assert!(message.contains("name groups instead of people"), "what to do about it: {message}");
    assert!(refused.failing().is_none(), "all else is published");
    let metrics = publishing.metrics.text().unwrap();
    assert!(metrics.contains("kubegate_policy_valid 0") && metrics.contains("load_failures_total 1"), "{metrics}");

    std::fs::write(&path, "nonsense").unwrap();
    is(|status| status.refused().is_some_and(|refused| !refused.problems.is_empty())).await;
    std::fs::write(&path, &long).unwrap();
    is(is_long).await;
    assert_eq!(in_force(), before, "the one before stays");

    std::fs::write(&path, text("get")).unwrap();
    is(|status| status.file() == File::InForce).await;
    assert_eq!(in_force(), before, "nothing has changed");
    std::fs::write(&path, text("list")).unwrap();
    is(|status| status.file() == File::Waiting).await;
    is(|status| status.file() == File::InForce).await;
    assert!(in_force().0 > before.0);
}

#[tokio::test]
async fn a_policy_that_gateways_cannot_take_is_none_to_start_with() {
    let mut publishing = Publishing::new().await;
    let path = publishing.dir.path().join("policy.yaml");
    std::fs::write(&path, long(publishing.dir.path(), "get")).unwrap();
    publishing.authored = load_now(&path).unwrap().policy;
    let error = publishing.try_start(1).await.err().expect("it does not start").to_string();
    assert!(error.contains("27 MiB") && error.contains("name groups instead of people"), "{error}");
}

#[tokio::test]
async fn a_policy_that_gateways_cannot_take_does_not_keep_the_rest_from_them() {
    let publishing = Publishing::new().await;
    let (mut publisher, bundle) = publishing.start(1).await;
    let path = publishing.dir.path().join("policy.yaml");
    std::fs::write(&path, long(publishing.dir.path(), "get")).unwrap();
    publisher.take(load_now(&path).unwrap().policy).await.expect("it is refused, which is no failure");
    publishing.revoke(0..1).await;
    let before = bundle.borrow().tag();
    begin_epoch(&publishing.store, NOW.after(Duration::from_secs(60))).await.unwrap();
    publisher.beat().await.expect("the heartbeat goes on");
    let bundle = bundle.borrow();
    assert!(bundle.tag().changes.epoch > before.changes.epoch, "with the policy that is in force");
    assert_eq!((bundle.changes.count, bundle.in_force.policy.clusters().len()), (1, 1));
}

/// A store with its publisher.
struct Publishing {
    store: Store,
    clock: Clock,
    keys: Arc<TokenKeys>,
    authored: Authored,
    metrics: Arc<Metrics>,
    standing: (Standing, watch::Receiver<Status>),
    dir: tempfile::TempDir,
}

const SCHEDULE: Schedule =
    Schedule { rotate_every: Duration::from_secs(30 * 24 * 3600), keep: Duration::from_secs(3600) };
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

impl Publishing {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.yaml");
        std::fs::write(&path, text("get")).unwrap();
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        let keys = TokenKeys::open(store.clone(), Sealer::new(&[1; 32]), SCHEDULE, NOW).await.unwrap();
        let authored = load_now(&path).unwrap().policy;
        let metrics = Arc::new(Metrics::default());
        let standing = Standing::new(Arc::clone(&metrics));
        Self { store, clock: Clock::manual(NOW), keys: Arc::new(keys), authored, metrics, standing, dir }
    }

    async fn start(&self, seed: u8) -> (Publisher, watch::Receiver<Arc<Bundle>>) {
        self.try_start(seed).await.unwrap()
    }

    async fn try_start(&self, seed: u8) -> Result<(Publisher, watch::Receiver<Arc<Bundle>>), PublishError> {
        let key = SigningKey::from_seed([seed; 32]);
        let issuer = "https://kubegate.example.com".to_owned();
        let (keys, metrics) = (Arc::clone(&self.keys), Arc::clone(&self.metrics));
        let signer = Arc::new(Signer::new(issuer, key, self.store.clone(), keys, Arc::clone(&metrics)));
        let standing = self.standing.0.clone();
        Publisher::start(signer, self.clock.clone(), metrics, standing, self.authored.clone()).await
    }

    /// Revokes sessions of people who have `each` of them.
    async fn revoke_many(&self, sessions: std::ops::Range<usize>, each: usize) {
        use sqlx::Connection as _;
        let store = format!("sqlite://{}", self.dir.path().join("kubegate.db").display());
        let mut connection = sqlx::SqliteConnection::connect(&store).await.unwrap();
        sqlx::query(
            "WITH RECURSIVE number (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < ?2) \
             INSERT INTO revocation (subject, session_of, not_before, until, reason) \
             SELECT format('session:s_%022d', n), 'corp:' || (n / ?3), 0, ?4, 'test' FROM number",
        )
        .bind(i64::try_from(sessions.start).unwrap())
        .bind(i64::try_from(sessions.end).unwrap())
        .bind(i64::try_from(each).unwrap())
        .bind(i64::try_from(NOW.after(Duration::from_secs(12 * 3600)).seconds()).unwrap())
        .execute(&mut connection)
        .await
        .unwrap();
    }

    async fn revoke(&self, sessions: std::ops::Range<usize>) {
        let mut tx = self.store.write().await.unwrap();
        for number in sessions {
            let session = SessionId::from(format!("s_{number:022}"));
            let subject = Subject::Session { session, person: PersonId::from(format!("corp:{number}")) };
            let until = NOW.after(Duration::from_secs(12 * 3600));
            revocation::put(&mut tx, &Revocation { subject, until, reason: "test".into() }).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_version_is_of_one_document_only() {
    let publishing = Publishing::new().await;
    let start = async |seed: u8| {
        let (_, bundle) = publishing.start(seed).await;
        let in_force = Arc::clone(&bundle.borrow().in_force);
        (in_force.version, in_force.hash.clone(), in_force.since)
    };
    let first = start(1).await;
    publishing.clock.advance(Duration::from_secs(60));
    assert_eq!(start(1).await, first, "the same document after a restart, since the same moment");
    let switched = start(2).await;
    assert_ne!(switched.1, first.1, "another bundle key signs another document");
    assert_eq!(switched.2, NOW.after(Duration::from_secs(60)), "which is younger");
    assert!(switched.0 > first.0, "so gateways must see a newer version: {switched:?}");
}

#[tokio::test]
async fn the_live_set_is_made_anew_when_much_has_changed() {
    let publishing = Publishing::new().await;
    publishing.revoke(0..800).await;
    let (mut publisher, bundle) = publishing.start(1).await;
    let state = || {
        let bundle = bundle.borrow();
        (bundle.snapshot.entries.len(), bundle.changes.count)
    };
    assert_eq!(state(), (800, 0));
    publishing.revoke(0..900).await;
    publisher.publish_changes().await.unwrap();
    publisher.beat().await.unwrap();
    assert_eq!(state(), (800, 100), "an eighth and no more");
    publishing.revoke(900..901).await;
    publisher.publish_changes().await.unwrap();
    assert_eq!(state(), (800, 101), "nobody waits for a new one");
    publisher.beat().await.unwrap();
    assert_eq!(state(), (901, 0), "it comes with the heartbeat");
    publishing.clock.advance(Duration::from_secs(13 * 3600));
    publisher.beat().await.unwrap();
    publisher.beat().await.unwrap();
    assert_eq!(state(), (0, 0), "and when it is over");
}

#[tokio::test]
async fn a_change_is_published_quickly_among_many() {
    let publishing = Publishing::new().await;
    publishing.revoke(0..5000).await;
    let (mut publisher, bundle) = publishing.start(1).await;
    publishing.revoke(5000..5001).await;
    let began = Instant::now();
    publisher.publish_changes().await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(500), "it took {:?}", began.elapsed());
    let answer = bundle.borrow().answer(Some(&{
        let bundle = bundle.borrow();
        Tag { changes: bundle.snapshot.version, ..bundle.tag() }
    }));
    assert!(answer.starts_with(b"changes ") && answer.len() < 1000, "{} bytes", answer.len());
}

/// What `bundle` says, as a gateway hears it.
fn revoked(bundle: &Bundle) -> (HashSet<SessionId>, HashMap<PersonId, Timestamp>) {
    let key = SigningKey::from_seed([1; 32]);
    let keys = Keys::new([key.public()]).unwrap();
    let live = open_live(&bundle.snapshot.document, &keys).expect("gateways take the live set");
    let changes = open_changes(&bundle.changes.document, &keys, &bundle.in_force.hash, &bundle.snapshot.hash);
    let changes = changes.expect("gateways take the changes");
    let mut sessions = HashSet::new();
    let mut people = HashMap::new();
    for entries in [live.entries, changes.entries] {
        sessions.extend(entries.sessions.into_iter().map(|entry| entry.sid));
        people.extend(entries.people.into_iter().map(|entry| (entry.person, entry.not_before)));
    }
    (sessions, people)
}

#[tokio::test]
async fn more_revoked_sessions_than_gateways_take_stop_nothing() {
    let publishing = Publishing::new().await;
    publishing.revoke_many(0..60_000, 50).await;
    publishing.revoke_many(60_000..100_000, 1).await;
    let (mut publisher, bundle) = publishing.start(1).await;
    let all_are_refused = |count: usize| {
        let (sessions, people) = revoked(&bundle.borrow());
        for number in 0..count {
            let session = SessionId::from(format!("s_{number:022}"));
            let person = PersonId::from(format!("corp:{}", if number < 60_000 { number / 50 } else { number }));
            let refused = sessions.contains(&session) || people.get(&person).is_some_and(|before| NOW < *before);
            assert!(refused, "{session} counts again");
        }
        people.len()
    };
    assert_eq!(all_are_refused(100_000), 0, "so many can be told one by one");

    publishing.revoke_many(100_000..100_001, 1).await;
    publisher.publish_changes().await.expect("one more is published");
    let collapsed = all_are_refused(100_001);
    assert_eq!(collapsed, 251, "people with the most, and no more of them than needed");
    publisher.beat().await.expect("what gateways have stays fresh");
    assert_eq!(all_are_refused(100_001), collapsed);
    let metrics = publishing.metrics.text().unwrap();
    assert!(metrics.contains("kubegate_people_collapsed_total 251"), "{metrics}");

    publishing.revoke_many(100_001..120_000, 1).await;
    let (_, bundle) = publishing.try_start(1).await.expect("it starts again, too");
    let (sessions, people) = revoked(&bundle.borrow());
    assert!(sessions.len() < 100_000 && people.len() > collapsed, "{} and {}", sessions.len(), people.len());
}

#[tokio::test]
async fn an_ended_elevation_does_not_come_back() {
    let publishing = Publishing::new().await;
    let elevation = Elevation {
        id: "e_1".into(),
        person: "corp:bob".into(),
        user: None,
        cluster: "prod".into(),
        groups: vec!["ops".into()],
        reason: "r".into(),
        granted_by: "alice".into(),
        granted_at: NOW,
        until: NOW.after(Duration::from_secs(24 * 3600)),
        ended_by: None,
    };
    let mut tx = publishing.store.write().await.unwrap();
    elevation::insert(&mut tx, &elevation).await.unwrap();
    tx.commit().await.unwrap();
    let (mut publisher, bundle) = publishing.start(1).await;
    let mut tx = publishing.store.write().await.unwrap();
    elevation::end(&mut tx, &elevation.id, "alice", NOW).await.unwrap();
    tx.commit().await.unwrap();
    publisher.publish_changes().await.unwrap();
    assert_eq!(bundle.borrow().changes.count, 1);
    publishing.clock.advance(Duration::from_secs(3600));
    publisher.publish_changes().await.unwrap();
    let bundle = bundle.borrow();
    assert!(
        bundle.snapshot.entries.is_empty(),
        "a live set that still grants it is replaced: {:?}",
        bundle.snapshot.entries
    );
}

#[tokio::test]
async fn a_new_epoch_is_taken_up_with_the_next_heartbeat() {
    let publishing = Publishing::new().await;
    let (mut publisher, bundle) = publishing.start(1).await;
    let versions = || {
        let bundle = bundle.borrow();
        (bundle.in_force.version, bundle.tag().changes)
    };
    publisher.beat().await.unwrap();
    let before = versions();
    let epoch = begin_epoch(&publishing.store, NOW.after(Duration::from_secs(60))).await.unwrap();
    assert_eq!(epoch, NOW.seconds() + 60);
    publisher.beat().await.unwrap();
    let after = versions();
    assert_eq!((after.0.epoch, after.1.epoch), (epoch, epoch));
    assert!(after.0 > before.0 && after.1 > before.1, "{after:?}");
    let again = begin_epoch(&publishing.store, NOW).await.unwrap();
    assert_eq!(again, epoch + 1, "after all before it, whatever the clock says");
}
