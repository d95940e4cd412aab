//! What the small identity provider does when it is asked again: its refresh tokens rotate, and the use of a spent one is
//! taken for a theft.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::idp::Behaviour;

pub(super) type Refusal = (StatusCode, Json<Value>);

/// What it does when it is asked again.
#[derive(Clone, Debug, Default)]
pub(super) struct Again {
    /// Whether it gives refresh tokens.
    pub(super) gives: bool,
    /// The status and error that it answers with.
    pub(super) refuses: Option<(u16, &'static str)>,
    /// Whether its answers lack an ID token.
    pub(super) without_id_token: bool,
    /// Whether its userinfo endpoint takes no access token any more.
    pub(super) access_token_is_over: bool,
    /// How long it takes to answer.
    pub(super) takes: Duration,
    /// How often it was asked.
    pub(super) asked: u32,
    /// Each refresh token that it gave, and whether it was used.
    given: Vec<bool>,
    /// Whether a spent one was used, which spends them all.
    pub(super) stolen: bool,
}

impl Again {
    pub(super) fn next(&mut self) -> Option<String> {
        self.gives.then(|| {
            self.given.push(false);
            format!("rt-{}", self.given.len() - 1)
        })
    }
}

/// Checks a refresh token, and spends it.
pub(super) async fn asked(behaviour: &Arc<Mutex<Behaviour>>, form: &HashMap<String, String>) -> Result<(), Refusal> {
    let takes = {
        let again = &mut behaviour.lock().unwrap().again;
        again.asked += 1;
        again.takes
    };
    tokio::time::sleep(takes).await;
    let again = &mut behaviour.lock().unwrap().again;
    let refused = |status: u16, error: &str| {
        Err((StatusCode::from_u16(status).unwrap(), Json(json!({"error": error, "error_description": "of the test"}))))
    };
    if let Some((status, error)) = again.refuses {
        return refused(status, error);
    }
    let number: usize = form["refresh_token"].strip_prefix("rt-").unwrap().parse().unwrap();
    if std::mem::replace(&mut again.given[number], true) {
        again.stolen = true;
    }
    if again.stolen { refused(400, "invalid_grant") } else { Ok(()) }
}
