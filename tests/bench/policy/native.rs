//! `Gateway::decide` of core, compiled for this machine.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use kubegate_core::gateway::{Decision, Gateway};
use kubegate_core::inbound::Inbound;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use kubegate_tests::issuer::{self, Issuer};

use super::{Measured, Sized};
use crate::company::{HOST, Subject};
use crate::progress;

const ROUNDS: usize = 1001;

/// How many decisions are timed together: less than what a scheduler gives at once, so that most of them are undisturbed.
const BATCH: usize = 100;

/// How many tokens are shown for the first time.
const NEW_TOKENS: usize = 101;

/// Nanoseconds of a decision with policies of several sizes, round by round, the sizes in turn.
pub(super) struct Native {
    /// With a token that the gateway has seen before.
    pub(super) remembered: Vec<Measured>,
    /// With one that it has not: verified, and the rules found that concern its person.
    pub(super) first: Vec<Measured>,
}

pub(super) fn measure(issuer: &Issuer, policies: &[Sized]) -> Result<Native> {
    progress("decisions in core, natively", "10 s");
    let mut gateways: Vec<Gateway> =
        policies.iter().map(|policy| issuer.gateway(&policy.file)).collect::<Result<_>>()?;
    let headers = headers(issuer, "remembered")?;
    let remembered = in_turns(policies, &mut gateways, ROUNDS, |gateway, _| {
        // Back in the processor's caches, as it is when nobody else runs in between.
        decide(gateway, &headers, BATCH / 10)?;
        decide(gateway, &headers, BATCH)
    })?;
    let first = in_turns(policies, &mut gateways, NEW_TOKENS, |gateway, round| {
        decide(gateway, &self::headers(issuer, &format!("new-{round}"))?, 1)
    })?;
    Ok(Native { remembered, first })
}

/// Asks every gateway once a round, each time beginning with the next.
fn in_turns(
    policies: &[Sized],
    gateways: &mut [Gateway],
    rounds: usize,
    mut ask: impl FnMut(&mut Gateway, usize) -> Result<f64>,
) -> Result<Vec<Measured>> {
    let mut measured: Vec<Measured> =
        policies.iter().map(|policy| Measured { rules: policy.rules, costs: Vec::with_capacity(rounds) }).collect();
    for round in 0..rounds {
        for turn in 0..gateways.len() {
            let which = (round + turn) % gateways.len();
            if let (Some(gateway), Some(measured)) = (gateways.get_mut(which), measured.get_mut(which)) {
                measured.costs.push(ask(gateway, round)?);
            }
        }
    }
    Ok(measured)
}

/// The headers of the subject's request, with a token whose id is `id`.
fn headers(issuer: &Issuer, id: &str) -> Result<Vec<(&'static str, String)>> {
    let claims = SessionClaims { jti: id.to_owned(), ..Subject::claims(issuer) };
    let token = issuer.token_key.sign(SESSION_TYPE, &claims)?;
    let mut headers = vec![
        (":method", "GET".to_owned()),
        (":scheme", "https".to_owned()),
        (":authority", HOST.to_owned()),
        (":path", Subject::PATH.to_owned()),
        ("x-request-id", "0f4c1d5e-33a5-4c53-9d1b-6f8a7b2c4d5e".to_owned()),
    ];
    headers.extend(Subject::headers(&token));
    Ok(headers)
}

/// Nanoseconds of one of `count` decisions.
fn decide(gateway: &mut Gateway, headers: &[(&str, String)], count: usize) -> Result<f64> {
    let parse = || Inbound::parse(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let requests: Vec<Inbound<'_>> = (0..count).map(|_| parse()).collect::<Result<_, _>>()?;
    let now = issuer::now();
    let mut allowed = 0;
    let began = Instant::now();
    for request in requests {
        allowed += usize::from(matches!(black_box(gateway.decide(black_box(request), now)), Decision::Allow(_)));
    }
    let took = began.elapsed();
    ensure!(allowed == count, "only {allowed} of {count} requests are allowed");
    Ok(took.as_secs_f64() * 1e9 / count as f64)
}
