//! Generated attacks by the thousand: in batches, over many connections at once; when a batch fails, its cases one by
//! one, and the one that fails as bytes that anybody can send again.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kubegate_tests::paths;
use kubegate_tests::world::World;
use serde_json::Value;

use super::attacked::Attacked;
use super::attacker::{Attacker, text};
use super::case::{Case, mark};
use super::frames::{self, ACK, Frame, PING};
use super::wire::{Door, Protocol, Wire, answer_length, is_answered};
use crate::suite::Suite;

/// How many cases the suite tries.
const CASES: u64 = 10_000;
const SEED: u64 = 2021;
const BATCH: u64 = 500;
/// Most of the time they wait for an answer that may not come.
const WORKERS: u64 = 48;

/// After so many a new Envoy is started: its bundle lasts an hour.
const ROUND: u64 = 100_000;

/// How long the answer to an odd request is waited for.
const PATIENCE: Duration = Duration::from_millis(250);
const QUIET: Duration = Duration::from_millis(40);
const BETWEEN_WORDS: Duration = Duration::from_secs(10);

/// From so many bytes on a case is too long to be shown.
const LONG: usize = 8000;

/// What is asked for by the environment (tests/tools/torture.sh).
struct Plan {
    cases: u64,
    seed: u64,
    replay: Option<PathBuf>,
    is_talkative: bool,
}

impl Plan {
    fn read() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect(name));
        Self {
            cases: number("KUBEGATE_CASES").unwrap_or(CASES),
            seed: number("KUBEGATE_SEED").unwrap_or(SEED),
            replay: std::env::var_os("KUBEGATE_REPLAY").map(PathBuf::from),
            is_talkative: std::env::var_os("KUBEGATE_TORTURE").is_some(),
        }
    }
}

/// How many cases came to the API server, as the attacker's own requests.
#[derive(Default)]
struct Arrived {
    http1: u64,
    http2: u64,
}

/// Alone, since it takes all that the machine has.
pub(super) fn run(_: &Suite, world: &mut World) {
    let plan = Plan::read();
    if let Some(file) = &plan.replay {
        return replay(world, file);
    }
    let (began, mut said) = (Instant::now(), Instant::now());
    let mut arrived = Arrived::default();
    let mut round = 0;
    while round < plan.cases {
        let mut attacked = Attacked::start(world, &format!("envoy-torture-{round}"));
        let attacker = attacked.reader();
        let mut lines = lines();
        let end = plan.cases.min(round + ROUND);
        for first in (round..end).step_by(usize::try_from(BATCH).unwrap()) {
            let cases = first..end.min(first + BATCH);
            send(&attacked.door, &attacker, plan.seed, cases.clone(), &mut lines);
            match attacked.arrived(&attacker) {
                Ok(events) => arrived.count(&events),
                Err(violation) => fail(world, &plan, &attacker, cases, &violation),
            }
            if plan.is_talkative && said.elapsed() > BETWEEN_WORDS {
                said = Instant::now();
                eprintln!("    {}", arrived.words(first + BATCH, began.elapsed()));
            }
        }
        round = end;
    }
    let words = arrived.words(plan.cases, began.elapsed());
    eprintln!("    {words}, seed {}", plan.seed);
    assert!(
        arrived.http1 * 20 > plan.cases && arrived.http2 * 20 > plan.cases,
        "too few arrive to prove anything: {words}"
    );
}

impl Arrived {
    fn count(&mut self, events: &[Value]) {
        let of = |protocol| {
            let start = mark(protocol, 0);
            let start = start.trim_end_matches("0.");
            events.iter().filter(|event| text(event, "/userAgent").starts_with(start)).count()
        };
        self.http1 += u64::try_from(of(Protocol::Http1)).unwrap();
        self.http2 += u64::try_from(of(Protocol::Http2)).unwrap();
    }

    fn words(&self, cases: u64, took: Duration) -> String {
        let rate = cases.saturating_mul(1000) / u64::try_from(took.as_millis()).unwrap().max(1);
        let Self { http1, http2 } = self;
        format!(
            "{cases} cases in {} s ({rate} a second); arrived: {http1} by HTTP/1.1, {http2} by HTTP/2",
            took.as_secs()
        )
    }
}

/// The connections that a worker uses again.
#[derive(Default)]
struct Lines {
    http1: Option<Wire>,
    http2: Option<(Wire, u32)>,
}

fn lines() -> Vec<Mutex<Lines>> {
    (0..WORKERS).map(|_| Mutex::default()).collect()
}

/// Sends a batch.
fn send(door: &Arc<Door>, attacker: &Attacker, seed: u64, cases: std::ops::Range<u64>, lines: &mut [Mutex<Lines>]) {
    std::thread::scope(|scope| {
        for (worker, lines) in (0..).zip(lines) {
            let cases = cases.clone();
            scope.spawn(move || {
                let lines = lines.get_mut().unwrap();
                for number in cases.filter(|number| number % WORKERS == worker) {
                    let case = Case::new(seed, number, attacker);
                    match case.protocol {
                        _ if case.is_alone => alone(door, &case),
                        Protocol::Http1 => on_used_http1(door, &case, &mut lines.http1),
                        Protocol::Http2 => on_used_http2(door, &case, &mut lines.http2),
                    }
                }
            });
        }
    });
}

/// On a connection of its own; waits a little for more than one answer.
fn alone(door: &Door, case: &Case) {
    let mut wire = door.open(case.protocol);
    wire.write(&case.bytes());
    wire.read_until(PATIENCE, |bytes| is_answered(case.protocol, bytes, 1));
    while wire.read_some(QUIET) {}
}

fn on_used_http1(door: &Door, case: &Case, line: &mut Option<Wire>) {
    let mut wire = line.take().unwrap_or_else(|| door.open(Protocol::Http1));
    wire.read.clear();
    wire.write(&case.text);
    let is_over = wire.read_until(PATIENCE, |bytes| answer_length(bytes).is_some());
    let is_clean = is_over && answer_length(&wire.read) == Some(wire.read.len());
    let head = String::from_utf8_lossy(&wire.read).to_ascii_lowercase();
    if is_clean && !head.contains("connection: close") {
        *line = Some(wire);
    }
}

fn on_used_http2(door: &Door, case: &Case, line: &mut Option<(Wire, u32)>) {
    let (mut wire, stream) = line.take().unwrap_or_else(|| {
        let mut wire = door.open(Protocol::Http2);
        wire.write(&frames::opening());
        (wire, 1)
    });
    wire.read.clear();
    let mut bytes = Vec::new();
    case.frames.iter().for_each(|frame| frame.write(stream, &mut bytes));
    let is_over = wire.write(&bytes) && wire.read_until(PATIENCE, |bytes| is_answered(Protocol::Http2, bytes, stream));
    answer_pings(&mut wire);
    if is_over && !frames::all(&wire.read).any(|frame| frame.kind == frames::GOAWAY) {
        *line = Some((wire, stream + 2 * 4));
    }
}

fn answer_pings(wire: &mut Wire) {
    let pings: Vec<Frame> =
        frames::all(&wire.read).filter(|frame| frame.kind == PING && frame.flags & ACK == 0).collect();
    for ping in pings {
        let mut bytes = Vec::new();
        Frame { flags: ACK, ..ping }.write(1, &mut bytes);
        wire.write(&bytes);
    }
}

/// Finds the case, writes it down, and says how to send it again.
fn fail(world: &World, plan: &Plan, attacker: &Attacker, cases: std::ops::Range<u64>, violation: &str) {
    let named = cases.clone().filter(|number| {
        [Protocol::Http1, Protocol::Http2].iter().any(|protocol| violation.contains(&mark(*protocol, *number)))
    });
    let others = cases.clone();
    let mut attacked = Attacked::start(world, "envoy-torture-again");
    for number in named.chain(others) {
        let case = Case::new(plan.seed, number, attacker);
        alone(&attacked.door, &case);
        if let Err(violation) = attacked.arrived(attacker) {
            panic!("case {number} of seed {}: {violation}\n{}", plan.seed, written(&case));
        }
    }
    let all: Vec<String> = cases.map(|number| written(&Case::new(plan.seed, number, attacker))).collect();
    panic!("{violation}\nnone of these does it alone (seed {}): {}", plan.seed, all.len());
}

/// Writes a case to a file, and says how to send it again.
fn written(case: &Case) -> String {
    let (folder, bytes) = (paths::root().join("target/torture"), case.bytes());
    let (kind, alpn) = match case.protocol {
        Protocol::Http1 => ("http1", "http/1.1"),
        Protocol::Http2 => ("http2", "h2"),
    };
    let file = folder.join(format!("case-{}.{kind}", case.number));
    fs::create_dir_all(&folder).unwrap();
    fs::write(&file, &bytes).unwrap();
    let short = file.strip_prefix(paths::root()).unwrap().display();
    let source = if bytes.len() < LONG { format!("printf '{}'", escaped(&bytes)) } else { format!("cat {short}") };
    format!(
        "Its bytes (to a gateway of yours, at HOST:PORT; the token is good in the tests alone):\n\
         {source} | openssl s_client -quiet -alpn {alpn} -connect HOST:PORT\n\
         Again, on a world of its own:\n./just torture --replay {short}\n"
    )
}

/// For printf.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        match byte {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n"),
            b' '..=b'~' if !b"%\\'".contains(byte) => out.push(char::from(*byte)),
            _ => write!(out, "\\{byte:03o}").unwrap(),
        }
        out
    })
}

/// Sends a case's bytes again, and says what comes of them.
fn replay(world: &World, file: &Path) {
    let bytes = fs::read(paths::root().join(file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let protocol = if file.extension().is_some_and(|kind| kind == "http2") { Protocol::Http2 } else { Protocol::Http1 };
    let mut attacked = Attacked::start(world, "envoy-torture-replay");
    let attacker = attacked.reader();
    let mut wire = attacked.door.open(protocol);
    wire.write(&bytes);
    wire.read_until(Duration::from_secs(2), |bytes| is_answered(protocol, bytes, 1));
    while wire.read_some(QUIET) {}
    eprintln!("answer: {}", wire.read.escape_ascii());
    match attacked.arrived(&attacker) {
        Ok(events) => events.iter().for_each(|event| eprintln!("arrived, as it may: {event}")),
        Err(violation) => panic!("{violation}"),
    }
}
