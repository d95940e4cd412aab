//! What every answer says to browsers: nothing inline, nothing framed, nothing kept, and no cookie that others can have.

use axum::http::{Request, StatusCode, header};

use super::super::device;
use super::super::pomerium::{OLD, ON};
use super::super::world::{Answer, Browser, CALLBACK, ISSUER, PASSWORD, World, authorize_url, authorize_url_for};
use super::{has, routes};

/// What is the same for everybody, and may be kept.
const OF_NOBODY: [&str; 5] =
    ["/assets/{name}", "/.well-known/oauth-authorization-server", "/oauth/jwks.json", "/healthz", "/readyz"];

fn check(what: &str, answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(answer.header(name), value, "{what}");
    }
    assert_eq!(answer.headers.get_all("content-security-policy").iter().count(), 1, "{what}");
    let policy = answer.header("content-security-policy");
    let directive = |name: &str| {
        let found = policy.split(';').map(str::trim).find(|directive| directive.split(' ').next() == Some(name));
        found.map(|directive| directive.split(' ').skip(1).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(directive("default-src").as_deref(), Some("'none'"), "{what}: {policy}");
    assert_eq!(directive("frame-ancestors").as_deref(), Some("'none'"), "{what}: {policy}");
    for word in ["unsafe", "*", "data:", "script-src", "nonce", "https:"] {
        assert!(!policy.replace(ISSUER, "").contains(word), "{what}: {policy}");
    }
    if !answer.header("content-type").starts_with("text/html") {
        return;
    }
    assert_eq!(directive("base-uri").as_deref(), Some("'none'"), "{what}: {policy}");
    assert_eq!(directive("style-src").as_deref(), Some("'self'"), "{what}: {policy}");
    let forms = directive("form-action").unwrap_or_else(|| panic!("{what}: {policy}"));
    for target in forms.split(' ') {
        let here = ["'self'", "http://127.0.0.1:7777"].contains(&target);
        assert!(here || (target == "http:" && what.contains("[::1]")), "{what}: a form leads to {target}");
    }
    let page = answer.text.to_ascii_lowercase();
    for inline in ["<script", "<style", "style=", "javascript:", "<iframe", "<object", "<base", "http-equiv", "srcdoc"]
    {
        assert!(!page.contains(inline), "{what}: {inline} in {page}");
    }
    for tag in page.split('<').filter_map(|rest| rest.split('>').next()) {
        let handler = tag.split_whitespace().skip(1).any(|word| word.starts_with("on") && word.contains('='));
        assert!(!handler, "{what}: <{tag}>");
    }
}

fn check_kept(what: &str, answer: &Answer) {
    let kept = answer.header("cache-control");
    assert!(kept.contains("no-store"), "{what}: {} {kept:?}", answer.status);
}

/// Alice's browser at a page that it was sent to.
async fn opened(browser: &mut Browser, path: &str) -> Answer {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer
}

#[tokio::test]
async fn every_answer_is_dressed_and_none_about_somebody_is_kept() {
    let world = World::with(ON).await;
    let admin = world.token("alice").await;
    for (path, handlers) in routes() {
        if !has(handlers, "get") && !has(handlers, "any") {
            continue;
        }
        let there = path.replace("{tag}", "de").replace("{provider}", "corp").replace(['{', '}', '*'], "");
        for who in ["nobody", "bob", "alice"] {
            let what = format!("GET {path} as {who}");
            let mut browser = if who == "nobody" { world.browser() } else { world.browser_of(who).await };
            let answer = browser.get(&there).await;
            check(&what, &answer);
            if !OF_NOBODY.contains(&path) {
                check_kept(&what, &answer);
            }
        }
        let answer = world.api(&there, &admin).await;
        check(path, &answer);
        if !OF_NOBODY.contains(&path) {
            check_kept(&format!("GET {path} with a token"), &answer);
        }
    }
    for path in ["/nowhere", "/assets/nothing", "/admin/nothing", "/api/v1/nothing"] {
        check(path, &world.browser().get(path).await);
    }
    for path in ["/logout", "/oauth/token", "/sessions/end", "/device"] {
        let request = Request::put(path).body(axum::body::Body::empty()).unwrap();
        check(path, &world.send(request).await);
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        check(path, &world.send(request.body(axum::body::Body::from(vec![0xff; 9])).unwrap()).await);
    }
}

#[tokio::test]
async fn pages_on_the_way_of_a_sign_in_are_as_strict() {
    let world = World::with(ON).await;
    let mut browser = world.browser();
    let login = browser.get(&authorize_url()).await.location().to_owned();
    let wrong = browser.sign_in(&login, "alice", "wrong").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let mut alice = world.browser_of("alice").await;
    let asked = device::ask(&world, &[]).await;
    let code = device::text(&asked, "user_code");
    let question = opened(&mut alice, &format!("/device?user_code={code}")).await;
    let done = device::decide(&mut alice, &question, "allow").await;
    let request = world.sign_in_url(OLD).await;
    let consent = opened(&mut alice, &request).await;
    let form = [("csrf", &*consent.hidden("csrf")), ("request", &*consent.hidden("request")), ("decision", "allow")];
    let handed_over = alice.post("/pomerium", &form).await;
    assert!(handed_over.text.contains("pomerium_jwt"), "{}", handed_over.text);
    let v6 = authorize_url_for("http://[::1]:7777/callback");
    for (what, answer) in [
        ("the sign-in of a command line", opened(&mut world.browser(), &login).await),
        ("a wrong password", wrong),
        ("the consent", opened(&mut alice, &authorize_url_for(CALLBACK)).await),
        ("the consent for [::1]", opened(&mut alice, &v6).await),
        ("the device's question", question),
        ("the device's end", done),
        ("pomerium's consent", consent),
        ("pomerium's token", handed_over),
        ("a code to copy", opened(&mut alice, &format!("/oauth/code?code=kgc_{}", "a".repeat(43))).await),
        ("an error", alice.get("/oauth/authorize").await),
    ] {
        check(what, &answer);
        check_kept(what, &answer);
    }
}

#[tokio::test]
async fn tokens_are_kept_by_nobody_on_the_way() {
    let world = World::new().await;
    let code = world.browser().code("alice").await;
    let tokens = world.redeem(&code, None).await;
    let refresh = tokens.json()["refresh_token"].as_str().unwrap().to_owned();
    for (what, answer) in [
        ("a code's token", tokens),
        ("a refused code", world.redeem(&code, None).await),
        ("a refreshed token", world.refresh(&refresh, None).await),
        ("a device's codes", world.form("/oauth/device_authorization", &[("client_id", "kubegate-cli")]).await),
        ("an end", world.form("/oauth/revoke", &[("token", &refresh)]).await),
    ] {
        check(what, &answer);
        check_kept(what, &answer);
    }
}

#[tokio::test]
async fn no_cookie_can_be_had_or_set_by_others() {
    let world = World::new().await;
    let mut seen = std::collections::BTreeSet::new();
    let mut browser = world.browser();
    let mut answers =
        vec![browser.get("/login").await, browser.get("/language/de").await, browser.get("/device").await];
    answers.push(browser.sign_in("/login", "alice", PASSWORD).await);
    answers.push(browser.get(&authorize_url()).await);
    answers.push(browser.get("/admin").await);
    let csrf = browser.get("/").await.hidden("csrf");
    answers.push(browser.post("/logout", &[("csrf", &csrf)]).await);
    for cookie in answers.iter().flat_map(|answer| answer.headers.get_all(header::SET_COOKIE)) {
        let cookie = cookie.to_str().unwrap();
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<&str> = parts.collect();
        assert!(name.starts_with("__Host-kubegate-"), "{cookie}");
        for needed in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(&needed), "{needed}: {cookie}");
        }
        assert!(!cookie.to_ascii_lowercase().contains("domain"), "{cookie}");
        let lasts =
            attributes.iter().any(|attribute| attribute.starts_with("Max-Age") || attribute.starts_with("Expires"));
        assert!(!lasts || name.ends_with("-language") || value.is_empty(), "it ends with the browser: {cookie}");
        seen.insert(name.to_owned());
    }
    assert_eq!(seen.len(), 3, "each kind was seen: {seen:?}");
    // Cookies without the prefix, which a subdomain could have planted, count for nothing.
    let mut planted = world.browser_of("alice").await;
    for (name, _) in &mut planted.cookies {
        *name = name.replace("__Host-", "");
    }
    assert!(planted.get("/").await.text.contains("href=\"/login\""));
}
