//! The keys that sign session tokens are replaced while people work: nobody loses a request.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_tests::person::Person;
use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{poll, raw};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::suite::{Suite, TEAM, Who, done};

/// How many people work at the same time, each with a helper of their own.
const PEOPLE: usize = 4;

/// How many requests each of them has under way.
const REQUESTS: usize = 4;

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test_alone("keys::a_rotation_under_load_drops_no_request", under_load),
        suite.test_alone("keys::an_urgent_rotation_refuses_old_tokens_and_asks_nobody_to_sign_in", urgent),
    ]
}

fn get(world: &World, token: &str) -> u16 {
    let authorization = format!("Authorization: Bearer {token}");
    let path = format!("/api/v1/namespaces/{TEAM}/pods");
    raw::get(&world.pki.ca, CLUSTER_HOST, world.port, &path, &[authorization.as_bytes()]).unwrap().status
}

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn signed_in(suite: &Suite, world: &World, who: Who) -> Person {
    let person = suite.person(world, who);
    done(person.kubegate(&["login"]));
    person
}

fn rotate(admin: &Person, arguments: &[&str]) -> String {
    let made = done(admin.kubegate(&[["admin", "keys", "rotate", "--json"].as_slice(), arguments].concat()));
    let made: Value = serde_json::from_str(&made).unwrap();
    made["kid"].as_str().unwrap().to_owned()
}

fn under_load(suite: &Suite, world: &mut World) {
    let world = &*world;
    let admin = signed_in(suite, world, Who::Admin);
    let people: Vec<Person> = (0..PEOPLE).map(|_| signed_in(suite, world, Who::Reader)).collect();
    let (stop, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (failed, seen) = (Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    let old = kid(&people[0].token().unwrap());
    std::thread::scope(|scope| {
        for person in &people {
            // Each turn begins with a new token, as if the one before had ended, and goes on with it for a while.
            let work = || {
                while !stop.load(Ordering::Relaxed) {
                    person.forget_token().unwrap();
                    let token = person.token().unwrap();
                    seen.lock().unwrap().insert(kid(&token));
                    std::thread::scope(|scope| {
                        for _ in 0..REQUESTS {
                            let requests = || {
                                for _ in 0..5 {
                                    let status = get(world, &token);
                                    sent.fetch_add(1, Ordering::Relaxed);
                                    if status != 200 {
                                        failed.lock().unwrap().push((status, kid(&token)));
                                    }
                                }
                            };
                            scope.spawn(requests);
                        }
                    });
                }
            };
            scope.spawn(work);
        }
        let next = rotate(&admin, &["--publish-for", "3s"]);
        assert_ne!(next, old);
        let patience = Instant::now() + Duration::from_secs(30);
        while !seen.lock().unwrap().contains(&next) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(50));
        }
        let enough = sent.load(Ordering::Relaxed) + PEOPLE * REQUESTS * 10;
        while sent.load(Ordering::Relaxed) < enough && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(50));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(seen.lock().unwrap().contains(&next), "tokens of the next key were used");
    });
    let (failed, sent) = (failed.into_inner().unwrap(), sent.into_inner());
    assert!(seen.into_inner().unwrap().contains(&old), "and of the one before");
    assert_eq!(failed, [], "of {sent} requests");
    assert!(sent > 100, "{sent} requests are no load");
}

fn urgent(suite: &Suite, world: &mut World) {
    let admin = signed_in(suite, world, Who::Admin);
    let person = signed_in(suite, world, Who::Reader);
    let token = person.token().unwrap();
    assert_eq!(get(world, &token), 200);
    let next = rotate(&admin, &["--now"]);
    // So often in a row that every worker of Envoy is asked.
    poll::until("the gateways to know", Duration::from_secs(5), || {
        let other = (0..8).map(|_| get(world, &token)).find(|status| *status != 401);
        other.map_or(Ok(()), |status| Err(format!("still {status}")))
    })
    .unwrap();
    assert_eq!(kid(&person.token().unwrap()), next, "the helper gets another one by itself");
    person.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
    assert_eq!(person.sign_ins().unwrap().len(), 1, "nobody signs in again");
    let listed = done(admin.kubegate(&["admin", "keys", "--json"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let of_sessions = listed["keys"].as_array().unwrap().iter().filter(|key| key["purpose"] == "session");
    let believed: Vec<_> = of_sessions.map(|key| (key["kid"].as_str(), key["state"].as_str())).collect();
    assert_eq!(believed, [(Some(&*next), Some("signing"))], "no other key is believed: {listed}");
}
