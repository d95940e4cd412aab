//! Somebody who means harm, with many connections, tokens and streams: memory stays bounded, and others go on.

mod burst;
mod figures;
mod slow;
mod streams;
mod tokens;
mod torture;
mod victim;

use std::time::Duration;

use kubegate_tests::envoy::WORKERS;
use kubegate_tests::raw::Client;
use kubegate_tests::world::{CLUSTER_HOST, World};
use libtest_mimic::Trial;

use crate::stage::Stage;
use crate::suite::Suite;
use figures::{connections, memory, requests, until_at_most, verified};
use slow::Slow;
use tokens::{Flood, Tokens};
use victim::Victim;

/// How much more memory the second of two like waves may take, in MiB: what an allocator does not give back at once.
const AGAIN: f64 = 15.0;

/// Each alone: what they take is missing to others, some of which have to be in time.
pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    match std::env::var("KUBEGATE_TORTURE").as_deref() {
        Ok("load") => vec![suite.test_alone("hostile_load::torture", |_, world| torture::run(world))],
        _ => vec![
            suite.test_alone("hostile_load::a_known_bad_token_is_never_verified_again", |_, world| known_bad(world)),
            suite
                .test_alone("hostile_load::memory_is_bounded_under_distinct_tokens", |_, world| distinct_tokens(world)),
            suite.test_alone("hostile_load::slow_connections_leave_others_alone", |_, world| slow_connections(world)),
            suite.test_alone("hostile_load::one_connections_many_requests_do_not_go_first", |_, world| {
                burst::burst(world);
            }),
            suite.test_alone("hostile_load::a_thousand_streams_are_opened_and_cut", |_, world| cut_streams(world)),
        ],
    }
}

/// An Envoy to attack, and the way to it.
struct Attacked<'w> {
    stage: Stage<'w>,
    client: Client,
}

impl<'w> Attacked<'w> {
    fn start(world: &'w World, name: &str) -> Self {
        let stage = Stage::start(world, name, |_| {});
        let client = Client::new(&world.pki.ca, CLUSTER_HOST, stage.port).unwrap();
        Self { stage, client }
    }

    fn victim(&self) -> Victim {
        Victim::new(&self.client, &self.stage.token("of-somebody-else"))
    }
}

fn known_bad(world: &World) {
    let attacked = Attacked::start(world, "envoy-known-bad");
    let (envoy, tokens) = (&attacked.stage.envoy, Tokens::of(&attacked.stage));
    let mut victim = attacked.victim();
    victim.many(16);
    let mut flood = Flood::start(&attacked.client, tokens::FEW);
    let count = |flood: &mut Flood, tokens: &(dyn Fn(usize) -> String + Sync), numbers| {
        let before = verified(envoy);
        flood.show(numbers, 401, tokens);
        verified(envoy) - before
    };
    let once = count(&mut flood, &|_| tokens.bad(0), 0..1000);
    assert!((1..=WORKERS as u64).contains(&once), "one bad token was verified {once} times by {WORKERS} workers");
    let distinct = count(&mut flood, &|number| tokens.bad(number), 1..3001);
    assert_eq!(distinct, 3000, "each of 3,000 others was verified once");
    assert_eq!(count(&mut flood, &|number| tokens.bad(number), 1..3001), 0, "and none of them again");
    let before = verified(envoy);
    victim.many(16);
    assert_eq!(verified(envoy) - before, 0, "they did not make the filter forget a good one");
}

fn distinct_tokens(world: &World) {
    let attacked = Attacked::start(world, "envoy-distinct-tokens");
    let (envoy, tokens) = (&attacked.stage.envoy, Tokens::of(&attacked.stage));
    let mut victim = attacked.victim();
    let mut flood = Flood::start(&attacked.client, tokens::FEW);
    let mut wave = |first: usize| {
        flood.show(first..first + 10_000, 200, &|number| tokens.good(number));
        victim.many(16);
        flood.show(first..first + 10_000, 401, &|number| tokens.bad(number));
        victim.many(16);
        memory(envoy)
    };
    let before = memory(envoy);
    let (once, again) = (wave(0), wave(10_000));
    eprintln!(
        "memory: {before:.0} MiB, {once:.0} MiB after 10,000 good and 10,000 bad tokens, {again:.0} MiB after others"
    );
    assert!(once - before < torture::TOKENS_MEMORY, "{before} MiB, then {once} MiB");
    assert!(again - once < AGAIN, "{once} MiB, then {again} MiB");
}

fn slow_connections(world: &World) {
    let attacked = Attacked::start(world, "envoy-slow");
    let mut victim = attacked.victim();
    let mut slow = Slow::open(&attacked.client, 1000);
    let held = connections(&attacked.stage.envoy);
    assert!(held >= 1000, "{held} connections are there");
    victim.many(100);
    let closed = slow.trickle_until_closed(&attacked.stage.envoy, &mut victim);
    assert!(closed < Duration::from_secs(30), "they are closed, whatever trickles, but only after {closed:?}");
}

fn cut_streams(world: &World) {
    let attacked = Attacked::start(world, "envoy-thousand-streams");
    let envoy = &attacked.stage.envoy;
    let mut victim = attacked.victim();
    let mut of_others = streams::open(&attacked.client, &attacked.stage.token("going-on"), 1);
    let mut waves = Vec::new();
    for wave in 0..2 {
        let sid = format!("wave-{wave}");
        let ended = envoy.metric("kubegate_streams_ended").unwrap();
        let mut open = streams::open(&attacked.client, &attacked.stage.token(&sid), 1000);
        streams::revoke(&attacked.stage, &sid, wave + 2);
        streams::until_ended(&mut open);
        assert_eq!(envoy.metric("kubegate_streams_ended").unwrap() - ended, 1000, "each was ended once");
        drop(streams::open(&attacked.client, &attacked.stage.token("hung-up"), 1000));
        until_at_most(envoy, requests, 1, "streams that nobody holds any more");
        victim.many(16);
        waves.push(memory(envoy));
    }
    eprintln!("memory after each wave of 2,000 streams: {waves:.0?} MiB");
    assert!(waves[1] - waves[0] < AGAIN, "{waves:?} MiB");
    streams::assert_open(&mut of_others[0]);
}
