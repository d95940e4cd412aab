//! What Okta sends: its test of a SCIM server, then people and groups that are pushed.

use super::*;

fn alice() -> Value {
    json!({
        "schemas": [USER], "userName": "alice@example.com", "name": {"givenName": "Alice", "familyName": "Liddell"},
        "emails": [{"primary": true, "value": "alice@example.com", "type": "work"}], "displayName": "Alice Liddell",
        "locale": "en-US", "externalId": "00u1", "groups": [], "password": "1mz050nq", "active": true,
    })
}

#[tokio::test]
async fn users_are_made_found_changed_and_deactivated() {
    let (world, _idp) = world().await;
    let list = world.pushed("/Users?count=1&startIndex=1").await;
    assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    assert_eq!((&list["totalResults"], &list["startIndex"], &list["Resources"]), (&json!(0), &json!(1), &json!([])));
    assert_eq!(world.scim("GET", "/Users/010101001010101011001010101011", None).await.status, StatusCode::NOT_FOUND);
    let by_name = filtered("Users", "userName eq \"alice@example.com\"") + "&startIndex=1&count=100";
    assert_eq!(world.pushed(&by_name).await["totalResults"], 0);

    let answer = world.scim("POST", "/Users", Some(&alice())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let made = answer.json();
    assert_eq!(answer.header("location"), made["meta"]["location"].as_str().unwrap());
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["meta"]["location"], format!("https://kubegate.example.com/scim/v2/corp/Users/{id}"));
    assert_eq!(made["meta"]["resourceType"], "User");
    assert_eq!((&made["userName"], &made["active"]), (&json!("alice@example.com"), &json!(true)));
    assert!(!answer.text.contains("password") && !answer.text.contains("1mz050nq"), "{}", answer.text);
    let store = std::fs::read(world.dir.path().join("kubegate.db-wal")).unwrap();
    assert!(!store.windows(8).any(|bytes| bytes == b"1mz050nq"), "no password is written anywhere");

    assert_eq!(world.refused("POST", "/Users", &alice()).await, (409, "uniqueness".to_owned()));
    assert_eq!(ids(&world.pushed(&by_name).await), [id]);
    assert_eq!(world.pushed(&format!("/Users/{id}")).await, made);

    // A change of the profile is a PUT, a deactivation a PATCH.
    let mut changed = alice();
    changed["name"]["givenName"] = json!("Alicia");
    changed["id"] = json!(id);
    let changed = world.push("PUT", &format!("/Users/{id}"), &changed).await;
    assert_eq!((&changed["name"]["givenName"], &changed["id"]), (&json!("Alicia"), &json!(id)));
    let inactive = world.patch(&format!("/Users/{id}"), &json!([{"op": "replace", "value": {"active": false}}])).await;
    assert_eq!(inactive["active"], false);
    let mut silent = alice();
    silent.as_object_mut().unwrap().remove("active");
    let silent = world.push("PUT", &format!("/Users/{id}"), &silent).await;
    assert_eq!(silent["active"], false, "a PUT that does not speak of it lets nobody in");
    let active = world.patch(&format!("/Users/{id}"), &json!([{"op": "replace", "value": {"active": true}}])).await;
    assert_eq!(active["active"], true);
    assert_eq!(world.scim("DELETE", &format!("/Users/{id}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.scim("GET", &format!("/Users/{id}"), None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn groups_are_pushed() {
    let (world, _idp) = world().await;
    let (a, b) = (world.user("a@example.com", "00ua").await, world.user("b@example.com", "00ub").await);
    let body =
        json!({"schemas": [GROUP], "displayName": "Platform", "members": [{"value": a, "display": "a@example.com"}]});
    let made = world.push("POST", "/Groups", &body).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/Groups/{id}");
    assert_eq!((members(&made), &made["meta"]["resourceType"]), (vec![a.as_str()], &json!("Group")));
    assert_eq!(world.refused("POST", "/Groups", &body).await, (409, "uniqueness".to_owned()));
    assert_eq!(ids(&world.pushed(&filtered("Groups", "displayName eq \"platform\"")).await), [id]);
    assert_eq!(members(&world.pushed("/Groups?startIndex=1&count=100").await["Resources"][0]), [a.as_str()]);

    let changes = json!([
        {"op": "remove", "path": format!("members[value eq \"{a}\"]")},
        {"op": "add", "path": "members", "value": [{"value": b, "display": "b@example.com"}]},
    ]);
    assert_eq!(world.patch(&path, &changes).await, Value::Null, "204, as the group may be large");
    assert_eq!(members(&world.pushed(&path).await), [b.as_str()]);
    world.patch(&path, &json!([{"op": "replace", "value": {"id": id, "displayName": "Platform 2"}}])).await;
    let renamed = world.pushed(&path).await;
    assert_eq!((&renamed["displayName"], members(&renamed)), (&json!("Platform 2"), vec![b.as_str()]));
    world.patch(&path, &json!([{"op": "replace", "path": "members", "value": [{"value": a}, {"value": b}]}])).await;
    let mut both = vec![a.as_str(), b.as_str()];
    both.sort_unstable();
    assert_eq!(members(&world.pushed(&path).await), both);
    let body = json!({"schemas": [GROUP], "displayName": "Platform 2", "members": [{"value": a}]});
    assert_eq!(members(&world.push("PUT", &path, &body).await), [a.as_str()]);
    assert_eq!(world.scim("DELETE", &format!("/Users/{a}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(members(&world.pushed(&path).await), Vec::<&str>::new(), "who is gone is in no group");
    assert_eq!(world.scim("DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.scim("DELETE", &path, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_offered_is_said() {
    let (world, _idp) = world().await;
    let config = world.pushed("/ServiceProviderConfig").await;
    for (feature, supported) in [
        ("patch", true),
        ("filter", true),
        ("bulk", false),
        ("sort", false),
        ("etag", false),
        ("changePassword", false),
    ] {
        assert_eq!(config[feature]["supported"], supported, "{feature}");
    }
    let types = world.pushed("/ResourceTypes").await;
    assert_eq!(ids(&types), ["User", "Group"]);
    assert_eq!(world.pushed("/ResourceTypes/User").await, types["Resources"][0]);
    assert_eq!(ids(&world.pushed("/Schemas").await), [USER, GROUP]);
    assert_eq!(world.pushed(&format!("/Schemas/{USER}")).await["attributes"][0]["name"], "userName");
    for path in ["/Schemas/x", "/ResourceTypes/x", "/Bulk", "/Me", "/Users/.search/x"] {
        assert_eq!(world.scim("GET", path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let standing = world.app.scim.standing("corp").await.unwrap().unwrap();
    assert_eq!((standing.users, standing.groups, standing.push.pushed_at), (0, 0, None), "a question is no push");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let (world, _idp) = world().await;
    for number in 0..5 {
        world.user(&format!("u{number}@example.com"), &format!("00u{number}")).await;
    }
    let mut seen = Vec::new();
    for start in [1, 3, 5, 7] {
        let page = world.pushed(&format!("/Users?startIndex={start}&count=2")).await;
        assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(5), &json!(start)));
        assert_eq!(page["itemsPerPage"], ids(&page).len());
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        let filtered = filtered("Users", "emails.value co \"@example.com\"");
        let filtered = world.pushed(&format!("{filtered}&startIndex={start}&count=2")).await;
        assert_eq!(ids(&filtered), ids(&page));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 5, "each once");
    assert_eq!(ids(&world.pushed("/Users?count=0").await), Vec::<&str>::new());
    assert_eq!(world.pushed("/Users?count=-1&startIndex=-7").await["startIndex"], 1);
    assert_eq!(ids(&world.pushed("/Users?count=999999999999").await).len(), 5);
    let some = world.pushed("/Users?attributes=userName,emails.value&count=1").await;
    let some = some["Resources"][0].as_object().unwrap();
    assert_eq!(some.keys().collect::<Vec<_>>(), ["emails", "id", "schemas", "userName"]);
}
