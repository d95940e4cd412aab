//! `/scim/v2/{provider}/ServiceProviderConfig`: what is offered (RFC 7643 section 5).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::answer;
use super::extract::Pushes;
use crate::app::App;
use crate::scim::MOST_LISTED;

/// What is offered.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, pushes: Pushes) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let location = format!("{}/ServiceProviderConfig", answer::base(&app, directory));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MOST_LISTED },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token",
            "description": "The token of the provider, from the file that scim.tokenFile names", "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": location },
    });
    Ok(answer::conclude(&app, directory, false, Ok(answer::json_of(StatusCode::OK, &body))).await)
}
