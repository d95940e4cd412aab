//! `GET /signed-in`: where the command line sends the browser when it has its code.

use axum::response::Response;

use super::super::error::PageError;
use super::super::extract::BrowserSession;
use super::super::templates::{self, SignedInPage};

/// The page.
pub(in crate::http) async fn get(BrowserSession(session): BrowserSession) -> Result<Response, PageError> {
    let user = session.as_ref().map(|session| session.identity.user.as_str());
    Ok(templates::ok(&SignedInPage { user }))
}
