use std::time::Duration;

use kubegate_core::bundle::{ChangesDocument, LiveEntries, WholeBundle};
use kubegate_core::jws::{Keys, SigningKey};
use kubegate_core::rule::Rule;
use kubegate_core::token::SESSION_TYPE;
use serde_json::json;

use super::*;
use crate::host::fake::Fake;

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn gateway() -> Rc<RefCell<Gateway>> {
    let policy = json!({
        "issuer": "https://k", "version": {"epoch": 0, "counter": 1}, "keys": [key().public()], "parts": [],
        "clusters": [{"name": "prod", "hosts": ["prod"], "server": "https://prod"}],
        "pomerium": {"keys": [SigningKey::from_seed([2; 32]).public()], "clusters": ["prod"]},
    });
    let rules = json!([{"name": "r", "who": {"users": ["bob"]}, "clusters": ["*"], "may": [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["create"], "apiGroups": [""], "resources": ["services/proxy"]}]}]);
    let (policy, rules) =
        (serde_json::from_value(policy).unwrap(), serde_json::from_value::<Vec<Rule>>(rules).unwrap());
    let changes = ChangesDocument { issued_at: Timestamp::from_seconds(100), ..ChangesDocument::default() };
    let bundle = WholeBundle::sign(&key(), policy, &rules, LiveEntries::default(), changes).unwrap();
    let keys = Keys::new([key().public()]).unwrap();
    let mut gateway = Gateway::new("https://k".to_owned(), keys, Duration::from_secs(1000));
    gateway.accept(&bundle.documents()).unwrap();
    Rc::new(RefCell::new(gateway))
}

fn token() -> String {
    let claims = json!({
        "iss": "https://k", "sub": "p:bob", "aud": "prod", "exp": 700, "nbf": 90, "iat": 100, "jti": "j", "sid": "s",
        "session_exp": 5000, "auth_time": 100, "provider": "p", "user": "bob", "groups": ["g"],
    });
    key().sign(SESSION_TYPE, &claims).unwrap()
}

fn fake(path: &str, more: &[(&str, &str)]) -> Fake {
    let fake = Fake::default();
    fake.seconds.set(100);
    let mut headers = vec![
        (":method".to_owned(), "GET".to_owned()),
        (":authority".to_owned(), "prod:6443".to_owned()),
        (":path".to_owned(), path.to_owned()),
        ("authorization".to_owned(), format!("Bearer {}", token())),
    ];
    headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    *fake.headers.borrow_mut() = headers;
    fake
}

/// What the access log says.
fn record(host: &Fake) -> serde_json::Value {
    serde_json::from_str(&host.state.borrow()["kubegate.log"]).unwrap()
}

const POD: &str = "/api/v1/namespaces/x/pods/p";

#[test]
fn an_allowed_request_goes_on_with_our_headers_and_the_decision() {
    let host = fake(POD, &[("x-remote-user", "admin"), ("cookie", "a"), ("x-request-id", "r")]);
    let mut request = Request::new(host, 1, Some(gateway()), Streams::default());
    assert_eq!(request.on_request_headers(), Next::Continue);
    let host = &request.host;
    assert_eq!(host.state.borrow().get("kubegate.cluster").map(String::as_str), Some("prod"));
    assert_eq!(host.values("impersonate-user"), ["bob"]);
    assert_eq!(host.values("impersonate-group"), ["g", "system:authenticated"]);
    assert_eq!(host.values("audit-id"), ["r"]);
    for gone in ["authorization", "x-remote-user", "cookie"] {
        assert_eq!(host.values(gone), [] as [&str; 0], "{gone}");
    }
    assert_eq!(record(host)["user"], "bob");
}

#[test]
fn a_refused_request_is_answered_and_opens_no_route() {
    for (path, more, status) in [
        ("/api/v1/namespaces/x/secrets", vec![], 403),
        ("/api/v1//pods", vec![], 400),
        (POD, vec![("impersonate-user", "root")], 403),
        (POD, vec![("authorization", "Bearer x")], 400),
        (POD, vec![("impersonate_user", "root")], 400),
    ] {
        let mut request = Request::new(fake(path, &more), 1, Some(gateway()), Streams::default());
        assert_eq!(request.on_request_headers(), Next::Stop, "{path}");
        assert_eq!(request.host.answer.borrow().as_ref().unwrap().0, status, "{path} {more:?}");
        assert!(!request.host.state.borrow().contains_key("kubegate.cluster"), "{path}");
    }
}

#[test]
fn a_request_that_cannot_be_rewritten_in_full_goes_nowhere() {
    for stubborn in ["authorization", "impersonate-user", "impersonate-group"] {
        let host = fake(POD, &[]);
        host.stubborn.set(Some(stubborn));
        let mut request = Request::new(host, 1, Some(gateway()), Streams::default());
        assert_eq!(request.on_request_headers(), Next::Stop, "{stubborn}");
        assert_eq!(request.host.answer.borrow().as_ref().unwrap().0, 503);
        assert!(!request.host.state.borrow().contains_key("kubegate.cluster"));
        assert_eq!(record(&request.host)["decision"], "error");
    }
    let mut request = Request::new(fake(POD, &[]), 1, None, Streams::default());
    assert_eq!(request.on_request_headers(), Next::Stop);
}

#[test]
fn an_upstream_401_names_the_gateway_credential() {
    let mut request = Request::new(fake(POD, &[]), 1, Some(gateway()), Streams::default());
    assert_eq!(request.on_request_headers(), Next::Continue);
    request.host.headers.borrow_mut().push((":status".to_owned(), "401".to_owned()));
    assert_eq!(request.on_response_headers(), Next::Stop);
    let answer = request.host.answer.borrow().clone().unwrap();
    assert_eq!(answer.0, 502);
    assert!(answer.1.contains("gateway's own credential"), "{}", answer.1);

    let mut proxied =
        Request::new(fake("/api/v1/namespaces/x/services/s/proxy/", &[]), 1, Some(gateway()), Streams::default());
    assert_eq!(proxied.on_request_headers(), Next::Continue);
    proxied.host.headers.borrow_mut().push((":status".to_owned(), "401".to_owned()));
    assert_eq!(proxied.on_response_headers(), Next::Continue, "a workload's 401 is its own");

    let mut refused = Request::new(fake("/api/v1/secrets", &[]), 1, Some(gateway()), Streams::default());
    assert_eq!(refused.on_request_headers(), Next::Stop);
    refused.host.headers.borrow_mut().push((":status".to_owned(), "401".to_owned()));
    assert_eq!(refused.on_response_headers(), Next::Continue, "our own 401 stays one");
}

#[test]
fn a_revoked_session_ends_its_open_stream_and_no_other() {
    let gateway = gateway();
    let streams = Streams::default();
    let mut watch = Request::new(fake(POD, &[]), 7, Some(Rc::clone(&gateway)), streams.clone());
    let mut done = Request::new(fake(POD, &[]), 8, Some(Rc::clone(&gateway)), streams.clone());
    assert_eq!((watch.on_request_headers(), done.on_request_headers()), (Next::Continue, Next::Continue));
    drop(done);
    let root = fake(POD, &[]);
    streams.on_tick(&root, &gateway.borrow());
    assert!(root.ended.borrow().is_empty());
    root.seconds.set(5000);
    streams.on_tick(&root, &gateway.borrow());
    streams.on_tick(&root, &gateway.borrow());
    assert_eq!(*root.ended.borrow(), [(7, "session-ended".to_owned())]);
}

#[test]
fn what_pomerium_cli_asks_for_goes_to_the_control_plane_and_nowhere_else() {
    let path = "/.pomerium/api/v1/login?pomerium_redirect_uri=http://127.0.0.1:7";
    let more = [("cookie", "a"), ("impersonate-user", "root"), ("x-kubegate-cluster", "other")];
    let mut request = Request::new(fake(path, &more), 1, Some(gateway()), Streams::default());
    assert_eq!(request.on_request_headers(), Next::Continue);
    let host = &request.host;
    assert_eq!(host.state.borrow().get("kubegate.local").map(String::as_str), Some("control-plane"));
    assert!(!host.state.borrow().contains_key("kubegate.cluster"), "no route to an API server is open");
    assert_eq!(host.values("x-kubegate-cluster"), ["prod"], "by the host that was asked, whatever the client says");
    for gone in ["authorization", "cookie", "impersonate-user"] {
        assert_eq!(host.values(gone), [] as [&str; 0], "{gone}");
    }
    request.host.headers.borrow_mut().push((":status".to_owned(), "401".to_owned()));
    assert_eq!(request.on_response_headers(), Next::Continue, "the control plane's 401 is its own");

    for stubborn in ["authorization", "cookie", "x-kubegate-cluster"] {
        let host = fake(path, &more);
        host.stubborn.set(Some(stubborn));
        let mut request = Request::new(host, 1, Some(gateway()), Streams::default());
        assert_eq!(request.on_request_headers(), Next::Stop, "{stubborn}");
        assert!(!request.host.state.borrow().contains_key("kubegate.local"), "{stubborn}");
    }
    for (path, status) in [("/.pomerium/other", 404), ("/.pomerium/api/v1/routes", 401)] {
        let mut request = Request::new(fake(path, &[]), 1, Some(gateway()), Streams::default());
        assert_eq!(request.on_request_headers(), Next::Stop, "{path}");
        assert_eq!(request.host.answer.borrow().as_ref().unwrap().0, status, "{path}");
        assert!(request.host.state.borrow().keys().all(|key| key == "kubegate.log"), "{path}");
    }
}
