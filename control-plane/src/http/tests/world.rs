//! A control plane without sockets, and a browser for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use kubegate_core::bundle::Documents;
use kubegate_core::gateway::{Decision, Gateway, SESSION_PATH};
use kubegate_core::inbound::Inbound;
use kubegate_core::jws::{Keys, PublicKey, SigningKey};
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::accounts::hash_password;
use crate::app::{App, Controls};
use crate::clock::Clock;
use crate::config::Config;
use crate::policy;

/// When tests begin.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// What the gateway of the tests shows.
pub(super) const CREDENTIAL: &str = "kgg_0123456789012345678901234567890123456789012";

/// The password of every account.
pub(super) const PASSWORD: &str = "correct horse";

/// Where people reach the control plane.
pub(super) const ISSUER: &str = "https://kubegate.example.com";

/// PKCE of RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Where the command line of the tests listens.
pub(super) const CALLBACK: &str = "http://127.0.0.1:7777/callback";

const POLICY: &str = r#"
clusters:
  - {name: prod, hosts: [prod.example.com], server: "https://prod.example.com"}
  - {name: lab, hosts: [lab.example.com], server: "https://lab.example.com"}
rules:
  - name: admins
    who: {groups: [platform-admins]}
    clusters: [prod]
    may: [{verbs: ["*"], apiGroups: ["*"], resources: ["*"]}]
  - name: sre
    who: {claims: {department: [sre]}}
    clusters: [prod]
    may: [{verbs: [get], apiGroups: [""], resources: [pods]}]
"#;

/// A control plane.
pub(super) struct World {
    pub(super) app: Arc<App>,
    pub(super) clock: Clock,
    pub(super) dir: tempfile::TempDir,
    bundle_key: PublicKey,
    public: Router,
    internal: Router,
    policies: tokio::sync::mpsc::Sender<policy::Authored>,
    _stopping: tokio::sync::watch::Sender<bool>,
    standing: policy::Standing,
}

impl World {
    /// With the accounts alice (an administrator) and bob.
    pub(super) async fn new() -> Self {
        Self::with("").await
    }

    /// The same, with more sections of the configuration.
    pub(super) async fn with(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed([7; 32]);
        let jwk = serde_json::to_string(&kubegate_core::jws::PrivateJwk::from(&key)).unwrap();
        std::fs::write(dir.path().join("bundle-key.json"), jwk).unwrap();
        std::fs::write(dir.path().join("credential"), CREDENTIAL).unwrap();
        std::fs::write(dir.path().join("policy.yaml"), POLICY).unwrap();
        let hash = hash_password(&Secret::from(PASSWORD)).unwrap();
        let config = format!(
            "issuer: {ISSUER}\nstore: {{path: kubegate.db}}\npolicy: policy.yaml\nkeys: {{bundle: bundle-key.json}}\n\
             gateways: [{{name: edge, credentialFile: credential}}]\nadmins: {{groups: [platform-admins]}}\n\
             accounts:\n  - {{user: alice, passwordHash: \"{hash}\", groups: [platform-admins], email: alice@example.com}}\n  \
             - {{user: bob, passwordHash: \"{hash}\"}}\n{more}"
        );
        Self::open(dir, &config, Clock::manual(START)).await
    }

    async fn open(dir: tempfile::TempDir, config: &str, clock: Clock) -> Self {
        std::fs::write(dir.path().join("kubegate.yaml"), config).unwrap();
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let environment = |name: &str| (name == "KUBEGATE_ENCRYPTION_KEY").then(|| key.to_owned());
        let config = match Config::parse("kubegate.yaml", config, dir.path(), &environment) {
            Ok(config) => config,
            Err(problems) => panic!("{problems}"),
        };
        let bundle_key = config.bundle_key.public().clone();
        let authored = policy::load_now(&config.policy).unwrap().policy;
        let (app, Controls { publisher, standing, stopping }) =
            App::open(config, authored, clock.clone()).await.unwrap();
        let (policies, receiver) = tokio::sync::mpsc::channel(1);
        tokio::spawn(publisher.run(receiver, app.sessions.ended()));
        Self {
            public: super::super::public(Arc::clone(&app)),
            internal: super::super::internal(Arc::clone(&app)),
            app,
            clock,
            dir,
            bundle_key,
            policies,
            _stopping: stopping,
            standing,
        }
    }

    /// The same store under a configuration changed by `edit`, as after a restart.
    pub(super) async fn restarted(self, edit: impl Fn(&str) -> String) -> Self {
        let Self { app, clock, dir, .. } = self;
        app.store.close().await;
        let config = std::fs::read_to_string(dir.path().join("kubegate.yaml")).unwrap();
        Self::open(dir, &edit(&config), clock).await
    }

    /// Another process with the same configuration, on the same store.
    pub(super) async fn twin(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for file in ["bundle-key.json", "credential", "policy.yaml"] {
            std::fs::copy(self.dir.path().join(file), dir.path().join(file)).unwrap();
        }
        let config = std::fs::read_to_string(self.dir.path().join("kubegate.yaml")).unwrap();
        let store = self.dir.path().join("kubegate.db");
        let config = config.replace("path: kubegate.db", &format!("path: {}", store.display()));
        Self::open(dir, &config, self.clock.clone()).await
    }

    /// A backup of the store while it is in use.
    pub(super) async fn backup(&self) -> PathBuf {
        let path = self.dir.path().join("backup.db");
        self.sql(&format!("VACUUM INTO '{}'", path.display())).await;
        path
    }

    /// Does something to the store from outside.
    pub(super) async fn sql(&self, text: &str) {
        use sqlx::Connection as _;
        let store = format!("sqlite://{}", self.dir.path().join("kubegate.db").display());
        let mut connection = sqlx::SqliteConnection::connect(&store).await.unwrap();
        sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
    }

    /// The control plane with its store restored from a backup, or with an empty one.
    pub(super) async fn restored(self, backup: Option<&Path>) -> Self {
        self.app.store.close().await;
        for file in ["kubegate.db", "kubegate.db-wal", "kubegate.db-shm"] {
            let _ = std::fs::remove_file(self.dir.path().join(file));
        }
        if let Some(backup) = backup {
            std::fs::copy(backup, self.dir.path().join("kubegate.db")).unwrap();
        }
        self.restarted(str::to_owned).await
    }

    /// A browser that has seen nothing yet.
    pub(super) fn browser(&self) -> Browser {
        Browser { router: self.public.clone(), cookies: Vec::new() }
    }

    /// The bundle keys, as the filter trusts them.
    pub(super) fn bundle_keys(&self) -> Keys {
        Keys::new([&self.bundle_key]).unwrap()
    }

    /// With what the API's session path answers `token` on a cluster's host, by a gateway, and why.
    pub(super) fn ask(&self, gateway: &mut Gateway, host: &str, token: &str) -> (u16, &'static str) {
        let bearer = format!("Bearer {token}");
        let headers =
            [(":method", "GET"), (":authority", host), (":path", SESSION_PATH), ("authorization", bearer.as_str())];
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        match gateway.decide(Inbound::parse(headers).unwrap(), self.clock.now()) {
            Decision::Answer(answer) => (answer.status, answer.record.reason),
            Decision::Allow(_) => panic!("it is answered by the gateway"),
        }
    }

    /// Puts another policy into force.
    pub(super) async fn change_policy(&self, text: &str) {
        let path = self.dir.path().join("policy.yaml");
        std::fs::write(&path, text).unwrap();
        self.policies.send(policy::load_now(&path).unwrap().policy).await.unwrap();
    }

    /// Writes a policy file that is refused.
    pub(super) fn refuse_policy(&self, text: &str) {
        let path = self.dir.path().join("policy.yaml");
        std::fs::write(&path, text).unwrap();
        let error = policy::load_now(&path).unwrap_err();
        self.standing.refuse_file(policy::Refused::new(&error, self.clock.now()));
    }

    /// The policy as it was at the start.
    pub(super) fn policy() -> &'static str {
        POLICY
    }

    /// A request to the internal listener.
    pub(super) async fn internal(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(self.internal.clone(), request.body(Body::empty()).unwrap()).await
    }

    /// A bundle poll.
    pub(super) async fn poll(&self, held: Option<&str>, wait: &str) -> Answer {
        let authorization = format!("Bearer {CREDENTIAL}");
        let mut headers = vec![("authorization", authorization.as_str()), ("prefer", wait)];
        headers.extend(held.map(|held| ("if-none-match", held)));
        self.internal("/v1/bundle", &headers).await
    }

    /// A gateway that has taken what a poll brought.
    pub(super) fn gateway(&self, answer: &Answer) -> Gateway {
        let mut gateway = Gateway::new(ISSUER.to_owned(), self.bundle_keys(), Duration::from_secs(3600));
        gateway.accept(&Documents::parse(&answer.text).unwrap()).unwrap();
        gateway
    }

    /// A form sent by the command line.
    pub(super) async fn form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = form_request(path, form).body(Body::from(encode(form))).unwrap();
        answer(self.public.clone(), request).await
    }

    /// A GET of the API with a token.
    pub(super) async fn api(&self, path: &str, token: &str) -> Answer {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        answer(self.public.clone(), request.body(Body::empty()).unwrap()).await
    }

    /// A POST of JSON to the API with a token.
    pub(super) async fn api_post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.api_send(Method::POST, path, token, body).await
    }

    /// Any request with JSON to the API with a token.
    pub(super) async fn api_send(&self, method: Method, path: &str, token: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        answer(self.public.clone(), request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// A DELETE of the API with a token.
    pub(super) async fn api_delete(&self, path: &str, token: &str) -> Answer {
        let request = Request::delete(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        answer(self.public.clone(), request.body(Body::empty()).unwrap()).await
    }

    /// Any request to the public listener.
    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        answer(self.public.clone(), request).await
    }

    /// Signs a person in with an account and returns what the token endpoint answers.
    pub(super) async fn signed_in(&self, user: &str, resource: Option<&str>) -> Value {
        let mut browser = self.browser();
        let code = browser.code(user).await;
        let answer = self.redeem(&code, resource).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    /// Trades a code.
    pub(super) async fn redeem(&self, code: &str, resource: Option<&str>) -> Answer {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "kubegate-cli"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        form.extend(resource.map(|resource| ("resource", resource)));
        self.form("/oauth/token", &form).await
    }

    /// Trades a refresh secret.
    pub(super) async fn refresh(&self, secret: &str, resource: Option<&str>) -> Answer {
        let mut form = vec![("grant_type", "refresh_token"), ("client_id", "kubegate-cli"), ("refresh_token", secret)];
        form.extend(resource.map(|resource| ("resource", resource)));
        self.form("/oauth/token", &form).await
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(super) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.header("location")
    }

    /// The value of a hidden input.
    pub(super) fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.text.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {}", self.text));
        unescape(rest.split('"').next().unwrap())
    }
}

pub(super) fn unescape(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\"").replace("&#39;", "'")
}

/// A parameter of a URL's query.
pub(super) fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The authorization request of the command line.
pub(super) fn authorize_url() -> String {
    authorize_url_for(CALLBACK)
}

pub(super) fn authorize_url_for(redirect: &str) -> String {
    authorize_url_with(redirect, &[])
}

/// The same with further parameters.
pub(super) fn authorize_url_with(redirect: &str, more: &[(&str, &str)]) -> String {
    let mut query = vec![
        ("response_type", "code"),
        ("client_id", "kubegate-cli"),
        ("redirect_uri", redirect),
        ("state", "the state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    query.extend(more);
    format!("/oauth/authorize?{}", encode(&query))
}

/// A browser that keeps cookies and follows nothing by itself.
pub(super) struct Browser {
    router: Router,
    pub(super) cookies: Vec<(String, String)>,
}

impl Browser {
    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    pub(super) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(form_request(path, form), Body::from(encode(form))).await
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header(header::COOKIE, cookies.join("; ")).body(body).unwrap();
        let answer = answer(self.router.clone(), request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with("__Host-") && cookie.contains("Secure"), "{cookie}");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !cookie.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    /// Signs in with an account on the page at `path`; returns the answer to the form.
    pub(super) async fn sign_in(&mut self, path: &str, user: &str, password: &str) -> Answer {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let (csrf, return_to) = (page.hidden("csrf"), page.hidden("return_to"));
        let form = [("csrf", &*csrf), ("return_to", &*return_to), ("username", user), ("password", password)];
        self.post("/login/accounts", &form).await
    }

    /// From nothing to a code for the command line.
    pub(super) async fn code(&mut self, user: &str) -> String {
        let login = self.get(&authorize_url()).await.location().to_owned();
        let back = self.sign_in(&login, user, PASSWORD).await.location().to_owned();
        assert_eq!(back, authorize_url(), "the sign-in leads back");
        let answer = self.get(&back).await;
        let location = answer.location();
        assert!(location.starts_with(CALLBACK), "{location}");
        assert_eq!(parameter(location, "state").as_deref(), Some("the state"));
        assert_eq!(parameter(location, "iss").as_deref(), Some(ISSUER));
        parameter(location, "code").unwrap()
    }
}

fn form_request(path: &str, _form: &[(&str, &str)]) -> axum::http::request::Builder {
    Request::builder().method(Method::POST).uri(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

pub(super) fn encode(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

async fn answer(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

/// Fails with the name of what did not come in time.
pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}
