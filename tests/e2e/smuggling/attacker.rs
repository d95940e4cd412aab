//! Who attacks: somebody with a good token of their own, whom the API server must know as exactly that person.

use kubegate_core::time::Timestamp;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use kubegate_tests::issuer::Issuer;
use kubegate_tests::world::CLUSTER;
use serde_json::{Value, json};

/// 2026-01-01 and 2100-01-01: a case is the same bytes on every day.
const SINCE: u64 = 1_767_225_600;
const UNTIL: u64 = 4_102_444_800;

/// A person, and what their rule of the policy allows.
pub(super) struct Attacker {
    pub(super) token: String,
    claims: SessionClaims,
    may: fn(&Value) -> bool,
}

impl Attacker {
    pub(super) fn new(issuer: &Issuer, user: &str, groups: &[&str], may: fn(&Value) -> bool) -> Self {
        let claims = SessionClaims {
            jti: "a-token".to_owned(),
            uid: Some(format!("uid-of-{user}")),
            iat: Timestamp::from_seconds(SINCE),
            nbf: Timestamp::from_seconds(SINCE),
            auth_time: Timestamp::from_seconds(SINCE),
            exp: Timestamp::from_seconds(UNTIL),
            session_exp: Timestamp::from_seconds(UNTIL),
            ..issuer.claims(CLUSTER, user, groups)
        };
        Self { token: issuer.token_key.sign(SESSION_TYPE, &claims).unwrap(), claims, may }
    }

    /// `impersonatedUser` of every event that is theirs; groups sorted.
    pub(super) fn identity(&self) -> Value {
        let mut groups = self.claims.groups.clone();
        groups.push("system:authenticated".to_owned());
        groups.sort();
        json!({
            "username": self.claims.user, "uid": self.claims.uid, "groups": groups,
            "extra": {
                "kubegate.io/session": [self.claims.sid],
                "kubegate.io/cluster": [self.claims.aud],
                "kubegate.io/provider": [self.claims.provider],
                "kubegate.io/auth-time": [self.claims.auth_time.seconds().to_string()],
            },
        })
    }

    /// Whether an event is of a request that a rule allows them, or that everybody may make.
    pub(super) fn may(&self, event: &Value) -> bool {
        is_open_to_everybody(event) || (self.may)(event)
    }
}

/// The rule `team-a` of the suite's policy. What connects is `create`, whatever the method says.
pub(super) fn reads_its_namespace(event: &Value) -> bool {
    is_in_team_a(event) && matches!(text(event, "/verb"), "get" | "list" | "watch") && !connects(event)
}

/// The rule `breakglass`.
pub(super) fn creates_in_its_namespace(event: &Value) -> bool {
    is_in_team_a(event) && matches!(text(event, "/verb"), "get" | "list" | "watch" | "create")
}

/// No rule at all.
pub(super) fn nothing(_: &Value) -> bool {
    false
}

fn is_in_team_a(event: &Value) -> bool {
    text(event, "/objectRef/namespace") == "team-a"
}

fn connects(event: &Value) -> bool {
    matches!(text(event, "/objectRef/subresource"), "exec" | "attach" | "portforward" | "proxy")
}

/// Discovery, as Kubernetes' ClusterRole `system:discovery` has it, and questions about oneself.
fn is_open_to_everybody(event: &Value) -> bool {
    const EXACT: [&str; 9] =
        ["/api", "/apis", "/openapi", "/api/", "/healthz", "/livez", "/readyz", "/version", "/version/"];
    let Some(object) = event.get("objectRef") else {
        let uri = text(event, "/requestURI").split('?').next().unwrap_or_default();
        let path = decoded(uri);
        let below = ["/api/", "/apis/", "/openapi/"].iter().any(|root| path.starts_with(root));
        return (EXACT.contains(&path.as_str()) || below) && matches!(text(event, "/verb"), "get" | "head");
    };
    let is_about_oneself = text(object, "/resource").starts_with("selfsubject");
    is_about_oneself && text(event, "/verb") == "create" && object.get("subresource").is_none()
}

fn decoded(uri: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), uri.as_bytes());
    while let [first, behind @ ..] = rest {
        let byte = behind.get(..2).filter(|_| *first == b'%');
        let byte = byte.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
