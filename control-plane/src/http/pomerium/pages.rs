//! The pages of a sign-in of pomerium-cli.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::messages::{self as m, Text};
use super::super::templates;

#[derive(Template)]
#[template(path = "pomerium_consent.html")]
pub(super) struct ConsentPage<'a> {
    /// Who would go on.
    pub(super) user: &'a str,
    /// How that person signed in.
    pub(super) provider: Text,
    /// The cluster.
    pub(super) cluster: &'a str,
    /// Its URL.
    pub(super) server: &'a str,
    /// Where pomerium-cli waits.
    pub(super) waits_at: &'a str,
    /// The proof that the form is ours.
    pub(super) csrf: &'a str,
    /// The request.
    pub(super) request: &'a str,
}

#[derive(Template)]
#[template(path = "pomerium_hand_over.html")]
pub(super) struct HandOverPage<'a> {
    /// Who it is.
    pub(super) user: &'a str,
    /// The cluster.
    pub(super) cluster: &'a str,
    /// When the token ends.
    pub(super) until: String,
    /// `post` or `get`.
    pub(super) method: &'static str,
    /// Where pomerium-cli waits.
    pub(super) action: &'a str,
    /// The token.
    pub(super) token: &'a str,
}

/// The page whose one form leads to `target` and nowhere else.
pub(super) fn hand_over(page: &HandOverPage<'_>, target: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action {target}; frame-ancestors 'none'; \
         base-uri 'none'"
    );
    let Ok(policy) = HeaderValue::from_str(&policy) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // What makes it is good once, so a choice of another language cannot lead back here.
    let mut response = m::from_the_start(|| templates::ok(page));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_escape_and_have_what_assistive_technology_needs() {
        const HOSTILE: &str = "<script>alert(1)</script>\"'&";
        let consent = ConsentPage {
            user: HOSTILE,
            provider: m::literal(HOSTILE),
            cluster: HOSTILE,
            server: HOSTILE,
            waits_at: HOSTILE,
            csrf: "proof",
            request: HOSTILE,
        };
        let hand_over = HandOverPage {
            user: HOSTILE,
            cluster: HOSTILE,
            until: "soon".into(),
            method: "post",
            action: HOSTILE,
            token: HOSTILE,
        };
        for html in [consent.render().unwrap(), hand_over.render().unwrap()] {
            assert!(!html.contains("<script") && !html.contains("style=") && !html.contains("onclick"), "{html}");
            assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{html}");
            assert_eq!(html.matches("<h1>").count(), 1, "{html}");
        }
    }
}
