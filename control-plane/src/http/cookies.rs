//! Our cookies.
//!
//! - `kubegate-session` holds a browser's session.
//! - `kubegate-browser` tells browsers apart before anybody has signed in; forms and sign-ins under way are bound to it.
//! - `kubegate-language` holds the language that somebody chose.
//!
//! On https all have the `__Host-` prefix: no other host, not even a subdomain, can set them.

use axum::http::HeaderMap;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use kubegate_core::secret::Secret;

use crate::random::{self, RandomError};

/// Names and attributes of our cookies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    secure: bool,
}

impl Cookies {
    /// Cookies for an issuer on https, or (`false`) on http at a loopback address.
    pub(crate) fn new(secure: bool) -> Self {
        Self { secure }
    }

    fn name(self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn cookie(self, name: &str, value: String) -> Cookie<'static> {
        Cookie::build((self.name(name), value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .build()
    }

    /// The session cookie's value.
    pub(crate) fn session(self, headers: &HeaderMap) -> Option<Secret> {
        self.read(headers, "kubegate-session")
    }

    /// The browser cookie's value.
    pub(crate) fn browser(self, headers: &HeaderMap) -> Option<Secret> {
        self.read(headers, "kubegate-browser").filter(|value| value.expose().len() == BROWSER_LENGTH)
    }

    /// The browser cookie's value, and the cookie to set when there was none.
    pub(crate) fn browser_or_new(self, headers: &HeaderMap) -> Result<(Secret, CookieJar), RandomError> {
        if let Some(value) = self.browser(headers) {
            return Ok((value, CookieJar::new()));
        }
        let value = random::secret("")?;
        Ok((Secret::from(value.clone()), CookieJar::new().add(self.cookie("kubegate-browser", value))))
    }

    /// The cookie that holds a new session. It ends with the browser or the session, whichever is first.
    pub(crate) fn set_session(self, secret: &Secret) -> CookieJar {
        CookieJar::new().add(self.cookie("kubegate-session", secret.expose().to_owned()))
    }

    /// Takes the session cookie away.
    pub(crate) fn forget_session(self) -> CookieJar {
        let mut cookie = self.cookie("kubegate-session", String::new());
        cookie.make_removal();
        CookieJar::new().add(cookie)
    }

    /// The language that was chosen.
    pub(crate) fn language(self, headers: &HeaderMap) -> Option<String> {
        self.read(headers, "kubegate-language").map(|tag| tag.expose().to_owned())
    }

    /// The cookie that keeps a language for a year.
    pub(crate) fn set_language(self, tag: &str) -> CookieJar {
        let mut cookie = self.cookie("kubegate-language", tag.to_owned());
        cookie.set_max_age(time::Duration::days(365));
        CookieJar::new().add(cookie)
    }

    fn read(self, headers: &HeaderMap, name: &str) -> Option<Secret> {
        CookieJar::from_headers(headers).get(&self.name(name)).map(|cookie| Secret::from(cookie.value()))
    }
}

/// 32 random bytes in base64url.
const BROWSER_LENGTH: usize = 43;
