//! What people see in a browser.

pub(super) mod accounts;
pub(super) mod callback;
pub(super) mod device;
pub(super) mod device_decision;
pub(super) mod home;
pub(super) mod logged_out;
pub(super) mod login;
pub(super) mod logout;
pub(super) mod provider;
mod return_to;
pub(super) mod sign_in;
pub(super) mod signed_in;
pub(super) mod status;

pub(super) use self::return_to::ReturnTo;

/// The sign-in page that leads back to `return_to`, asking for `provider` when one is named.
pub(super) fn login_url(return_to: &str, provider: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", return_to);
    if let Some(provider) = provider {
        query.append_pair("provider", provider);
    }
    format!("/login?{}", query.finish())
}
