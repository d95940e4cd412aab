//! Whoever would have a browser or a code sent elsewhere.

use axum::http::StatusCode;

use super::super::oidc;
use super::super::pomerium::ON;
use super::super::world::{ISSUER, PASSWORD, World, authorize_url_for, encode, parameter};

/// Addresses that are almost the command line's own.
const ELSEWHERE: [&str; 34] = [
    "https://evil.example/callback",
    "http://evil.example:7777/callback",
    "http://localhost:7777/callback",
    "http://localhost.:7777/callback",
    "http://127.0.0.1:7777/",
    "http://127.0.0.1:7777/callback/",
    "http://127.0.0.1:7777//callback",
    "http://127.0.0.1:7777/callback/../callback",
    "http://127.0.0.1:7777/./callback",
    "http://127.0.0.1:7777/%63allback",
    "http://127.0.0.1:7777/callback?next=1",
    "http://127.0.0.1:7777/callback?",
    "http://127.0.0.1:7777/callback#x",
    "http://127.0.0.1:7777/callback#",
    "http://127.0.0.1:7777/CALLBACK",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:80/callback",
    "http://127.0.0.1:0777/callback",
    "http://127.0.0.1:77777/callback",
    "http://127.0.0.1:-1/callback",
    "https://127.0.0.1:7777/callback",
    "ftp://127.0.0.1:7777/callback",
    "http://127.0.0.1.:7777/callback",
    "http://127.0.0.2:7777/callback",
    "http://127.1:7777/callback",
    "http://2130706433:7777/callback",
    "http://0x7f.0.0.1:7777/callback",
    "http://0.0.0.0:7777/callback",
    "http://[::ffff:127.0.0.1]:7777/callback",
    "http://[0:0:0:0:0:0:0:1]:7777/callback",
    "http://[::]:7777/callback",
    "http://user@127.0.0.1:7777/callback",
    "http://127.0.0.1:7777@evil.example/callback",
    "http://127.0.0.1:7777/callback\n",
];

#[tokio::test]
async fn codes_go_to_the_command_line_on_this_machine_and_nowhere_else() {
    let world = World::new().await;
    let mut browser = world.browser_of("alice").await;
    let before = world.all_that_is_kept().await;
    for redirect in ELSEWHERE.into_iter().chain([
        "javascript:alert(1)",
        "data:text/html,x",
        &format!("{ISSUER}/oauth/code/"),
        &format!("{ISSUER}/oauth/code?x"),
        &format!("{ISSUER}.evil.example/oauth/code"),
        "https://kubegate.example.com@evil.example/oauth/code",
    ]) {
        let url = authorize_url_for(redirect);
        let asked = browser.get(&url).await;
        assert_eq!(asked.status, StatusCode::BAD_REQUEST, "{redirect}");
        assert!(asked.headers.get("location").is_none() && asked.headers.get("refresh").is_none(), "{redirect}");
        let query = url.split_once('?').unwrap().1;
        let form = [("csrf", "x"), ("request", query), ("decision", "deny")];
        let denied = browser.post("/oauth/authorize", &form).await;
        assert_eq!(denied.status, StatusCode::BAD_REQUEST, "{redirect}: nor is an error sent there");
    }
    assert_eq!(world.all_that_is_kept().await, before, "no code was made");
    for good in ["http://127.0.0.1:1/callback", "http://[::1]:65535/callback", &format!("{ISSUER}/oauth/code")] {
        assert_eq!(browser.get(&authorize_url_for(good)).await.status, StatusCode::OK, "{good}");
    }
}

#[tokio::test]
async fn no_page_of_ours_leads_to_another_site() {
    let (world, idp) = oidc::world_with(", domains: [example.com]").await;
    for evil in [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/%09/evil.example\r\nset-cookie: a=b",
        "https:evil.example",
        "javascript:alert(1)",
        "@evil.example",
        ".evil.example",
    ] {
        let query = encode(&[("return_to", evil)]);
        let mut browser = world.browser();
        // The language, the provider's sign-in, the address form, and a link of our own to a page after the sign-in.
        assert_eq!(browser.get(&format!("/language/de?{query}")).await.location(), "/", "{evil}");
        let there = browser.get(&format!("/login/corp?{query}")).await.location().to_owned();
        assert_eq!(browser.get(&idp.authorize(&there)).await.location(), "/", "{evil}");
        let csrf = browser.get("/login").await.hidden("csrf");
        let form = [("csrf", &*csrf), ("return_to", evil), ("email", "carol@example.com")];
        let page = browser.post("/login", &form).await;
        let refresh = page.header("refresh").to_owned();
        assert!(refresh.starts_with("0; url=/login/corp?"), "{evil}: {refresh}");
        assert!(!refresh.contains("evil"), "{evil}: {refresh}");
        // pomerium's and the device page's own addresses are no way out either.
        for path in ["/pomerium", "/device", "/logged-out", "/signed-in", "/oauth/code", "/callback/corp"] {
            let names = ["return_to", "redirect_uri", "post_logout_redirect_uri", "next", "url", "state"];
            let query = encode(&names.map(|name| (name, evil)));
            let answer = browser.get(&format!("{path}?{query}")).await;
            let leads = [answer.header("location"), answer.header("refresh")].concat();
            assert!(leads.is_empty() || leads.starts_with("/login?"), "{path} {evil}: {leads}");
        }
    }
}

#[tokio::test]
async fn who_signs_out_is_led_to_the_provider_alone() {
    let (world, idp) = oidc::world().await;
    let mut browser = world.browser();
    oidc::sign_in(&mut browser, &idp, "/login").await.location();
    let csrf = browser.get("/").await.hidden("csrf");
    let form =
        [("csrf", &*csrf), ("return_to", "https://evil.example"), ("post_logout_redirect_uri", "https://evil.example")];
    let page = browser.post("/logout", &form).await;
    let refresh = page.header("refresh").strip_prefix("0; url=").unwrap().to_owned();
    assert!(refresh.starts_with(&format!("{}/end?theirs=1", idp.issuer)), "{refresh}");
    assert_eq!(parameter(&refresh, "post_logout_redirect_uri").as_deref(), Some(&*format!("{ISSUER}/logged-out")));
    assert!(!page.text.contains("evil"), "{}", page.text);
}

#[tokio::test]
async fn pomerium_cli_waits_on_this_machine_alone() {
    let world = World::with(ON).await;
    let mut browser = world.browser();
    browser.sign_in("/login", "alice", PASSWORD).await.location();
    for redirect in [
        "http://127.0.0.1.:7777",
        "http://evil.example",
        "http://127.0.0.1:7777@evil.example",
        "http://user@localhost:7777",
        "http://localhost.evil.example",
        "http://[::ffff:127.0.0.1]:7777",
        "http://127.0.0.1:7777/?x",
        "http://127.0.0.1:7777/#x",
        "http://127.0.0.1:7777/%2e%2e/x",
        "//127.0.0.1:7777",
        "javascript:alert(1)",
    ] {
        let request = axum::http::Request::get(format!(
            "/.pomerium/api/v1/login?{}",
            encode(&[("pomerium_redirect_uri", redirect)])
        ));
        let request = request.header("host", "prod.example.com").body(axum::body::Body::empty()).unwrap();
        assert_eq!(world.send(request).await.status, StatusCode::BAD_REQUEST, "{redirect}");
    }
}
