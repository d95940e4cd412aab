//! Every attempt to sign in, go on or sign out leaves one line, and no line holds a secret.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::device;
use super::idp::Idp;
use super::log::Log;
use super::oidc;
use super::pomerium::{OLD, ON};
use super::world::{Browser, CALLBACK, PASSWORD, VERIFIER, World, parameter};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const WRONG: &str = "a-wrong-password-that-nobody-reads";

/// A world with every way in, and its log.
struct Audited {
    world: World,
    idp: Idp,
    log: Log,
    /// What must be in no line.
    secrets: Vec<String>,
}

impl Audited {
    async fn new() -> Self {
        let log = Log::begin();
        let idp = Idp::start().await;
        let section = idp.section();
        let section = section.trim_end().strip_suffix('}').unwrap();
        let scim = "scim: {tokenFile: scim-token, required: false, link: {attribute: externalId, claim: oid}}";
        let workloads = "workloads:\n  - {id: ci, issuer: 'https://ci.example.com', jwksFile: jwks.json, audience: kubegate-ci, \
                         userPrefix: 'ci:', requiredClaims: {owner: acme}, rules: [{user: '{sub}'}]}\n";
        let more = format!("{section}, domains: [example.com], {scim}}}\n{workloads}{ON}\n");
        let jwks = json!({"keys": [kubegate_core::jws::SigningKey::from_seed([9; 32]).public()]}).to_string();
        let world = World::with_file("jwks.json", &jwks, &more).await;
        log.take();
        Self { world, idp, log, secrets: vec![PASSWORD.into(), WRONG.into(), super::scim::TOKEN.into()] }
    }

    fn secret(&mut self, secret: &str) -> String {
        assert!(secret.len() > 8, "{secret}");
        self.secrets.push(secret.to_owned());
        secret.to_owned()
    }

    /// What was logged since: one line for the attempt, with these words in it, and nothing secret anywhere.
    fn expect(&self, what: &str, words: &[&str]) {
        let said = self.log.take();
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("kubegate::audit")).collect();
        assert_eq!(lines.len(), 1, "{what}: {said}");
        let line = lines[0];
        assert!(line.contains(" INFO ") && line.contains("address="), "{what}: {line}");
        assert!(line.contains("outcome=\"ok\"") != line.contains("reason="), "{what}: {line}");
        for word in words {
            assert!(line.contains(word), "{what}: {word} in {line}");
        }
        for secret in &self.secrets {
            assert!(!said.contains(secret), "{what}: {secret} in {said}");
        }
    }

    /// Lets what happened before not count.
    fn go_on(&self) {
        let said = self.log.take();
        for secret in &self.secrets {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
}

async fn csrf(browser: &mut Browser, page: &str) -> String {
    browser.get(page).await.hidden("csrf")
}

#[tokio::test]
async fn passwords() {
    let at = Audited::new().await;
    let admin = at.world.token("alice").await;
    at.go_on();
    let mut browser = at.world.browser();
    browser.sign_in("/login", "alice", PASSWORD).await.location();
    let by_alice = ["event=\"password\"", "provider=\"accounts\"", "user=\"alice\""];
    let with = |more: &[&'static str]| by_alice.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    at.expect("right", &with(&["outcome=\"ok\"", "person=\"accounts:alice\"", "session=\"s_"]));
    browser.sign_in("/login", "alice", WRONG).await;
    at.expect("wrong", &with(&["outcome=\"refused\"", "reason=\"wrong-password\""]));
    browser.sign_in("/login", WRONG, PASSWORD).await;
    at.expect("a password typed as the name", &["reason=\"wrong-password\"", "provider=\"accounts\""]);
    for _ in 0..4 {
        browser.sign_in("/login", "alice", WRONG).await;
        at.expect("wrong again", &with(&["reason=\"wrong-password\""]));
    }
    browser.sign_in("/login", "alice", PASSWORD).await;
    at.expect("slowed down", &with(&["reason=\"slowed-down\""]));
    browser.post("/login/accounts", &[("csrf", "x"), ("username", "alice"), ("password", PASSWORD)]).await;
    at.expect("another site's form", &["event=\"password\"", "reason=\"form-expired\""]);
    at.world.api_post("/api/v1/people/disable", &admin, &json!({"person": "accounts:bob", "reason": "left"})).await;
    at.go_on();
    at.world.browser().sign_in("/login", "bob", PASSWORD).await;
    at.expect(
        "disabled",
        &["event=\"password\"", "user=\"bob\"", "person=\"accounts:bob\"", "reason=\"account-disabled\""],
    );
    let proof = csrf(&mut browser, "/login").await;
    browser.post("/login", &[("csrf", &proof), ("email", "carol@example.com")]).await;
    at.expect("an address", &["event=\"email\"", "outcome=\"ok\"", "provider=\"corp\""]);
    browser.post("/login", &[("csrf", &proof), ("email", &format!("x@{WRONG}"))]).await;
    at.expect("an address of nobody", &["event=\"email\"", "reason=\"unknown-domain\""]);
}

#[tokio::test]
async fn answers_of_a_provider() {
    let mut at = Audited::new().await;
    let mut browser = at.world.browser();
    let answer = oidc::sign_in(&mut browser, &at.idp, "/login").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    at.expect(
        "good",
        &["event=\"provider\"", "outcome=\"ok\"", "provider=\"corp\"", "person=\"corp:u-1\"", "session=\"s_"],
    );
    let good = at.idp.behaviour.lock().unwrap().claims.clone();
    let with = |more: Value| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    for (claims, reason) in [
        (with(json!({"nonce": "n"})), "bad-id-token"),
        (with(json!({"aud": "evil"})), "bad-id-token"),
        (with(json!({"email_verified": false})), "email-not-verified"),
        (with(json!({"email": "system:x@example.com"})), "bad-user-name"),
        (json!({}), "claim-missing"),
    ] {
        at.idp.behaviour.lock().unwrap().claims = claims;
        oidc::sign_in(&mut browser, &at.idp, "/login").await;
        at.expect(reason, &["event=\"provider\"", "provider=\"corp\"", &format!("reason=\"{reason}\"")]);
    }
    at.idp.behaviour.lock().unwrap().claims = good;
    for (from, to, reason) in [
        ("code=", "error=access_denied&x=", "denied"),
        ("code=", "x=", "state-mismatch"),
        ("state=", "state=x", "state-mismatch"),
        ("code=", "iss=https%3A%2F%2Fevil.example&code=", "wrong-issuer"),
        ("code=code", "code=other", "code-refused"),
    ] {
        let link = oidc::link(&mut browser, "/login").await;
        let there = browser.get(&link).await.location().to_owned();
        let callback = at.idp.authorize(&there);
        at.secret(&parameter(&callback, "code").unwrap());
        at.secret(&parameter(&callback, "state").unwrap());
        at.go_on();
        browser.get(&callback.replace(from, to)).await;
        at.expect(reason, &["event=\"provider\"", &format!("reason=\"{reason}\"")]);
    }
}

#[tokio::test]
async fn what_a_command_line_trades() {
    let mut at = Audited::new().await;
    let mut browser = at.world.browser();
    let code = browser.code("alice").await;
    at.secret(&code);
    at.go_on();
    let tokens = at.world.redeem(&code, None).await.json();
    let refresh = at.secret(tokens["refresh_token"].as_str().unwrap());
    at.secret(tokens["access_token"].as_str().unwrap());
    at.secret(VERIFIER);
    at.expect("a code", &["event=\"code\"", "outcome=\"ok\"", "user=\"alice\"", "session=\"s_"]);
    let next = at.world.refresh(&refresh, Some("urn:kubegate:cluster:prod")).await.json();
    let next = at.secret(next["refresh_token"].as_str().unwrap());
    at.expect("a refresh", &["event=\"refresh\"", "outcome=\"ok\"", "user=\"alice\"", "cluster=\"prod\""]);
    at.world.refresh(&next, Some("urn:kubegate:cluster:nowhere")).await;
    at.expect("another cluster", &["event=\"refresh\"", "reason=\"invalid_target\"", "user=\"alice\""]);
    at.world.refresh(&next, None).await;
    at.go_on();
    at.world.refresh(&refresh, None).await;
    at.expect("a copy", &["event=\"refresh\"", "reason=\"reused\"", "user=\"alice\"", "session=\"s_"]);
    at.world.refresh(&next, None).await;
    at.expect("an ended one", &["event=\"refresh\"", "reason=\"session-over\"", "person=\"accounts:alice\""]);
    at.world.refresh("kgr_nothing-that-was-ever-made", None).await;
    at.expect("an unknown one", &["event=\"refresh\"", "reason=\"unknown\""]);
    at.world.redeem(&code, None).await;
    at.expect("a code twice", &["event=\"code\"", "reason=\"reused\"", "user=\"alice\""]);
    let code = at.world.browser().code("alice").await;
    at.secret(&code);
    at.go_on();
    let wrong = at.secret("another-verifier-that-is-long-enough-for-pkce");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "kubegate-cli"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &*wrong),
    ];
    at.world.form("/oauth/token", &form).await;
    at.expect("another's code", &["event=\"code\"", "reason=\"mismatch\"", "user=\"alice\""]);
    at.world.form("/oauth/token", &[("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)]).await;
    at.expect("no grant of ours", &["event=\"token\"", "reason=\"invalid_client\""]);
}

#[tokio::test]
async fn machines_without_a_browser() {
    let mut at = Audited::new().await;
    let mut alice = at.world.browser_of("alice").await;
    at.go_on();
    for decision in ["allow", "deny"] {
        let asked = device::ask(&at.world, &[]).await;
        at.secret(device::text(&asked, "device_code"));
        let code = at.secret(device::text(&asked, "user_code"));
        at.expect("asked", &["event=\"device-request\"", "outcome=\"ok\"", "build-7", "address=192.0.2.7"]);
        let question = device::type_code(&mut alice, &code).await;
        at.expect("shown", &["event=\"device-code\"", "outcome=\"ok\"", "user=\"alice\"", "typed"]);
        device::poll(&at.world, &asked, &[]).await;
        assert!(!at.log.take().contains("kubegate::audit"), "a machine that waits is no attempt");
        device::decide(&mut alice, &question, decision).await;
        let outcome = if decision == "allow" { "outcome=\"ok\"" } else { "reason=\"denied\"" };
        at.expect(decision, &["event=\"device-decision\"", outcome, "user=\"alice\"", "build-7 at 192.0.2.7"]);
        at.world.clock.advance(std::time::Duration::from_secs(10));
        let got = device::poll(&at.world, &asked, &[]).await;
        if decision == "allow" {
            at.secret(got.json()["refresh_token"].as_str().unwrap());
        }
        at.expect(decision, &["event=\"device\"", outcome]);
    }
    device::type_code(&mut alice, "BBBB-BBBB").await;
    at.expect("a guess", &["event=\"device-code\"", "reason=\"unknown\"", "user=\"alice\""]);
    alice.post("/device/decision", &[("csrf", "x"), ("user_code", "BBBB-BBBB"), ("decision", "allow")]).await;
    at.expect("another site's form", &["event=\"device-decision\"", "reason=\"form-expired\"", "user=\"alice\""]);
    at.world.form("/oauth/device_authorization", &[("client_id", "evil")]).await;
    at.expect("no client of ours", &["event=\"device-request\"", "reason=\"invalid_client\""]);
}

#[tokio::test]
async fn workloads_pushes_and_logouts_of_providers() {
    let mut at = Audited::new().await;
    let now = at.world.clock.now().seconds();
    let sign = |owner: &str| {
        let claims = json!({"iss": "https://ci.example.com", "sub": "job", "aud": "kubegate-ci", "iat": now, "exp": now + 600, "owner": owner});
        kubegate_core::jws::SigningKey::from_seed([9; 32]).sign("JWT", &claims).unwrap()
    };
    for (owner, words) in
        [("acme", ["outcome=\"ok\"", "user=\"ci:job\""]), ("evil", ["outcome=\"refused\"", "reason=\"claim-refused\""])]
    {
        let token = at.secret(&sign(owner));
        let form = [
            ("grant_type", EXCHANGE),
            ("subject_token", &*token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ];
        at.world.form("/oauth/token", &form).await;
        at.expect(owner, &["event=\"workload\"", words[0], words[1]]);
    }
    at.world.form("/oauth/token", &[("grant_type", EXCHANGE)]).await;
    at.expect("no token", &["event=\"workload\"", "reason=\"invalid_request\""]);

    let wrong = at.secret("a-wrong-scim-token-0123456789");
    for (authorization, reason) in [(Some(format!("Bearer {wrong}")), "bad-token"), (None, "no-token")] {
        let request = Request::get("/scim/v2/corp/Users");
        let request = authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
        at.world.send(request.body(Body::empty()).unwrap()).await;
        at.expect(reason, &["event=\"scim\"", "provider=\"corp\"", &format!("reason=\"{reason}\"")]);
    }

    at.world.form("/logout/backchannel/corp", &[("logout_token", &wrong)]).await;
    at.expect("a bad logout token", &["event=\"provider-logout\"", "provider=\"corp\"", "reason=\"bad-token\""]);
    at.world.form("/logout/backchannel/nobody", &[("logout_token", &wrong)]).await;
    at.expect("of nobody", &["event=\"provider-logout\"", "reason=\"unknown-provider\""]);
    oidc::sign_in(&mut at.world.browser(), &at.idp, "/login").await.location();
    at.go_on();
    let claims = json!({
        "iss": at.idp.issuer, "aud": "kubegate", "iat": now, "exp": now + 120, "jti": "j", "sub": "u-1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let token = at.secret(&kubegate_core::jws::SigningKey::from_seed([1; 32]).sign("logout+jwt", &claims).unwrap());
    at.world.form("/logout/backchannel/corp", &[("logout_token", &token)]).await;
    let words =
        ["event=\"provider-logout\"", "outcome=\"ok\"", "provider=\"corp\"", "person=\"corp:u-1\"", "sessions=1"];
    at.expect("a logout", &words);
    at.world.form("/logout/backchannel/corp", &[("logout_token", &token)]).await;
    at.expect("replayed", &["event=\"provider-logout\"", "reason=\"replayed\""]);
}

#[tokio::test]
async fn pomerium_cli_and_signing_out() {
    let mut at = Audited::new().await;
    let mut alice = at.world.browser_of("alice").await;
    let url = at.world.sign_in_url(OLD).await;
    let consent = alice.get(&url).await;
    at.go_on();
    let fields = [("csrf", consent.hidden("csrf")), ("request", consent.hidden("request"))];
    let form = |decision| {
        let fields = fields.iter().map(|(name, value)| (*name, value.as_str()));
        fields.chain([("decision", decision)]).collect::<Vec<_>>()
    };
    alice.post("/pomerium", &form("deny")).await;
    at.expect("denied", &["event=\"pomerium\"", "reason=\"pomerium-denied\"", "user=\"alice\""]);
    let token = alice.post("/pomerium", &form("allow")).await.hidden("pomerium_jwt");
    at.secret(&token);
    at.expect(
        "allowed",
        &["event=\"pomerium\"", "outcome=\"ok\"", "user=\"alice\"", "cluster=\"prod\"", "session=\"s_"],
    );
    alice.post("/pomerium", &form("allow")).await;
    at.expect("twice", &["event=\"pomerium\"", "reason=\"bad-pomerium-request\"", "user=\"alice\""]);
    alice.get(&url.replace("proof=", "proof=x")).await;
    at.expect("forged", &["event=\"pomerium\"", "reason=\"bad-pomerium-request\""]);

    alice.post("/logout", &[("csrf", "x")]).await;
    at.expect("another site's form", &["event=\"sign-out\"", "reason=\"form-expired\"", "user=\"alice\""]);
    let proof = csrf(&mut alice, "/").await;
    alice.post("/logout", &[("csrf", &proof)]).await;
    at.expect("signed out", &["event=\"sign-out\"", "outcome=\"ok\"", "user=\"alice\"", "sessions=1"]);
    alice.post("/logout", &[("csrf", &proof)]).await;
    at.expect("again", &["event=\"sign-out\"", "reason=\"no-session\""]);
    let refresh = at.world.signed_in("alice", None).await["refresh_token"].as_str().unwrap().to_owned();
    at.secret(&refresh);
    at.go_on();
    at.world.form("/oauth/revoke", &[("token", &refresh)]).await;
    at.expect("revoked", &["event=\"sign-out\"", "outcome=\"ok\"", "user=\"alice\""]);
    at.world.form("/oauth/revoke", &[("token", &refresh)]).await;
    at.expect("nothing to revoke", &["event=\"sign-out\"", "reason=\"unknown\""]);
}
