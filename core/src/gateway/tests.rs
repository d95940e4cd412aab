#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;
use crate::bundle::{
    CHANGES_TYPE, ChangesDocument, LIVE_TYPE, LiveDocument, LiveEntries, NotBefore, POLICY_TYPE, PolicyDocument,
    PomeriumTokens, RevokedSession, hash, split,
};
use crate::inbound::InvalidInbound;
use crate::jws::SigningKey;
use crate::rule::Rule;
use crate::token::{ACCESS_TYPE, MAX_TOKEN, SESSION_TYPE, SessionClaims};

const ISSUER: &str = "https://kubegate.example.com";
const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn bundle_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn token_key() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

fn pomerium_key() -> SigningKey {
    SigningKey::from_seed([4; 32])
}

fn rules() -> Vec<Rule> {
    let rules = json!([
        {"name": "admins", "who": {"groups": ["admins"]}, "clusters": ["*"], "may": [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]},
        {"name": "readers", "who": {"groups": ["readers"]}, "clusters": ["*"], "may": [
            {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods"]},
            {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "names": ["guest-*"]},
            {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["groups"], "names": ["guests"]},
            {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["serviceaccounts"], "namespaces": ["ci"], "names": ["bot"]},
            {"verbs": ["impersonate"], "apiGroups": ["authentication.k8s.io"], "resources": ["userextras/scope"], "names": ["x"]},
            {"verbs": ["impersonate"], "apiGroups": ["authentication.k8s.io"], "resources": ["uids"], "names": ["u-7"]}]},
    ]);
    serde_json::from_value(rules).unwrap()
}

fn policy_document(counter: u64, parts: &[String]) -> PolicyDocument {
    let clusters = json!([
        {"name": "prod", "hosts": ["prod.example.com"], "server": "https://prod.example.com"},
        {"name": "dev", "hosts": ["dev.example.com"], "server": "https://dev.example.com"},
    ]);
    PolicyDocument {
        issuer: ISSUER.to_owned(),
        version: Version { epoch: 0, counter },
        keys: vec![token_key().public().clone()],
        clusters: serde_json::from_value(clusters).unwrap(),
        parts: parts.iter().map(|part| hash(part)).collect(),
        pomerium: Some(PomeriumTokens { keys: vec![pomerium_key().public().clone()], clusters: vec!["prod".into()] }),
    }
}

fn live_set(counter: u64, entries: LiveEntries) -> String {
    bundle_key().sign(LIVE_TYPE, &LiveDocument { version: Version { epoch: 0, counter }, entries }).unwrap()
}

fn changes_document(policy: &str, live: &str, counter: u64) -> ChangesDocument {
    ChangesDocument {
        version: Version { epoch: 0, counter },
        policy: hash(policy),
        live: hash(live),
        issued_at: NOW,
        ..ChangesDocument::default()
    }
}

fn sign_changes(changes: &ChangesDocument) -> String {
    bundle_key().sign(CHANGES_TYPE, changes).unwrap()
}

struct Fixture {
    gateway: Gateway,
    policy: String,
    live: String,
}

fn fixture() -> Fixture {
    let keys = Keys::new([bundle_key().public()]).unwrap();
    let gateway = Gateway::new(ISSUER.to_owned(), keys, Duration::from_secs(3600));
    let mut fixture = Fixture { gateway, policy: String::new(), live: String::new() };
    fixture.put_in_force(5, &rules(), 7).unwrap();
    fixture
}

fn claims(user: &str, groups: &[&str]) -> SessionClaims {
    serde_json::from_value(json!({
        "iss": ISSUER, "sub": format!("corp:{user}"), "aud": "prod", "exp": 1_000_600, "nbf": 999_970, "iat": 1_000_000,
        "jti": "j", "sid": "s-1", "session_exp": 1_040_000, "auth_time": 999_990, "provider": "corp", "user": user,
        "uid": "u-1", "groups": groups, "claims": {},
    }))
    .unwrap()
}

fn token(claims: &SessionClaims) -> String {
    token_key().sign(SESSION_TYPE, claims).unwrap()
}

impl Fixture {
    fn ask(
        &mut self,
        token: &str,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
    ) -> Result<Vec<Header>, (u16, &'static str)> {
        self.ask_at(NOW, "prod.example.com", token, method, path, more)
    }

    fn ask_at(
        &mut self,
        now: Timestamp,
        host: &str,
        token: &str,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
    ) -> Result<Vec<Header>, (u16, &'static str)> {
        self.decide(now, host, token, method, path, more, |decision| match decision {
            Decision::Allow(allow) => {
                assert!(token.is_empty() || allow.remove.contains(&"authorization"));
                Ok(allow
                    .replace
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .chain(allow.audit_id.map(|id| ("audit-id".to_owned(), id.to_owned())))
                    .chain(allow.grant.add.to_vec())
                    .collect())
            }
            Decision::ControlPlane(asked) => {
                assert_eq!(asked.record.decision, "local");
                Err((0, asked.record.reason))
            }
            Decision::Answer(answer) => Err((answer.status, answer.record.reason)),
        })
    }

    /// What `read` makes of the decision. It is asked twice: what was remembered must be as good.
    #[allow(clippy::too_many_arguments, reason = "a request is made of all of them")]
    fn decide<T>(
        &mut self,
        now: Timestamp,
        host: &str,
        token: &str,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        read: impl FnOnce(Decision<'_>) -> T,
    ) -> T {
        let is_allowed = |decision: Decision<'_>| matches!(decision, Decision::Allow(_));
        let first = self.decide_once(now, host, token, method, path, more, is_allowed);
        self.decide_once(now, host, token, method, path, more, |decision| {
            assert_eq!(matches!(decision, Decision::Allow(_)), first);
            read(decision)
        })
    }

    #[allow(clippy::too_many_arguments, reason = "a request is made of all of them")]
    fn decide_once<T>(
        &mut self,
        now: Timestamp,
        host: &str,
        token: &str,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        read: impl FnOnce(Decision<'_>) -> T,
    ) -> T {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![(":method", method), (":authority", host), (":path", path), ("x-request-id", "r-1")];
        if !token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        headers.extend_from_slice(more);
        let inbound = Inbound::parse(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))).unwrap();
        read(self.gateway.decide(inbound, now))
    }

    /// What a client is told that may not.
    fn told(&mut self, token: &str, method: &str, path: &str) -> String {
        self.decide(NOW, "prod.example.com", token, method, path, &[], |decision| match decision {
            Decision::Answer(answer) => {
                let status: serde_json::Value = serde_json::from_str(&answer.body.text).unwrap();
                status["message"].as_str().unwrap().to_owned()
            }
            other => panic!("{other:?}"),
        })
    }

    /// What the access log says of a request, and what its client is told, if it is refused.
    fn recorded(&mut self, token: &str, path: &str, more: &[(&str, &str)]) -> (Record, String) {
        self.decide(NOW, "prod.example.com", token, "GET", path, more, |decision| match decision {
            Decision::Allow(allow) => (allow.grant.record.clone(), String::new()),
            Decision::ControlPlane(asked) => (asked.record, String::new()),
            Decision::Answer(answer) => (answer.record, answer.body.text),
        })
    }

    /// An open stream.
    fn stream(&mut self, token: &str, path: &str, more: &[(&str, &str)]) -> Box<Stream> {
        self.decide(NOW, "prod.example.com", token, "GET", path, more, |decision| match decision {
            Decision::Allow(allow) => allow.stream,
            other => panic!("{other:?}"),
        })
    }

    /// Offers a policy, all its parts, and a live set without entries.
    fn put_in_force(&mut self, counter: u64, rules: &[Rule], live_counter: u64) -> Result<(), InvalidBundle> {
        let parts = split(rules).unwrap();
        let policy = bundle_key().sign(POLICY_TYPE, &policy_document(counter, &parts)).unwrap();
        let live = live_set(live_counter, LiveEntries::default());
        let changes = sign_changes(&changes_document(&policy, &live, live_counter));
        let parts = parts.iter().map(String::as_str).collect();
        let documents = Documents { policy: Some(&policy), parts, live: Some(&live), changes: Some(&changes) };
        self.gateway.accept(&documents)?;
        (self.policy, self.live) = (policy, live);
        Ok(())
    }

    /// Offers another live set.
    fn renew_live(&mut self, counter: u64, change: impl FnOnce(&mut LiveEntries)) -> Result<(), InvalidBundle> {
        let mut entries = LiveEntries::default();
        change(&mut entries);
        let live = live_set(counter, entries);
        let changes = sign_changes(&changes_document(&self.policy, &live, counter));
        let documents = Documents { live: Some(&live), changes: Some(&changes), ..Documents::default() };
        self.gateway.accept(&documents)?;
        self.live = live;
        Ok(())
    }

    /// Offers changes to the live set in force.
    fn change(&mut self, counter: u64, entries: LiveEntries) -> Result<(), InvalidBundle> {
        let changes = ChangesDocument { entries, ..changes_document(&self.policy, &self.live, counter) };
        self.gateway.accept(&Documents { changes: Some(&sign_changes(&changes)), ..Documents::default() })
    }
}

const PODS: &str = "/api/v1/namespaces/x/pods";

#[test]
fn an_allowed_request_is_impersonated() {
    let headers = fixture().ask(&token(&claims("bob", &["readers", "b"])), "GET", PODS, &[]).unwrap();
    let expected = [
        ("audit-id", "r-1"),
        ("impersonate-user", "bob"),
        ("impersonate-group", "b"),
        ("impersonate-group", "readers"),
        ("impersonate-group", "system:authenticated"),
        ("impersonate-uid", "u-1"),
        ("impersonate-extra-kubegate.io%2fsession", "s-1"),
        ("impersonate-extra-kubegate.io%2fcluster", "prod"),
        ("impersonate-extra-kubegate.io%2fprovider", "corp"),
        ("impersonate-extra-kubegate.io%2fauth-time", "999990"),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn what_is_refused_and_why() {
    let bob = token(&claims("bob", &["readers"]));
    let stranger = token(&claims("eve", &[]));
    let foreign = SigningKey::from_seed([9; 32]).sign(SESSION_TYPE, &claims("bob", &["admins"])).unwrap();
    let access = token_key().sign(ACCESS_TYPE, &claims("bob", &["admins"])).unwrap();
    let other = |change: fn(&mut SessionClaims)| {
        let mut claims = claims("bob", &["admins"]);
        change(&mut claims);
        token(&claims)
    };
    let tampered = format!("{}x{}", &bob[..bob.len() - 10], &bob[bob.len() - 9..]);
    let mut fixture = fixture();
    for (token, method, path, expected) in [
        (bob.as_str(), "DELETE", PODS, (403, "no-rule")),
        (&stranger, "GET", PODS, (403, "no-access")),
        ("", "GET", PODS, (401, "no-token")),
        ("", "GET", "/healthz", (401, "no-token")),
        ("garbage", "GET", PODS, (401, "token-malformed")),
        (&"x".repeat(MAX_TOKEN + 1), "GET", PODS, (401, "token-malformed")),
        (&foreign, "GET", PODS, (401, "token-key")),
        (&access, "GET", PODS, (401, "token-type")),
        (&tampered, "GET", PODS, (401, "token-signature")),
        (&other(|claims| claims.aud = "dev".into()), "GET", PODS, (401, "token-audience")),
        (&other(|claims| claims.iss = "https://evil".to_owned()), "GET", PODS, (401, "token-issuer")),
        (&other(|claims| claims.exp = NOW), "GET", PODS, (401, "token-expired")),
        (&other(|claims| claims.session_exp = NOW), "GET", PODS, (401, "token-expired")),
        (&other(|claims| claims.nbf = NOW.after(Duration::from_secs(31))), "GET", PODS, (401, "token-not-yet-valid")),
        (&other(|claims| claims.user = "system:admin".to_owned()), "GET", PODS, (401, "token-name")),
        (&other(|claims| claims.user = String::new()), "GET", PODS, (401, "token-name")),
        (&other(|claims| claims.groups = vec!["a,system:masters".to_owned()]), "GET", PODS, (401, "token-name")),
        (&bob, "GET", "/api/v1/../secrets", (400, "bad-path")),
        (&bob, "GET", "/api%2fv1", (400, "bad-path")),
        (&bob, "CONNECT", PODS, (400, "bad-method")),
        (&bob, "GET", "/.kubegate/other", (404, "unknown-path")),
        (&bob, "POST", SESSION_PATH, (404, "unknown-path")),
        (&bob, "GET", SESSION_PATH, (200, "own-path")),
    ] {
        assert_eq!(fixture.ask(token, method, path, &[]).unwrap_err(), expected, "{method} {path} {token}");
    }
    let unknown = fixture.ask_at(NOW, "other.example.com", &bob, "GET", PODS, &[]);
    assert_eq!(unknown.unwrap_err(), (404, "unknown-host"));
    let elsewhere = fixture.ask_at(NOW, "dev.example.com", &bob, "GET", PODS, &[]);
    assert_eq!(elsewhere.unwrap_err(), (401, "token-audience"));
}

#[test]
fn a_remembered_token_still_ends() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    assert!(fixture.ask(&bob, "GET", PODS, &[]).is_ok());
    let later = NOW.after(Duration::from_secs(600));
    let answer = fixture.ask_at(later, "prod.example.com", &bob, "GET", PODS, &[]);
    assert_eq!(answer.unwrap_err(), (401, "token-expired"));
}

#[test]
fn revocations_count_at_once() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    assert!(fixture.ask(&bob, "GET", PODS, &[]).is_ok());
    let until = NOW.after(Duration::from_secs(600));
    fixture.renew_live(8, |live| live.sessions.push(RevokedSession { sid: "s-1".into(), until })).unwrap();
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "session-revoked"));
    assert_eq!(fixture.ask(&bob, "GET", SESSION_PATH, &[]).unwrap_err(), (401, "session-revoked"));
    fixture.renew_live(9, |_| {}).unwrap();
    assert!(fixture.ask(&bob, "GET", PODS, &[]).is_ok());
    let not_before = NOW.after(Duration::from_secs(1));
    fixture
        .renew_live(10, |live| live.people.push(NotBefore { person: "corp:bob".into(), not_before, until }))
        .unwrap();
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "user-revoked"));
}

#[test]
fn a_policy_change_counts_for_tokens_in_hand() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    let mut partial = claims("bob", &["readers"]);
    partial.groups_policy = Some(Version { epoch: 0, counter: 5 });
    let partial = token(&partial);
    assert!(fixture.ask(&bob, "GET", PODS, &[]).is_ok());
    assert!(fixture.ask(&partial, "GET", PODS, &[]).is_ok());
    fixture.put_in_force(6, &rules()[..1], 8).unwrap();
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (403, "no-access"));
    assert_eq!(fixture.ask(&partial, "GET", PODS, &[]).unwrap_err(), (401, "policy-newer-than-token"));

    let by_claim = json!([{"name": "c", "who": {"claims": {"dept": ["sre"]}}, "clusters": ["*"]}]);
    fixture.put_in_force(7, &serde_json::from_value::<Vec<Rule>>(by_claim).unwrap(), 9).unwrap();
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "policy-newer-than-token"));
}

#[test]
fn a_withdrawn_token_key_counts_for_tokens_in_hand() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    assert!(fixture.ask(&bob, "GET", PODS, &[]).is_ok());
    let mut document = policy_document(6, &split(&rules()).unwrap());
    document.keys = vec![SigningKey::from_seed([3; 32]).public().clone()];
    let policy = bundle_key().sign(POLICY_TYPE, &document).unwrap();
    let changes = sign_changes(&changes_document(&policy, &fixture.live, 8));
    let documents = Documents { policy: Some(&policy), changes: Some(&changes), ..Documents::default() };
    fixture.gateway.accept(&documents).expect("its parts and the live set are in force already");
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "token-key"));
}

#[test]
fn a_worse_bundle_is_refused_and_the_good_one_stays() {
    let mut fixture = fixture();
    let parts = split(&rules()).unwrap();
    let held = fixture.live.clone();
    let changes = |policy: &str, live: &str, counter| sign_changes(&changes_document(policy, live, counter));
    let sign = |document: &PolicyDocument| bundle_key().sign(POLICY_TYPE, document).unwrap();
    let older = sign(&policy_document(4, &parts));
    let forged = SigningKey::from_seed([9; 32]).sign(POLICY_TYPE, &policy_document(9, &parts)).unwrap();
    let foreign = sign(&PolicyDocument { issuer: "https://other".to_owned(), ..policy_document(9, &parts) });
    let no_part = sign(&policy_document(9, &["[]".to_owned()]));
    let bad_part = sign(&policy_document(9, &[r#"[{"name": "x", "unknown": 1}]"#.to_owned()]));
    let same_version = sign(&policy_document(5, &[]));
    let truncated = &fixture.policy[..fixture.policy.len() / 2];
    let other_live = live_set(8, LiveEntries::default());
    let forged_changes =
        SigningKey::from_seed([9; 32]).sign(CHANGES_TYPE, &changes_document(&fixture.policy, &held, 8)).unwrap();
    for (policy, parts, live, changes) in [
        (Some(older.as_str()), vec![], None, changes(&older, &held, 8)),
        (Some(&forged), vec![], None, changes(&forged, &held, 8)),
        (Some(&foreign), vec![], None, changes(&foreign, &held, 8)),
        (Some(&no_part), vec![], None, changes(&no_part, &held, 8)),
        (Some(&bad_part), vec![r#"[{"name": "x", "unknown": 1}]"#], None, changes(&bad_part, &held, 8)),
        (Some(&same_version), vec![], None, changes(&same_version, &held, 8)),
        (Some(truncated), vec![], None, changes(truncated, &held, 8)),
        (None, vec![], None, changes(&fixture.policy, &held, 6)),
        (None, vec![], None, changes(&older, &held, 8)),
        (None, vec![], None, changes(&fixture.policy, &other_live, 8)),
        (None, vec![], Some(other_live.as_str()), changes(&fixture.policy, &held, 8)),
        (None, vec![], None, forged_changes),
        (None, vec![], None, fixture.policy.clone()),
        (None, vec![], None, fixture.live.clone()),
        (None, vec![], None, String::new()),
    ] {
        let documents = Documents { policy, parts, live, changes: Some(&changes) };
        assert!(fixture.gateway.accept(&documents).is_err(), "{documents:?}");
    }
    let alone = Documents { policy: Some(&no_part), parts: vec!["[]"], ..Documents::default() };
    assert_eq!(fixture.gateway.accept(&alone), Err(InvalidBundle::Incomplete), "nothing says that it is fresh");
    assert!(fixture.ask(&token(&claims("bob", &["readers"])), "GET", PODS, &[]).is_ok());
    assert_eq!(fixture.gateway.versions().unwrap().1.counter, 7);
}

#[test]
fn changes_belong_to_their_live_set() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    let until = NOW.after(Duration::from_secs(600));
    let revoked = || vec![RevokedSession { sid: "s-1".into(), until }];
    fixture.change(8, LiveEntries { sessions: revoked(), ..LiveEntries::default() }).unwrap();
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "session-revoked"));
    for counter in [7, 8] {
        let older = fixture.change(counter, LiveEntries::default());
        assert!(matches!(older, Err(InvalidBundle::NotNewer { .. })), "of a version there is one document: {older:?}");
    }
    let alone = fixture.live.clone();
    let alone = fixture.gateway.accept(&Documents { live: Some(&alone), ..Documents::default() });
    assert_eq!(alone, Err(InvalidBundle::Incomplete), "a live set without its changes");
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "session-revoked"));

    let before = fixture.live.clone();
    fixture.renew_live(9, |live| live.sessions = revoked()).unwrap();
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "session-revoked"));
    fixture.live = before;
    assert_eq!(fixture.change(10, LiveEntries::default()), Err(InvalidBundle::OtherLive));
    let tag = fixture.gateway.tag().unwrap();
    assert_eq!((tag.live.counter, tag.changes.counter), (9, 9));
}

#[test]
fn elevations_add_groups_for_a_while() {
    let mut fixture = fixture();
    let eve = token(&claims("eve", &["b"]));
    let other = token(&claims("bob", &["b"]));
    let until = NOW.after(Duration::from_secs(60));
    let elevation = |cluster: &str, groups: &[&str], until| Elevation {
        id: "e-1".into(),
        person: "corp:eve".into(),
        cluster: cluster.into(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        until,
        ended: false,
    };
    let entries = |elevation| LiveEntries { elevations: vec![elevation], ..LiveEntries::default() };
    assert_eq!(fixture.ask(&eve, "GET", PODS, &[]).unwrap_err(), (403, "no-access"));
    fixture.change(8, entries(elevation("dev", &["readers"], until))).unwrap();
    assert_eq!(fixture.ask(&eve, "GET", PODS, &[]).unwrap_err(), (403, "no-access"), "on another cluster");
    fixture.change(9, entries(elevation("prod", &["readers"], until))).unwrap();
    let headers = fixture.ask(&eve, "GET", PODS, &[]).unwrap();
    assert!(headers.contains(&("impersonate-group".to_owned(), "readers".to_owned())), "{headers:?}");
    assert_eq!(fixture.ask(&other, "GET", PODS, &[]).unwrap_err(), (403, "no-access"), "somebody else");

    let stream = |fixture: &mut Fixture| fixture.stream(&eve, "/api/v1/pods?watch=1", &[]);
    let (watch, discovery) = (stream(&mut fixture), fixture.stream(&eve, "/version", &[]));
    let (before, after) = (until.before(Duration::from_secs(1)), until);
    assert_eq!(fixture.gateway.stream_end(&watch, before), None);
    assert_eq!(fixture.gateway.stream_end(&watch, after), Some(StreamEnd::ElevationEnded));
    let seen = fixture.gateway.stream_end(&discovery, after);
    assert_eq!(seen, Some(StreamEnd::ElevationEnded), "the API server judged it by a group that is gone");
    let answer = fixture.ask_at(after, "prod.example.com", &eve, "GET", PODS, &[]);
    assert_eq!(answer.unwrap_err(), (403, "no-access"), "it ends by itself");

    fixture.change(10, entries(elevation("prod", &["readers", "more"], until))).unwrap();
    assert!(
        fixture.ask(&eve, "GET", PODS, &[]).unwrap().contains(&("impersonate-group".to_owned(), "more".to_owned()))
    );
    assert_eq!(fixture.gateway.stream_end(&watch, before), None, "more groups end nothing");
    fixture.change(11, entries(elevation("prod", &["readers", "more"], NOW))).unwrap();
    assert_eq!(fixture.gateway.stream_end(&watch, before), Some(StreamEnd::ElevationEnded), "ended early");
    let told = fixture.told(&eve, "GET", PODS);
    assert!(told.contains("your elevation to readers, more ended"), "{told}");

    fixture.change(12, entries(elevation("prod", &["readers", "more"], until))).unwrap();
    assert_eq!(fixture.gateway.stream_end(&watch, before), None);
    let ended = Elevation { ended: true, ..elevation("prod", &["readers", "more"], until) };
    fixture.change(13, entries(ended)).unwrap();
    assert_eq!(
        fixture.gateway.stream_end(&watch, before),
        Some(StreamEnd::ElevationEnded),
        "ended early, by a clock that is ahead of this one"
    );
    assert_eq!(fixture.ask(&eve, "GET", PODS, &[]).unwrap_err(), (403, "no-access"));

    let hostile = fixture.change(14, entries(elevation("prod", &["a,system:masters"], until)));
    assert!(matches!(hostile, Err(InvalidBundle::Elevation { .. })), "{hostile:?}");
}

#[test]
fn a_refusal_names_the_sign_in_that_is_needed() {
    let mut fixture = fixture();
    let demanding = json!([{"name": "shells", "who": {"groups": ["readers"]}, "clusters": ["*"],
        "demand": {"auth_max_age": 5, "acr": ["phr"]}, "may": [
            {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"]}]}]);
    fixture.put_in_force(6, &serde_json::from_value::<Vec<Rule>>(demanding).unwrap(), 8).unwrap();
    let exec = "/api/v1/namespaces/x/pods/p/exec?command=sh";
    let bob = token(&claims("bob", &["readers"]));
    assert_eq!(fixture.ask(&bob, "GET", exec, &[]).unwrap_err(), (403, "step-up"));
    let mut old = claims("bob", &["readers"]);
    old.auth_time = NOW.before(Duration::from_secs(90));
    let told = fixture.told(&token(&old), "GET", exec);
    assert!(told.contains("at most 5s old (yours is 90 seconds old) and of the class phr (yours is none)"), "{told}");
    assert!(told.ends_with("run: kubegate login --acr phr --max-age 5s"), "{told}");
    let mut renewed = claims("bob", &["readers"]);
    (renewed.auth_time, renewed.acr) = (NOW, Some("phr".to_owned()));
    let renewed = token(&renewed);
    let shell = fixture.stream(&renewed, exec, &[]);
    let later = NOW.after(Duration::from_secs(3600));
    fixture.put_in_force(7, &rules(), 9).unwrap();
    assert_eq!(fixture.gateway.stream_end(&shell, later), Some(StreamEnd::PolicyDenies));
    let answer =
        fixture.ask_at(later.before(Duration::from_secs(3500)), "prod.example.com", &renewed, "GET", exec, &[]);
    assert_eq!(answer.unwrap_err().1, "no-rule");
}

#[test]
fn a_stream_is_judged_as_of_its_opening() {
    let mut fixture = fixture();
    let demanding = |name: &str| {
        let rules = json!([{"name": name, "who": {"groups": ["readers"]}, "clusters": ["*"], "demand": {"auth_max_age": 60},
            "may": [{"verbs": ["watch"], "apiGroups": [""], "resources": ["pods"]}]}]);
        serde_json::from_value::<Vec<Rule>>(rules).unwrap()
    };
    fixture.put_in_force(6, &demanding("a"), 8).unwrap();
    let watch = fixture.stream(&token(&claims("bob", &["readers"])), "/api/v1/pods?watch=1", &[]);
    fixture.put_in_force(7, &demanding("b"), 9).unwrap();
    assert_eq!(fixture.gateway.stream_end(&watch, NOW.after(Duration::from_secs(3600))), None);
}

#[test]
fn a_stream_whose_source_was_not_asked_for_ends_when_a_rule_about_it_concerns_its_person() {
    let with = |who: &str, condition: &str| {
        let mut rules = rules();
        let denying = json!({"name": "places", "who": {"groups": [who]}, "clusters": ["*"],
            "deny": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]});
        rules.push(serde_json::from_value(denying).unwrap());
        rules[2].when = Some(condition_of(condition));
        rules
    };
    let mut fixture = fixture();
    let watch = fixture.stream(&token(&claims("bob", &["readers"])), "/api/v1/pods?watch=1", &[]);
    fixture.put_in_force(6, &with("admins", "source.address == '192.0.2.1'"), 8).unwrap();
    assert_eq!(fixture.gateway.stream_end(&watch, NOW), None, "it concerns others");
    fixture.put_in_force(7, &with("readers", "request.verb == 'delete'"), 9).unwrap();
    assert_eq!(fixture.gateway.stream_end(&watch, NOW), None, "it is not about the source");
    fixture.put_in_force(8, &with("readers", "source.address == '192.0.2.1'"), 10).unwrap();
    assert_eq!(fixture.gateway.stream_end(&watch, NOW), Some(StreamEnd::PolicyDenies));
}

/// `variable == 'value'` or `now >= seconds`, as the bundle carries it.
fn condition_of(text: &str) -> crate::condition::Condition {
    let tree = if let Some(seconds) = text.strip_prefix("now >= ") {
        json!({"call": {"name": "_>=_", "with": [{"ident": "now"}, {"int": seconds.parse::<i64>().unwrap()}]}})
    } else {
        let (name, value) = text.split_once(" == ").unwrap();
        let (object, field) = name.split_once('.').unwrap();
        let name = json!({"select": {"of": {"ident": object}, "field": field}});
        json!({"call": {"name": "_==_", "with": [name, {"text": value.trim_matches('\'')}]}})
    };
    serde_json::from_value(json!({"text": text, "tree": tree})).unwrap()
}

#[test]
fn a_claim_that_rules_about_others_ask_for_ends_no_stream() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    let watch = fixture.stream(&bob, "/api/v1/pods?watch=1", &[]);
    let asking = |who: serde_json::Value, clusters: &str| {
        let mut rules = rules();
        let rule = json!({"name": "sre", "who": who, "clusters": [clusters],
            "may": [{"verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]}]});
        rules.push(serde_json::from_value(rule).unwrap());
        rules
    };
    for (counter, who, clusters) in [
        (6, json!({"claims": {"team": ["sre"]}}), "dev"),
        (7, json!({"users": ["ann"], "claims": {"team": ["sre"]}}), "*"),
    ] {
        fixture.put_in_force(counter, &asking(who, clusters), counter + 2).unwrap();
        assert_eq!(fixture.gateway.stream_end(&watch, NOW), None);
        assert!(fixture.ask(&bob, "GET", PODS, &[]).is_ok());
    }
    fixture.put_in_force(8, &asking(json!({"claims": {"team": ["sre"]}}), "*"), 10).unwrap();
    assert_eq!(fixture.gateway.stream_end(&watch, NOW), Some(StreamEnd::PolicyNewer));
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (401, "policy-newer-than-token"));
}

#[test]
fn being_somebody_else_may_need_a_fresher_sign_in_or_be_on_trial() {
    let mut fixture = fixture();
    let mut changed = rules();
    changed[1].demand.auth_max_age = Some(60);
    let on_trial = json!({"name": "no guests", "who": {"groups": ["readers"]}, "clusters": ["*"], "audit_only": true,
        "deny": [{"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"]}]});
    changed.push(serde_json::from_value(on_trial).unwrap());
    let reading = json!({"name": "reading", "who": {"groups": ["readers"]}, "clusters": ["*"],
        "may": [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}]});
    changed.push(serde_json::from_value(reading).unwrap());
    fixture.put_in_force(6, &changed, 8).unwrap();
    let as_guest = [("impersonate-user", "guest-1")];
    let mut bob = claims("bob", &["readers"]);
    let (record, _) = fixture.recorded(&token(&bob), PODS, &as_guest);
    assert_eq!((record.decision, record.would_deny.as_str()), ("allow", "no guests"));
    bob.auth_time = NOW.before(Duration::from_secs(300));
    let (record, told) = fixture.recorded(&token(&bob), PODS, &as_guest);
    assert_eq!((record.reason, record.rule.as_str()), ("step-up", "readers"));
    assert!(told.contains("may not impersonate the user") && told.contains("kubegate login --max-age 1m"), "{told}");
}

#[test]
fn streams_of_tokens_that_lack_what_a_new_policy_asks_end() {
    let mut fixture = fixture();
    let mut partial = claims("bob", &["readers"]);
    partial.groups_policy = Some(Version { epoch: 0, counter: 5 });
    let partial = fixture.stream(&token(&partial), "/api/v1/pods?watch=1", &[]);
    let complete = fixture.stream(&token(&claims("ann", &["readers"])), "/api/v1/pods?watch=1", &[]);
    let mut changed = rules();
    changed[0].clusters = vec!["dev".into()];
    fixture.put_in_force(6, &changed, 8).unwrap();
    assert_eq!(fixture.gateway.stream_end(&partial, NOW), Some(StreamEnd::PolicyNewer));
    assert_eq!(fixture.gateway.stream_end(&complete, NOW), None);
    changed[1].groups.pass = Some(vec!["others".into()]);
    fixture.put_in_force(7, &changed, 9).unwrap();
    assert_eq!(fixture.gateway.stream_end(&complete, NOW), Some(StreamEnd::GroupsWithdrawn));
}

#[test]
fn without_a_fresh_bundle_nothing_passes() {
    let keys = Keys::new([bundle_key().public()]).unwrap();
    let gateway = Gateway::new(ISSUER.to_owned(), keys, Duration::from_secs(3600));
    let bob = token(&claims("bob", &["admins"]));
    let mut empty = Fixture { gateway, policy: String::new(), live: String::new() };
    assert_eq!(empty.ask(&bob, "GET", PODS, &[]).unwrap_err(), (503, "no-policy"));
    let later = NOW.after(Duration::from_secs(3600));
    let answer = fixture().ask_at(later, "prod.example.com", &bob, "GET", PODS, &[]);
    assert_eq!(answer.unwrap_err(), (503, "stale-live-set"));
    let mut renewed = fixture();
    renewed.change(8, LiveEntries::default()).unwrap();
    assert_eq!(renewed.ask_at(later, "prod.example.com", &bob, "GET", PODS, &[]).unwrap_err().0, 503, "signed at NOW");
}

#[test]
fn an_inline_bundle_has_its_own_expiry() {
    let bob = token(&claims("bob", &["admins"]));
    let mut fixture = fixture();
    let long = NOW.after(Duration::from_secs(86_400));
    let later = NOW.after(Duration::from_secs(3600));
    let expiring = |fixture: &Fixture, counter, expires_at| {
        let changes = changes_document(&fixture.policy, &fixture.live, counter);
        sign_changes(&ChangesDocument { expires_at: Some(expires_at), ..changes })
    };
    let polled = expiring(&fixture, 8, long);
    fixture.gateway.accept(&Documents { changes: Some(&polled), ..Documents::default() }).unwrap();
    let polled = fixture.ask_at(later, "prod.example.com", &bob, "GET", PODS, &[]);
    assert_eq!(polled.unwrap_err(), (503, "stale-live-set"), "it stretches no bundle that came by polling");
    for (counter, expires_at, expected) in [(9, long, (401, "token-expired")), (10, later, (503, "bundle-expired"))] {
        let inline = expiring(&fixture, counter, expires_at);
        fixture.gateway.accept_inline(&Documents { changes: Some(&inline), ..Documents::default() }).unwrap();
        let answer = fixture.ask_at(later, "prod.example.com", &bob, "GET", PODS, &[]);
        assert_eq!(answer.unwrap_err(), expected);
    }
}

#[test]
fn being_somebody_else_needs_a_grant_for_each_part() {
    let bob = token(&claims("bob", &["readers"]));
    let mut fixture = fixture();
    let granted = [
        vec![("impersonate-user", "guest-1")],
        vec![
            ("impersonate-user", "guest-1"),
            ("impersonate-group", "guests"),
            ("impersonate-uid", "u-7"),
            ("impersonate-extra-scope", "x"),
        ],
        vec![("impersonate-user", "system:serviceaccount:ci:bot")],
    ];
    for headers in granted {
        let found = fixture.ask(&bob, "GET", PODS, &headers).unwrap();
        assert_eq!(found[1], ("impersonate-user".to_owned(), headers[0].1.to_owned()));
        assert!(found.contains(&("impersonate-extra-kubegate.io%2freal-user".to_owned(), "bob".to_owned())));
        assert!(found.contains(&("impersonate-group".to_owned(), "system:authenticated".to_owned())));
        assert!(!found.iter().any(|(_, value)| value == "readers"));
        assert_eq!(found.iter().any(|(_, value)| value == "system:serviceaccounts:ci"), headers[0].1.contains(":ci:"));
    }
    let refused = [
        vec![("impersonate-user", "alice")],
        vec![("impersonate-user", "guest-1"), ("impersonate-group", "system:masters")],
        vec![("impersonate-user", "guest-1"), ("impersonate-uid", "u-8")],
        vec![("impersonate-user", "guest-1"), ("impersonate-extra-scope", "y")],
        vec![("impersonate-user", "guest-1"), ("impersonate-extra-kubegate.io%2fsession", "s-2")],
        vec![("impersonate-user", "system:serviceaccount:ci:other")],
        vec![("impersonate-user", "system:serviceaccount:kube-system:bot")],
        vec![("impersonate-user", "system:anonymous")],
    ];
    for headers in refused {
        let answer = fixture.ask(&bob, "GET", PODS, &headers);
        assert_eq!(answer.unwrap_err(), (403, "impersonation-not-granted"), "{headers:?}");
    }
    let beyond = fixture.ask(&bob, "DELETE", PODS, &[("impersonate-user", "guest-1")]);
    assert_eq!(beyond.unwrap_err(), (403, "no-rule"), "the real person must be allowed the request");
    let admin = token(&claims("ann", &["admins"]));
    for (headers, allowed) in [
        (vec![("impersonate-user", "anybody"), ("impersonate-group", "any"), ("impersonate-uid", "1")], true),
        (vec![("impersonate-user", "x"), ("impersonate-group", "system:authenticated")], true),
        (vec![("impersonate-user", "x"), ("impersonate-group", "system:masters")], false),
        (vec![("impersonate-user", "system:kube-scheduler")], false),
        (vec![("impersonate-user", "system:serviceaccount:ci:bot")], false),
        (vec![("impersonate-user", "x"), ("impersonate-extra-kubegate.io%2fsession", "s")], false),
    ] {
        assert_eq!(fixture.ask(&admin, "GET", PODS, &headers).is_ok(), allowed, "{headers:?}");
    }
    let extra = fixture.ask(&bob, "GET", PODS, &[("impersonate-user", "guest-1"), ("impersonate-extra-exec", "x")]);
    assert_eq!(
        extra.unwrap_err(),
        (403, "impersonation-not-granted"),
        "an extra's key is no subresource to connect to"
    );
}

#[test]
fn a_decision_is_recorded_with_what_replaying_it_needs() {
    let mut bob = claims("bob", &["readers"]);
    bob.claims = [("department".to_owned(), json!("sre")), ("level".to_owned(), json!(null))].into();
    let full = SessionClaims { groups_policy: Some(Version { epoch: 0, counter: 5 }), ..bob.clone() };
    let mut fixture = fixture();
    let mut recorded = |claims: &SessionClaims, method: &str, more: &[(&str, &str)]| {
        let bearer = format!("Bearer {}", token(claims));
        let mut headers = vec![(":method", method), (":authority", "prod.example.com"), (":path", PODS)];
        headers.push(("authorization", &bearer));
        headers.extend_from_slice(more);
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let record = match fixture.gateway.decide(Inbound::parse(headers).unwrap(), NOW) {
            Decision::Allow(allow) => allow.grant.record.clone(),
            Decision::ControlPlane(asked) => asked.record,
            Decision::Answer(answer) => answer.record,
        };
        (RecordedPerson::clone(record.person.as_deref().unwrap()), record)
    };
    let (person, record) = recorded(&bob, "GET", &[]);
    let expected = json!({"provider": "corp", "groups": ["readers"], "auth_time": 999_990,
        "claims": {"department": "sre", "level": null}});
    assert_eq!(serde_json::to_value(&person).unwrap(), expected, "what is null, the person does not have");
    assert!(ALLOWED.contains(&record.reason));
    assert!(recorded(&full, "GET", &[]).0.has_more_groups);

    let guest = [("impersonate-user", "guest-1"), ("impersonate-group", "guests"), ("impersonate-uid", "u-7")];
    assert!(!recorded(&bob, "GET", &guest[..2]).0.assumes_more);
    assert!(recorded(&bob, "GET", &guest).0.assumes_more);
    let (_, refused) = recorded(&bob, "DELETE", &guest);
    assert!(DENIED.contains(&refused.reason));
    assert_eq!((refused.assumed_user.as_str(), refused.groups.as_str()), ("guest-1", "guests"), "refused, too");
}

#[test]
fn deny_rules_judge_the_real_person() {
    let mut fixture = fixture();
    let mut rules = rules();
    rules.push(
        serde_json::from_value(json!({"name": "never", "who": {"users": ["bob"]}, "clusters": ["*"], "deny": [
            {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]},
            {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "names": ["guest-2"]}]}))
        .unwrap(),
    );
    fixture.put_in_force(6, &rules, 8).unwrap();
    let bob = token(&claims("bob", &["readers"]));
    let pod = "/api/v1/namespaces/x/pods/p";
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[]).unwrap_err(), (403, "denied"));
    assert_eq!(fixture.ask(&bob, "GET", PODS, &[("impersonate-user", "guest-1")]).unwrap_err(), (403, "denied"));
    assert!(fixture.ask(&bob, "GET", pod, &[("impersonate-user", "guest-1")]).is_ok());
    let denied = fixture.ask(&bob, "GET", pod, &[("impersonate-user", "guest-2")]);
    assert_eq!(denied.unwrap_err(), (403, "impersonation-not-granted"));
}

#[test]
fn open_streams_end_with_what_opened_them() {
    let mut fixture = fixture();
    let bob = token(&claims("bob", &["readers"]));
    let guest = fixture.stream(&bob, "/api/v1/pods?watch=1", &[("impersonate-user", "guest-1")]);
    let bob = fixture.stream(&bob, "/api/v1/pods?watch=1", &[]);
    let ends = |fixture: &Fixture, seconds| {
        let now = Timestamp::from_seconds(seconds);
        (fixture.gateway.stream_end(&bob, now), fixture.gateway.stream_end(&guest, now))
    };
    assert_eq!(ends(&fixture, 1_030_000), (None, None), "the token's own end and a stale live set end no stream");
    assert_eq!(ends(&fixture, 1_040_000).0, Some(StreamEnd::SessionEnded));
    let until = NOW;
    fixture.renew_live(8, |live| live.sessions.push(RevokedSession { sid: "s-2".into(), until })).unwrap();
    assert_eq!(ends(&fixture, 1_000_001), (None, None), "another session's end");
    fixture.renew_live(9, |live| live.sessions.push(RevokedSession { sid: "s-1".into(), until })).unwrap();
    assert_eq!(ends(&fixture, 1_000_001).0, Some(StreamEnd::SessionRevoked));
    let not_before = NOW.after(Duration::from_secs(1));
    fixture
        .renew_live(10, |live| live.people.push(NotBefore { person: "corp:bob".into(), not_before, until }))
        .unwrap();
    assert_eq!(ends(&fixture, 1_000_001).0, Some(StreamEnd::UserRevoked));

    let mut rules = rules();
    for grant in rules.iter_mut().flat_map(|rule| &mut rule.may) {
        grant.names.retain(|name| name.as_str() != "guest-*");
    }
    rules[1].may[1].names.push("nobody".into());
    fixture.put_in_force(6, &rules, 11).unwrap();
    assert_eq!(ends(&fixture, 1_000_001), (None, Some(StreamEnd::PolicyDenies)), "the grant to impersonate is gone");
    rules.remove(1);
    fixture.put_in_force(7, &rules, 12).unwrap();
    assert_eq!(ends(&fixture, 1_000_001).0, Some(StreamEnd::PolicyDenies));
}

#[test]
fn answers_say_what_to_do_in_the_form_that_the_client_reads() {
    let answer = refuse_inbound(&InvalidInbound::TwoTokens);
    assert_eq!((answer.status, answer.body.content_type), (400, "application/json"));
    let status: serde_json::Value = serde_json::from_str(&answer.body.text).unwrap();
    assert_eq!(
        (&status["kind"], &status["reason"], &status["code"]),
        (&json!("Status"), &json!("BadRequest"), &json!(400))
    );

    let refusal = message::no_token(&"prod".into());
    assert_eq!(refusal.body(true).content_type, "text/plain; charset=utf-8");
    assert!(refusal.body(true).text.contains("kubegate login"));
}

mod memo;
mod pomerium;
// The reference reads policy files, and proptest is not built for wasm.
#[cfg(all(feature = "authoring", not(target_arch = "wasm32")))]
mod reference;
