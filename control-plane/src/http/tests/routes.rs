//! Every route, by somebody who has signed in nowhere.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use super::world::World;

/// Method, path, and what an unknown visitor gets.
const PUBLIC: [(Method, &str, StatusCode); 43] = [
    (Method::GET, "/", StatusCode::OK),
    (Method::GET, "/login", StatusCode::OK),
    (Method::POST, "/login/accounts", StatusCode::FORBIDDEN),
    (Method::GET, "/login/accounts", StatusCode::SEE_OTHER),
    (Method::GET, "/login/{provider}", StatusCode::NOT_FOUND),
    (Method::GET, "/callback/{provider}", StatusCode::NOT_FOUND),
    (Method::POST, "/logout", StatusCode::SEE_OTHER),
    (Method::GET, "/device", StatusCode::OK),
    (Method::POST, "/device", StatusCode::FORBIDDEN),
    (Method::GET, "/device/decision", StatusCode::SEE_OTHER),
    (Method::POST, "/device/decision", StatusCode::FORBIDDEN),
    (Method::POST, "/oauth/device_authorization", StatusCode::BAD_REQUEST),
    (Method::POST, "/logout/backchannel/{provider}", StatusCode::BAD_REQUEST),
    (Method::GET, "/logged-out", StatusCode::OK),
    (Method::GET, "/signed-in", StatusCode::OK),
    (Method::GET, "/api/v1/sessions", StatusCode::UNAUTHORIZED),
    (Method::DELETE, "/api/v1/sessions", StatusCode::UNAUTHORIZED),
    (Method::DELETE, "/api/v1/sessions/{id}", StatusCode::UNAUTHORIZED),
    (Method::GET, "/assets/{name}", StatusCode::NOT_FOUND),
    (Method::GET, "/.well-known/oauth-authorization-server", StatusCode::OK),
    (Method::GET, "/oauth/jwks.json", StatusCode::OK),
    (Method::GET, "/oauth/authorize", StatusCode::BAD_REQUEST),
    (Method::POST, "/oauth/authorize", StatusCode::BAD_REQUEST),
    (Method::GET, "/oauth/code", StatusCode::BAD_REQUEST),
    (Method::POST, "/oauth/token", StatusCode::BAD_REQUEST),
    (Method::POST, "/oauth/revoke", StatusCode::BAD_REQUEST),
    (Method::GET, "/api/v1/whoami", StatusCode::UNAUTHORIZED),
    (Method::GET, "/api/v1/clusters", StatusCode::UNAUTHORIZED),
    (Method::POST, "/api/v1/revocations", StatusCode::UNAUTHORIZED),
    (Method::GET, "/status", StatusCode::SEE_OTHER),
    (Method::GET, "/api/v1/bundle", StatusCode::UNAUTHORIZED),
    (Method::GET, "/api/v1/status", StatusCode::UNAUTHORIZED),
    (Method::GET, "/api/v1/elevations", StatusCode::UNAUTHORIZED),
    (Method::POST, "/api/v1/elevations", StatusCode::UNAUTHORIZED),
    (Method::DELETE, "/api/v1/elevations/{id}", StatusCode::UNAUTHORIZED),
    (Method::GET, "/api/v1/people/disabled", StatusCode::UNAUTHORIZED),
    (Method::POST, "/api/v1/people/disable", StatusCode::UNAUTHORIZED),
    (Method::POST, "/api/v1/people/enable", StatusCode::UNAUTHORIZED),
    (Method::GET, "/healthz", StatusCode::OK),
    (Method::GET, "/readyz", StatusCode::OK),
    (Method::GET, "/v1/bundle", StatusCode::NOT_FOUND),
    (Method::GET, "/metrics", StatusCode::NOT_FOUND),
    (Method::GET, "/nothing/here", StatusCode::NOT_FOUND),
];

const INTERNAL: [(&str, StatusCode); 5] = [
    ("/v1/bundle", StatusCode::UNAUTHORIZED),
    ("/metrics", StatusCode::OK),
    ("/healthz", StatusCode::OK),
    ("/readyz", StatusCode::OK),
    ("/login", StatusCode::NOT_FOUND),
];

#[tokio::test]
async fn who_cannot_keep_the_live_set_fresh_is_not_ready() {
    let world = World::new().await;
    assert_eq!(world.internal("/readyz", &[]).await.status, StatusCode::OK);
    world.clock.advance(std::time::Duration::from_secs(121));
    let answer = world.internal("/readyz", &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert_eq!(answer.json()["live_set"], "stale");
}

#[tokio::test]
async fn an_unknown_visitor_gets_no_further_than_listed() {
    let world = World::new().await;
    for (method, path, expected) in PUBLIC {
        let request = Request::builder().method(&method).uri(path.replace(['{', '}'], "")).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(answer.header("strict-transport-security").contains("max-age"), "{path}");
    }
    for (path, expected) in INTERNAL {
        assert_eq!(world.internal(path, &[]).await.status, expected, "{path}");
    }
}

#[test]
fn the_lists_above_have_every_route() {
    let router = include_str!("../router.rs");
    for route in router.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let listed =
            PUBLIC.iter().any(|(_, path, _)| *path == route) || INTERNAL.iter().any(|(path, _)| *path == route);
        assert!(listed, "{route} is not in the list of this test");
    }
}

#[tokio::test]
async fn the_style_sheet_is_where_pages_say() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = browser.get("/login").await.text;
    let path = page.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let style = browser.get(path).await;
    assert_eq!((style.status, style.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
}

#[tokio::test]
async fn the_metadata_names_what_is_there() {
    let world = World::new().await;
    let mut browser = world.browser();
    let metadata = browser.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["issuer"].as_str(), Some(super::world::ISSUER));
    let endpoints = [
        "authorization_endpoint",
        "token_endpoint",
        "revocation_endpoint",
        "device_authorization_endpoint",
        "jwks_uri",
    ];
    for endpoint in endpoints {
        let path = metadata[endpoint].as_str().unwrap().strip_prefix(super::world::ISSUER).unwrap();
        assert!(PUBLIC.iter().any(|(_, known, _)| *known == path), "{endpoint}");
    }
    let keys = browser.get("/oauth/jwks.json").await.json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    assert!(keys["keys"][0].get("d").is_none(), "public halves only");
}
