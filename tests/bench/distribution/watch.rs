//! One change at a time: who decides the other way, and when.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long a change may take before the run is given up.
const LIMIT: Duration = Duration::from_secs(60);

/// How often it is looked whether all have reported.
const LOOK: Duration = Duration::from_millis(5);

/// A request whose answer a change turns around: the subject's, with this session token.
#[derive(Debug)]
pub(super) struct Probe {
    /// The session token.
    pub(super) token: String,
}

/// What a change came to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How long each gateway took, Envoys last; an Envoy's time is that of the last of its workers.
    pub(super) all_ms: Vec<f64>,
    /// The same of the Envoys alone.
    pub(super) envoys_ms: Vec<f64>,
    /// How many bytes each simulated gateway received until then.
    pub(super) bytes: Vec<f64>,
}

/// The change that is being made. A place is a simulated gateway, or behind those a connection to an Envoy.
pub(super) struct Watch {
    gateways: usize,
    round: Mutex<Round>,
}

struct Round {
    number: u64,
    probe: Option<Arc<Probe>>,
    expected: u16,
    before: Vec<Option<u16>>,
    after: Vec<Option<Seen>>,
}

#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    bytes: u64,
}

impl Watch {
    /// Nothing to watch yet, for `gateways` simulated gateways and `connections` connections to Envoys.
    pub(super) fn new(gateways: usize, connections: usize) -> Self {
        let places = gateways + connections;
        let round =
            Round { number: 0, probe: None, expected: 0, before: vec![None; places], after: vec![None; places] };
        Self { gateways, round: Mutex::new(round) }
    }

    /// The number of the change that is watched, and its probe.
    pub(super) fn current(&self) -> (u64, Option<Arc<Probe>>) {
        let round = self.lock();
        (round.number, round.probe.clone())
    }

    /// Place `place` answers the probe of change `number` with `status`, after `bytes` bytes received.
    pub(super) fn report(&self, number: u64, place: usize, status: u16, bytes: u64) {
        let at = Instant::now();
        let mut round = self.lock();
        if round.number != number {
            return;
        }
        let expected = round.expected;
        let Some(before) = round.before.get_mut(place) else { return };
        if before.is_none() {
            *before = Some(status);
        } else if status == expected
            && let Some(after @ None) = round.after.get_mut(place)
        {
            *after = Some(Seen { at, bytes });
        }
    }

    /// Makes a change once everybody decides the old way, and waits until everybody answers the probe with `expected`.
    pub(super) fn measure(&self, probe: Probe, expected: u16, change: impl FnOnce() -> Result<()>) -> Result<Outcome> {
        {
            let mut round = self.lock();
            let places = round.before.len();
            *round = Round {
                number: round.number + 1,
                probe: Some(Arc::new(probe)),
                expected,
                before: vec![None; places],
                after: vec![None; places],
            };
        }
        let before = self.wait("to answer before the change", |round| all(&round.before))?;
        ensure!(
            before.iter().all(|status| *status != expected),
            "somebody answers {expected} before the change: {before:?}"
        );
        let began = Instant::now();
        change()?;
        let after = self.wait(&format!("to answer {expected}"), |round| all(&round.after))?;
        let took = |seen: &Seen| seen.at.saturating_duration_since(began).as_secs_f64() * 1e3;
        let (gateways, connections) = after.split_at_checked(self.gateways).context("places without gateways")?;
        let last = |of: &[Seen]| of.iter().map(took).fold(0.0, f64::max);
        let envoys_ms: Vec<f64> = connections.chunks(super::envoys::CONNECTIONS).map(last).collect();
        Ok(Outcome {
            all_ms: gateways.iter().map(took).chain(envoys_ms.iter().copied()).collect(),
            envoys_ms,
            bytes: gateways.iter().map(|seen| seen.bytes as f64).collect(),
        })
    }

    fn wait<T>(&self, what: &str, done: impl Fn(&Round) -> Option<Vec<T>>) -> Result<Vec<T>> {
        let began = Instant::now();
        loop {
            if let Some(all) = done(&self.lock()) {
                return Ok(all);
            }
            if began.elapsed() > LIMIT {
                let round = self.lock();
                let missing: Vec<usize> = (0..round.after.len())
                    .filter(|place| round.after.get(*place).is_some_and(Option::is_none))
                    .collect();
                bail!("waited {LIMIT:?} for everybody {what}; not yet: {missing:?}");
            }
            thread::sleep(LOOK);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn all<T: Copy>(places: &[Option<T>]) -> Option<Vec<T>> {
    places.iter().copied().collect()
}
