//! A control plane, and a cluster's host, that do what the test says.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::http::Request;

/// How the fake behaves, and what it has seen.
pub(crate) struct State {
    /// What it calls itself in its metadata, when not by its name.
    pub(crate) issuer: Option<String>,
    /// The `iss` of its answers to the browser, when not its name.
    pub(crate) answer_iss: Option<String>,
    /// The `state` of its answers to the browser, when not the request's.
    pub(crate) answer_state: Option<String>,
    /// The error, with its description, that a sign-in ends with instead of a code.
    pub(crate) refuse: Option<(&'static str, &'static str)>,
    /// The demands of the authorization requests so far: `acr_values`, `max_age`.
    pub(crate) demands: Vec<(Option<String>, Option<String>)>,
    /// Seconds that a token lives.
    pub(crate) lifetime: u64,
    /// So many answers of the token endpoint get lost after the work is done.
    pub(crate) lose_answers: usize,
    /// It cannot serve at all.
    pub(crate) down: bool,
    /// The token endpoint's status, when it cannot serve.
    pub(crate) broken: Option<u16>,
    /// What the cluster's host answers when asked about a token.
    pub(crate) session_check: (u16, String),
    /// Where the clusters are and whom to trust there, when not at the fake's own address.
    pub(crate) cluster_at: Option<(String, String)>,
    /// The clusters of the person.
    pub(crate) clusters: Vec<String>,
    /// What the API answers, by "METHOD path".
    pub(crate) api: HashMap<&'static str, (u16, Value)>,
    /// The headers of its answers, each with its line's end.
    pub(crate) api_headers: &'static str,
    /// What was sent to it last.
    pub(crate) sent: Value,
    /// The requests so far, as "METHOD path".
    pub(crate) seen: Vec<String>,
    /// Why and in which words a session is over whose refresh secret is not good.
    pub(crate) ended: (&'static str, &'static str),
    /// The refresh secrets that are good.
    pub(crate) refresh_secrets: Vec<String>,
    /// What it says of sign-ins without a browser.
    pub(crate) device: Device,
    codes: HashMap<String, (String, String)>,
    counter: usize,
}

/// How it signs in machines without a browser.
pub(crate) struct Device {
    /// Whether its metadata names the way.
    pub(crate) offered: bool,
    /// The error, with its description, that every request is refused with.
    pub(crate) refuse: Option<(&'static str, &'static str)>,
    /// What it answers the questions to come with, in turn: an error's code, "lost" (it hangs up), or "away"; then it
    /// grants.
    pub(crate) answers: VecDeque<&'static str>,
    /// Where it sends the person, when not to itself.
    pub(crate) elsewhere: Option<&'static str>,
    /// Seconds that the person has.
    pub(crate) expires_in: u64,
    /// The forms of the requests so far.
    pub(crate) asked: Vec<HashMap<String, String>>,
    /// When it was asked for the token.
    pub(crate) polls: Vec<Instant>,
}

/// What it says of a session that is over, unless it is told otherwise.
pub(crate) const ENDED: &str = "your session was ended by an administrator at 2026-11-25T02:00:00Z";

/// The grant type of RFC 8628.
pub(crate) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// No status: it hangs up instead of answering.
const HANG_UP: u16 = 0;

/// A running fake; it ends with the test process.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            issuer: None,
            answer_iss: None,
            answer_state: None,
            refuse: None,
            demands: Vec::new(),
            lifetime: 600,
            lose_answers: 0,
            down: false,
            broken: None,
            session_check: (200, "{}".into()),
            cluster_at: None,
            clusters: vec!["prod".into(), "staging".into()],
            api: HashMap::new(),
            api_headers: "",
            sent: Value::Null,
            seen: Vec::new(),
            ended: ("administrator", ENDED),
            refresh_secrets: Vec::new(),
            device: Device {
                offered: true,
                refuse: None,
                answers: VecDeque::new(),
                elsewhere: None,
                expires_in: 600,
                asked: Vec::new(),
                polls: Vec::new(),
            },
            codes: HashMap::new(),
            counter: 0,
        };
        let fake = Self { url, state: Arc::new(Mutex::new(state)) };
        let serving = fake.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (fake, stream) = (serving.clone(), stream.unwrap());
                thread::spawn(move || fake.serve(stream));
            }
        });
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How often something was asked.
    pub(crate) fn count(&self, request: &str) -> usize {
        self.state().seen.iter().filter(|seen| *seen == request).count()
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some(request) = Request::read(&mut stream) else { return };
        let mut state = self.state();
        let path = request.url.path().to_owned();
        state.seen.push(match request.get("grant_type") {
            Some(grant) => format!("{} {path} {grant}", request.method),
            None => format!("{} {path}", request.method),
        });
        let reply = self.answer(&mut state, &path, &request);
        if reply.status == HANG_UP {
            return;
        }
        if path == "/oauth/token" && state.lose_answers > 0 {
            state.lose_answers -= 1;
            return;
        }
        drop(state);
        let _ = write!(
            stream,
            "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n{}",
            reply.status,
            reply.body.len(),
            reply.headers,
            reply.body
        );
    }

    fn answer(&self, state: &mut State, path: &str, request: &Request) -> Reply {
        if let Some((status, body)) = state.api.get(format!("{} {path}", request.method).as_str()).cloned() {
            state.sent = serde_json::from_slice(&request.body).unwrap_or_default();
            return Reply { status, headers: state.api_headers.to_owned(), ..self.signed_in(request, body) };
        }
        match path {
            _ if state.down => Reply { status: 503, headers: String::new(), body: "{}".into() },
            "/.well-known/oauth-authorization-server" => {
                let device = state.device.offered.then(|| format!("{}/oauth/device_authorization", self.url));
                Reply::json(json!({
                    "issuer": state.issuer.clone().unwrap_or_else(|| self.url.clone()),
                    "authorization_endpoint": format!("{}/oauth/authorize", self.url),
                    "token_endpoint": format!("{}/oauth/token", self.url),
                    "revocation_endpoint": format!("{}/oauth/revoke", self.url),
                    "device_authorization_endpoint": device,
                }))
            }
            "/oauth/device_authorization" => self.begin_device(state, request),
            "/oauth/authorize" => self.authorize(state, request),
            "/oauth/token" => self.token(state, request),
            "/oauth/revoke" => {
                let token = request.get("token").unwrap();
                state.refresh_secrets.retain(|secret| *secret != token);
                Reply::json(json!({}))
            }
            "/.kubegate/session" => {
                assert!(request.bearer.is_some(), "the session check carries the token");
                let (status, body) = state.session_check.clone();
                Reply { status, headers: String::new(), body }
            }
            "/api/v1/whoami" => self.signed_in(
                request,
                json!({
                    "user": "alice", "uid": "u-1", "email": "alice@example.com", "groups": ["team-a", "ops"],
                    "provider": "accounts", "clusters": state.clusters,
                    "session": {
                        "id": "s-1", "created_at": 1, "expires_at": 1_763_942_400, "auth_time": 1, "acr": "phr",
                        "amr": ["hwk", "pin"],
                    },
                }),
            ),
            "/api/v1/clusters" => {
                let clusters: Vec<Value> = state.clusters.iter().map(|name| self.cluster(state, name)).collect();
                self.signed_in(request, json!({ "clusters": clusters }))
            }
            "/version" => self.signed_in(request, json!({"major": "1", "minor": "37", "gitVersion": "v1.37.2"})),
            _ => Reply { status: 404, headers: String::new(), body: "{}".into() },
        }
    }

    fn authorize(&self, state: &mut State, request: &Request) -> Reply {
        assert_eq!(request.get("response_type").as_deref(), Some("code"));
        assert_eq!(request.get("client_id").as_deref(), Some("kubegate-cli"));
        assert_eq!(request.get("code_challenge_method").as_deref(), Some("S256"));
        state.demands.push((request.get("acr_values"), request.get("max_age")));
        let redirect_uri = request.get("redirect_uri").unwrap();
        state.counter += 1;
        let code = format!("code-{}", state.counter);
        state.codes.insert(code.clone(), (request.get("code_challenge").unwrap(), redirect_uri.clone()));
        if redirect_uri == format!("{}/oauth/code", self.url) {
            return Reply { status: 200, headers: String::new(), body: code };
        }
        let mut back = Url::parse(&redirect_uri).unwrap();
        match state.refuse {
            Some((error, description)) => {
                back.query_pairs_mut().append_pair("error", error).append_pair("error_description", description)
            }
            None => back.query_pairs_mut().append_pair("code", &code),
        };
        back.query_pairs_mut()
            .append_pair("state", &state.answer_state.clone().unwrap_or_else(|| request.get("state").unwrap()))
            .append_pair("iss", state.answer_iss.as_ref().unwrap_or(&self.url));
        Reply { status: 303, headers: format!("Location: {back}\r\n"), body: String::new() }
    }

    fn begin_device(&self, state: &mut State, request: &Request) -> Reply {
        assert!(
            request.user_agent.as_ref().is_some_and(|agent| agent.starts_with("kubegate/") && agent.ends_with(')'))
        );
        state.device.asked.push(request.form.iter().cloned().collect());
        if let Some((code, description)) = state.device.refuse {
            return Reply::error(code, description);
        }
        let url = state.device.elsewhere.unwrap_or(&self.url);
        Reply::json(json!({
            "device_code": "kgd_1", "user_code": "BCDF-GHJK", "verification_uri": format!("{url}/device"),
            "verification_uri_complete": format!("{url}/device?user_code=BCDF-GHJK"),
            "expires_in": state.device.expires_in, "interval": 1,
        }))
    }

    fn device_allowed(state: &mut State, request: &Request) -> Result<bool, Reply> {
        assert_eq!(request.get("device_code").as_deref(), Some("kgd_1"));
        state.device.polls.push(Instant::now());
        match state.device.answers.pop_front() {
            None => Ok(true),
            Some("lost") => Err(Reply { status: HANG_UP, ..Reply::json(json!({})) }),
            Some("away") => Err(Reply { status: 503, ..Reply::json(json!({})) }),
            Some("invalid_grant") => Ok(false),
            Some(code) => Err(Reply::error(code, "Not now.")),
        }
    }

    fn token(&self, state: &mut State, request: &Request) -> Reply {
        if let Some(status) = state.broken {
            let body = json!({"error": "temporarily_unavailable", "error_description": "The store is away."});
            return Reply { status, headers: String::new(), body: body.to_string() };
        }
        let granted = match request.get("grant_type").as_deref() {
            Some("authorization_code") => self.code_fits(state, request),
            Some(DEVICE_GRANT) => match Self::device_allowed(state, request) {
                Ok(allowed) => allowed,
                Err(reply) => return reply,
            },
            Some("refresh_token") => state.refresh_secrets.contains(&request.get("refresh_token").unwrap()),
            _ => false,
        };
        if !granted {
            let (reason, words) = state.ended;
            let mut body = json!({"error": "invalid_grant", "error_description": words});
            body["session_ended"] = json!({"reason": reason, "at": "2026-11-25T02:00:00Z"});
            return Reply { status: 400, ..Reply::json(body) };
        }
        let resource = request.get("resource");
        let cluster = resource.as_deref().and_then(|resource| resource.strip_prefix("urn:kubegate:cluster:"));
        if cluster.is_some_and(|name| !state.clusters.iter().any(|known| known == name)) {
            return Reply::error("invalid_target", "There is no such cluster.");
        }
        state.counter += 1;
        let claims = URL_SAFE_NO_PAD.encode(json!({"user": "alice", "n": state.counter}).to_string());
        let secret = format!("kgr_{}", state.counter);
        state.refresh_secrets.push(secret.clone());
        let mut answer = json!({
            "access_token": format!("e30.{claims}.c2ln"), "token_type": "Bearer", "expires_in": state.lifetime,
            "refresh_token": secret, "scope": "", "session_expires_in": 43200,
        });
        if let Some(name) = cluster {
            answer["cluster"] = self.cluster(state, name);
        }
        Reply::json(answer)
    }

    fn code_fits(&self, state: &mut State, request: &Request) -> bool {
        let verifier = request.get("code_verifier").unwrap();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        state.codes.remove(&request.get("code").unwrap()) == Some((challenge, request.get("redirect_uri").unwrap()))
    }

    fn signed_in(&self, request: &Request, body: Value) -> Reply {
        if request.bearer.is_some() { Reply::json(body) } else { Reply { status: 401, ..Reply::json(json!({})) } }
    }

    fn cluster(&self, state: &State, name: &str) -> Value {
        match &state.cluster_at {
            Some((server, ca)) => json!({"name": name, "server": server, "certificate_authority_data": ca}),
            None => json!({"name": name, "server": self.url}),
        }
    }
}

impl Reply {
    #[expect(clippy::needless_pass_by_value, reason = "made on the spot")]
    fn json(body: Value) -> Self {
        Self { status: 200, headers: String::new(), body: body.to_string() }
    }

    fn error(code: &str, description: &str) -> Self {
        Self { status: 400, ..Self::json(json!({"error": code, "error_description": description})) }
    }
}
