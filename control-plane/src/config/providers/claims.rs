//! `claims`: which claims say what.

use kubegate_core::document::Fields;

/// Which claims say what. Each is a name, or a path of names joined by dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The user name.
    pub user: String,
    /// The groups.
    pub groups: String,
    /// The e-mail address.
    pub email: String,
    /// The uid; `None` for none.
    pub uid: Option<String>,
}

/// The fields of `claims`.
const FIELDS: [&str; 4] = ["user", "groups", "email", "uid"];

pub(super) fn read(fields: &Fields<'_>) -> Option<ClaimNames> {
    let defaults = ClaimNames {
        user: "email".to_owned(),
        groups: "groups".to_owned(),
        email: "email".to_owned(),
        uid: Some("sub".to_owned()),
    };
    let Some(node) = fields.get("claims") else {
        return Some(defaults);
    };
    let claims = node.fields(&FIELDS)?;
    let name = |field, default: String| match claims.get(field) {
        Some(node) => Some(node.non_empty_text()?.to_owned()),
        None => Some(default),
    };
    let user = name("user", defaults.user);
    let groups = name("groups", defaults.groups);
    let email = name("email", defaults.email);
    // An empty text means: none.
    let uid = match claims.get("uid") {
        Some(node) => node.text().map(|text| (!text.is_empty()).then(|| text.to_owned())),
        None => Some(defaults.uid),
    };
    Some(ClaimNames { user: user?, groups: groups?, email: email?, uid: uid? })
}
