//! A small identity provider on a port of its own, which can be told to misbehave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::jws::SigningKey;
use serde_json::{Value, json};

use super::idp_again::{self, Again};
use sha2::{Digest, Sha256};

/// What it does.
#[derive(Clone)]
pub(super) struct Behaviour {
    /// The key that signs.
    pub(super) seed: [u8; 32],
    /// Claims of the ID token besides the necessary; `null` takes one away.
    pub(super) claims: Value,
    /// What the userinfo endpoint adds.
    pub(super) user_info: Value,
    /// Sends the ID token unsigned.
    pub(super) unsigned: bool,
    /// What it does when it is asked again.
    pub(super) again: Again,
    /// Answers discovery with an error.
    pub(super) down: bool,
    /// Says that its answers name it (RFC 9207).
    pub(super) names_itself: bool,
    /// Takes codes whatever verifier comes with them.
    pub(super) ignores_pkce: bool,
}

/// The provider.
pub(super) struct Idp {
    pub(super) issuer: String,
    pub(super) behaviour: Arc<Mutex<Behaviour>>,
    state: Arc<Server>,
}

struct Server {
    issuer: String,
    behaviour: Arc<Mutex<Behaviour>>,
    /// Code to challenge and nonce.
    codes: Mutex<HashMap<String, (String, String)>>,
    /// How often discovery was asked for.
    discoveries: AtomicUsize,
    /// What the token endpoint was sent last: the form, and the `Authorization` header.
    shown: Mutex<(HashMap<String, String>, Option<String>)>,
}

impl Idp {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let behaviour = Arc::new(Mutex::new(Behaviour {
            seed: [1; 32],
            claims: json!({"email": "carol@example.com", "email_verified": true}),
            user_info: json!({"groups": ["team-a", "bad,group"], "department": "sre"}),
            unsigned: false,
            again: Again::default(),
            down: false,
            names_itself: false,
            ignores_pkce: false,
        }));
        let server = Server {
            issuer: issuer.clone(),
            behaviour: Arc::clone(&behaviour),
            codes: Mutex::default(),
            discoveries: AtomicUsize::new(0),
            shown: Mutex::default(),
        };
        let state = Arc::new(server);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, behaviour, state }
    }

    /// The section of the configuration that names it.
    pub(super) fn section(&self) -> String {
        self.section_with("")
    }

    /// The same, with more fields.
    pub(super) fn section_with(&self, more: &str) -> String {
        format!(
            "providers:\n  - {{id: corp, name: Corp, issuer: \"{}\", clientId: kubegate, userPrefix: \"corp:\", groupPrefix: \
             \"corp:\", scopes: [openid, email, groups], extraParameters: {{prompt: select_account}}{more}}}\n",
            self.issuer
        )
    }

    /// How often discovery was asked for.
    pub(super) fn discoveries(&self) -> usize {
        self.state.discoveries.load(Ordering::SeqCst)
    }

    /// What the token endpoint was sent last: the form, and the `Authorization` header.
    pub(super) fn shown(&self) -> (HashMap<String, String>, Option<String>) {
        self.state.shown.lock().unwrap().clone()
    }

    /// What a person does there: signs in, and is sent back with a code. Returns the callback's path and query.
    pub(super) fn authorize(&self, url: &str) -> String {
        let parameter = |name| super::world::parameter(url, name).unwrap_or_else(|| panic!("no {name} in {url}"));
        assert!(url.starts_with(&format!("{}/authorize?", self.issuer)), "{url}");
        assert_eq!((parameter("response_type"), parameter("code_challenge_method")), ("code".into(), "S256".into()));
        assert_eq!(parameter("scope"), "openid email groups");
        let query = url::form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes());
        let prompts: Vec<String> = query.filter(|(name, _)| name == "prompt").map(|(_, value)| value.into()).collect();
        let asked_anew = super::world::parameter(url, "max_age").as_deref() == Some("0");
        assert_eq!(prompts, [if asked_anew { "login" } else { "select_account" }], "one prompt, the strictest");
        let code = format!("code-{}", parameter("state"));
        let asked = (parameter("code_challenge"), parameter("nonce"));
        self.state.codes.lock().unwrap().insert(code.clone(), asked);
        let redirect = parameter("redirect_uri");
        let path = redirect.strip_prefix(super::world::ISSUER).unwrap();
        format!("{path}?{}", super::world::encode(&[("code", &code), ("state", &parameter("state"))]))
    }
}

async fn discovery(State(server): State<Arc<Server>>) -> Result<Json<Value>, StatusCode> {
    server.discoveries.fetch_add(1, Ordering::SeqCst);
    let (down, names_itself) = {
        let behaviour = server.behaviour.lock().unwrap();
        (behaviour.down, behaviour.names_itself)
    };
    if down {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let issuer = &server.issuer;
    Ok(Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "email", "groups", "offline_access"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "end_session_endpoint": format!("{issuer}/end?theirs=1"),
        "authorization_response_iss_parameter_supported": names_itself,
    })))
}

async fn jwks(State(server): State<Arc<Server>>) -> Json<Value> {
    let key = SigningKey::from_seed(server.behaviour.lock().unwrap().seed);
    Json(json!({ "keys": [key.public()] }))
}

async fn token(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, idp_again::Refusal> {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    *server.shown.lock().unwrap() = (form.clone(), authorization);
    let nonce = match form["grant_type"].as_str() {
        "refresh_token" => {
            idp_again::asked(&server.behaviour, &form).await?;
            Value::Null
        }
        _ => {
            let (challenge, nonce) = server.codes.lock().unwrap().remove(&form["code"]).unwrap();
            let fits = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes())) == challenge;
            if !fits && !server.behaviour.lock().unwrap().ignores_pkce {
                return Err((StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))));
            }
            nonce.into()
        }
    };
    let mut behaviour = server.behaviour.lock().unwrap();
    let refresh_token = behaviour.again.next();
    let now = crate::clock::Clock::system().now().seconds();
    let mut claims = json!({
        "iss": server.issuer, "sub": "u-1", "aud": "kubegate", "iat": now, "exp": now + 300, "nonce": nonce, "auth_time": now - 5,
    });
    for (name, value) in behaviour.claims.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let signed = SigningKey::from_seed(behaviour.seed).sign("JWT", &claims).unwrap();
    let id_token = if behaviour.unsigned {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string());
        format!("{header}.{}.", signed.split('.').nth(1).unwrap())
    } else {
        signed
    };
    let mut answer = json!({"access_token": "at", "token_type": "Bearer"});
    if nonce != Value::Null || !behaviour.again.without_id_token {
        answer["id_token"] = id_token.into();
    }
    if let Some(refresh_token) = refresh_token {
        answer["refresh_token"] = refresh_token.into();
    }
    Ok(Json(answer))
}

async fn user_info(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Json<Value>, idp_again::Refusal> {
    assert_eq!(headers["authorization"], "Bearer at");
    let behaviour = server.behaviour.lock().unwrap();
    if behaviour.again.access_token_is_over {
        return Err((StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_token"}))));
    }
    let mut claims = json!({"sub": "u-1"});
    claims.as_object_mut().unwrap().extend(behaviour.user_info.as_object().unwrap().clone());
    Ok(Json(claims))
}
