//! Many gateways in one process. Each polls over a connection of its own, exactly as the filter does
//! (filter/src/bundle_sync.rs), and keeps what it got.
//!
//! All of them get the same documents. So that this machine measures the control plane and not 500 times the same
//! signature, a document is verified and a request decided once (by core's `Gateway`, as in the filter); each gateway
//! checks by SHA-256 that it received the very bytes that were verified.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kubegate_core::bundle::{Documents, Version};
use kubegate_core::gateway::{Decision, Gateway};
use kubegate_core::inbound::Inbound;
use kubegate_core::jws::Keys;
use kubegate_tests::{issuer, poll};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::LocalSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use super::watch::{Probe, Watch};
use super::wire::Client;
use super::world::{ISSUER, World};
use crate::company::{HOST, Subject};

const TICK: Duration = Duration::from_millis(100);
const POLL_TIMEOUT: Duration = Duration::from_secs(40);
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// How many take their first bundle at the same time.
const AT_ONCE: usize = 8;

/// How often it is looked whether there is another change to watch.
const LOOK: Duration = Duration::from_millis(5);

const START_LIMIT: Duration = Duration::from_secs(180);

/// Running gateways; they stop on drop.
pub(super) struct Fleet {
    state: Arc<State>,
    _stop: oneshot::Sender<()>,
}

#[derive(Default)]
struct State {
    /// How many have a bundle.
    ready: AtomicUsize,
    /// How many bytes the last one's first bundle was.
    bundle_bytes: AtomicU64,
    failures: AtomicU64,
    policy: Mutex<Option<Version>>,
}

impl Fleet {
    /// Starts `count` gateways, and waits until all of them have a bundle.
    pub(super) fn start(world: &World, count: usize, watch: Arc<Watch>) -> Result<Self> {
        let state = Arc::new(State::default());
        let server = SocketAddr::from(([127, 0, 0, 1], world.control_plane.internal_port));
        let keys = Keys::new(std::slice::from_ref(world.control_plane.bundle_key.public()))?;
        let credentials: Vec<String> = world.credentials.iter().take(count).cloned().collect();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let theirs = Arc::clone(&state);
        thread::spawn(move || {
            let local = LocalSet::new();
            let shared = Rc::new(RefCell::new(Shared::new(keys, watch, count)));
            let first = Rc::new(Semaphore::new(AT_ONCE));
            local.spawn_local(look_for_changes(Rc::clone(&shared)));
            for (place, credential) in credentials.into_iter().enumerate() {
                let gateway = Simulated {
                    place,
                    credential,
                    client: Client::new(server),
                    etag: None,
                    shared: Rc::clone(&shared),
                    state: Arc::clone(&theirs),
                };
                local.spawn_local(gateway.run(Rc::clone(&first), count));
            }
            local.block_on(&runtime, async {
                let _ = stopped.await;
            });
        });
        poll::until("every simulated gateway to have a bundle", START_LIMIT, || {
            let ready = state.ready.load(Ordering::SeqCst);
            if ready == count { Ok(()) } else { Err(format!("{ready} of {count} have one")) }
        })?;
        Ok(Self { state, _stop: stop })
    }

    /// How many bytes a gateway's first bundle was.
    pub(super) fn bundle_bytes(&self) -> u64 {
        self.state.bundle_bytes.load(Ordering::SeqCst)
    }

    /// How many polls have failed.
    pub(super) fn failures(&self) -> u64 {
        self.state.failures.load(Ordering::SeqCst)
    }

    /// The version of the policy that has arrived.
    pub(super) fn policy_version(&self) -> Result<Version> {
        let version = *self.state.policy.lock().unwrap_or_else(PoisonError::into_inner);
        version.context("no policy has arrived")
    }
}

/// What all simulated gateways share.
struct Shared {
    /// Has in force the newest that any of them has received.
    reference: Gateway,
    /// By entity tag, the bodies that were verified.
    verified: HashMap<String, HashSet<[u8; 32]>>,
    watch: Arc<Watch>,
    /// The change that is watched.
    number: u64,
    probe: Option<Arc<Probe>>,
    /// How the probe is answered by whoever has the documents of an entity tag.
    answers: HashMap<String, u16>,
    /// What each had received when the change began.
    received: Vec<u64>,
    /// What each has received.
    receiving: Vec<u64>,
}

impl Shared {
    fn new(keys: Keys, watch: Arc<Watch>, count: usize) -> Self {
        Self {
            reference: Gateway::new(ISSUER.to_owned(), keys, Duration::from_secs(24 * 3600)),
            verified: HashMap::new(),
            watch,
            number: 0,
            probe: None,
            answers: HashMap::new(),
            received: vec![0; count],
            receiving: vec![0; count],
        }
    }

    /// Whether the documents in `body` are good.
    fn verify(&mut self, etag: &str, body: &[u8]) -> Result<()> {
        let digest: [u8; 32] = Sha256::digest(body).into();
        if self.verified.get(etag).is_some_and(|bodies| bodies.contains(&digest)) {
            return Ok(());
        }
        self.reference.accept(&Documents::parse(str::from_utf8(body)?)?)?;
        self.verified.entry(etag.to_owned()).or_default().insert(digest);
        let status = self.answer();
        self.answers.insert(etag.to_owned(), status);
        Ok(())
    }

    /// How the probe is answered under the newest documents.
    fn answer(&mut self) -> u16 {
        let Some(probe) = self.probe.clone() else { return 0 };
        let bearer = format!("Bearer {}", probe.token);
        let headers =
            [(":method", "GET"), (":authority", HOST), (":path", Subject::PATH), ("authorization", bearer.as_str())];
        let Ok(inbound) = Inbound::parse(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
        else {
            return 0;
        };
        match self.reference.decide(inbound, issuer::now()) {
            Decision::Allow(_) => 200,
            Decision::ControlPlane(_) => 0,
            Decision::Answer(answer) => answer.status,
        }
    }

    /// Begins with the next change, if there is one.
    fn look(&mut self) {
        let (number, probe) = self.watch.current();
        if number == self.number {
            return;
        }
        self.number = number;
        self.probe = probe;
        self.answers.clear();
        self.received.clone_from(&self.receiving);
        let status = self.answer();
        for place in 0..self.received.len() {
            self.watch.report(number, place, status, 0);
        }
    }
}

async fn look_for_changes(shared: Rc<RefCell<Shared>>) {
    loop {
        shared.borrow_mut().look();
        sleep(LOOK).await;
    }
}

/// One gateway.
struct Simulated {
    place: usize,
    credential: String,
    client: Client,
    etag: Option<String>,
    shared: Rc<RefCell<Shared>>,
    state: Arc<State>,
}

impl Simulated {
    async fn run(mut self, first: Rc<Semaphore>, count: usize) {
        let phase = TICK.mul_f64(self.place as f64 / count as f64);
        let mut ticks = interval_at(Instant::now() + phase, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut failures = 0_u32;
        loop {
            ticks.tick().await;
            let turn = if self.etag.is_none() { first.acquire().await.ok() } else { None };
            let is_first = turn.is_some();
            match self.poll().await {
                Ok(()) => {
                    failures = 0;
                    if is_first {
                        self.state.bundle_bytes.store(self.client.received(), Ordering::SeqCst);
                        self.state.ready.fetch_add(1, Ordering::SeqCst);
                    }
                }
                Err(_) => {
                    self.state.failures.fetch_add(1, Ordering::SeqCst);
                    sleep((FIRST_RETRY * 2_u32.pow(failures.min(10))).min(LAST_RETRY)).await;
                    failures += 1;
                }
            }
        }
    }

    async fn poll(&mut self) -> Result<()> {
        let authorization = format!("Bearer {}", self.credential);
        let mut headers = vec![
            ("host", "kubegate-control-plane"),
            ("accept", "text/plain"),
            ("prefer", "wait=25"),
            ("authorization", authorization.as_str()),
        ];
        if let Some(etag) = &self.etag {
            headers.push(("if-none-match", etag));
        }
        let answer = timeout(POLL_TIMEOUT, self.client.get("/v1/bundle", &headers)).await??;
        let mut shared = self.shared.borrow_mut();
        if let Some(receiving) = shared.receiving.get_mut(self.place) {
            *receiving = self.client.received();
        }
        match (answer.status, answer.etag) {
            (304, _) => Ok(()),
            (200, Some(etag)) => {
                if let Err(error) = shared.verify(&etag, &answer.body) {
                    // As the filter does: all of it is needed then.
                    self.etag = None;
                    return Err(error);
                }
                *self.state.policy.lock().unwrap_or_else(PoisonError::into_inner) =
                    shared.reference.versions().map(|(policy, _)| policy);
                if let Some(status) = shared.answers.get(&etag) {
                    let before = shared.received.get(self.place).copied().unwrap_or_default();
                    let bytes = self.client.received().saturating_sub(before);
                    shared.watch.report(shared.number, self.place, *status, bytes);
                }
                self.etag = Some(etag);
                Ok(())
            }
            (status, _) => bail!("the control plane answered {status}"),
        }
    }
}
