//! What a request costs on its way through Envoy: with nothing, with Envoy's own filters, with an authorization service
//! beside it, with ours. All of it in one run, in turns.

mod chart;
mod filters;
mod findings;
mod gateway;
mod load;
mod native;
mod peers;
mod pin;
mod started;
mod variant;

use std::time::{Duration, Instant};

use anyhow::Result;
use kubegate_tests::{files, paths};

use crate::progress;
use crate::report::Report;
use gateway::Surroundings;
use pin::Processors;
use started::{Sample, Started};
use variant::VARIANTS;

pub(crate) use peers::{ext_authz, upstream};

/// A median of fewer says nothing.
const FEWEST_ROUNDS: usize = 5;

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// How long rounds begin.
    time: Duration,
    /// How many requests one after the other, each round.
    alone: usize,
    /// How many requests in each of the 32 lanes, each round.
    in_each_lane: usize,
}

impl Effort {
    /// For figures that are kept.
    pub(crate) const FULL: Self = Self { time: Duration::from_secs(600), alone: 150, in_each_lane: 30 };

    /// For a look.
    pub(crate) const QUICK: Self = Self { time: Duration::from_secs(100), alone: 100, in_each_lane: 25 };
}

/// Measures all variants.
pub(crate) fn run(effort: Effort) -> Result<Report> {
    let dir = paths::root().join("target/bench/request-path");
    files::run_dir(&dir)?;
    let processors = Processors::find()?;
    if let Some(processors) = processors {
        processors.bind_self()?;
    }
    let around = Surroundings::new(&dir)?;
    let _upstream = peers::start("upstream", &dir, around.upstream)?;
    let service = peers::start("ext-authz", &dir, around.ext_authz)?;
    progress(&format!("{} Envoys, one after the other", VARIANTS.len()), "25 s");
    let runtime = load::runtime()?;
    let start = |variant| runtime.block_on(Started::start(variant, &around, &service, processors.as_ref()));
    let mut started: Vec<Started<'_>> = VARIANTS.into_iter().map(start).collect::<Result<_>>()?;
    progress("rounds of requests through all of them in turn", &format!("{} s", effort.time.as_secs()));
    let mut samples: Vec<Vec<Sample>> = started.iter().map(|_| Vec::new()).collect();
    let began = Instant::now();
    for round in (0..).take_while(|round| *round < FEWEST_ROUNDS || began.elapsed() < effort.time) {
        for turn in 0..started.len() {
            let which = turn_of(round, turn, started.len());
            if let (Some(started), Some(samples)) = (started.get_mut(which), samples.get_mut(which)) {
                samples.push(runtime.block_on(started.measure(effort))?);
            }
        }
    }
    let memory = started.iter().map(Started::memory).collect::<Result<Vec<u64>>>()?;
    findings::report(&samples, &memory, processors.is_some())
}

/// Who is measured at `turn`: each round begins elsewhere and goes in other steps, so that nobody always follows the same.
/// (Their number is a prime.)
fn turn_of(round: usize, turn: usize, count: usize) -> usize {
    (round + turn * (1 + round % (count - 1))) % count
}
