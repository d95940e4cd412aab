//! The long run, for `./just torture --load`: each attack in slices, quiet times between them, and a table of figures.
//! It fails when others had to wait too long, memory grew too far, or work was done twice.

mod table;

use std::thread;
use std::time::Duration;

use kubegate_tests::poll;
use kubegate_tests::raw::Client;
use kubegate_tests::world::World;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::burst::{self, BURST};
use super::figures::{connections, memory, until_at_most, verified};
use super::slow::Slow;
use super::tokens::{Flood, Tokens};
use super::victim::{Victim, yield_to_others};
use super::{AGAIN, Attacked, streams, tokens};
use table::{Row, Slice, Table};

/// How much memory any number of distinct tokens may take, in MiB: what all workers may remember, and what an allocator
/// needs besides.
pub(super) const TOKENS_MEMORY: f64 = 160.0;

/// What a held connection may take, in MiB.
const CONNECTION_MEMORY: f64 = 0.1;

const CONNECTIONS: usize = 10_000;
const TOKENS: usize = 100_000;
const STREAMS: usize = 1000;

/// Between two streams that are opened; they are all cut at once.
const PACE: Duration = Duration::from_millis(5);

/// So many connections with a request on each of them all the time take a share of their own: how long others wait then
/// is shown, and nothing here bounds it.
const MANY: usize = 64;

/// How long something may take that takes a second.
const LIMIT: Duration = Duration::from_secs(60);

/// Into how many slices an attack is cut.
const SLICES: usize = 5;

/// How many requests of somebody else come before each slice.
const QUIET: usize = 400;

pub(super) fn run(world: &World) {
    raise_limit();
    let attacked = Attacked::start(world, "envoy-torture");
    let mut table = Table::default();
    slow_connections(&attacked, &mut table);
    distinct_tokens(&attacked, &mut table);
    one_connection(world, &attacked, &mut table);
    many_streams(&attacked, &mut table);
    table.print();
}

/// Envoy, which inherits it, needs a file for each connection, and so does who attacks it.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let enough = limit.maximum.is_none_or(|most| most > CONNECTIONS as u64 + 2000);
    assert!(enough, "{limit:?} open files are too few for {CONNECTIONS} connections; raise `ulimit -Hn`");
}

/// Somebody else's requests in quiet times and under attack, by turns.
fn measure(attacked: &Attacked<'_>, name: &str, mut attack: impl FnMut(usize) + Send) -> Row {
    eprintln!("==> {name}");
    let (envoy, mut victim) = (&attacked.stage.envoy, attacked.victim());
    let (counted, before) = (verified(envoy), memory(envoy));
    let mut row = Row { name: name.to_owned(), before, ..Row::default() };
    for slice in 0..SLICES {
        let quiet = victim.many(QUIET);
        let under_attack = thread::scope(|scope| {
            let running = scope.spawn(|| attack(slice));
            victim.during(|| {
                row.peak = row.peak.max(memory(envoy));
                !running.is_finished()
            })
        });
        row.slices.push(Slice { quiet, under_attack });
        row.after.push(memory(envoy));
    }
    row.verified = verified(envoy) - counted;
    row
}

fn slow_connections(attacked: &Attacked<'_>, table: &mut Table) {
    let (envoy, client) = (&attacked.stage.envoy, &attacked.client);
    let mut held = 0;
    let mut row = measure(attacked, &format!("{CONNECTIONS} slow connections"), |_| {
        yield_to_others();
        let mut slow = Slow::open(client, CONNECTIONS);
        held = held.max(connections(envoy));
        slow.trickle_until_closed(envoy, &mut Victim::new(client, &attacked.stage.token("yet-another")));
        drop(slow);
        until_at_most(envoy, connections, 50, "connections that nobody holds any more");
    });
    row.note = format!("{held} at once");
    table.check(held >= CONNECTIONS as u64, format!("only {held} connections were there at once"));
    table.bounded(&row, CONNECTION_MEMORY * CONNECTIONS as f64);
}

fn distinct_tokens(attacked: &Attacked<'_>, table: &mut Table) {
    let tokens = Tokens::of(&attacked.stage);
    let mut flood = Flood::start(&attacked.client, tokens::FEW);
    let all = TOKENS as u64;
    let slice = |wave: usize, slice: usize| {
        let first = wave * TOKENS + slice * TOKENS / SLICES;
        first..first + TOKENS / SLICES
    };
    for (wave, name) in ["distinct good tokens", "others"].into_iter().enumerate() {
        let row = measure(attacked, &format!("{TOKENS} {name}"), |number| {
            flood.show(slice(wave, number), 200, &|number| tokens.good(number));
        });
        table.check(row.verified <= all + 16, format!("{} good tokens were verified {} times", TOKENS, row.verified));
        table.bounded(&row, TOKENS_MEMORY);
    }
    for (wave, name) in ["distinct bad tokens", "others"].into_iter().enumerate() {
        let row = measure(attacked, &format!("{TOKENS} {name}"), |number| {
            flood.show(slice(wave, number), 401, &|number| tokens.bad(number));
        });
        table.check(row.verified <= all + 16, format!("{} bad tokens were verified {} times", TOKENS, row.verified));
        table.bounded(&row, TOKENS_MEMORY);
    }
    let row = measure(attacked, &format!("the last 1,000 of them {} times again", TOKENS / 1000), |_| {
        for _ in 0..TOKENS / 1000 / SLICES {
            flood.show(2 * TOKENS - 1000..2 * TOKENS, 401, &|number| tokens.bad(number));
        }
    });
    table.check(row.verified == 0, format!("known bad tokens were verified {} times", row.verified));
    table.bounded(&row, AGAIN);
    let mut flood = Flood::start(&attacked.client, MANY);
    let row = measure(attacked, &format!("bad tokens over {MANY} connections"), |number| {
        flood.show(slice(2, number), 401, &|number| tokens.bad(number));
    });
    table.shown(&row);
}

fn one_connection(world: &World, attacked: &Attacked<'_>, table: &mut Table) {
    let tokens = Tokens::of(&attacked.stage);
    let row = measure(attacked, &format!("{BURST} requests at once on a connection"), |number| {
        let streams = burst::start(world, attacked, |each| tokens.bad(3 * TOKENS + number * BURST + each));
        poll::until("all answers", LIMIT, || if burst::is_over(&streams) { Ok(()) } else { Err(streams.stderr()) })
            .unwrap();
    });
    table.bounded(&row, AGAIN);
}

fn many_streams(attacked: &Attacked<'_>, table: &mut Table) {
    let (stage, client): (_, &Client) = (&attacked.stage, &attacked.client);
    let before = stage.envoy.metric("kubegate_streams_ended").unwrap();
    let mut row = measure(attacked, &format!("{STREAMS} streams cut, {STREAMS} left"), |number| {
        yield_to_others();
        let sid = format!("torture-{number}");
        let mut open = streams::open_at(PACE, client, &stage.token(&sid), STREAMS);
        streams::revoke(stage, &sid, number as u64 + 2);
        streams::until_ended(&mut open);
        drop(streams::open_at(PACE, client, &stage.token("left"), STREAMS));
    });
    let ended = stage.envoy.metric("kubegate_streams_ended").unwrap() - before;
    row.note = format!("{ended} cut");
    table.check(ended == (STREAMS * SLICES) as u64, format!("{ended} streams were cut"));
    table.bounded(&row, CONNECTION_MEMORY * (2 * STREAMS) as f64);
}
