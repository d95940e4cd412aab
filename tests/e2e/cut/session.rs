//! A stream lives as long as its session: longer than the token that opened it, however often the session gets another,
//! and no longer than a session may live at all.

use std::time::{Duration, Instant};

use kubegate_core::token::SessionClaims;
use kubegate_tests::issuer::now;
use kubegate_tests::poll;
use kubegate_tests::world::{CLUSTER, World};

use super::{PATIENCE, go_on_until, quiet_and_busy, reasons, until_ended};
use crate::stage::Stage;
use crate::suite::{Suite, TEAM};

/// How long the session lives on when the token has ended.
const REST: Duration = Duration::from_secs(3);

pub(super) fn ended(_: &Suite, world: &World) {
    let stage = Stage::start(world, "envoy-session-end", |_| {});
    let claims = stage.issuer.claims(CLUSTER, "alice@example.com", &["platform-admins"]);
    let pods = ["get", "pods", "-n", TEAM];
    // How long kubectl takes on this machine; the next ones find what it has kept.
    let began = Instant::now();
    stage.kubectl(&stage.token("another-session")).run(&pods).unwrap().ok().unwrap();
    let exp = now().after((began.elapsed() * 4).max(Duration::from_secs(3)));
    let session_exp = exp.after(REST);
    let first = stage.sign(&SessionClaims { exp, session_exp, ..claims.clone() });
    let next =
        stage.sign(&SessionClaims { exp: session_exp, session_exp, jti: "the-next".to_owned(), ..claims.clone() });
    let kubectl = stage.kubectl(&first);
    let mut streams = quiet_and_busy(&kubectl);

    poll::until("the end of the token", PATIENCE, || match stage.get(&first) {
        answer if answer.status == 401 && answer.body.contains("token-expired") => Ok(()),
        answer => Err(format!("{answer:?}")),
    })
    .unwrap();
    assert_eq!(stage.get(&next).status, 200, "the session lives, with another token");
    let (_, logs) = streams.last().unwrap();
    let seen = logs.stdout().len();
    poll::until("more of the log", REST, || if logs.stdout().len() > seen { Ok(()) } else { Err(logs.stderr()) })
        .unwrap();
    go_on_until(session_exp, &mut streams);

    let began = Instant::now();
    for (kind, stream) in &mut streams {
        until_ended(kind, stream, began);
    }
    assert_eq!(reasons(&stage.envoy, claims.sid.as_str(), 2), ["session-ended"; 2]);
    assert_eq!(stage.get(&next).status, 401, "no token outlives it");
}
