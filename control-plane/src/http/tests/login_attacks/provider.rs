//! Between us and a provider: mixed-up issuers (RFC 9207), injected codes, forged and replayed states.

use axum::http::StatusCode;

use super::super::idp::Idp;
use super::super::oidc;
use super::super::world::{Browser, World, encode, parameter};

async fn world() -> (World, Idp) {
    let (world, idp) = oidc::world().await;
    idp.behaviour.lock().unwrap().names_itself = true;
    (world, idp)
}

/// A sign-in under way: what the provider was asked, and its answer's path.
async fn begun(browser: &mut Browser, idp: &Idp) -> (String, String) {
    let link = oidc::link(browser, "/login").await;
    let there = browser.get(&link).await.location().to_owned();
    let callback = idp.authorize(&there);
    (there, callback)
}

#[tokio::test]
async fn an_answer_of_another_issuer_or_of_nobody_is_refused() {
    let (world, idp) = world().await;
    let named = |issuer: &str| format!("&{}", encode(&[("iss", issuer)]));
    let own = named(&idp.issuer);
    let slash = named(&format!("{}/", idp.issuer));
    let cases = [
        ("none", String::new()),
        ("empty", "&iss=".to_owned()),
        ("another", named("https://evil.example")),
        ("almost the same", slash),
        ("twice", format!("{own}{}", named("https://evil.example"))),
    ];
    for error in ["", "error=access_denied&x="] {
        for (what, iss) in &cases {
            let mut browser = world.browser();
            let (_, callback) = begun(&mut browser, &idp).await;
            let callback = callback.replace("code=", &format!("{error}code="));
            let answer = browser.get(&format!("{callback}{iss}")).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what} {error}");
            assert!(
                !answer.text.contains("said no") && !answer.text.contains("access_denied"),
                "{what}: {}",
                answer.text
            );
            let again = browser.get(&format!("{callback}{own}")).await;
            assert_eq!(
                again.status,
                if *what == "twice" { again.status } else { StatusCode::FORBIDDEN },
                "{what}: spent"
            );
            assert!(
                browser.get("/").await.text.contains("href=\"/login\"") || *what == "twice",
                "{what}: nobody is signed in"
            );
        }
    }
    let mut browser = world.browser();
    let (_, callback) = begun(&mut browser, &idp).await;
    assert_eq!(browser.get(&format!("{callback}{own}")).await.location(), "/");
    let (_, callback) = begun(&mut browser, &idp).await;
    let no = browser.get(&format!("{}{own}", callback.replace("code=", "error=access_denied&x="))).await;
    assert!(no.text.contains("access_denied"), "its own no is quoted: {}", no.text);
}

#[tokio::test]
async fn a_provider_that_never_said_so_need_not_name_itself() {
    let (world, idp) = oidc::world().await;
    let mut browser = world.browser();
    let (_, callback) = begun(&mut browser, &idp).await;
    assert_eq!(browser.get(&callback).await.location(), "/");
}

#[tokio::test]
async fn a_code_of_another_sign_in_cannot_be_injected() {
    let (world, idp) = oidc::world().await;
    let with_code_of = |own: &str, other: &str| {
        let [state, code] = [(own, "state"), (other, "code")].map(|(url, name)| parameter(url, name).unwrap());
        format!("/callback/corp?{}", encode(&[("state", &state), ("code", &code)]))
    };
    // Carol's code, caught on its way, in a sign-in of mallory's own: PKCE does not fit.
    let (mut carol, mut mallory) = (world.browser(), world.browser());
    let (_, hers) = begun(&mut carol, &idp).await;
    let (_, own) = begun(&mut mallory, &idp).await;
    let injected = mallory.get(&with_code_of(&own, &hers)).await;
    assert_eq!(injected.status, StatusCode::FORBIDDEN, "{}", injected.text);
    // The other way round: mallory's code in carol's browser.
    let (_, hers) = begun(&mut carol, &idp).await;
    let (_, own) = begun(&mut mallory, &idp).await;
    assert_eq!(carol.get(&with_code_of(&hers, &own)).await.status, StatusCode::FORBIDDEN);
    // And where the provider does not look at PKCE, the nonce does not fit.
    idp.behaviour.lock().unwrap().ignores_pkce = true;
    let (_, hers) = begun(&mut carol, &idp).await;
    let (_, own) = begun(&mut mallory, &idp).await;
    let injected = mallory.get(&with_code_of(&own, &hers)).await;
    assert_eq!(injected.status, StatusCode::FORBIDDEN, "{}", injected.text);
    for browser in [&mut carol, &mut mallory] {
        assert!(browser.get("/").await.text.contains("href=\"/login\""), "nobody is signed in");
    }
}

#[tokio::test]
async fn no_two_sign_ins_are_alike_and_none_is_for_another_provider() {
    let idp = Idp::start().await;
    let other = idp.section().replace("providers:\n", "").replace("id: corp", "id: other").replace("corp:", "other:");
    let world = World::with(&format!("{}{other}", idp.section())).await;
    let mut browser = world.browser();
    let (first, callback) = begun(&mut browser, &idp).await;
    let (second, _) = begun(&mut browser, &idp).await;
    for name in ["state", "nonce", "code_challenge"] {
        let [first, second] = [&first, &second].map(|url| parameter(url, name).unwrap());
        assert!(first != second && first.len() >= 43, "{name}");
    }
    let elsewhere = callback.replace("/callback/corp", "/callback/other");
    assert_eq!(browser.get(&elsewhere).await.status, StatusCode::FORBIDDEN, "another provider's callback");
    let none = callback.replace("state=", "x=");
    assert_eq!(browser.get(&none).await.status, StatusCode::FORBIDDEN, "no state");
}
