//! The sign-in page sends people to their provider by the domain of their e-mail address.

use axum::http::StatusCode;

use super::idp::Idp;
use super::world::{Browser, World, authorize_url, authorize_url_with, unescape};

const TWO: &str = "domains: [example.com, example.org]";

/// A provider that is there, and one that nobody should be sent to.
async fn world() -> (World, Idp) {
    let idp = Idp::start().await;
    let other = "  - {id: other, name: Other, issuer: \"http://127.0.0.1:9\", clientId: x, userPrefix: \"other:\", \
                 groupPrefix: \"other:\", domains: [other.example]}\n";
    let world = World::with(&format!("{}{other}", idp.section_with(&format!(", {TWO}")))).await;
    (world, idp)
}

async fn type_in(browser: &mut Browser, email: &str) -> super::world::Answer {
    let page = browser.get("/login").await;
    let (csrf, return_to) = (page.hidden("csrf"), page.hidden("return_to"));
    browser.post("/login", &[("csrf", &csrf), ("return_to", &return_to), ("email", email)]).await
}

#[tokio::test]
async fn an_address_leads_to_the_provider_of_its_domain() {
    let (world, idp) = world().await;
    for email in ["carol@example.com", " Carol@EXAMPLE.org "] {
        let mut browser = world.browser();
        let page = type_in(&mut browser, email).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert!(page.text.contains("Continue with Corp") && !page.text.contains("Other"), "{}", page.text);
        assert!(!page.text.contains("name=\"password\""), "accounts are not offered: {}", page.text);
        // Without script, and beyond what a form may lead to.
        let refresh = page.header("refresh").strip_prefix("0; url=").unwrap().to_owned();
        assert!(page.text.contains(&format!("href=\"{}", refresh.split('?').next().unwrap())), "and as a link");
        let there = browser.get(&refresh).await.location().to_owned();
        assert_eq!(super::world::parameter(&there, "login_hint").as_deref(), Some(email.trim()));
        let back = browser.get(&idp.authorize(&there)).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
    }
}

#[tokio::test]
async fn an_unknown_domain_is_told_and_nothing_about_accounts() {
    let (world, _idp) = world().await;
    let mut answers = Vec::new();
    // alice@nowhere.example is nobody, and so are both others; alice@example.com is an account of this gateway.
    for email in ["alice@nowhere.example", "nobody@nowhere.example"] {
        let page = type_in(&mut world.browser(), email).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains("No identity provider here is for addresses of nowhere.example"), "{}", page.text);
        assert!(page.text.contains("role=\"alert\"") && page.text.contains(email), "{}", page.text);
        answers.push(page.text.replace(email, "").split("name=\"csrf\"").next().unwrap().to_owned());
    }
    assert_eq!(answers[0], answers[1]);
    let of_an_account = type_in(&mut world.browser(), "alice@example.com").await;
    let of_nobody = type_in(&mut world.browser(), "zoe@example.com").await;
    let shape = |text: &str| text.split("href=\"/login/").next().unwrap().to_owned();
    assert_eq!(shape(&of_an_account.text), shape(&of_nobody.text));
    for nonsense in ["", "carol", "@example.com", "carol@", "a b@example.com", "carol@example.com\nx"] {
        let page = type_in(&mut world.browser(), nonsense).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{nonsense:?}");
        assert!(page.text.contains("not an e-mail address"), "{nonsense:?}: {}", page.text);
        assert!(page.header("refresh").is_empty(), "{nonsense:?}");
    }
}

#[tokio::test]
async fn the_form_is_ours_alone() {
    let (world, _idp) = world().await;
    let mut browser = world.browser();
    browser.get("/login").await;
    let answer = browser.post("/login", &[("csrf", "x"), ("email", "carol@example.com")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let page = browser.get("/login").await;
    let form = [("csrf", &*page.hidden("csrf")), ("return_to", "//evil.example/x"), ("email", "carol@example.com")];
    let answer = browser.post("/login", &form).await;
    assert!(!answer.header("refresh").contains("evil"), "{}", answer.header("refresh"));
}

#[tokio::test]
async fn a_command_line_may_say_whose_sign_in_it_is() {
    let (world, _idp) = world().await;
    let url = authorize_url_with(super::world::CALLBACK, &[("login_hint", "carol@example.com")]);
    let mut browser = world.browser();
    let login = browser.get(&url).await.location().to_owned();
    let page = browser.get(&login).await;
    assert!(page.text.contains("Continue with Corp") && !page.text.contains("Other"), "{}", page.text);
    assert!(unescape(&page.text).contains("login_hint=carol%40example.com"), "{}", page.text);

    let url = authorize_url_with(super::world::CALLBACK, &[("login_hint", "carol@nowhere.example")]);
    let login = browser.get(&url).await.location().to_owned();
    let page = browser.get(&login).await;
    assert!(page.text.contains("for addresses of nowhere.example"), "{}", page.text);
    assert!(page.text.contains("Other"), "every way to sign in is offered: {}", page.text);
}

#[tokio::test]
async fn without_domains_nobody_is_asked_for_an_address() {
    let idp = Idp::start().await;
    let world = World::with(&idp.section()).await;
    let mut browser = world.browser();
    let login = browser.get(&authorize_url()).await.location().to_owned();
    assert!(!browser.get(&login).await.text.contains("name=\"email\""));
}
