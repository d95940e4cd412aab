//! Streams that ought to end with the access of whoever opened them.

use std::time::{Duration, Instant};

use kubegate_tests::kubectl::Session;
use kubegate_tests::person::Person;
use kubegate_tests::poll;

use super::sign_in::PLACE;
use crate::cut::PATIENCE;
use crate::suite::claims;

/// How long a stream may outlive what a provider told.
pub(super) const AT_ONCE: Duration = Duration::from_secs(2);

const WATCH: [&str; 6] = ["get", "configmaps", "-n", PLACE, "--watch", "--output-watch-events"];

/// A watch of a person's that has begun.
pub(super) fn watching(person: &Person) -> Session {
    let seen = format!("of-{}", claims(&person.token().unwrap()).jti.to_ascii_lowercase().replace('_', "-"));
    let seen = format!("{}-x", seen.trim_end_matches('-'));
    person.kubectl.run(&["create", "configmap", &seen, "-n", PLACE]).unwrap().ok().unwrap();
    let mut stream = person.kubectl.start(&WATCH).unwrap();
    stream.wait_for(&seen, PATIENCE).unwrap();
    stream
}

/// How long after now the stream ends.
pub(super) fn end_of(stream: &mut Session, patience: Duration) -> Duration {
    let began = Instant::now();
    let ended = poll::until("the end of the stream", patience, || match stream.ended() {
        Some(_) => Ok(began.elapsed()),
        None => Err(stream.stdout()),
    });
    ended.unwrap()
}

/// The stream ends now.
pub(super) fn ends_at_once(stream: &mut Session) {
    let took = end_of(stream, PATIENCE);
    assert!(took < AT_ONCE, "it ended only after {took:?}");
}

/// It is still open.
pub(super) fn goes_on(stream: &mut Session, whose: &str) {
    assert_eq!(stream.ended(), None, "the stream of {whose} goes on: {}", stream.stderr());
}
