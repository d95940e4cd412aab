//! `groups`: where a provider's groups come from.

use std::path::PathBuf;

use kubegate_core::document::{Fields, Node};

use super::super::Surroundings;
use super::base_url;
use crate::oidc::GroupFile;

/// The one source of the groups of a provider's people. No other adds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupSource {
    /// The claim of the ID token; where that lacks it, of userinfo.
    Claims,
    /// The claim of the ID token alone.
    IdToken,
    /// The claim of userinfo alone.
    UserInfo,
    /// The claim of Entra's ID token; where Entra leaves it out because there are too many, Microsoft Graph.
    Entra {
        /// Graph's base URL, without a slash at the end.
        graph: String,
    },
    /// GitHub's organisations and teams.
    Github,
    /// A file that says whose groups are which.
    File(PathBuf),
    /// A directory that pushes its people and groups (SCIM).
    Scim,
    /// There are none.
    None,
}

/// The fields of this section.
const FIELDS: [&str; 3] = ["from", "graph", "file"];

const GRAPH: &str = "https://graph.microsoft.com";

pub(super) fn read(fields: &Fields<'_>, github: bool, surroundings: &Surroundings<'_>) -> Option<GroupSource> {
    let default = if github { GroupSource::Github } else { GroupSource::Claims };
    let Some(node) = fields.get("groups") else {
        return Some(default);
    };
    let groups = node.fields(&FIELDS)?;
    let from = match groups.get("from") {
        None => Some(default),
        Some(node) => source(&node, fields, &groups, github, surroundings),
    };
    let from = from?;
    for (name, concerns) in
        [("graph", matches!(from, GroupSource::Entra { .. })), ("file", matches!(from, GroupSource::File(_)))]
    {
        if let Some(node) = groups.get(name).filter(|_| !concerns) {
            node.report("means nothing for this source of groups", "leave it out, or change `from`");
        }
    }
    Some(from)
}

fn source(
    node: &Node<'_>,
    provider: &Fields<'_>,
    groups: &Fields<'_>,
    github: bool,
    surroundings: &Surroundings<'_>,
) -> Option<GroupSource> {
    let from = node.text()?;
    match from {
        "github" if github => Some(GroupSource::Github),
        "claims" if !github => Some(GroupSource::Claims),
        "idToken" if !github => Some(GroupSource::IdToken),
        "userinfo" if !github => Some(GroupSource::UserInfo),
        "entra" if !github => {
            let graph = groups.get("graph").map_or_else(|| Some(GRAPH.to_owned()), |node| base_url(&node))?;
            Some(GroupSource::Entra { graph })
        }
        "file" => file(node, groups, surroundings),
        "scim" if provider.get("scim").is_none() => {
            node.report("names SCIM, and the provider has no `scim`", "add `scim` to the provider");
            None
        }
        "scim" => Some(GroupSource::Scim),
        "none" => Some(GroupSource::None),
        _ if github => {
            node.report("is no source of groups for GitHub", "write github, file, scim or none");
            None
        }
        _ => {
            node.report("is not a source of groups", "write claims, idToken, userinfo, entra, file, scim or none");
            None
        }
    }
}

fn file(node: &Node<'_>, groups: &Fields<'_>, surroundings: &Surroundings<'_>) -> Option<GroupSource> {
    let Some(node) = groups.get("file") else {
        node.report("names no file", "name it in `file`, beside `from`");
        return None;
    };
    let path = surroundings.path(&node)?;
    match GroupFile::load(&path) {
        Ok(_) => Some(GroupSource::File(path)),
        Err(error) => {
            node.report(error.to_string().trim_end().to_owned(), "correct the file; docs/configuration.md shows one");
            None
        }
    }
}
