//! What GitHub has of its own: GitHub.com, or a GitHub Enterprise of a company.

use kubegate_core::document::{Fields, Node};

use super::super::each;
use super::{ClaimNames, base_url, refuse};

/// GitHub.
#[derive(Clone, Debug)]
pub struct Github {
    /// Where people sign in, without a slash at the end.
    pub url: String,
    /// The API's base URL, without a slash at the end.
    pub api_url: String,
    /// The organisations (in lower case) whose members may sign in. Only these, and their teams, become groups: anybody
    /// can found an organisation of any other name.
    pub organizations: Vec<String>,
}

const URL: &str = "https://github.com";
const API_URL: &str = "https://api.github.com";

pub(super) fn read(fields: &Fields<'_>) -> Option<Github> {
    refuse(fields, &["issuer"], "leave it out: GitHub has `url` and `apiUrl`");
    let url = fields.get("url").map_or_else(|| Some(URL.to_owned()), |node| base_url(&node));
    let api_url = match fields.get("apiUrl") {
        Some(node) => base_url(&node),
        // A GitHub Enterprise Server has its API below its own address.
        None => url.as_ref().map(|url| if url == URL { API_URL.to_owned() } else { format!("{url}/api/v3") }),
    };
    let organizations = fields.require("organizations").and_then(|node| {
        let organizations = each(&node, organization)?;
        if organizations.is_empty() {
            node.report("is empty, so nobody could sign in", "list your organisations");
            return None;
        }
        Some(organizations)
    });
    Some(Github { url: url?, api_url: api_url?, organizations: organizations? })
}

/// The scopes that are asked for when none are named.
pub(super) fn scopes() -> Vec<String> {
    ["read:user", "user:email", "read:org"].map(str::to_owned).to_vec()
}

/// What GitHub says of a person has fixed places.
pub(super) fn claims(fields: &Fields<'_>) -> Option<ClaimNames> {
    refuse(fields, &["claims"], "leave it out: the user name is the login, the uid is GitHub's number of the person");
    Some(ClaimNames {
        user: "login".to_owned(),
        groups: "groups".to_owned(),
        email: "email".to_owned(),
        uid: Some("sub".to_owned()),
    })
}

fn organization(node: &Node<'_>) -> Option<String> {
    let name = node.non_empty_text()?;
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        node.report(format!("{name:?} is not an organisation's name"), "write it as in the organisation's address");
        return None;
    }
    Some(name.to_ascii_lowercase())
}
