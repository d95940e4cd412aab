//! The pages of administrators.

use askama::Template;

use super::super::api::status::StatusView;
use super::super::messages::{self as m, Text};
use super::super::pages::SessionView;
use crate::policy::File;

/// The sections: each with its path and its name.
pub(in crate::http) fn sections() -> [(&'static str, Text); 4] {
    [
        ("/admin", m::text("status-title")),
        ("/admin/sessions", m::text("admin-sessions")),
        ("/admin/users", m::text("admin-users")),
        ("/admin/providers", m::text("admin-providers")),
    ]
}

#[derive(Template)]
#[template(path = "admin/status.html")]
pub(in crate::http) struct StatusPage<'a> {
    /// How all stands.
    pub(in crate::http) status: &'a StatusView,
}

/// A person whose sessions are all shown, with the form that ends them.
pub(in crate::http) struct AllOf {
    /// The user name.
    pub(in crate::http) user: Option<String>,
    /// Who it is.
    pub(in crate::http) person: String,
    /// The proof that the form is ours.
    pub(in crate::http) csrf: String,
}

#[derive(Template)]
#[template(path = "admin/sessions.html")]
pub(in crate::http) struct AdminSessionsPage<'a> {
    /// Whose sessions were looked for.
    pub(in crate::http) user: &'a str,
    /// The sessions.
    pub(in crate::http) sessions: Vec<SessionView>,
    /// Whose they are, when somebody was looked for.
    pub(in crate::http) all_of: Vec<AllOf>,
    /// The next page.
    pub(in crate::http) next: Option<String>,
    /// Whether a session has just been ended.
    pub(in crate::http) done: bool,
}

/// A person who is known.
pub(in crate::http) struct UserView {
    /// Who.
    pub(in crate::http) person: String,
    /// The newest user name.
    pub(in crate::http) user: Option<String>,
    /// When a session of theirs was last used.
    pub(in crate::http) seen: String,
    /// How many of their sessions live.
    pub(in crate::http) live: u32,
    /// Where these are listed.
    pub(in crate::http) sessions: String,
    /// Whether it is who reads this.
    pub(in crate::http) is_you: bool,
    /// Whether this person may not sign in.
    pub(in crate::http) is_disabled: bool,
    /// The proof that the form is ours.
    pub(in crate::http) csrf: String,
}

/// A person who may not sign in.
pub(in crate::http) struct DisabledView {
    /// Who.
    pub(in crate::http) person: String,
    /// The user name, as far as it was known.
    pub(in crate::http) user: Option<String>,
    /// Why.
    pub(in crate::http) reason: String,
    /// The administrator who said so.
    pub(in crate::http) by: String,
    /// Since when.
    pub(in crate::http) at: String,
    /// The proof that the form is ours.
    pub(in crate::http) csrf: String,
}

#[derive(Template)]
#[template(path = "admin/users.html")]
pub(in crate::http) struct AdminUsersPage<'a> {
    /// Who was looked for.
    pub(in crate::http) user: &'a str,
    /// The people.
    pub(in crate::http) users: Vec<UserView>,
    /// Who may not sign in.
    pub(in crate::http) disabled: Vec<DisabledView>,
    /// The next page.
    pub(in crate::http) next: Option<String>,
    /// What has just been done: `disabled` or `enabled`.
    pub(in crate::http) done: Option<&'a str>,
}

/// An identity provider.
pub(in crate::http) struct ProviderView<'a> {
    /// Its id.
    pub(in crate::http) id: &'a str,
    /// What people know it as.
    pub(in crate::http) name: &'a str,
    /// What it speaks.
    pub(in crate::http) kind: &'static str,
    /// Its issuer, or where people sign in.
    pub(in crate::http) issuer: &'a str,
    /// Whether it has a discovery document whose answers are known.
    pub(in crate::http) discovers: bool,
    /// Where the groups of its people come from.
    pub(in crate::http) groups: Text,
    /// What is wrong with the file that they come from.
    pub(in crate::http) group_problem: Option<String>,
    /// How its pushing goes, when it pushes.
    pub(in crate::http) push: Option<PushView>,
    /// Whether it is being asked in this moment.
    pub(in crate::http) asking: bool,
    /// Whether the last try went well.
    pub(in crate::http) good: Option<bool>,
    /// When it last answered as it should, and with how many keys.
    pub(in crate::http) answered: Option<(String, usize)>,
    /// When it last did not, and why.
    pub(in crate::http) failed: Option<(String, String)>,
}

/// What a provider pushes (SCIM).
pub(in crate::http) struct PushView {
    /// How many users.
    pub(in crate::http) users: usize,
    /// How many groups.
    pub(in crate::http) groups: usize,
    /// When a push last went well.
    pub(in crate::http) pushed: Option<String>,
    /// When one was last refused, and why.
    pub(in crate::http) failed: Option<(String, String)>,
}

/// An issuer of workloads' tokens.
pub(in crate::http) struct WorkloadView<'a> {
    /// Its id.
    pub(in crate::http) id: &'a str,
    /// Who stands in the tokens.
    pub(in crate::http) issuer: &'a str,
    /// Whom they have to be for.
    pub(in crate::http) audience: &'a str,
    /// What is put before every user name.
    pub(in crate::http) prefix: &'a str,
}

#[derive(Template)]
#[template(path = "admin/providers.html")]
pub(in crate::http) struct AdminProvidersPage<'a> {
    /// The providers.
    pub(in crate::http) providers: Vec<ProviderView<'a>>,
    /// How many built-in accounts there are.
    pub(in crate::http) accounts: usize,
    /// The issuers of workloads' tokens.
    pub(in crate::http) workloads: Vec<WorkloadView<'a>>,
}
