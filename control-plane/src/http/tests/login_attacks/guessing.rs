//! Guessing passwords, and keeping others out by guessing theirs.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use super::super::world::{Answer, PASSWORD, World, encode};

/// A sign-in with an account as a proxy passes it on: the client's own `X-Forwarded-For`, and what the proxy appends.
async fn sign_in(world: &World, user: &str, password: &str, forwarded: &str) -> Answer {
    let mut browser = world.browser();
    let csrf = browser.get("/login").await.hidden("csrf");
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Request::post("/login/accounts")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::COOKIE, cookies.join("; "))
        .header("x-forwarded-for", forwarded);
    let form = [("csrf", &*csrf), ("username", user), ("password", password)];
    world.send(request.body(Body::from(encode(&form))).unwrap()).await
}

#[tokio::test]
async fn who_guesses_waits_and_the_person_signs_in_meanwhile() {
    let world = World::new().await;
    for _ in 0..6 {
        sign_in(&world, "alice", "wrong", "203.0.113.66").await;
    }
    let slowed = sign_in(&world, "alice", PASSWORD, "203.0.113.66").await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS, "even the right one");
    // Alice herself elsewhere, once and again, also between two guesses.
    for _ in 0..3 {
        assert_eq!(sign_in(&world, "alice", PASSWORD, "192.0.2.7").await.status, StatusCode::SEE_OTHER);
        sign_in(&world, "alice", "wrong", "203.0.113.66").await;
    }
    let still = sign_in(&world, "alice", PASSWORD, "203.0.113.66").await;
    assert_eq!(still.status, StatusCode::TOO_MANY_REQUESTS, "her success wiped nothing out");
    world.clock.advance(Duration::from_secs(60));
    let later = sign_in(&world, "alice", PASSWORD, "203.0.113.66").await;
    assert_eq!(later.status, StatusCode::SEE_OTHER, "a delay, never a lockout");
}

#[tokio::test]
async fn a_forged_address_neither_gets_around_nor_pins_it_on_others() {
    let world = World::new().await;
    for guess in 0..6 {
        // What the client says of itself changes each time; the proxy appends the truth.
        sign_in(&world, "alice", "wrong", &format!("198.51.100.{guess}, 203.0.113.66")).await;
        sign_in(&world, "bob", "wrong", "192.0.2.7, 203.0.113.66").await;
        sign_in(&world, "bob", "wrong", "192.0.2.7, nonsense, 203.0.113.66").await;
    }
    let around = sign_in(&world, "alice", PASSWORD, "198.51.100.99, 203.0.113.66").await;
    assert_eq!(around.status, StatusCode::TOO_MANY_REQUESTS);
    let victim = sign_in(&world, "bob", PASSWORD, "192.0.2.7").await;
    assert_eq!(victim.status, StatusCode::SEE_OTHER, "bob's own address was only named");
    // A whole IPv6 network is one guesser.
    for guess in 0..7 {
        sign_in(&world, "alice", "wrong", &format!("2001:db8::{guess}")).await;
    }
    assert_eq!(sign_in(&world, "alice", PASSWORD, "2001:db8::ffff").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&world, "alice", PASSWORD, "2001:db8:0:1::1").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn many_guesses_at_once_are_slowed_down_as_well() {
    let world = World::new().await;
    let guesses = (0..40).map(|_| sign_in(&world, "alice", "wrong", "203.0.113.66"));
    let mut looked_at = 0;
    for answer in futures_of(guesses).await {
        looked_at += usize::from(answer.status == StatusCode::UNAUTHORIZED);
    }
    assert!(looked_at <= 7, "{looked_at} of 40 were looked at");
}

/// All at once, on one thread.
async fn futures_of<F: Future<Output = Answer>>(futures: impl Iterator<Item = F>) -> Vec<Answer> {
    use std::task::Poll;
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, answer) in running.iter_mut().filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(context) {
                *answer = Some(ready);
            }
        }
        if running.iter().all(|(_, answer)| answer.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, answer)| answer).collect()
}

#[test]
fn password_hashes_cost_what_owasp_asks_for() {
    use crate::accounts::{InvalidHash, check_hash, hash_password};
    let own = hash_password(&kubegate_core::secret::Secret::from("x")).unwrap();
    assert!(own.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{own}");
    assert_eq!(check_hash(&own), Ok(()));
    for (from, to, why) in [
        ("m=19456", "m=19455", InvalidHash::Weak),
        ("t=2", "t=1", InvalidHash::Weak),
        ("m=19456,t=2", "m=4096,t=3", InvalidHash::Weak),
        ("argon2id", "argon2i", InvalidHash::Algorithm),
        ("argon2id", "argon2d", InvalidHash::Algorithm),
    ] {
        assert_eq!(check_hash(&own.replace(from, to)), Err(why), "{to}");
    }
    assert_eq!(check_hash("$2b$12$abcdefghijklmnopqrstuu"), Err(InvalidHash::Form));
    assert!(InvalidHash::Weak.to_string().contains("m=19456,t=2"));
}
