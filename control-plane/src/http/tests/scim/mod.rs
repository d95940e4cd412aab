//! What identity providers push (SCIM), message by message.

mod effect;
mod entra;
mod hostile;
mod okta;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use super::idp::Idp;
use super::world::{Answer, World};

/// The token that the provider corp shows, and the one that it will.
pub(super) const TOKEN: &str = "scim-0123456789012345678901234567890123456789";
pub(super) const NEXT_TOKEN: &str = "scim-next-9876543210987654321098765432109876";

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// What is added to the provider's configuration.
const SCIM: &str = "groups: {from: scim}, scim: {tokenFile: scim-token, link: {attribute: externalId, claim: oid}}";

/// A control plane with a provider that pushes.
async fn world() -> (World, Idp) {
    world_with(SCIM).await
}

async fn world_with(scim: &str) -> (World, Idp) {
    let idp = Idp::start().await;
    idp.behaviour.lock().unwrap().claims["oid"] = json!("00u1");
    let section = idp.section().replace("extraParameters", &format!("{scim}, extraParameters"));
    (World::with(&section).await, idp)
}

impl World {
    /// A request as a provider sends it, below its base URL.
    async fn scim(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.scim_as(TOKEN, "corp", method, path, body.map(Value::to_string)).await
    }

    async fn scim_as(&self, token: &str, provider: &str, method: &str, path: &str, body: Option<String>) -> Answer {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("/scim/v2/{provider}{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/scim+json; charset=utf-8");
        let answer = self.send(request.body(body.map_or(Body::empty(), Body::from)).unwrap()).await;
        if !answer.text.is_empty() {
            assert_eq!(answer.header("content-type"), "application/scim+json", "{}", answer.text);
        }
        answer
    }

    /// The same, which has to go well.
    async fn push(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.scim(method, path, Some(body)).await;
        assert!(answer.status.is_success(), "{method} {path} {body}: {} {}", answer.status, answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    /// The same of a question.
    async fn pushed(&self, path: &str) -> Value {
        let answer = self.scim("GET", path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }

    /// Makes a user; returns its id.
    async fn user(&self, user_name: &str, external_id: &str) -> String {
        let body = json!({"schemas": [USER], "userName": user_name, "externalId": external_id, "active": true,
            "emails": [{"primary": true, "value": user_name, "type": "work"}]});
        self.push("POST", "/Users", &body).await["id"].as_str().unwrap().to_owned()
    }

    /// Makes a group of these; returns its id.
    async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        self.push("POST", "/Groups", &body).await["id"].as_str().unwrap().to_owned()
    }

    /// Changes a resource.
    async fn patch(&self, path: &str, operations: &Value) -> Value {
        self.push("PATCH", path, &json!({"schemas": [PATCH], "Operations": operations})).await
    }

    /// The error of a request: its status and its word.
    async fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.scim(method, path, Some(body)).await;
        let error = answer.json();
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{error}");
        assert_eq!(error["status"], json!(answer.status.as_u16().to_string()), "{error}");
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty() && detail.len() < 600), "{error}");
        (answer.status.as_u16(), error["scimType"].as_str().unwrap_or_default().to_owned())
    }
}

fn filtered(kind: &str, filter: &str) -> String {
    format!("/{kind}?{}", super::world::encode(&[("filter", filter)]))
}

/// The ids of a list.
fn ids(list: &Value) -> Vec<&str> {
    list["Resources"].as_array().unwrap().iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}

fn members(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap()).collect()
}
