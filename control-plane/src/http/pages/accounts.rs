//! `POST /login/accounts`: sign in with a built-in account.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::secret::Secret;

use super::super::error::PageError;
use super::super::extract::{ClientAddress, Parameters, browser_holder};
use super::super::oauth::authorize::see_other;
use super::login::{self, Attempt};
use super::{ReturnTo, sign_in};
use crate::accounts::{PROVIDER, Refused};
use crate::app::App;
use crate::session::SignIn;

/// Whoever comes here without a form is shown it.
pub(in crate::http) async fn get() -> Response {
    see_other("/login")
}

/// The form.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    let form = Parameters::parse(&body).map_err(|_| stale_form())?;
    let browser = app.cookies.browser(&headers);
    let Some(browser) =
        browser.filter(|browser| app.forms.proves(form.get("csrf").unwrap_or_default(), Some(browser), &["login"]))
    else {
        return Err(stale_form());
    };
    let return_to = ReturnTo::parse(form.get("return_to"), &app.issuer);
    let user = form.get("username").unwrap_or_default();
    let password = Secret::from(form.get("password").unwrap_or_default());
    match app.accounts.sign_in(user, password, address, app.clock.now()).await {
        Ok(identity) => {
            let purpose = return_to.purpose(&app.issuer, true);
            let holder = browser_holder(&headers, address);
            let sign_in = SignIn { identity, auth_time: Some(app.clock.now()), purpose, holder, at_provider: None };
            sign_in::complete(&app, sign_in, &return_to, &headers, address).await
        }
        Err(refused) => {
            tracing::info!(provider = PROVIDER, %address, %refused, "a sign-in was refused");
            app.metrics.sign_in(PROVIDER, if refused == Refused::Wrong { "wrong-password" } else { "slowed-down" });
            Ok(again(&app, &browser, &return_to, user, refused))
        }
    }
}

/// The form again, with what was wrong.
fn again(app: &App, browser: &Secret, return_to: &ReturnTo, user: &str, refused: Refused) -> Response {
    let (problem, status, wait) = match refused {
        Refused::Wrong => ("The user name or the password is wrong.".to_owned(), StatusCode::UNAUTHORIZED, None),
        Refused::Wait(wait) => {
            let seconds = wait.as_secs().max(1);
            let problem = format!("Too many failed attempts. Wait {seconds} seconds, then try again.");
            (problem, StatusCode::TOO_MANY_REQUESTS, Some(seconds))
        }
        Refused::Busy => {
            let problem = "Many people are signing in at this moment. Try again in a few seconds.".to_owned();
            (problem, StatusCode::SERVICE_UNAVAILABLE, Some(5))
        }
    };
    let attempt = Attempt { username: user, problem: Some((problem, status)), ..Attempt::default() };
    let mut response = login::page(app, browser, return_to, attempt).into_response();
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

fn stale_form() -> PageError {
    PageError::new(
        StatusCode::FORBIDDEN,
        "form-expired",
        "This form is no longer valid",
        "It was not opened in this browser, or the browser does not keep our cookie.",
        "Allow cookies for this site, open the sign-in page again, and send the form once more.",
    )
}
