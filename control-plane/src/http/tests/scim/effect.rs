//! What a push means for those who sign in.

use std::time::Duration;

use super::super::gateway::TestGateway;
use super::super::oidc::sign_in;
use super::super::world::{Browser, authorize_url, parameter, soon};
use super::*;

const CLUSTER: &str = "urn:kubegate:cluster:prod";

/// Somebody who works at a terminal.
struct Person {
    browser: Browser,
    refresh: String,
    token: String,
}

impl World {
    /// The answer to a sign-in at the provider.
    async fn at_provider(&self, idp: &Idp) -> (Browser, Answer) {
        let mut browser = self.browser();
        let login = browser.get(&authorize_url()).await.location().to_owned();
        let answer = sign_in(&mut browser, idp, &login).await;
        (browser, answer)
    }

    /// A sign-in that goes well, up to a token for the cluster prod.
    async fn person(&self, idp: &Idp) -> Person {
        let (mut browser, answer) = self.at_provider(idp).await;
        let code = parameter(browser.get(answer.location()).await.location(), "code").unwrap();
        let answer = self.redeem(&code, Some(CLUSTER)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        Person { browser, refresh: text("refresh_token"), token: text("access_token") }
    }

    /// The next token, or why there is none.
    async fn next_token(&self, person: &mut Person) -> Result<String, String> {
        let answer = self.refresh(&person.refresh, Some(CLUSTER)).await;
        let text = |name: &str| answer.json()[name].as_str().unwrap_or_default().to_owned();
        if answer.status != StatusCode::OK {
            return Err(text("error_description"));
        }
        person.refresh = text("refresh_token");
        Ok(text("access_token"))
    }

    /// The policy gives those of the group Platform the cluster.
    async fn platform_may(&self) {
        self.change_policy(&World::policy().replace("[platform-admins]", "[\"corp:Platform\"]")).await;
    }
}

/// Why somebody is not signed in.
fn told(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    ["not set up here yet", "account is deactivated", "not clear who you are"]
        .into_iter()
        .find(|words| answer.text.contains(words))
        .unwrap_or_else(|| panic!("{}", answer.text))
}

#[tokio::test]
async fn only_active_users_sign_in_and_a_deactivated_one_is_out_at_once() {
    let (world, idp) = world().await;
    assert_eq!(told(&world.at_provider(&idp).await.1), "not set up here yet");
    let id = world.user("carol@example.com", "00u1").await;
    world.group("Platform", &[&id]).await;
    world.platform_may().await;
    let mut carol = world.person(&idp).await;
    let mut gateway = TestGateway::new(&world);
    soon("the rule", async {
        while gateway.get(&carol.token, world.clock.now()).is_err() {
            gateway.poll(&world, "wait=1").await;
        }
    })
    .await;
    world.clock.advance(Duration::from_secs(5));

    let path = format!("/Users/{id}");
    world.patch(&path, &json!([{"op": "Replace", "path": "active", "value": "False"}])).await;
    soon("the revocation", gateway.poll(&world, "wait=30")).await;
    assert_eq!(gateway.get(&carol.token, world.clock.now()), Err((401, "user-revoked")));
    let why = world.next_token(&mut carol).await.unwrap_err();
    assert!(why.contains("deactivated or removed by your identity provider"), "{why}");
    let home = carol.browser.get("/").await;
    assert!(!home.text.contains("carol@example.com"), "the browser's session is over too: {}", home.text);
    assert_eq!(told(&world.at_provider(&idp).await.1), "account is deactivated");

    world.clock.advance(Duration::from_secs(2));
    world.patch(&path, &json!([{"op": "Replace", "path": "active", "value": "True"}])).await;
    assert!(world.next_token(&mut carol).await.is_err(), "what has ended stays so");
    world.clock.advance(Duration::from_secs(1));
    let mut carol = world.person(&idp).await;
    gateway.poll(&world, "wait=1").await;
    assert_eq!(gateway.get(&carol.token, world.clock.now()), Ok(()), "signed in again, a token made now counts");

    world.clock.advance(Duration::from_secs(5));
    assert_eq!(world.scim("DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
    soon("the revocation", gateway.poll(&world, "wait=30")).await;
    assert_eq!(gateway.get(&carol.token, world.clock.now()), Err((401, "user-revoked")));
    assert!(world.next_token(&mut carol).await.is_err());
    assert_eq!(told(&world.at_provider(&idp).await.1), "not set up here yet");
}

#[tokio::test]
async fn groups_are_those_that_were_pushed_and_a_change_is_in_the_next_token() {
    let (world, idp) = world().await;
    let id = world.user("carol@example.com", "00u1").await;
    let platform = world.group("Platform", &[]).await;
    world.group("Everybody", &[&id]).await;
    world.platform_may().await;
    let mut carol = world.person(&idp).await;
    let groups = async |token: &str| world.api("/api/v1/whoami", token).await.json()["groups"].clone();
    let api = async |carol: &mut Person| {
        let answer = world.refresh(&carol.refresh, None).await.json();
        answer["refresh_token"].as_str().unwrap().clone_into(&mut carol.refresh);
        answer["access_token"].as_str().unwrap().to_owned()
    };
    let token = api(&mut carol).await;
    assert_eq!(groups(&token).await, json!(["corp:Everybody"]), "none that the sign-in itself named");
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    world.clock.advance(Duration::from_secs(5));

    world
        .patch(&format!("/Groups/{platform}"), &json!([{"op": "add", "path": "members", "value": [{"value": id}]}]))
        .await;
    soon("the revocation", gateway.poll(&world, "wait=30")).await;
    assert_eq!(gateway.get(&carol.token, world.clock.now()), Err((401, "user-revoked")), "it says the old groups");
    world.clock.advance(Duration::from_secs(1));
    let token = world.next_token(&mut carol).await.unwrap();
    assert_eq!(gateway.get(&token, world.clock.now()), Ok(()));
    let token = api(&mut carol).await;
    assert_eq!(groups(&token).await, json!(["corp:Everybody", "corp:Platform"]));

    world.clock.advance(Duration::from_secs(5));
    world.patch(&format!("/Groups/{platform}"), &json!([{"op": "replace", "value": {"displayName": "Renamed"}}])).await;
    let token = api(&mut carol).await;
    assert_eq!(groups(&token).await, json!(["corp:Everybody", "corp:Renamed"]));
    world.scim("DELETE", &format!("/Groups/{platform}"), None).await;
    let token = api(&mut carol).await;
    assert_eq!(groups(&token).await, json!(["corp:Everybody"]));
}

#[tokio::test]
async fn groups_in_groups_count_and_circles_do_no_harm() {
    let (world, idp) = world().await;
    let id = world.user("carol@example.com", "00u1").await;
    let inner = world.group("Inner", &[&id]).await;
    let middle = world.group("Middle", &[&inner]).await;
    let outer = world.group("Outer", &[&middle]).await;
    world
        .patch(&format!("/Groups/{inner}"), &json!([{"op": "add", "path": "members", "value": [{"value": outer}]}]))
        .await;
    let mut carol = world.person(&idp).await;
    let groups = async |carol: &mut Person| {
        let answer = world.refresh(&carol.refresh, None).await.json();
        answer["refresh_token"].as_str().unwrap().clone_into(&mut carol.refresh);
        world.api("/api/v1/whoami", answer["access_token"].as_str().unwrap()).await.json()["groups"].clone()
    };
    assert_eq!(groups(&mut carol).await, json!(["corp:Inner", "corp:Middle", "corp:Outer"]));
    world.patch(&format!("/Groups/{middle}"), &json!([{"op": "remove", "path": "members"}])).await;
    assert_eq!(groups(&mut carol).await, json!(["corp:Inner"]));
}

#[tokio::test]
async fn what_changes_nothing_revokes_nothing() {
    let (world, idp) = world().await;
    let id = world.user("carol@example.com", "00u1").await;
    let other = world.user("other@example.com", "00u2").await;
    let group = world.group("Platform", &[&id]).await;
    world.platform_may().await;
    let carol = world.person(&idp).await;
    let mut gateway = TestGateway::new(&world);
    soon("the rule", async {
        while gateway.get(&carol.token, world.clock.now()).is_err() {
            gateway.poll(&world, "wait=1").await;
        }
    })
    .await;
    world.clock.advance(Duration::from_secs(5));
    let whole = world.pushed(&format!("/Users/{id}")).await;
    world.push("PUT", &format!("/Users/{id}"), &whole).await;
    world.patch(&format!("/Users/{id}"), &json!([{"op": "Replace", "path": "active", "value": "True"}])).await;
    world.patch(&format!("/Users/{id}"), &json!([{"op": "Replace", "path": "displayName", "value": "Carol C."}])).await;
    let add = |id: &str| json!([{"op": "Add", "path": "members", "value": [{ "value": id }]}]);
    world.patch(&format!("/Groups/{group}"), &add(&id)).await;
    world.patch(&format!("/Groups/{group}"), &add(&other)).await;
    world.patch(&format!("/Users/{other}"), &json!([{"op": "Replace", "path": "active", "value": false}])).await;
    world.scim("DELETE", &format!("/Users/{other}"), None).await;
    let whole = world.pushed(&format!("/Groups/{group}")).await;
    world.push("PUT", &format!("/Groups/{group}"), &whole).await;
    world.group("Elsewhere", &[]).await;
    let revoked = crate::store::revocation::live(&mut world.app.store.read().await.unwrap(), world.clock.now()).await;
    assert_eq!(revoked.unwrap(), []);
    assert_eq!(gateway.get(&carol.token, world.clock.now()), Ok(()));
}

#[tokio::test]
async fn a_sign_in_means_one_user_or_none() {
    let (world, idp) = world_with("scim: {tokenFile: scim-token, link: {attribute: userName, claim: upn}}").await;
    let claims = |claims: Value| {
        idp.behaviour.lock().unwrap().claims.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    };
    world.user("Carol@example.com", "1").await;
    assert_eq!(told(&world.at_provider(&idp).await.1), "not clear who you are", "the claim is not there");
    claims(json!({"upn": ["carol@example.com"]}));
    assert_eq!(told(&world.at_provider(&idp).await.1), "not clear who you are", "it is no text");
    claims(json!({"upn": "carol@EXAMPLE.com"}));
    world.person(&idp).await;
    claims(json!({"upn": "carol@example.com "}));
    assert_eq!(told(&world.at_provider(&idp).await.1), "not set up here yet");
    claims(json!({"upn": "%"}));
    assert_eq!(told(&world.at_provider(&idp).await.1), "not set up here yet");
}

#[tokio::test]
async fn an_address_links_only_when_it_is_verified_and_one_persons() {
    let (world, idp) =
        world_with("claims: {user: sub}, scim: {tokenFile: scim-token, link: {attribute: emails, claim: email}}").await;
    world.user("carol@example.com", "1").await;
    let body = json!({"userName": "x", "emails": [{"value": "CAROL@example.com", "primary": true}]});
    assert_eq!(world.refused("POST", "/Users", &body).await, (409, "uniqueness".to_owned()));
    world.person(&idp).await;
    idp.behaviour.lock().unwrap().claims["email_verified"] = json!(false);
    assert_eq!(told(&world.at_provider(&idp).await.1), "not clear who you are");
    idp.behaviour.lock().unwrap().claims["email_verified"] = json!(true);
    // Two may have come to be under another configuration; then neither is taken.
    world
        .sql("INSERT INTO scim_user SELECT provider, 'twin', 'twin', NULL, email_key, 1, resource, 0, 0 FROM scim_user")
        .await;
    assert_eq!(told(&world.at_provider(&idp).await.1), "not clear who you are");
}

#[tokio::test]
async fn where_it_is_not_required_only_the_deactivated_stay_out() {
    let (world, idp) =
        world_with("scim: {tokenFile: scim-token, required: false, link: {attribute: externalId, claim: oid}}").await;
    let mut carol = world.person(&idp).await;
    let id = world.user("carol@example.com", "00u1").await;
    world.next_token(&mut carol).await.unwrap();
    let made = world.person(&idp).await.token;
    assert!(!made.is_empty());
    world.patch(&format!("/Users/{id}"), &json!([{"op": "replace", "value": {"active": false}}])).await;
    assert!(world.next_token(&mut carol).await.is_err());
    assert_eq!(told(&world.at_provider(&idp).await.1), "account is deactivated");
    world.scim("DELETE", &format!("/Users/{id}"), None).await;
    world.person(&idp).await;
}

#[tokio::test]
async fn a_code_that_is_on_its_way_is_worth_nothing_to_the_deactivated() {
    let (world, idp) = world().await;
    let id = world.user("carol@example.com", "00u1").await;
    let (mut browser, answer) = world.at_provider(&idp).await;
    let code = parameter(browser.get(answer.location()).await.location(), "code").unwrap();
    world.patch(&format!("/Users/{id}"), &json!([{"op": "replace", "value": {"active": false}}])).await;
    let refused = world.redeem(&code, None).await;
    assert_eq!(refused.json()["error"], "invalid_grant", "{}", refused.text);
}

#[tokio::test]
async fn what_was_pushed_outlives_a_restart_and_a_new_demand_holds_for_those_signed_in() {
    let idp = Idp::start().await;
    idp.behaviour.lock().unwrap().claims["oid"] = json!("00u1");
    let world = World::with(&idp.section()).await;
    let mut carol = world.person(&idp).await;
    let scim = format!("{SCIM}, extraParameters");
    let world = world.restarted(|config| config.replace("extraParameters", &scim)).await;
    assert!(world.next_token(&mut carol).await.is_err(), "nobody has pushed carol");
    let id = world.user("carol@example.com", "00u1").await;
    world.group("Platform", &[&id]).await;
    let mut carol = world.person(&idp).await;
    let world = world.restarted(str::to_owned).await;
    world.next_token(&mut carol).await.unwrap();
    world.patch(&format!("/Users/{id}"), &json!([{"op": "replace", "value": {"active": false}}])).await;
    assert!(world.next_token(&mut carol).await.is_err(), "found although the sign-in was before the restart");
}

#[tokio::test]
async fn groups_stay_those_that_were_pushed_when_the_provider_is_asked_again() {
    let (world, idp) = world().await;
    {
        let mut behaviour = idp.behaviour.lock().unwrap();
        behaviour.again.gives = true;
        behaviour.claims["groups"] = json!(["root"]);
    }
    let id = world.user("carol@example.com", "00u1").await;
    world.group("Platform", &[&id]).await;
    let mut carol = world.person(&idp).await;
    world.clock.advance(Duration::from_secs(700));
    world.next_token(&mut carol).await.unwrap();
    let answer = world.refresh(&carol.refresh, None).await.json();
    let whoami = world.api("/api/v1/whoami", answer["access_token"].as_str().unwrap()).await.json();
    assert_eq!(whoami["groups"], json!(["corp:Platform"]), "not those of the ID token");
    carol.refresh = answer["refresh_token"].as_str().unwrap().to_owned();
    let mut conn = world.app.store.read().await.unwrap();
    let revoked = crate::store::revocation::live(&mut conn, world.clock.now()).await.unwrap();
    assert!(revoked.is_empty(), "nothing has changed: {revoked:?}");
    drop(conn);

    // The provider links the person to another user, as after a rename, and deactivates that one.
    idp.behaviour.lock().unwrap().claims["oid"] = json!("00u2");
    let renamed = world.user("carol.new@example.com", "00u2").await;
    world.clock.advance(Duration::from_secs(700));
    world.next_token(&mut carol).await.unwrap();
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    world.patch(&format!("/Users/{renamed}"), &off).await;
    let why = world.next_token(&mut carol).await.unwrap_err();
    assert!(why.contains("deactivated"), "{why}");
}
