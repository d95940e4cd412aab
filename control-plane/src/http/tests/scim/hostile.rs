//! Those who mean ill, and those who send too much.

use super::*;

#[tokio::test]
async fn without_the_providers_token_there_is_nothing() {
    let idp = Idp::start().await;
    let one = idp.section().replace("extraParameters", &format!("{SCIM}, extraParameters"));
    let other = idp.section().replace("providers:\n", "").replace("id: corp", "id: other").replace("corp:", "other:");
    let other =
        other.replace("extraParameters", &format!("{}, extraParameters", SCIM.replace("scim-token", "other-token")));
    let plain = idp.section().replace("providers:\n", "").replace("id: corp", "id: plain").replace("corp:", "plain:");
    let world = World::with(&format!("{one}{other}{plain}")).await;
    let id = world.user("a@example.com", "1").await;
    let others = format!("other-{TOKEN}");
    let ask = async |token: &str, provider: &str, path: &str| world.scim_as(token, provider, "GET", path, None).await;
    assert_eq!(ask(TOKEN, "corp", "/Users").await.status, StatusCode::OK);
    assert_eq!(ask(NEXT_TOKEN, "corp", "/Users").await.status, StatusCode::OK, "both count while they are changed");
    assert_eq!(ask(&others, "other", "/Users").await.json()["totalResults"], 0, "each sees its own");
    assert_eq!(ask(&others, "other", &format!("/Users/{id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        world.scim_as(&others, "other", "DELETE", &format!("/Users/{id}"), None).await.status,
        StatusCode::NOT_FOUND
    );
    let member = json!({"displayName": "Team", "members": [{"value": id}]}).to_string();
    assert_eq!(
        world.scim_as(&others, "other", "POST", "/Groups", Some(member)).await.json()["scimType"],
        "invalidValue",
        "nobody of another provider joins a group"
    );
    let refused = ask("wrong", "corp", "/Users").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.json()["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(ask(&others, "corp", "/Users").await.text, refused.text, "another provider's token is as good as none");
    for provider in ["plain", "nobody", "accounts"] {
        assert_eq!(ask(TOKEN, provider, "/Users").await.text, refused.text, "{provider}: nobody learns who pushes");
    }
    for _ in 0..20 {
        ask("wrong", "corp", "/Users").await;
    }
    assert_eq!(ask("wrong", "corp", "/Users").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(TOKEN, "corp", "/Users").await.status, StatusCode::OK, "who has the token does not wait for them");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_registered_word() {
    let (world, _idp) = world().await;
    let id = world.user("a@example.com", "1").await;
    let of_user = format!("/Users/{id}");
    let patch = |operations: Value| json!({"schemas": [PATCH], "Operations": operations});
    let huge = "x".repeat(3000);
    for (method, path, body, status, word) in [
        ("POST", "/Users", json!([]), 400, "invalidSyntax"),
        ("POST", "/Users", json!({"userName": 7}), 400, "invalidValue"),
        ("POST", "/Users", json!({"userName": ""}), 400, "invalidValue"),
        ("POST", "/Users", json!({"userName": huge}), 400, "invalidValue"),
        ("POST", "/Users", json!({"userName": "b", "active": "perhaps"}), 400, "invalidValue"),
        ("POST", "/Users", json!({"userName": "A@EXAMPLE.com"}), 409, "uniqueness"),
        ("POST", "/Users", json!({"userName": "b", "externalId": "1"}), 409, "uniqueness"),
        ("PUT", "/Users/x", json!({"userName": "b"}), 404, ""),
        ("PATCH", &*of_user, patch(json!([{"op": "erase"}])), 400, "invalidSyntax"),
        ("PATCH", &*of_user, patch(json!([{"op": "remove"}])), 400, "noTarget"),
        ("PATCH", &*of_user, patch(json!([{"op": "add", "path": "emails[", "value": 1}])), 400, "invalidPath"),
        ("POST", "/Groups", json!({}), 400, "invalidValue"),
        ("POST", "/Groups", json!({"displayName": "a,system:masters"}), 400, "invalidValue"),
        ("POST", "/Groups", json!({"displayName": "\u{fc}"}), 400, "invalidValue"),
        ("POST", "/Groups", json!({"displayName": "g", "members": [{"value": "nobody"}]}), 400, "invalidValue"),
        ("POST", "/Groups", json!({"displayName": "g", "members": "x"}), 400, "invalidValue"),
        ("GET", &*filtered("Users", "password eq \"x\""), json!({}), 400, "invalidFilter"),
        ("GET", &*filtered("Users", "id eq '1' OR 1=1; DROP TABLE scim_user --"), json!({}), 400, "invalidFilter"),
        ("GET", &*filtered("Users", &"(".repeat(1000)), json!({}), 400, "invalidFilter"),
        ("GET", &*filtered("Users", &format!("id eq \"{huge}\"")), json!({}), 400, "invalidFilter"),
        ("GET", "/Users?count=many", json!({}), 400, "invalidValue"),
        ("GET", "/Users?count=1&count=2", json!({}), 400, "invalidValue"),
    ] {
        assert_eq!(world.refused(method, path, &body).await, (status, word.to_owned()), "{method} {path}");
    }
    for injection in ["\" OR 1=1 --", "' OR '1'='1", "%", "_", "a@example.com' --", "*"] {
        let text = json!(injection).to_string();
        for name in ["userName", "externalId", "id", "emails.value"] {
            let found = world.pushed(&filtered("Users", &format!("{name} eq {text}"))).await;
            assert_eq!(found["totalResults"], 0, "{name} eq {text}");
        }
        let found = world.pushed(&filtered("Groups", &format!("displayName eq {text}"))).await;
        assert_eq!(found["totalResults"], 0, "{text}");
    }
    for body in ["", "{", "[[[[", &"[".repeat(100_000), "\u{0}"] {
        let answer = world.scim_as(TOKEN, "corp", "POST", "/Users", Some(body.to_owned())).await;
        assert_eq!((answer.status, &answer.json()["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidSyntax")));
    }
    assert_eq!(world.pushed("/Users").await["totalResults"], 1, "nothing of all that was done");
    let metrics = world.internal("/metrics", &[]).await.text;
    assert!(metrics.contains("kubegate_scim_users{provider=\"corp\"} 1"), "{metrics}");
    assert!(metrics.contains("kubegate_scim_requests_total{provider=\"corp\",status=\"201\"} 1"), "{metrics}");
    let push = world.app.scim.standing("corp").await.unwrap().unwrap().push;
    assert_eq!(push.pushed_at, Some(super::super::world::START));
    assert!(
        push.failed.is_some_and(|(_, why)| why == "the request is no JSON"),
        "the last one is told to administrators"
    );
}

#[tokio::test]
async fn a_group_of_thousands_is_taken_and_more_is_not() {
    let (world, _idp) = world().await;
    // As many users as a test can wait for, written as the store has them.
    world
        .sql(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) INSERT INTO scim_user SELECT \
             'corp', 'user-' || i, 'u' || i, 'x' || i, NULL, 1, '{\"userName\":\"u' || i || '\",\"externalId\":\"x' || i || \
             '\",\"active\":true,\"name\":{},\"emails\":[]}', 0, 0 FROM n",
        )
        .await;
    let all: Vec<Value> =
        (0..5000).map(|i| json!({"value": format!("user-{i}"), "display": format!("User {i}")})).collect();
    let made = world.push("POST", "/Groups", &json!({"displayName": "Everybody", "members": all})).await;
    assert_eq!(members(&made).len(), 5000);
    let path = format!("/Groups/{}", made["id"].as_str().unwrap());
    let gone: Vec<Value> =
        (0..2000).map(|i| json!({"op": "remove", "path": format!("members[value eq \"user-{i}\"]")})).collect();
    world.patch(&path, &Value::Array(gone)).await;
    assert_eq!(members(&world.pushed(&path).await).len(), 3000);
    assert_eq!(world.pushed(&filtered("Users", "userName co \"u499\"")).await["totalResults"], 11, "all are looked at");

    let too_many: Vec<Value> = (0..20_001).map(|i| json!({ "value": i.to_string() })).collect();
    let body = json!({"displayName": "More", "members": too_many});
    assert_eq!(world.refused("POST", "/Groups", &body).await, (400, "tooMany".to_owned()));
    let body = json!({"displayName": "Long", "padding": "x".repeat(4 * 1024 * 1024)});
    assert_eq!(world.refused("POST", "/Groups", &body).await, (413, "tooMany".to_owned()));
    let answer = world.scim_as("wrong", "corp", "POST", "/Groups", Some(body.to_string())).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "nothing is read of somebody without the token");
}
