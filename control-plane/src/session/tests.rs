use super::*;
use crate::person::Identity;
use crate::store::revocation;
use kubegate_core::id::PersonId;

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

struct World {
    sessions: Sessions,
    _dir: tempfile::TempDir,
}

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
    let limits = Limits {
        token_lifetime: 10 * MINUTE,
        max_lifetime: 12 * HOUR,
        idle_timeout: 2 * HOUR,
        max_per_person: 4,
        device_flow: true,
    };
    World { sessions: Sessions::new(store, limits, Arc::default()), _dir: dir }
}

fn alice() -> Identity {
    Identity {
        provider: "accounts".into(),
        subject: "alice".into(),
        user: "alice@example.com".into(),
        uid: None,
        email: None,
        groups: vec!["team".into()],
        claims: std::collections::BTreeMap::new(),
        acr: None,
        amr: vec![],
        credential: None,
    }
}

const HERE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:7777/callback";

fn exchange(code: &str) -> CodeExchange<'_> {
    CodeExchange { code, client_id: "kubegate-cli", redirect_uri: REDIRECT, verifier: VERIFIER }
}

impl World {
    async fn code(&self, now: Timestamp) -> Secret {
        let sign_in = SignIn {
            identity: alice(),
            auth_time: Some(now),
            purpose: None,
            holder: Holder::default(),
            at_provider: None,
        };
        let (browser, _) = self.sessions.begin(sign_in, now).await.unwrap();
        let request = CodeRequest {
            client_id: "kubegate-cli".into(),
            redirect_uri: REDIRECT.into(),
            code_challenge: CHALLENGE.into(),
            lifetime: CODE_LIFETIME,
        };
        self.sessions.grant_code(&browser, request, now).await.unwrap()
    }

    async fn signed_in(&self, now: Timestamp) -> Issued {
        let code = self.code(now).await;
        self.sessions.redeem(&exchange(code.expose()), Holder::default(), |_| Review::Stands, now).await.unwrap()
    }

    async fn refresh(&self, secret: &Secret, now: Timestamp) -> Result<Secret, GrantError> {
        self.sessions.refresh(secret.expose(), HERE, |_| Review::Stands, now).await.map(|issued| issued.refresh)
    }

    async fn revoked(&self, now: Timestamp) -> usize {
        revocation::live(&mut self.sessions.store.read().await.unwrap(), now).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_lost_answer_loses_nothing() {
    let world = world().await;
    let first = world.signed_in(START).await.refresh;
    let _lost = world.refresh(&first, START.after(MINUTE)).await.unwrap();
    let second = world.refresh(&first, START.after(2 * MINUTE)).await.unwrap();
    let third = world.refresh(&second, START.after(3 * MINUTE)).await.unwrap();
    world.refresh(&third, START.after(4 * MINUTE)).await.unwrap();
    assert_eq!(world.revoked(START).await, 0);
}

#[tokio::test]
async fn a_race_of_two_loses_nothing() {
    let world = world().await;
    let first = world.signed_in(START).await.refresh;
    let (one, two) = tokio::join!(world.refresh(&first, START), world.refresh(&first, START));
    let (_one, two) = (one.unwrap(), two.unwrap());
    world.refresh(&two, START).await.unwrap();
}

#[tokio::test]
async fn a_spent_secret_ends_the_session_once_its_successor_was_used() {
    let world = world().await;
    let first = world.signed_in(START).await.refresh;
    let second = world.refresh(&first, START).await.unwrap();
    let third = world.refresh(&second, START).await.unwrap();
    assert!(matches!(world.refresh(&first, START).await, Err(GrantError::Reused)));
    assert_eq!(world.revoked(START).await, 1, "gateways hear of it");
    match world.refresh(&third, START).await {
        Err(GrantError::SessionOver { reason, at }) => assert_eq!((&*reason, at), ("reuse", START)),
        other => panic!("the newest secret is worth nothing either: {other:?}"),
    }
}

#[tokio::test]
async fn a_sibling_ends_the_session_once_the_other_was_used() {
    let world = world().await;
    let first = world.signed_in(START).await.refresh;
    let one = world.refresh(&first, START).await.unwrap();
    let two = world.refresh(&first, START).await.unwrap();
    world.refresh(&two, START).await.unwrap();
    assert!(matches!(world.refresh(&one, START).await, Err(GrantError::Reused)));
}

#[tokio::test]
async fn idle_sessions_end_without_cutting_streams() {
    let world = world().await;
    let first = world.signed_in(START).await.refresh;
    let late = START.after(2 * HOUR + MINUTE);
    match world.refresh(&first, late).await {
        Err(GrantError::SessionOver { reason, at }) => assert_eq!((&*reason, at), ("idle", late)),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.revoked(late).await, 0, "idle time ends no open stream");
}

#[tokio::test]
async fn streams_of_an_idle_session_can_still_be_cut() {
    for how in ["by the person", "by an administrator", "by a withdrawal"] {
        let world = world().await;
        let issued = world.signed_in(START).await;
        let late = START.after(2 * HOUR + MINUTE);
        world.refresh(&issued.refresh, late).await.unwrap_err();
        assert_eq!(world.revoked(late).await, 0);
        match how {
            "by the person" => drop(world.sessions.revoke(issued.refresh.expose(), late).await.unwrap()),
            "by an administrator" => {
                world.sessions.end(&issued.session.id, EndReason::Administrator, late).await.unwrap();
            }
            _ => {
                world.sessions.end_withdrawn(|_| false, late).await.unwrap();
            }
        }
        assert_eq!(world.revoked(late).await, 1, "{how}");
    }
}

#[tokio::test]
async fn no_session_outlives_its_sign_in() {
    let world = world().await;
    let mut secret = world.signed_in(START).await.refresh;
    for hour in 1..12 {
        secret = world.refresh(&secret, START.after(hour * HOUR)).await.unwrap();
    }
    let late = START.after(12 * HOUR - MINUTE);
    let issued = world.sessions.refresh(secret.expose(), HERE, |_| Review::Stands, late).await.unwrap();
    assert_eq!(issued.token_until, START.after(12 * HOUR), "a token ends with its session");
    let end = START.after(12 * HOUR);
    match world.refresh(&issued.refresh, end.after(MINUTE)).await {
        Err(GrantError::SessionOver { reason, at }) => assert_eq!((&*reason, at), (EXPIRED, end)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_its_second_use_ends_what_came_of_it() {
    let world = world().await;
    let code = world.code(START).await;
    let issued =
        world.sessions.redeem(&exchange(code.expose()), Holder::default(), |_| Review::Stands, START).await.unwrap();
    let again = world.sessions.redeem(&exchange(code.expose()), Holder::default(), |_| Review::Stands, START).await;
    assert!(matches!(again, Err(GrantError::Reused)));
    assert!(matches!(world.refresh(&issued.refresh, START).await, Err(GrantError::SessionOver { .. })));
    assert_eq!(world.revoked(START).await, 1);
}

#[tokio::test]
async fn a_code_fits_one_request_only() {
    let world = world().await;
    let wrong = [
        CodeExchange { verifier: "another", ..exchange("") },
        CodeExchange { redirect_uri: "http://127.0.0.1:7778/callback", ..exchange("") },
        CodeExchange { client_id: "another", ..exchange("") },
    ];
    for exchange in wrong {
        let code = world.code(START).await;
        let exchange = CodeExchange { code: code.expose(), ..exchange };
        assert!(
            matches!(
                world.sessions.redeem(&exchange, Holder::default(), |_| Review::Stands, START).await,
                Err(GrantError::Mismatch)
            ),
            "{exchange:?}"
        );
    }
    let code = world.code(START).await;
    let late = START.after(MINUTE);
    assert!(matches!(
        world.sessions.redeem(&exchange(code.expose()), Holder::default(), |_| Review::Stands, late).await,
        Err(GrantError::Expired)
    ));
    assert!(matches!(
        world.sessions.redeem(&exchange("kgc_unknown"), Holder::default(), |_| Review::Stands, START).await,
        Err(GrantError::Unknown)
    ));
}

#[tokio::test]
async fn the_oldest_session_gives_way() {
    let world = world().await;
    // A sign-in makes two sessions, the browser's and the command line's; there is room for four.
    let first = world.signed_in(START).await;
    let second = world.signed_in(START.after(MINUTE)).await;
    world.refresh(&first.refresh, START.after(MINUTE)).await.unwrap();
    let third = world.signed_in(START.after(2 * MINUTE)).await;
    match world.refresh(&first.refresh, START.after(3 * MINUTE)).await {
        Err(GrantError::SessionOver { reason, .. }) => assert_eq!(reason, "too-many"),
        other => panic!("{other:?}"),
    }
    for issued in [second, third] {
        world.refresh(&issued.refresh, START.after(3 * MINUTE)).await.unwrap();
    }
}

#[tokio::test]
async fn a_withdrawn_identity_ends_at_the_next_refresh() {
    let world = world().await;
    let issued = world.signed_in(START).await;
    let refused = world.sessions.refresh(issued.refresh.expose(), HERE, |_| Review::Withdrawn, START).await;
    assert!(matches!(refused, Err(GrantError::SessionOver { .. })));
    assert_eq!(world.revoked(START).await, 1);
}

#[tokio::test]
async fn a_code_of_a_withdrawn_identity_is_worth_nothing() {
    let world = world().await;
    let code = world.code(START).await;
    for _ in 0..2 {
        let refused =
            world.sessions.redeem(&exchange(code.expose()), Holder::default(), |_| Review::Withdrawn, START).await;
        assert!(matches!(refused, Err(GrantError::SessionOver { .. } | GrantError::Reused)), "{refused:?}");
    }
    let (mut conn, person) = (world.sessions.store.read().await.unwrap(), alice().person());
    let live = crate::store::session::live_of(&mut conn, &person, START).await.unwrap();
    assert!(live.is_empty(), "nor does the browser stay signed in: {live:?}");
}

#[tokio::test]
async fn nobody_fills_the_live_set_alone() {
    let world = world().await;
    let mut last = START;
    for second in 0..250 {
        last = START.after(second * MINUTE / 60);
        let issued = world.signed_in(last).await;
        world.sessions.revoke(issued.refresh.expose(), last).await.unwrap();
    }
    let revocations = revocation::live(&mut world.sessions.store.read().await.unwrap(), last).await.unwrap();
    assert!(revocations.len() <= 102, "{}", revocations.len());
    let person = revocations.iter().find_map(|entry| match &entry.subject {
        revocation::Subject::Person { person, not_before } => Some((person, *not_before, entry.until)),
        revocation::Subject::Session { .. } => None,
    });
    let (person, not_before, until) = person.expect("many became one");
    assert_eq!(person, &alice().person());
    assert!(not_before > START.after(100 * MINUTE / 60) && until >= START.after(12 * HOUR), "it covers them all");
}

#[tokio::test]
async fn many_lost_answers_are_harmless() {
    let world = world().await;
    let first = world.signed_in(START).await.refresh;
    for minute in 0..100 {
        world.refresh(&first, START.after(minute * MINUTE / 10)).await.unwrap();
    }
    world.refresh(&first, START.after(20 * MINUTE)).await.unwrap();
}

#[tokio::test]
async fn no_number_of_uses_hides_a_copy_from_its_owner() {
    let world = world().await;
    let first = world.signed_in(START).await.refresh;
    let owners = world.refresh(&first, START).await.unwrap();
    for second in 1..100 {
        world.refresh(&first, START.after(second * MINUTE / 60)).await.unwrap();
    }
    let copied = world.refresh(&first, START.after(2 * MINUTE)).await.unwrap();
    world.refresh(&copied, START.after(3 * MINUTE)).await.unwrap();
    let late = START.after(4 * MINUTE);
    assert!(matches!(world.refresh(&owners, late).await, Err(GrantError::Reused)));
    assert!(matches!(world.refresh(&copied, late).await, Err(GrantError::SessionOver { .. })), "the copy is worthless");
}

#[tokio::test]
async fn a_browser_session_is_found_by_its_cookie_until_it_ends() {
    let world = world().await;
    let purpose = Purpose { request: "/oauth/authorize?x".into(), chosen: true };
    let sign_in = SignIn {
        identity: alice(),
        auth_time: Some(START),
        purpose: Some(purpose),
        holder: Holder::default(),
        at_provider: None,
    };
    let (session, cookie) = world.sessions.begin(sign_in, START).await.unwrap();
    assert!(world.sessions.by_cookie(cookie.expose(), HERE, START).await.unwrap().is_some());
    assert!(world.sessions.by_cookie("kgb_other", HERE, START).await.unwrap().is_none());
    assert!(world.sessions.take_purpose(&session, "/oauth/authorize?y").await.unwrap().is_none(), "another request");
    assert!(world.sessions.take_purpose(&session, "/oauth/authorize?x").await.unwrap().unwrap().chosen);
    assert!(world.sessions.take_purpose(&session, "/oauth/authorize?x").await.unwrap().is_none(), "once");
    assert!(world.sessions.end(&session.id, EndReason::SignedOut, START).await.unwrap());
    assert!(world.sessions.by_cookie(cookie.expose(), HERE, START).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kubegate.db");
    let limits =
        Limits { token_lifetime: MINUTE, max_lifetime: HOUR, idle_timeout: HOUR, max_per_person: 9, device_flow: true };
    let world =
        World { sessions: Sessions::new(Store::open(&path).await.unwrap(), limits.clone(), Arc::default()), _dir: dir };
    let issued = world.signed_in(START).await;
    let again = Sessions::new(Store::open(&path).await.unwrap(), limits, Arc::default());
    again.refresh(issued.refresh.expose(), HERE, |_| Review::Stands, START).await.unwrap();
}

#[tokio::test]
async fn sessions_are_listed_as_long_as_they_matter() {
    let world = world().await;
    let (alice, late) = (alice().person(), START.after(2 * HOUR + MINUTE));
    let issued = world.signed_in(START).await;
    let kinds = |sessions: Vec<Session>| {
        sessions.iter().map(|session| (session.kind.as_str(), session.is_live(late))).collect::<Vec<_>>()
    };
    assert_eq!(world.sessions.list_of(&alice, START).await.unwrap().len(), 2, "the browser's and the command line's");
    assert!(world.sessions.list_of(&PersonId::from("accounts:bob".to_owned()), START).await.unwrap().is_empty());

    world.refresh(&issued.refresh, late).await.unwrap_err();
    let listed = kinds(world.sessions.list_of(&alice, late).await.unwrap());
    assert!(listed.contains(&("cli", false)), "an idle one may have open streams: {listed:?}");
    assert!(world.sessions.list_of(&alice, START.after(12 * HOUR)).await.unwrap().is_empty(), "their time is over");
    world.sessions.end(&issued.session.id, EndReason::Administrator, late).await.unwrap();
}

#[tokio::test]
async fn all_sessions_are_listed_page_by_page() {
    let world = world().await;
    for subject in 0..150 {
        let identity = Identity { subject: format!("u{subject}"), ..alice() };
        let sign_in = SignIn { identity, auth_time: None, purpose: None, holder: Holder::default(), at_provider: None };
        world.sessions.begin(sign_in, START.after(MINUTE * (subject / 3))).await.unwrap();
    }
    let now = START.after(HOUR);
    let first = world.sessions.all(now, None).await.unwrap();
    let cursor = Cursor::parse(&first.next.unwrap().to_string()).unwrap();
    let second = world.sessions.all(now, Some(&cursor)).await.unwrap();
    assert_eq!((first.sessions.len(), second.sessions.len(), second.next), (100, 50, None));
    let ids: std::collections::BTreeSet<_> =
        first.sessions.iter().chain(&second.sessions).map(|session| session.id.as_str().to_owned()).collect();
    assert_eq!(ids.len(), 150, "each once");
    for text in ["", "x", "1", "a.s_1", "-1.s_1"] {
        assert_eq!(Cursor::parse(text), None, "{text}");
    }
}
