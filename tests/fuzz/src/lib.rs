//! What the fuzz targets share: keys, a gateway with a policy in force, session tokens, an Envoy that remembers.

mod envoy;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use kubegate_core::bundle::{ChangesDocument, LiveEntries, PolicyDocument, PomeriumTokens, Version, WholeBundle};
use kubegate_core::gateway::{Allow, Decision, Gateway};
use kubegate_core::identity_name;
use kubegate_core::impersonation::AUTHENTICATED;
use kubegate_core::inbound::Inbound;
use kubegate_core::jws::{Keys, SigningKey};
use kubegate_core::time::Timestamp;
use kubegate_core::token::{POMERIUM_TYPE, SESSION_TYPE};
use serde::Serialize;
use serde_json::{Value, json};

pub use envoy::{Envoy, block};

/// The control plane's public URL.
pub const ISSUER: &str = "https://kubegate.example.com";

/// The cluster `prod`.
pub const HOST: &str = "prod.example.com";

/// The time.
pub const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

/// What is asked of a gateway: enough to reach every kind of decision.
pub const REQUESTS: [(&str, &str); 9] = [
    ("GET", "/api/v1/namespaces/x/pods"),
    ("GET", "/api/v1/namespaces/x/pods/p/exec?command=id"),
    ("DELETE", "/apis/apps/v1/namespaces/x/deployments/d"),
    ("GET", "/apis"),
    ("POST", "/metrics"),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    ("GET", "/.kubegate/session"),
    ("GET", "/.pomerium/api/v1/routes"),
    ("GET", "/healthz"),
];

/// Signs bundles.
pub fn bundle_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

/// Signs session tokens.
pub fn token_key() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

/// Signs tokens for pomerium-cli.
pub fn pomerium_key() -> SigningKey {
    SigningKey::from_seed([3; 32])
}

/// A gateway that has no bundle yet.
pub fn empty_gateway() -> Gateway {
    let keys = Keys::new([bundle_key().public()]).unwrap();
    Gateway::new(ISSUER.to_owned(), keys, Duration::from_secs(3600))
}

/// A gateway with [`BUNDLE`] in force.
pub fn gateway() -> Gateway {
    let mut gateway = empty_gateway();
    gateway.accept(&BUNDLE.documents()).unwrap();
    gateway
}

thread_local! {
    static SHARED: Rc<RefCell<Gateway>> = Rc::new(RefCell::new(gateway()));
}

/// A gateway with [`BUNDLE`] in force that serves all inputs of a target, because signatures take most of the time.
pub fn shared_gateway() -> Rc<RefCell<Gateway>> {
    SHARED.with(Rc::clone)
}

/// A good session token: [`claims`], signed.
pub static TOKEN: LazyLock<String> = LazyLock::new(|| token(&claims()));

/// A bundle: `readers` may read pods and impersonate, `guests` may do nothing.
pub static BUNDLE: LazyLock<WholeBundle> = LazyLock::new(bundle);

fn bundle() -> WholeBundle {
    let rules = json!([
        {"name": "readers", "who": {"groups": ["readers"]}, "clusters": ["prod"], "may": [
            {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods"]},
            {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "names": ["guest-*"]},
            {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["groups"], "names": ["guests"]},
            {"verbs": ["impersonate"], "apiGroups": ["authentication.k8s.io"], "resources": ["userextras/scope"]}]},
        {"name": "guests", "who": {"groups": ["guests"]}, "clusters": ["*"]},
    ]);
    let clusters = json!([{"name": "prod", "hosts": [HOST], "server": "https://prod.example.com"}]);
    let policy = PolicyDocument {
        issuer: ISSUER.to_owned(),
        version: Version { epoch: 0, counter: 5 },
        keys: vec![token_key().public().clone()],
        clusters: serde_json::from_value(clusters).unwrap(),
        parts: Vec::new(),
        pomerium: Some(PomeriumTokens { keys: vec![pomerium_key().public().clone()], clusters: vec!["prod".into()] }),
    };
    let rules: Vec<_> = serde_json::from_value(rules).unwrap();
    let changes =
        ChangesDocument { version: Version { epoch: 0, counter: 7 }, issued_at: NOW, ..ChangesDocument::default() };
    WholeBundle::sign(&bundle_key(), policy, &rules, LiveEntries::default(), changes).unwrap()
}

/// The claims of a good session token of bob's, a reader.
pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "corp:bob", "aud": "prod", "exp": 1_000_600, "nbf": 999_970, "iat": 1_000_000, "jti": "j",
        "sid": "s-1", "session_exp": 1_040_000, "auth_time": 999_990, "provider": "corp", "user": "bob", "uid": "u-1",
        "email": "bob@example.com", "groups": ["readers"], "claims": {"department": "sre"},
    })
}

/// A session token of these claims.
pub fn token(claims: &impl Serialize) -> String {
    token_key().sign(SESSION_TYPE, claims).unwrap()
}

/// A token for pomerium-cli of these claims.
pub fn pomerium_token(claims: &impl Serialize) -> String {
    pomerium_key().sign(POMERIUM_TYPE, claims).unwrap()
}

/// `base` with the fields of `patch` in place of its own; a `null` takes a field away (RFC 7386, one level deep).
pub fn patched(mut base: Value, patch: &Value) -> Value {
    if let (Some(fields), Some(patch)) = (base.as_object_mut(), patch.as_object()) {
        for (name, value) in patch {
            if value.is_null() {
                fields.remove(name)
            } else {
                fields.insert(name.clone(), value.clone())
            };
        }
    }
    base
}

/// Asks a gateway, and checks what holds of every request that it lets through.
pub fn ask(gateway: &mut Gateway, token: &str, method: &str, path: &str) -> bool {
    let bearer = format!("Bearer {token}");
    let headers = [(":method", method), (":authority", HOST), (":path", path), ("authorization", &bearer)];
    let Ok(inbound) = Inbound::parse(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))) else {
        return false;
    };
    match gateway.decide(inbound, NOW) {
        Decision::Answer(answer) => {
            assert!(answer.status >= 400 || answer.record.decision == "local", "{answer:?}");
            false
        }
        Decision::ControlPlane(asked) => {
            assert!(asked.record.decision == "local" && path.starts_with("/.pomerium/"), "{asked:?}");
            false
        }
        Decision::Allow(allow) => {
            check(&allow, gateway);
            true
        }
    }
}

fn check(allow: &Allow<'_>, gateway: &Gateway) {
    let values =
        |wanted| allow.grant.add.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let users: Vec<_> = values("impersonate-user").collect();
    assert!(matches!(users.as_slice(), [user] if is_user(user)), "{users:?}");
    assert_eq!(values("impersonate-group").last(), Some(AUTHENTICATED));
    for (name, value) in allow.grant.add.iter() {
        assert!(name.starts_with("impersonate-") && name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}: {value:?}");
    }
    for group in values("impersonate-group") {
        assert_eq!(identity_name::check(group), Ok(()), "{group:?}");
    }
    assert!(allow.remove.contains(&"authorization"), "the session token goes no further");
    let reason = allow.grant.record.reason;
    assert!(matches!(reason, "discovery" | "about-oneself") || reason == "rule" && !allow.grant.record.rule.is_empty());
    assert_eq!(gateway.stream_end(&allow.stream, NOW), None, "what was allowed now may go on now");
}

fn is_user(user: &str) -> bool {
    identity_name::check(user).is_ok() && !identity_name::is_reserved(user)
}
