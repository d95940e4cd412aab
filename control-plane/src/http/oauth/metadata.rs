//! `GET /.well-known/oauth-authorization-server` (RFC 8414; RFC 8628 section 4).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;

/// What clients need to know of us.
pub(in crate::http) async fn get(State(app): State<Arc<App>>) -> Json<Value> {
    let issuer = app.issuer.as_str();
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "jwks_uri": format!("{issuer}/oauth/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
    });
    if app.offers_device_flow()
        && let Some(fields) = metadata.as_object_mut()
    {
        fields.insert("device_authorization_endpoint".to_owned(), json!(format!("{issuer}{}", super::device::PATH)));
        if let Some(Value::Array(grants)) = fields.get_mut("grant_types_supported") {
            grants.push(json!(super::DEVICE_GRANT));
        }
    }
    Json(metadata)
}
