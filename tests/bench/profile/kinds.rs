//! The kinds of requests that are told apart.

use anyhow::Result;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use kubegate_tests::issuer::Issuer;

use crate::company::{HOST, Subject};
use crate::load;

/// How many requests of a kind are counted.
const REQUESTS: usize = 200;

/// Requests that cost the same.
pub(super) struct Kind {
    /// Its name for scripts.
    pub(super) name: &'static str,
    /// Its name for people.
    pub(super) title: &'static str,
    /// The status that they get.
    pub(super) status: u16,
    /// Those that come first, and are not counted.
    pub(super) before: Vec<Vec<u8>>,
    /// Those that are counted.
    pub(super) counted: Vec<Vec<u8>>,
}

/// All kinds.
pub(super) fn all(issuer: &Issuer) -> Result<Vec<Kind>> {
    let elsewhere = "/api/v1/namespaces/checkout-00000-prod/secrets?limit=500";
    let first = (0..REQUESTS).map(|number| Ok(get(Subject::PATH, &token(issuer, &format!("new-{number}"), 5)?)));
    let kind = |name, title, status, request: Vec<u8>| Kind {
        name,
        title,
        status,
        before: vec![request.clone(); 2],
        counted: vec![request; REQUESTS],
    };
    let known = token(issuer, "known", 5)?;
    Ok(vec![
        kind("known_token", "known token", 200, get(Subject::PATH, &known)),
        Kind {
            name: "new_token",
            title: "new token",
            status: 200,
            before: Vec::new(),
            counted: first.collect::<Result<_>>()?,
        },
        kind("known_token_50_groups", "known token, 50 groups", 200, get(Subject::PATH, &token(issuer, "groups", 50)?)),
        kind("denied", "known token, denied", 403, get(elsewhere, &known)),
        kind("unauthenticated", "no token", 401, without_token()),
    ])
}

/// A session token with the id `id` and so many groups.
fn token(issuer: &Issuer, id: &str, groups: usize) -> Result<String> {
    let more = (Subject::GROUPS.len()..groups).map(|number| format!("mailing-list-{number:02}"));
    let mut claims = SessionClaims { jti: id.to_owned(), ..Subject::claims(issuer) };
    claims.groups.extend(more);
    Ok(issuer.token_key.sign(SESSION_TYPE, &claims)?)
}

fn get(path: &str, token: &str) -> Vec<u8> {
    load::get(HOST, path, &Subject::headers(token))
}

fn without_token() -> Vec<u8> {
    let headers = Subject::headers("").into_iter().filter(|(name, _)| *name != "authorization");
    load::get(HOST, Subject::PATH, &headers.collect::<Vec<_>>())
}
