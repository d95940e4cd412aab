//! What Entra sends, in its older and its standard form.

use super::*;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn users_are_made_found_changed_and_deactivated() {
    let (world, _idp) = world().await;
    // The test of the connection.
    let nobody = filtered("Users", "userName eq \"8ae9b1ee-0b5c-4b0e-9a8b-8cf5ad0c6ef0\"");
    assert_eq!(world.pushed(&nobody).await["totalResults"], 0);
    let made = world
        .push(
            "POST",
            "/Users",
            &json!({
                "schemas": [USER, ENTERPRISE], "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
                "userName": "Test_User_ab6490ee", "active": true,
                "emails": [{"primary": true, "type": "work", "value": "Test_User_fd0ea19b@testuser.com"}],
                "meta": {"resourceType": "User"}, "name": {"formatted": "givenName familyName", "familyName": "familyName",
                "givenName": "givenName"}, "roles": [], (ENTERPRISE): {"department": "bob"},
            }),
        )
        .await;
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    for filter in [
        "userName eq \"test_user_AB6490ee\"",
        "externalId eq \"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef\"",
        "emails[type eq \"work\"].value eq \"Test_User_fd0ea19b@testuser.com\"",
    ] {
        assert_eq!(
            ids(&world.pushed(&filtered("Users", filter)).await),
            ids(&json!({"Resources": [made]})),
            "{filter}"
        );
    }
    let changed = world
        .patch(
            &path,
            &json!([
                {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updatedEmail@microsoft.com"},
                {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
                {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": [{"$ref": null, "value": "1234"}]},
                {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "7"},
            ]),
        )
        .await;
    assert_eq!(changed["emails"][0]["value"], "updatedEmail@microsoft.com");
    assert_eq!(changed["name"]["familyName"], "updatedFamilyName");
    let named =
        world.patch(&path, &json!([{"op": "Replace", "path": "userName", "value": "5b50642d@testuser.com"}])).await;
    assert_eq!(named["userName"], "5b50642d@testuser.com");
    for operation in [
        json!({"op": "Replace", "path": "active", "value": "False"}),
        json!({"op": "Replace", "path": "active", "value": "True"}),
        json!({"op": "replace", "path": "active", "value": false}),
    ] {
        let wanted = operation["value"] == "True";
        assert_eq!(world.patch(&path, &json!([operation])).await["active"], wanted, "{operation}");
        let found = world.pushed(&filtered("Users", "userName eq \"5b50642d@testuser.com\"")).await;
        assert_eq!(found["Resources"][0]["active"], wanted, "who is not active is still found");
    }
    assert_eq!(world.scim("DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn groups_are_pushed_without_being_read() {
    let (world, _idp) = world().await;
    let user = world.user("a@example.com", "1").await;
    let body = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "Team", "meta": {"resourceType": "Group"},
    });
    let made = world.push("POST", "/Groups", &body).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/Groups/{id}");
    let found = filtered("Groups", "displayName eq \"Team\"") + "&excludedAttributes=members";
    for (op, member) in [
        (json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": user}]}), true),
        (json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": user}]}), false),
        (json!({"op": "add", "path": "members", "value": [{"value": user}]}), true),
        (json!({"op": "remove", "path": format!("members[value eq \"{user}\"]")}), false),
    ] {
        assert_eq!(world.patch(&path, &json!([op])).await, Value::Null);
        let is_member = filtered("Groups", &format!("id eq \"{id}\" and members eq \"{user}\"")) + "&attributes=id";
        assert_eq!(world.pushed(&is_member).await["totalResults"], i32::from(member), "{op}");
        assert_eq!(members(&world.pushed(&path).await).len(), usize::from(member), "{op}");
        let short = world.pushed(&format!("{path}?excludedAttributes=members")).await;
        assert_eq!((&short["displayName"], short.get("members")), (&json!("Team"), None));
        assert_eq!(world.pushed(&found).await["Resources"][0].get("members"), None);
    }
    world.patch(&path, &json!([{"op": "Replace", "path": "displayName", "value": "Team 2"}])).await;
    assert_eq!(world.pushed(&path).await["displayName"], "Team 2");
    assert_eq!(world.scim("DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
}
