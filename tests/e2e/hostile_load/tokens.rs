//! Any number of tokens, each another, shown as fast as answers come.

use std::ops::Range;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::gateway::SESSION_PATH;
use kubegate_core::jws::SigningKey;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use kubegate_tests::raw::{self, Client, Connection};
use kubegate_tests::world::{CLUSTER, CLUSTER_HOST};

use super::victim::yield_to_others;
use crate::stage::Stage;

/// How many connections an attacker has who keeps all workers busy.
pub(super) const FEW: usize = 8;

/// Tokens by their number.
pub(super) struct Tokens<'s> {
    claims: SessionClaims,
    key: &'s SigningKey,
    header: String,
    signature: String,
}

impl<'s> Tokens<'s> {
    pub(super) fn of(stage: &'s Stage<'_>) -> Self {
        let claims = stage.issuer.claims(CLUSTER, "mallory@example.com", &["platform-admins"]);
        let good = stage.sign(&claims);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let header = signed.split('.').next().unwrap().to_owned();
        Self { claims, key: &stage.issuer.token_key, header, signature: signature.to_owned() }
    }

    pub(super) fn good(&self, number: usize) -> String {
        self.key.sign(SESSION_TYPE, &self.numbered(number)).unwrap()
    }

    /// With a genuine signature of something else under the right key: nothing but verifying it shows that it is bad.
    pub(super) fn bad(&self, number: usize) -> String {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&self.numbered(number)).unwrap());
        format!("{}.{payload}.{}", self.header, self.signature)
    }

    fn numbered(&self, number: usize) -> SessionClaims {
        SessionClaims { jti: format!("token-{number}"), ..self.claims.clone() }
    }
}

/// Connections that show tokens.
pub(super) struct Flood(Vec<Connection>);

impl Flood {
    pub(super) fn start(client: &Client, connections: usize) -> Self {
        Self((0..connections).map(|_| client.connect().unwrap()).collect())
    }

    /// Shows a token for each number, the same number always over the same connection, so to the same worker; every
    /// answer has this status.
    pub(super) fn show(&mut self, numbers: Range<usize>, status: u16, token: &(dyn Fn(usize) -> String + Sync)) {
        let lanes = self.0.len();
        thread::scope(|scope| {
            for (lane, connection) in self.0.iter_mut().enumerate() {
                let numbers = numbers.clone().filter(move |number| number % lanes == lane);
                scope.spawn(move || {
                    yield_to_others();
                    for number in numbers {
                        let answer = raw::ask(connection, &request(&token(number))).unwrap();
                        assert_eq!(answer.status, status, "{answer:?}");
                    }
                });
            }
        });
    }
}

/// A request that the filter answers itself, so that nothing but the filter is kept busy.
fn request(token: &str) -> Vec<u8> {
    format!("GET {SESSION_PATH} HTTP/1.1\r\nHost: {CLUSTER_HOST}\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}
