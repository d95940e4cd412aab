//! Providers are asked again about the people who signed in there.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use kubegate_core::time::Timestamp;
use serde_json::{Value, json};

use super::gateway::TestGateway;
use super::idp::{Behaviour, Idp};
use super::world::{World, authorize_url, parameter};
use crate::recheck;

const MINUTE: Duration = Duration::from_secs(60);

/// What a gateway answers to a token that it takes, of somebody who may do other things.
const TAKEN: Result<(), (u16, &str)> = Err((403, "no-rule"));

/// When something is due that is due every ten minutes, with what is added so that not all are asked at once.
const DUE: Duration = Duration::from_secs(11 * 60 + 1);

pub(super) struct SignedIn {
    pub(super) world: World,
    pub(super) idp: Idp,
    pub(super) refresh: String,
    pub(super) token: String,
}

impl SignedIn {
    /// With more fields of the provider.
    pub(super) async fn with(fields: &str, behave: impl FnOnce(&mut Behaviour)) -> Self {
        let idp = Idp::start().await;
        behave(&mut idp.behaviour.lock().unwrap());
        let section = idp.section().replace("clientId:", &format!("{fields}clientId:"));
        let world = World::with(&section).await;
        let (refresh, token) = sign_in(&world, &idp).await;
        Self { world, idp, refresh, token }
    }

    /// At a provider whose refresh tokens rotate.
    pub(super) async fn new() -> Self {
        Self::with("", |behaviour| {
            behaviour.again.gives = true;
            behaviour.claims["groups"] = json!(["team-a"]);
            behaviour.claims["department"] = json!("sre");
        })
        .await
    }

    pub(super) fn behave<T>(&self, change: impl FnOnce(&mut Behaviour) -> T) -> T {
        change(&mut self.idp.behaviour.lock().unwrap())
    }

    fn asked(&self) -> u32 {
        self.behave(|behaviour| behaviour.again.asked)
    }

    /// The timer's turn.
    pub(super) async fn round(&self) {
        recheck::round(&self.world.app, "corp").await.unwrap();
    }

    /// The next refresh, which has to succeed.
    pub(super) async fn refreshed(&mut self) -> Value {
        let answer = self.world.refresh(&self.refresh, Some("urn:kubegate:cluster:prod")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        self.refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
        answer.json()
    }

    /// Why the session is over.
    pub(super) async fn over(&self) -> String {
        let answer = self.world.refresh(&self.refresh, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        answer.json()["session_ended"]["reason"].as_str().unwrap().to_owned()
    }

    pub(super) async fn revocations(&self) -> Vec<crate::store::revocation::Revocation> {
        let mut conn = self.world.app.store.read().await.unwrap();
        crate::store::revocation::live(&mut conn, self.world.clock.now()).await.unwrap()
    }

    async fn groups(&self) -> Value {
        let answer = self.world.refresh(&self.refresh, None).await.json();
        self.world.api("/api/v1/whoami", answer["access_token"].as_str().unwrap()).await.json()["groups"].clone()
    }
}

/// Signs in at the provider with a browser and a command line: the refresh secret, and an access token.
pub(super) async fn sign_in(world: &World, idp: &Idp) -> (String, String) {
    let mut browser = world.browser();
    let login = browser.get(&authorize_url()).await.location().to_owned();
    let back = super::oidc::sign_in(&mut browser, idp, &login).await.location().to_owned();
    let code = parameter(browser.get(&back).await.location(), "code").unwrap();
    let answer = world.redeem(&code, None).await.json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("refresh_token"), text("access_token"))
}

#[tokio::test]
async fn it_is_asked_at_refresh_once_in_so_many_minutes() {
    let mut at = SignedIn::new().await;
    at.refreshed().await;
    assert_eq!(at.asked(), 0, "it has just vouched");
    for turn in 1..=3 {
        at.world.clock.advance(DUE);
        at.refreshed().await;
        at.refreshed().await;
        at.round().await;
        assert_eq!(at.asked(), turn, "once, and with the refresh token that it gave last");
    }
    let metrics = at.world.internal("/metrics", &[]).await.text;
    assert!(metrics.contains("kubegate_rechecks_total{provider=\"corp\",result=\"ok\"} 3"), "{metrics}");
    assert!(at.revocations().await.is_empty(), "nothing has changed");
}

#[tokio::test]
async fn it_is_asked_by_a_timer_while_sessions_may_have_open_streams() {
    let at = SignedIn::new().await;
    at.round().await;
    at.world.clock.advance(DUE);
    at.round().await;
    at.round().await;
    assert_eq!(at.asked(), 1);
    at.world.clock.advance(9 * 60 * MINUTE);
    at.world.refresh(&at.refresh, None).await;
    at.round().await;
    assert_eq!(at.asked(), 2, "idle time ends no stream, so it is asked about that one too");
    at.world.form("/oauth/revoke", &[("token", &*at.refresh)]).await;
    at.world.sql("UPDATE session SET ended_at = 1, ended_reason = 'signed-out' WHERE kind = 'browser'").await;
    at.world.clock.advance(DUE);
    at.round().await;
    assert_eq!(at.asked(), 2, "nothing is left to be asked about");
    at.world.app.sessions.sweep(at.world.clock.now()).await.unwrap();
    let left: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM sign_in")
        .fetch_optional(&mut *at.world.app.store.read().await.unwrap())
        .await
        .unwrap()
        .unwrap_or_default();
    assert!(left.is_empty(), "and its refresh token is forgotten");
}

#[tokio::test]
async fn a_change_of_groups_is_in_force_at_once() {
    let mut at = SignedIn::new().await;
    let before = at.refreshed().await["access_token"].as_str().unwrap().to_owned();
    let mut gateway = TestGateway::new(&at.world);
    gateway.poll(&at.world, "").await;
    assert_eq!(gateway.get(&before, at.world.clock.now()), TAKEN);
    at.world.clock.advance(DUE.saturating_sub(Duration::from_secs(62)));
    at.behave(|behaviour| behaviour.claims["groups"] = json!(["team-b"]));
    at.world.clock.advance(Duration::from_secs(62));
    let before = {
        // A token of the very second of the change, with the groups of before.
        let sessions = &at.world.app.sessions;
        let person = kubegate_core::id::PersonId::from("corp:u-1".to_owned());
        let session = sessions.list_of(&person, at.world.clock.now()).await.unwrap().remove(0);
        let in_force = at.world.app.in_force();
        let now = at.world.clock.now();
        let cluster = in_force.policy.cluster("prod").unwrap();
        let policy = (&in_force.policy, in_force.version);
        at.world.app.minter.session_token(&session, &cluster.name, policy, now.after(MINUTE), now).unwrap()
    };
    let after = at.refreshed().await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(at.groups().await, json!(["corp:team-b"]));
    gateway.poll(&at.world, "wait=10").await;
    let now = at.world.clock.now();
    assert_eq!(gateway.get(&before, now), Err((401, "user-revoked")), "older tokens are refused");
    assert_eq!(gateway.get(&after, now), TAKEN, "also one of the second of the change");
    let reason = at.revocations().await.remove(0).reason;
    assert_eq!(reason, "changed");
}

#[tokio::test]
async fn what_no_rule_asks_for_refuses_no_token() {
    let at = SignedIn::new().await;
    for (claim, value, refused) in
        [("uti", json!("other each time"), 0), ("groups", json!(["team-a"]), 0), ("department", json!("hr"), 1)]
    {
        at.behave(|behaviour| behaviour.claims[claim] = value);
        at.world.clock.advance(DUE);
        at.round().await;
        assert_eq!(at.revocations().await.len(), refused, "{claim}");
    }
    assert_eq!(at.asked(), 3);
}

#[tokio::test]
async fn userinfo_is_asked_when_the_answer_has_no_id_token() {
    let mut at = SignedIn::with("", |behaviour| behaviour.again.gives = true).await;
    at.behave(|behaviour| {
        behaviour.again.without_id_token = true;
        behaviour.user_info = json!({
            "email": "carol@example.com", "email_verified": true, "groups": ["team-c"], "department": "sre",
        });
    });
    at.world.clock.advance(DUE);
    at.refreshed().await;
    assert_eq!(at.groups().await, json!(["corp:team-c"]));
    at.behave(|behaviour| behaviour.user_info["sub"] = json!("u-2"));
    at.world.clock.advance(DUE);
    assert_eq!(at.over().await, "provider-refused", "somebody else");
}

#[tokio::test]
async fn what_only_the_id_token_said_stays_when_there_is_none() {
    let mut at = SignedIn::with("", |behaviour| {
        behaviour.again.gives = true;
        behaviour.claims["department"] = json!("sre");
        behaviour.claims["groups"] = json!(["team-a"]);
    })
    .await;
    at.behave(|behaviour| {
        behaviour.again.without_id_token = true;
        behaviour.user_info = json!({"email": "carol@example.com", "email_verified": true});
    });
    at.world.clock.advance(DUE);
    let answer = at.refreshed().await;
    assert_eq!(at.asked(), 1);
    assert!(at.revocations().await.is_empty(), "nothing has changed");
    assert_eq!(answer["cluster"]["name"].as_str(), Some("prod"));
    assert_eq!(at.groups().await, json!(["corp:team-a"]));
    let token = at.world.refresh(&at.refresh, None).await.json()["access_token"].as_str().unwrap().to_owned();
    let whoami = at.world.api("/api/v1/whoami", &token).await.json();
    assert_eq!(whoami["clusters"], json!(["prod"]), "by the claim department");
}

#[tokio::test]
async fn a_changed_group_file_counts_for_open_streams_too() {
    let idp = Idp::start().await;
    let file = |groups: &str| format!("people: [{{email: carol@example.com, groups: {groups}}}]");
    let section = idp.section_with(", groups: {from: file, file: groups.yaml}");
    let world = World::with_file("groups.yaml", &file("[platform-admins]"), &section).await;
    let (refresh, token) = sign_in(&world, &idp).await;
    let at = SignedIn { world, idp, refresh, token };
    at.world.clock.advance(DUE);
    at.round().await;
    assert!(at.revocations().await.is_empty());
    std::fs::write(at.world.dir.path().join("groups.yaml"), file("[other]")).unwrap();
    at.world.clock.advance(DUE);
    at.round().await;
    let reasons: Vec<_> = at.revocations().await.into_iter().map(|revocation| revocation.reason).collect();
    assert_eq!(reasons, ["changed"], "tokens in hand count no more, though the provider gives no refresh token");
    assert_eq!(at.groups().await, json!(["corp:other"]));
}

#[tokio::test]
async fn the_same_subject_of_another_issuer_is_somebody_else() {
    let SignedIn { world, idp, refresh, token } = SignedIn::new().await;
    let other = Idp::start().await;
    let world = world.restarted(str::to_owned).await;
    assert_eq!(world.api("/api/v1/whoami", &token).await.status, StatusCode::OK, "a restart alone changes nothing");
    let world = world.restarted(|config| config.replace(&idp.issuer, &other.issuer)).await;
    assert_eq!(world.api("/api/v1/whoami", &token).await.status, StatusCode::UNAUTHORIZED);
    let at = SignedIn { world, idp: other, refresh, token };
    assert_eq!(at.over().await, "withdrawn");
    at.world.clock.advance(DUE);
    at.round().await;
    assert_eq!(at.asked(), 0, "it is shown nothing that the one before has left");
    let mut conn = at.world.app.store.read().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM sign_in").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn who_is_no_longer_known_there_is_out_at_once_everywhere() {
    for error in ["invalid_grant", "interaction_required"] {
        let at = SignedIn::new().await;
        at.behave(|behaviour| behaviour.again.refuses = Some((400, error)));
        at.world.clock.advance(DUE);
        let log = super::log::Log::begin();
        at.round().await;
        let lines = log.take();
        assert!(lines.contains("no longer vouches") && lines.contains(error) && !lines.contains("rt-"), "{lines}");
        assert_eq!(at.over().await, "provider-refused");
        let told = at.world.refresh(&at.refresh, None).await.json()["error_description"].as_str().unwrap().to_owned();
        assert!(told.contains("no longer vouches for you"), "{told}");
        assert_eq!(at.revocations().await.len(), 1, "gateways hear of the command line's");
        assert_eq!(at.world.api("/api/v1/whoami", &at.token).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_refresh_ends_with_the_session_that_the_provider_refuses() {
    let at = SignedIn::new().await;
    at.behave(|behaviour| behaviour.again.refuses = Some((400, "invalid_grant")));
    at.world.clock.advance(DUE);
    assert_eq!(at.over().await, "provider-refused", "before it gives a token");
}

#[tokio::test]
async fn another_subject_or_a_name_that_cannot_be_used_ends_it() {
    for claims in [json!({"sub": "u-2"}), json!({"email_verified": false}), json!({"email": "system:x@example.com"})] {
        let at = SignedIn::new().await;
        at.behave(|behaviour| behaviour.claims.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone()));
        at.world.clock.advance(DUE);
        assert_eq!(at.over().await, "provider-refused", "{claims}");
    }
}

#[tokio::test]
async fn an_outage_ends_sessions_only_after_the_grace() {
    let outages: [(u16, &str); 3] = [(503, "temporarily_unavailable"), (500, "x"), (401, "invalid_client")];
    for outage in outages {
        let mut at = SignedIn::with("recheck: {grace: 30m}, ", |behaviour| behaviour.again.gives = true).await;
        at.behave(|behaviour| behaviour.again.refuses = Some(outage));
        at.world.clock.advance(DUE);
        at.refreshed().await;
        at.refreshed().await;
        assert_eq!(at.asked(), 1, "not hammered");
        at.world.clock.advance(29 * MINUTE);
        at.round().await;
        at.refreshed().await;
        assert_eq!(at.asked(), 2);
        at.world.clock.advance(2 * MINUTE);
        at.round().await;
        assert_eq!(at.over().await, "provider-unreachable", "{outage:?}");
        assert!(!at.revocations().await.is_empty());
    }
}

#[tokio::test]
async fn who_answers_again_within_the_grace_has_all_of_it_next_time() {
    let mut at = SignedIn::with("recheck: {grace: 30m}, ", |behaviour| behaviour.again.gives = true).await;
    for _ in 0..2 {
        at.behave(|behaviour| behaviour.again.refuses = Some((503, "x")));
        at.world.clock.advance(DUE);
        at.round().await;
        at.world.clock.advance(25 * MINUTE);
        at.behave(|behaviour| behaviour.again.refuses = None);
        at.round().await;
        at.refreshed().await;
    }
    assert!(!at.behave(|behaviour| behaviour.again.stolen), "no refresh token was used twice");
}

#[tokio::test]
async fn an_answer_that_is_not_signed_as_it_should_be_counts_for_nothing() {
    let mut at = SignedIn::with("recheck: {grace: 30m}, ", |behaviour| behaviour.again.gives = true).await;
    at.behave(|behaviour| {
        behaviour.unsigned = true;
        behaviour.claims["groups"] = json!(["platform-admins"]);
    });
    at.world.clock.advance(DUE);
    at.refreshed().await;
    assert_ne!(at.groups().await, json!(["corp:platform-admins"]));
    at.behave(|behaviour| behaviour.unsigned = false);
    at.world.clock.advance(2 * MINUTE);
    at.round().await;
    assert_eq!(
        at.groups().await,
        json!(["corp:platform-admins"]),
        "with the refresh token that came with the bad answer"
    );
}

#[tokio::test]
async fn what_is_done_without_refresh_tokens_is_configured() {
    let mut keep = SignedIn::with("", |_| {}).await;
    keep.world.clock.advance(7 * 60 * MINUTE);
    keep.round().await;
    keep.refreshed().await;

    let mut end = SignedIn::with("recheck: {withoutRefreshToken: 25m}, ", |_| {}).await;
    for _ in 0..2 {
        end.world.clock.advance(12 * MINUTE);
        end.round().await;
        end.refreshed().await;
    }
    end.world.clock.advance(MINUTE);
    end.round().await;
    assert_eq!(end.over().await, "not-rechecked");

    let mut ask = SignedIn::with("recheck: {withoutRefreshToken: userinfo}, ", |_| {}).await;
    ask.behave(|behaviour| {
        behaviour.user_info =
            json!({"email": "carol@example.com", "email_verified": true, "groups": ["team-d"], "department": "sre"});
    });
    ask.world.clock.advance(DUE);
    ask.refreshed().await;
    assert_eq!(ask.groups().await, json!(["corp:team-d"]));
    ask.behave(|behaviour| behaviour.again.access_token_is_over = true);
    ask.world.clock.advance(DUE);
    assert_eq!(ask.over().await, "provider-refused");
}

#[tokio::test]
async fn two_processes_on_one_store_ask_once() {
    let at = SignedIn::new().await;
    let twin = at.world.twin().await;
    for turn in 1..=5 {
        at.behave(|behaviour| behaviour.again.takes = Duration::from_millis(100));
        at.world.clock.advance(DUE);
        let (one, two, _, _) = tokio::join!(
            at.world.refresh(&at.refresh, None),
            twin.refresh(&at.refresh, None),
            recheck::round(&at.world.app, "corp"),
            recheck::round(&twin.app, "corp"),
        );
        assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK), "{} {}", one.text, two.text);
        assert_eq!(at.asked(), turn);
    }
    assert!(!at.behave(|behaviour| behaviour.again.stolen), "no refresh token was used twice");
}

#[tokio::test]
async fn a_client_that_hangs_up_loses_no_refresh_token() {
    let mut at = SignedIn::new().await;
    at.behave(|behaviour| behaviour.again.takes = Duration::from_millis(200));
    at.world.clock.advance(DUE);
    let hasty = tokio::time::timeout(Duration::from_millis(50), at.world.refresh(&at.refresh, None)).await;
    assert!(hasty.is_err(), "it hung up");
    super::world::soon("the end of the question", async {
        while !at.world.internal("/metrics", &[]).await.text.contains("kubegate_rechecks_total") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    at.world.clock.advance(DUE);
    at.refreshed().await;
    assert!(!at.behave(|behaviour| behaviour.again.stolen));
}

#[tokio::test]
async fn a_slow_provider_holds_no_command_line_up() {
    let mut at = SignedIn::new().await;
    at.behave(|behaviour| behaviour.again.takes = Duration::from_secs(9));
    at.world.clock.advance(DUE);
    let began = std::time::Instant::now();
    at.refreshed().await;
    assert!(began.elapsed() < Duration::from_secs(8), "it took {:?}", began.elapsed());
}

#[tokio::test]
async fn a_process_that_dies_while_it_asks_is_followed_by_another() {
    let mut at = SignedIn::new().await;
    at.world.clock.advance(DUE);
    let now = at.world.clock.now();
    let lease = |until: Timestamp| format!("UPDATE sign_in SET leased_until = {}", until.seconds());
    at.world.sql(&lease(now.after(2 * MINUTE))).await;
    at.round().await;
    assert_eq!(at.asked(), 0, "it may still be asking");
    at.world.clock.advance(3 * MINUTE);
    at.refreshed().await;
    assert_eq!(at.asked(), 1);
}

#[tokio::test]
async fn what_a_provider_left_with_us_is_sealed_in_its_row() {
    let at = SignedIn::new().await;
    let dump = std::fs::read(at.world.dir.path().join("kubegate.db-wal")).unwrap();
    assert!(!dump.windows(5).any(|bytes| bytes == b"\"rt-0"), "the refresh token is not readable in the store");
    at.world.sql("UPDATE sign_in SET id = id || 'x'; UPDATE session SET sign_in = sign_in || 'x'").await;
    at.world.clock.advance(DUE);
    at.round().await;
    assert_eq!(at.asked(), 0, "moved to another row it does not open");
}

#[tokio::test]
async fn the_others_of_a_person_about_whom_something_changed_are_asked_about_too() {
    let at = SignedIn::new().await;
    at.world.clock.advance(5 * MINUTE);
    let (_, token) = sign_in(&at.world, &at.idp).await;
    at.behave(|behaviour| behaviour.claims["groups"] = json!(["team-b"]));
    at.world.clock.advance(DUE.saturating_sub(5 * MINUTE));
    at.round().await;
    assert_eq!(at.asked(), 1, "only the first is due");
    at.round().await;
    assert_eq!(at.asked(), 2);
    assert_eq!(at.world.api("/api/v1/whoami", &token).await.json()["groups"], json!(["corp:team-b"]));
    at.round().await;
    assert_eq!(at.asked(), 2, "and that is the end of it");
    drop(Arc::clone(&at.world.app));
}
