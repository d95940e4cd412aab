//! A request that was allowed before is allowed again only as long as it would be if it were new.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const HOST: &str = "prod.example.com";

/// The grant of an allowed request, by which one that was remembered is told.
fn grant(fixture: &mut Fixture, now: Timestamp, token: &str, more: &[(&str, &str)]) -> Option<Rc<Grant>> {
    fixture.decide_once(now, HOST, token, "GET", PODS, more, |decision| match decision {
        Decision::Allow(allow) => Some(allow.grant),
        _ => None,
    })
}

fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

/// Whether a second request, so many seconds after the first, is answered from memory.
fn is_remembered(fixture: &mut Fixture, token: &str, seconds: u64) -> bool {
    let first = grant(fixture, NOW, token, &[]).unwrap();
    grant(fixture, later(seconds), token, &[]).is_some_and(|second| Rc::ptr_eq(&first, &second))
}

fn denying_when(condition: &str) -> Vec<Rule> {
    let mut rules = rules();
    let denying = json!({"name": "walls", "who": {"groups": ["readers"]}, "clusters": ["*"],
        "deny": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]});
    rules.push(serde_json::from_value(denying).unwrap());
    rules[2].when = Some(condition_of(condition));
    rules
}

#[test]
fn the_same_request_is_remembered_and_no_other_is_taken_for_it() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    assert!(is_remembered(&mut fixture, &bob, 5));
    assert_eq!(fixture.ask(&bob, "DELETE", PODS, &[]).unwrap_err(), (403, "no-rule"), "another method");
    assert_eq!(fixture.ask(&bob, "GET", "/api/v1/secrets", &[]).unwrap_err(), (403, "no-rule"), "another path");
    let answer = fixture.ask_at(NOW, "dev.example.com", &bob, "GET", PODS, &[]);
    assert_eq!(answer.unwrap_err(), (401, "token-audience"), "another host");
    assert_eq!(fixture.ask("", "GET", PODS, &[]).unwrap_err(), (401, "no-token"), "no token");
    let (head, tail) = bob.split_at(10);
    let forged = format!("{}x{tail}", &head[..9]);
    assert_eq!(fixture.ask(&forged, "GET", PODS, &[]).unwrap_err().0, 401, "another token with the same end");
    let shown = [("authorization", format!("Bearer Pomerium-{bob}"))];
    let shown: Vec<_> = shown.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(fixture.ask("", "GET", PODS, &shown).unwrap_err(), (401, "token-type"), "shown as another kind");
}

#[test]
fn only_what_is_the_same_is_taken_for_it() {
    let text = b"a text of some words, longer than eight bytes";
    assert!(super::super::memo::is_same(text, text));
    assert!(super::super::memo::is_same(b"", b""));
    for length in 0..text.len() {
        assert!(!super::super::memo::is_same(text, &text[..length]), "{length}");
        let mut other = *text;
        other[length] ^= 1;
        assert!(!super::super::memo::is_same(text, &other), "{length}");
    }
}

#[test]
fn being_somebody_else_is_judged_each_time() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    grant(&mut fixture, NOW, &bob, &[]).unwrap();
    assert!(grant(&mut fixture, NOW, &bob, &[("impersonate-user", "root")]).is_none());
    let guest = grant(&mut fixture, NOW, &bob, &[("impersonate-user", "guest-1")]).unwrap();
    assert_eq!(guest.add[0].1, "guest-1");
    assert_eq!(grant(&mut fixture, NOW, &bob, &[]).unwrap().add[0].1, "bob");
}

#[test]
fn it_ends_with_the_token_and_with_the_session() {
    let mut fixture = fixture();
    let mut bob = claims("bob", &["readers"]);
    grant(&mut fixture, NOW, &token(&bob), &[]).unwrap();
    assert!(grant(&mut fixture, later(599), &token(&bob), &[]).is_some());
    assert!(grant(&mut fixture, later(600), &token(&bob), &[]).is_none(), "the token has expired");
    bob.session_exp = later(60);
    grant(&mut fixture, NOW, &token(&bob), &[]).unwrap();
    assert!(grant(&mut fixture, later(60), &token(&bob), &[]).is_none(), "the session is over");
}

#[test]
fn it_is_judged_anew_by_a_clock_that_was_set_back() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    grant(&mut fixture, NOW, &bob, &[]).unwrap();
    let early = NOW.before(Duration::from_secs(100));
    assert!(grant(&mut fixture, early, &bob, &[]).is_none(), "the token has not begun");
}

#[test]
fn it_ends_when_the_live_set_is_stale() {
    let mut fixture = fixture();
    let mut bob = claims("bob", &["readers"]);
    bob.exp = later(7200);
    let bob = token(&bob);
    assert!(is_remembered(&mut fixture, &bob, 3599));
    assert!(grant(&mut fixture, later(3600), &bob, &[]).is_none());
}

#[test]
fn a_new_live_set_or_policy_is_asked() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    let first = grant(&mut fixture, NOW, &bob, &[]).unwrap();
    fixture.change(8, LiveEntries::default()).unwrap();
    let second = grant(&mut fixture, NOW, &bob, &[]).unwrap();
    assert!(!Rc::ptr_eq(&first, &second), "it was asked");
    let revoked = RevokedSession { sid: "s-1".into(), until: later(9000) };
    fixture.change(9, LiveEntries { sessions: vec![revoked], ..LiveEntries::default() }).unwrap();
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "session-revoked"));
    fixture.put_in_force(6, &rules()[..1], 10).unwrap();
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (403, "no-access"));
}

#[test]
fn it_ends_with_the_elevation_that_it_rests_on() {
    let mut fixture = fixture();
    let eve = token(&claims("eve", &[]));
    let elevation =
        json!({"id": "e-1", "person": "corp:eve", "cluster": "prod", "groups": ["readers"], "until": later(60)});
    let elevation = serde_json::from_value(elevation).unwrap();
    fixture.change(8, LiveEntries { elevations: vec![elevation], ..LiveEntries::default() }).unwrap();
    assert!(is_remembered(&mut fixture, &eve, 59));
    assert!(grant(&mut fixture, later(60), &eve, &[]).is_none());
}

#[test]
fn what_depends_on_the_time_is_asked_each_time() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    let condition = format!("now >= {}", later(60).seconds());
    fixture.put_in_force(6, &denying_when(&condition), 8).unwrap();
    assert!(!is_remembered(&mut fixture, &bob, 59));
    assert!(grant(&mut fixture, later(60), &bob, &[]).is_none());
    let mut demanding = rules();
    demanding[1].demand.auth_max_age = Some(60);
    fixture.put_in_force(7, &demanding, 9).unwrap();
    grant(&mut fixture, NOW, &bob, &[]).unwrap();
    assert!(grant(&mut fixture, later(200), &bob, &[]).is_none(), "the sign-in is too old");
}

#[test]
fn what_depends_on_the_place_is_asked_each_time() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    fixture.put_in_force(6, &denying_when("source.address == '192.0.2.2'"), 8).unwrap();
    let mut from = |source: &str| {
        let bearer = format!("Bearer {bob}");
        let headers = [(":method", "GET"), (":authority", HOST), (":path", PODS), ("authorization", &bearer)];
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let inbound = Inbound { source: source.to_owned(), ..Inbound::parse(headers).unwrap() };
        matches!(fixture.gateway.decide(inbound, NOW), Decision::Allow(_))
    };
    assert!(from("192.0.2.1"));
    assert!(!from("192.0.2.2"));
    assert!(from("192.0.2.1"));
}

#[test]
fn each_stream_keeps_its_own_time_and_place() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    fixture.put_in_force(6, &rules(), 8).unwrap();
    let first = fixture.stream(&bob, PODS, &[]);
    let second = fixture.stream(&bob, PODS, &[]);
    fixture.put_in_force(7, &rules()[..1], 9).unwrap();
    for stream in [first, second] {
        assert_eq!(fixture.gateway.stream_end(&stream, NOW), Some(StreamEnd::PolicyDenies));
    }
}
